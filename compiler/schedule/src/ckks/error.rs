//! What can be wrong with a CKKS schedule, a cost table or an artifact.

use thiserror::Error;

use crate::container::FileError;
use crate::fault::Faults;
use crate::syntax::ParseError;

/// Why a schedule, a cost table or an artifact was refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// An instruction does not suit its operands.
    #[error("layer `{layer}`, instruction {instruction} ({op}): {message}")]
    Build {
        /// Name of the layer.
        layer: String,
        /// Position of the instruction.
        instruction: usize,
        /// The instruction's word.
        op: &'static str,
        /// What is wrong.
        message: String,
    },
    /// The text form does not parse.
    #[error("schedule text, {0}")]
    Parse(#[from] ParseError),
    /// The verifier refused a schedule.
    #[error(transparent)]
    Faults(#[from] Faults),
    /// The cost table has no measurement for what the schedule uses.
    #[error(transparent)]
    MissingCost(#[from] MissingCost),
    /// A cost table file is wrong.
    #[error("cost table: {message}")]
    CostTable {
        /// What and where.
        message: String,
    },
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] hemet_files::WriteError),
    /// A file is no artifact, or a damaged one.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A table has no measurement for what is asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "the cost table of `{machine}` has no times for log_n {log_n}, only for {found}; measure it with `hemet calibrate --full`"
)]
pub struct MissingCost {
    /// log2 of the ring degree.
    pub log_n: u32,
    /// The table's machine.
    pub machine: String,
    /// What there is.
    pub found: String,
}
