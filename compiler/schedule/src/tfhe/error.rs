//! What can be wrong with a TFHE schedule, its constants or its file.

use crate::fault::Faults;
use crate::syntax::ParseError;

/// What can be wrong with a schedule, its constants or its file.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The text is not a schedule.
    #[error("schedule text, {0}")]
    Text(#[from] ParseError),
    /// The schedule breaks rules; all faults at once.
    #[error(transparent)]
    Invalid(#[from] Faults),
    /// An input vector has another length than the schedule's input.
    #[error("the schedule takes {expected} values, {found} given")]
    InputLength {
        /// How many values the input instruction has.
        expected: usize,
        /// How many were given.
        found: usize,
    },
    /// An input value is outside the declared range.
    #[error("input value {index} is {value}, the schedule takes {low} to {high}")]
    InputValue {
        /// Which value.
        index: usize,
        /// What it is.
        value: i64,
        /// The least that is possible.
        low: i64,
        /// The greatest that is possible.
        high: i64,
    },
    /// A file is no schedule file.
    #[error("schedule file: {0}")]
    File(String),
    /// A cost table lacks what an estimate needs.
    #[error("the cost table has no `{0}`; calibrate this machine for the parameter set")]
    Cost(String),
}
