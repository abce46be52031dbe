//! The errors of this crate.

/// Why a network could not be compiled.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The network itself is wrong.
    #[error(transparent)]
    Network(#[from] hemet_spaces::Error),
    /// The schedule, its constants or the cost table are wrong.
    #[error(transparent)]
    Schedule(#[from] hemet_schedule::tfhe::Error),
    /// Maps between two tables multiply up beyond 32 bits.
    #[error(
        "node `{0}`: the weights of the maps before it multiply up beyond 32 bits; put a table between them"
    )]
    Weights(String),
    /// Values that meet in one stage need a common number of boxes that is too large.
    #[error(
        "node `{node}`: values that meet here need {turn} boxes of a turn, at most {limit} are possible; give the tables \
         behind them equal moduli"
    )]
    Turn {
        /// The node.
        node: String,
        /// Boxes that would be needed.
        turn: u64,
        /// The most that is possible.
        limit: u32,
    },
    /// No parameter set is large enough.
    #[error(
        "no parameter set keeps the failure goal: with {set}, the best, layer `{layer}` fails with 2^{found:.1}; use smaller \
         tables or a shift, fewer or smaller weights"
    )]
    NoSet {
        /// The best set.
        set: String,
        /// The layer with the worst bootstrap.
        layer: String,
        /// Its failure there (log2).
        found: f64,
    },
}
