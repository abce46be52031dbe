//! Phases: the stretches of a training, one after the other. Each has its epochs, the layers whose parameters move, and
//! its learning rate; the optimizer begins each anew.
//!
//! Every training begins with [`learn`]; an experiment may let others follow. To add one: its file, and a line in
//! [`PhaseOptions`] and its three functions, whose matches rustc checks. The suite is `search/tests/phases.rs`.

pub mod learn;
pub mod tune;

use serde::{Deserialize, Serialize};

use crate::Error;

/// A stretch of a training.
pub(super) trait Phase {
    /// Passes over the training images, at least 1.
    fn epochs(&self) -> usize;

    /// Which layers' parameters move. The others work as at inference, so that what follows them learns from what it
    /// will see.
    fn layers(&self) -> Layers;

    /// Share of the greatest learning rate, 0 to 1, at `progress` (0 to 1) of the phase.
    fn rate(&self, progress: f32) -> f32;
}

/// The layers whose parameters a phase moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layers {
    /// All of them.
    #[default]
    All,
    /// The last one alone, which gives the logits.
    Head,
}

/// A phase that may follow the first, as it stands in an experiment: `{phase: tune, epochs: 5}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum PhaseOptions {
    /// Goes on at a small learning rate.
    Tune(tune::Tune),
}

impl PhaseOptions {
    /// The phase.
    pub(super) fn phase(&self) -> Box<dyn Phase> {
        match self {
            Self::Tune(tune) => Box::new(tune.clone()),
        }
    }

    /// Its epochs.
    pub fn epochs(&self) -> usize {
        self.phase().epochs()
    }

    /// The layers whose parameters it moves.
    pub fn layers(&self) -> Layers {
        self.phase().layers()
    }

    /// Refuses values out of range.
    ///
    /// # Errors
    /// The first such value, with what is allowed.
    pub fn check(&self) -> Result<(), Error> {
        match self {
            Self::Tune(tune) => tune.check(),
        }
    }
}
