//! Training of a LayerGraph with burn on one core, and export of its Weights.
//!
//! Polynomial networks need care: batch norm, clipped gradients (batch norms spared), polynomials that start near
//! ReLU's Hermite expansion, a penalty on inputs of polynomials that leave a range (AESPA, Park et al. 2022; AutoFHE,
//! Ao and Boddeti 2024). `Affine` layers train as batch norm and are exported folded.
//!
//! Deterministic: one seed, one thread, the same weights bit for bit on one machine, whether the training ran through
//! or was killed and went on from its checkpoint.

mod average;
mod batch;
mod checkpoint;
mod device;
mod forward;
mod herpn;
mod infer;
mod inherit;
mod kernel;
mod model;
mod op;
mod optimizer;
mod options;
mod parameter;
pub mod quantized;
mod run;
mod targets;
mod teacher;
mod tensor;

use std::ops::ControlFlow;
use std::path::Path;

use hemet_spaces::{LayerGraph, Weights};
use serde::{Deserialize, Serialize};

pub use device::Device;
pub use infer::{accuracy, class, logits};
pub use options::{Polynomials, TrainOptions};
pub use teacher::Teacher;

use crate::data::Dataset;
use crate::{Error, Seed};
use run::Run;

/// What an epoch gave.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Number of epochs of the training.
    pub epochs: usize,
    /// Mean loss over the epoch's batches.
    pub loss: f64,
    /// Share of the epoch's (moved) training images classified rightly, 0 to 1.
    pub training_accuracy: f64,
    /// Accuracy on the validation images, 0 to 1, after the epochs that [`Training::validate`] names.
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

/// What a training runs on.
#[derive(Clone, Copy, Debug)]
pub struct TrainData<'a> {
    /// Images that are learned from.
    pub training: &'a Dataset,
    /// Images that the accuracy is measured on.
    pub validation: &'a Dataset,
}

/// A training, ready to run.
pub struct Training<'a> {
    /// The network.
    pub graph: &'a LayerGraph,
    /// The images.
    pub data: TrainData<'a>,
    /// How to train.
    pub options: &'a TrainOptions,
    /// The seed of every random choice.
    pub seed: Seed,
    /// Where the state is kept after each epoch, written aside and renamed. If it is there already, the training goes on
    /// from it.
    pub checkpoint: Option<&'a Path>,
    /// Weights of another network to start from: tensors of equal name and shape are taken over, the others begin at random.
    pub inherited: Option<&'a Weights>,
    /// Whom the network learns from besides the labels; needed where [`TrainOptions::distillation`] is above 0.
    pub teacher: Option<&'a Teacher>,
    /// After which epochs (from 1) the validation accuracy is measured, besides at the end.
    pub validate: &'a (dyn Fn(usize) -> bool + Sync),
    /// Whether ReLU stands in the place of polynomials: a teacher.
    relu: bool,
}

impl<'a> Training<'a> {
    /// A training that starts at random and keeps no checkpoint.
    pub fn new(
        graph: &'a LayerGraph,
        data: TrainData<'a>,
        options: &'a TrainOptions,
        seed: Seed,
    ) -> Self {
        Self {
            graph,
            data,
            options,
            seed,
            checkpoint: None,
            inherited: None,
            teacher: None,
            validate: &|_| false,
            relu: false,
        }
    }

    /// Names the training in its checkpoint: a hash of all that its result depends on, and of `more`.
    fn fingerprint(&self, more: &str) -> String {
        let mut hash = blake3::Hasher::new();
        let mut part = |bytes: &[u8]| {
            hash.update(&(bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        part(self.graph.to_string().as_bytes());
        part(format!("{:?} {:?} {}", self.options, self.seed, self.relu).as_bytes());
        let set = self.data.training;
        part(format!("{} {} {}", set.name, set.shape, set.classes).as_bytes());
        part(&set.labels);
        let teacher = self.teacher.map(Teacher::weights);
        for weights in [self.inherited, teacher].into_iter().flatten() {
            for (name, tensor) in &weights.tensors {
                let values = tensor.data.iter().flat_map(|v| v.to_le_bytes());
                part(name.as_bytes());
                part(&values.collect::<Vec<u8>>());
            }
        }
        hash.update(more.as_bytes());
        hash.finalize().to_hex().to_string()
    }

    /// Runs it; `on_epoch` hears of each epoch (of those before a checkpoint too) and may end the training.
    ///
    /// # Errors
    /// Options out of range; a network that does not fit the data or that is no classifier; a checkpoint that is damaged,
    /// of another training, or cannot be written; a missing teacher. Divergence is an outcome.
    pub fn run(&self, on_epoch: &mut OnEpoch<'_>) -> Result<TrainOutcome, Error> {
        self.options.check()?;
        kernel::heap::keep();
        let mut run = Run::new(self)?;
        run.restore()?;
        match drive(&mut run, self.options.epochs, on_epoch)? {
            Some(outcome) => Ok(outcome),
            None => Ok(run.finish()),
        }
    }
}

/// A training under way, of either kind.
trait Epochs {
    /// Of the epochs done.
    fn reports(&self) -> &[EpochReport];

    /// One epoch more, its report and its checkpoint; or how it diverged.
    fn advance(&mut self) -> Result<Result<(), String>, Error>;
}

/// Brings a training to its last epoch; how it ended if that is not by being finished.
fn drive(
    run: &mut impl Epochs,
    epochs: usize,
    on_epoch: &mut OnEpoch<'_>,
) -> Result<Option<TrainOutcome>, Error> {
    for index in 0..epochs {
        if index == run.reports().len()
            && let Err(reason) = run.advance()?
        {
            let reason = format!("diverged in epoch {} of {epochs}: {reason}", index + 1);
            return Ok(Some(TrainOutcome::Diverged { reason }));
        }
        match on_epoch(&run.reports()[index]) {
            ControlFlow::Continue(()) => {}
            ControlFlow::Break(End::Cancelled) => return Ok(Some(TrainOutcome::Cancelled)),
            ControlFlow::Break(End::Early) if index + 1 == run.reports().len() => break,
            // An earlier run went on here: what it learned since is not undone.
            ControlFlow::Break(End::Early) => {}
        }
    }
    Ok(None)
}

/// Trains `graph` without checkpoints; `on_epoch` hears of each epoch and may end the training.
///
/// # Errors
/// As [`Training::run`].
pub fn train(
    graph: &LayerGraph,
    data: TrainData<'_>,
    options: &TrainOptions,
    seed: Seed,
    on_epoch: &mut OnEpoch<'_>,
) -> Result<TrainOutcome, Error> {
    Training::new(graph, data, options, seed).run(on_epoch)
}
