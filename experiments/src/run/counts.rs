//! How many trials of a search ended in which way.

use std::fmt;

use hemet_search::{Outcome, Trial};

/// Trials by the way in which they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Trained for all of their epochs.
    pub complete: usize,
    /// Stopped by successive halving.
    pub stopped: usize,
    /// Not trained: they cannot be run, or exceed a constraint.
    pub infeasible: usize,
    /// Failed in training, or could not be compiled in the end.
    pub failed: usize,
}

impl Counts {
    /// Of these trials.
    pub fn of(trials: &[Trial]) -> Self {
        let mut counts = Self::default();
        for trial in trials {
            match &trial.outcome {
                Outcome::Complete { .. } if trial.is_stopped() => counts.stopped += 1,
                Outcome::Complete { .. } => counts.complete += 1,
                Outcome::Infeasible { .. } => counts.infeasible += 1,
                Outcome::Failed { .. } => counts.failed += 1,
            }
        }
        counts
    }

    /// Trials whose training was begun: these count against the trials of an experiment.
    pub fn trained(&self) -> usize {
        self.complete + self.stopped + self.failed
    }
}

/// As in `12 trained, 33 stopped early, 5 infeasible, 0 failed`; those that were stopped only where some were.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} trained, ", self.complete)?;
        if self.stopped > 0 {
            write!(f, "{} stopped early, ", self.stopped)?;
        }
        write!(f, "{} infeasible, {} failed", self.infeasible, self.failed)
    }
}
