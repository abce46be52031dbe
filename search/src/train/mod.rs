//! Training of a LayerGraph with burn on one core, and export of its Weights.
//!
//! Polynomial networks need care: batch norm, clipped gradients (batch norms spared), polynomials that start near
//! ReLU's Hermite expansion, a penalty on inputs of polynomials that leave a range (AESPA, Park et al. 2022; AutoFHE,
//! Ao and Boddeti 2024). `Affine` layers train as batch norm and are exported folded.
//!
//! Deterministic: one seed, one thread, the same weights bit for bit on one machine.

mod batch;
mod forward;
mod heap;
mod infer;
mod kernel;
mod model;
mod optimiser;
mod options;
mod parameter;

use std::ops::ControlFlow;

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Tensor};
use hemet_spaces::{LayerGraph, Weights};
use rand_chacha::ChaCha8Rng;

pub use infer::{accuracy, class, logits};
pub use options::TrainOptions;

use crate::data::Dataset;
use crate::{Error, Seed};
use forward::{TrainingOutput, matrix};
use model::Model;
use optimiser::Sgd;

/// What an epoch gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochReport {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Number of epochs of the training.
    pub epochs: usize,
    /// Mean loss over the epoch's batches.
    pub loss: f64,
    /// Share of the epoch's (moved) training images classified rightly, 0 to 1.
    pub training_accuracy: f64,
}

/// A trained network.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// Its weights, batch norms folded.
    pub weights: Weights,
    /// Accuracy on the validation images, 0 to 1.
    pub accuracy: f64,
    /// A report for each epoch.
    pub epochs: Vec<EpochReport>,
}

/// How a training ended.
#[derive(Clone, Debug, PartialEq)]
pub enum TrainOutcome {
    /// All epochs ran.
    Complete(Trained),
    /// The training diverged; the reason says when and how.
    Diverged {
        /// Epoch, loss or tensor.
        reason: String,
    },
    /// The observer broke it off.
    Cancelled,
}

/// What a training runs on.
#[derive(Clone, Copy, Debug)]
pub struct TrainData<'a> {
    /// Images that are learnt from.
    pub training: &'a Dataset,
    /// Images that the accuracy is measured on.
    pub validation: &'a Dataset,
}

/// A loss above this many times that of guessing, on average over an epoch, counts as diverged.
const DIVERGED_LOSS: f64 = 20.0;

/// Trains `graph`; `on_epoch` hears of each epoch and may break the training off.
///
/// # Errors
/// Options out of range; a network that does not fit the data or that is no classifier. Divergence is an outcome.
pub fn train(
    graph: &LayerGraph,
    data: TrainData<'_>,
    options: &TrainOptions,
    seed: Seed,
    on_epoch: &mut dyn FnMut(&EpochReport) -> ControlFlow<()>,
) -> Result<TrainOutcome, Error> {
    options.check()?;
    heap::keep();
    let model = Model::new(graph, &mut seed.derive("weights").rng())?;
    infer::fits(&model, data.training)?;
    infer::fits(&model, data.validation)?;
    let mut run = Run {
        sgd: Sgd::new(&model.parameters),
        model,
        data: data.training,
        options,
        device: Device::flex().autodiff(),
        rng: seed.derive("batches").rng(),
        step: 0,
    };
    let mut epochs = Vec::with_capacity(options.epochs);
    for epoch in 1..=options.epochs {
        let (loss, training_accuracy) = match run.epoch() {
            Ok(result) => result,
            Err(reason) => {
                let reason = format!("diverged in epoch {epoch} of {}: {reason}", options.epochs);
                return Ok(TrainOutcome::Diverged { reason });
            }
        };
        let report = EpochReport {
            epoch,
            epochs: options.epochs,
            loss,
            training_accuracy,
        };
        epochs.push(report);
        if on_epoch(&report).is_break() {
            return Ok(TrainOutcome::Cancelled);
        }
    }
    Ok(finish(&run.model, data.validation, epochs))
}

/// Validates a model whose epochs have all run.
fn finish(model: &Model, validation: &Dataset, epochs: Vec<EpochReport>) -> TrainOutcome {
    let logits = infer::model_logits(model, validation);
    if logits.iter().flatten().any(|value| !value.is_finite()) {
        let reason = "the trained network gives values that are not finite on validation images";
        return TrainOutcome::Diverged {
            reason: reason.to_owned(),
        };
    }
    TrainOutcome::Complete(Trained {
        weights: model.export(),
        accuracy: infer::share_correct(&logits, &validation.labels),
        epochs,
    })
}

/// A training under way.
struct Run<'a> {
    model: Model,
    sgd: Sgd,
    data: &'a Dataset,
    options: &'a TrainOptions,
    device: Device,
    rng: ChaCha8Rng,
    /// Batches done, over all epochs.
    step: usize,
}

impl Run<'_> {
    /// One pass over the training images: mean loss and accuracy, or how it diverged.
    fn epoch(&mut self) -> Result<(f64, f64), String> {
        let order = batch::epoch_order(self.data.len(), self.options.batch, &mut self.rng);
        let total = order.len() * self.options.epochs;
        let (mut loss_sum, mut correct) = (0.0, 0.0);
        for indices in &order {
            let progress = self.step as f32 / total as f32;
            let (loss, share) = self.batch(indices, progress)?;
            loss_sum += loss;
            correct += share;
            self.step += 1;
        }
        let loss = loss_sum / order.len() as f64;
        let limit = DIVERGED_LOSS * (self.data.classes as f64).ln();
        if loss > limit {
            return Err(format!("mean loss {loss:.3}, above {limit:.1}"));
        }
        if let Some(what) = self.model.not_finite() {
            return Err(format!("{what} holds a number that is not finite"));
        }
        Ok((loss, correct / order.len() as f64))
    }

    fn batch(&mut self, indices: &[usize], progress: f32) -> Result<(f64, f64), String> {
        let shape = self.data.shape;
        let pixels = indices.len() * shape.height * shape.width;
        let rows = batch::moved_rows(self.data, indices, self.options, &mut self.rng);
        let input = matrix(rows, pixels, shape.channels, &self.device);
        let tensors = self.model.tensors(&self.device, true);
        let range = self.options.range;
        let output = self
            .model
            .forward_training(&tensors, input, indices.len(), range);
        let loss = self.loss(&output, indices);
        let value = f64::from(values(loss.clone())[0]);
        if !value.is_finite() {
            return Err(format!("loss {value} in batch {}", self.step + 1));
        }
        let grads = loss.backward();
        let gradients: Vec<Vec<f32>> = tensors
            .iter()
            .zip(&self.model.parameters)
            .map(|(tensor, parameter)| match tensor.grad(&grads) {
                Some(gradient) => values(gradient),
                None => vec![0.0; parameter.value.len()],
            })
            .collect();
        let rate = optimiser::learning_rate(self.options, progress);
        self.sgd
            .step(&mut self.model.parameters, &gradients, self.options, rate);
        self.model.update_running(&output, self.options.norm_rate);
        Ok((value, self.share_correct(output.logits, indices)))
    }

    /// Cross entropy with smoothed labels, plus the range penalty.
    fn loss(&self, output: &TrainingOutput, indices: &[usize]) -> Tensor<2> {
        let classes = self.data.classes;
        let smoothing = self.options.label_smoothing;
        let mut targets = vec![smoothing / classes as f32; indices.len() * classes];
        for (row, index) in targets.chunks_exact_mut(classes).zip(indices) {
            row[usize::from(self.data.labels[*index])] += 1.0 - smoothing;
        }
        let targets = matrix(targets, indices.len(), classes, &self.device);
        let entropy = (log_softmax(output.logits.clone(), 1) * targets)
            .sum()
            .mul_scalar(-1.0 / indices.len() as f32)
            .reshape([1, 1]);
        match &output.penalty {
            Some(penalty) => entropy + penalty.clone().mul_scalar(self.options.range_penalty),
            None => entropy,
        }
    }

    fn share_correct(&self, logits: Tensor<2>, indices: &[usize]) -> f64 {
        let logits: Vec<Vec<f32>> = values(logits)
            .chunks_exact(self.data.classes)
            .map(<[_]>::to_vec)
            .collect();
        let labels: Vec<u8> = indices.iter().map(|i| self.data.labels[*i]).collect();
        infer::share_correct(&logits, &labels)
    }
}

/// The elements of a tensor.
fn values(tensor: Tensor<2>) -> Vec<f32> {
    tensor
        .into_data()
        .as_slice::<f32>()
        .expect("all training tensors are f32")
        .to_vec()
}
