//! What a training tells: a report an epoch, and how it ended.

use std::ops::ControlFlow;

use hemet_spaces::Weights;
use serde::{Deserialize, Serialize};

/// What an epoch gave.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Number of epochs of the training, over all its phases.
    pub epochs: usize,
    /// Mean loss over the epoch's batches.
    pub loss: f64,
    /// Share of the epoch's (moved) training images classified correctly, 0 to 1.
    pub training_accuracy: f64,
    /// Accuracy on the validation images, 0 to 1, after the epochs that [`Training::validate`](super::Training) names.
    pub validation_accuracy: Option<f64>,
}

/// A trained network.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// Its weights, batch norms folded.
    pub weights: Weights,
    /// Accuracy on the validation images, 0 to 1.
    pub accuracy: f64,
    /// A report for each epoch that ran.
    pub epochs: Vec<EpochReport>,
}

/// How a training ended.
#[derive(Clone, Debug, PartialEq)]
pub enum TrainOutcome {
    /// All epochs ran, or the observer called it [`End::Early`].
    Complete(Trained),
    /// The training diverged; the reason says when and how.
    Diverged {
        /// Epoch, loss or tensor.
        reason: String,
    },
    /// The observer broke it off.
    Cancelled,
}

/// How the observer of a training ends it before its last epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With what has been learned so far.
    Early,
    /// Without a result; a checkpoint stays.
    Cancelled,
}

/// Hears of an epoch and may end the training.
pub type OnEpoch<'a> = dyn FnMut(&EpochReport) -> ControlFlow<End> + 'a;
