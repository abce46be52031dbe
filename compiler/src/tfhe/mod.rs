//! From an integer network to a TFHE schedule.
//!
//! Between two table layers everything is linear, so a network becomes **stages**: one integer map over the results of
//! earlier stages, then one table. A stage is a `linear` (nearly free), `halve`s where its table rounds bits off, a
//! `keyswitch` and a `bootstrap`. The first stage needs no key switch: the client encrypts under the small key. The
//! last map has no bootstrap; the client decrypts its result.
//!
//! Parameter sets are chosen among the published ones by cost, under the goal for the probability of failure; the
//! boxes of a turn are as many as the stage needs and not a power of two.

mod choose;
mod emit;
mod error;
mod expression;
mod label;
mod stages;

pub use error::Error;
pub use label::with_label;

use hemet_schedule::tfhe::{
    CostTable, Estimate, FailureGoal, OutputForm, SetId, Summary, Verified, estimate, verify,
};
use hemet_spaces::QuantizedNetwork;

/// How to compile.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// How unlikely a wrong result must be.
    pub failure: FailureGoal,
    /// What the client gets.
    pub output: OutputForm,
    /// What operations cost, to choose parameter sets and to estimate.
    pub costs: CostTable,
    /// The parameter sets that may be used.
    pub sets: Vec<SetId>,
}

impl Default for Options {
    /// A failure of at most 2^-40 a prediction, logits, nominal costs on two threads, all sets.
    fn default() -> Self {
        Self {
            failure: FailureGoal::Prediction(40),
            output: OutputForm::Logits,
            costs: CostTable::nominal(2),
            sets: SetId::all().collect(),
        }
    }
}

/// A compiled network.
#[derive(Clone, Debug, PartialEq)]
pub struct Compiled {
    /// The schedule with its constants.
    pub verified: Verified,
    /// Its op counts.
    pub summary: Summary,
    /// Its predicted latency.
    pub estimate: Estimate,
}

/// Compiles a network.
///
/// # Errors
/// A network that no set of `options` can run within the failure goal, numbers beyond the limits of a schedule, or
/// costs that the table lacks.
pub fn compile(network: &QuantizedNetwork, options: &Options) -> Result<Compiled, Error> {
    let schedule = match options.output {
        OutputForm::Logits => choose::choose(&stages::stages(network)?, options)?,
        OutputForm::Label => label::choose_label(network, options)?,
    };
    let verified = verify(schedule).map_err(hemet_schedule::tfhe::Error::from)?;
    let summary = Summary::new(&verified);
    let estimate = estimate(&verified, &options.costs)?;
    Ok(Compiled {
        verified,
        summary,
        estimate,
    })
}
