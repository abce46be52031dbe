//! The trials of a search that has ended, while it turns out which of them can be compiled.

use hemet_search::Trial;

use crate::run::summary::Uncompilable;

/// The trials of a search that has ended, of which those that turn out not to be compilable leave the front.
pub struct Trained {
    /// All trials.
    pub trials: Vec<Trial>,
    /// Those that left it.
    pub uncompilable: Vec<Uncompilable>,
}

impl Trained {
    /// Of these.
    pub fn of(trials: &[Trial]) -> Self {
        Self {
            trials: trials.to_vec(),
            uncompilable: Vec::new(),
        }
    }

    /// A trained network that cannot be compiled is none that can be chosen: it counts as failed from here on.
    pub fn drop_from_front(&mut self, trial: usize, reason: String) {
        eprintln!("trial #{trial} leaves the front, it cannot be compiled: {reason}");
        let dropped = Uncompilable { trial, reason };
        dropped.leave_front(&mut self.trials);
        self.uncompilable.push(dropped);
    }
}
