//! The loop of every training: phases, epochs, batches, reports and checkpoints. What a batch teaches is the step's.

use std::ops::ControlFlow;

use rand_chacha::ChaCha8Rng;

use super::checkpoint::Checkpoint;
use super::phase::Layers;
use super::plan::Plan;
use super::recipe::Recipe;
use super::report::{End, EpochReport, OnEpoch, TrainOutcome, Trained};
use super::step::{Batch, Step, integers::Integers, polynomials::Polynomials};
use super::training::Training;
use super::{batch, infer, kernel};
use crate::Error;
use crate::data::Dataset;

/// Share of a batch in the smoothed loss that is watched for divergence within an epoch.
const WATCH_RATE: f64 = 0.05;
/// Batches before that smoothed loss is heeded.
const WATCH_FROM: usize = 20;

impl Training<'_> {
    /// Runs it; `on_epoch` hears of each epoch (of those before a checkpoint too) and may end the training.
    ///
    /// # Errors
    /// Options out of range; a network that does not fit the data, is no classifier or has no integer form where it
    /// needs one; a checkpoint that is damaged, of another training, or cannot be written; a missing teacher.
    /// Divergence is an outcome.
    pub fn run(&self, on_epoch: &mut OnEpoch<'_>) -> Result<TrainOutcome, Error> {
        self.recipe.check(self.options)?;
        kernel::heap::keep();
        match self.recipe {
            Recipe::Polynomials | Recipe::Relu => {
                Run::new(self, Polynomials::new(self)?).run(on_epoch)
            }
            Recipe::Quantized(quantization) => {
                Run::new(self, Integers::new(self, quantization)?).run(on_epoch)
            }
        }
    }
}

/// A training under way.
struct Run<'a, S> {
    training: &'a Training<'a>,
    plan: Plan,
    step: S,
    rng: ChaCha8Rng,
    /// Batches done, over all epochs.
    batches: usize,
    /// Of the epochs done.
    reports: Vec<EpochReport>,
}

/// Loss and accuracy of an epoch, 0 to 1.
struct Learned {
    loss: f64,
    accuracy: f64,
}

impl<'a, S: Step> Run<'a, S> {
    /// A training at its start.
    fn new(training: &'a Training<'a>, step: S) -> Self {
        Self {
            plan: Plan::of(training.options, training.recipe),
            rng: training.seed.derive("batches").rng(),
            batches: 0,
            reports: Vec::new(),
            training,
            step,
        }
    }

    /// Brings the training to its end, from its checkpoint if there is one.
    fn run(mut self, on_epoch: &mut OnEpoch<'_>) -> Result<TrainOutcome, Error> {
        self.restore()?;
        let epochs = self.plan.epochs();
        for index in 0..epochs {
            if index == self.reports.len()
                && let Err(reason) = self.advance()?
            {
                let reason = format!("diverged in epoch {} of {epochs}: {reason}", index + 1);
                return Ok(TrainOutcome::Diverged { reason });
            }
            match on_epoch(&self.reports[index]) {
                ControlFlow::Continue(()) if self.has_stalled(index) => break,
                ControlFlow::Continue(()) => {}
                ControlFlow::Break(End::Cancelled) => return Ok(TrainOutcome::Cancelled),
                ControlFlow::Break(End::Early) if index + 1 == self.reports.len() => break,
                // An earlier run went on here: what it learned since is not undone.
                ControlFlow::Break(End::Early) => {}
            }
        }
        Ok(self.finish())
    }

    /// Whether the validation accuracy has not risen for as many epochs as the options allow, after the epoch of this
    /// index, the last that ran.
    fn has_stalled(&self, index: usize) -> bool {
        let Some(patience) = self
            .training
            .options
            .patience
            .filter(|_| index + 1 == self.reports.len())
        else {
            return false;
        };
        let accuracy = |report: &EpochReport| report.validation_accuracy.unwrap_or(0.0);
        let mut best = (0, f64::NEG_INFINITY);
        for (at, report) in self.reports.iter().enumerate() {
            if accuracy(report) > best.1 {
                best = (at, accuracy(report));
            }
        }
        index - best.0 >= patience
    }

    /// One epoch more, its report and its checkpoint; or how it diverged.
    fn advance(&mut self) -> Result<Result<(), String>, Error> {
        let learned = match self.epoch() {
            Ok(learned) => learned,
            Err(reason) => return Ok(Err(reason)),
        };
        let epoch = self.reports.len() + 1;
        let patient = self.training.options.patience.is_some();
        let validation_accuracy = (patient || (self.training.validate)(epoch)).then(|| {
            let validation = self.training.data.validation;
            infer::quality(&self.step.logits(validation), validation)
        });
        self.reports.push(EpochReport {
            epoch,
            epochs: self.plan.epochs(),
            loss: learned.loss,
            training_accuracy: learned.accuracy,
            validation_accuracy,
        });
        self.keep()?;
        Ok(Ok(()))
    }

    /// One pass over the training images, or how it diverged.
    fn epoch(&mut self) -> Result<Learned, String> {
        let data = self.training.data.training;
        let options = self.training.options;
        self.enter_phase();
        let place = self.plan.at(self.reports.len());
        let order = match &self.training.target {
            Some(target) => target.order(data.len(), options.batch, &mut self.rng),
            None => batch::epoch_order(data.len(), options.batch, &mut self.rng),
        };
        let begun = order.len() * place.before;
        let total = order.len() * place.phase.epochs();
        let limit = self.step.loss_limit();
        let moves = batch::Moves {
            options,
            epoch: self.reports.len(),
            seed: self.training.seed,
        };
        let (mut loss_sum, mut correct, mut smooth) = (0.0, 0.0, 0.0);
        for (number, indices) in order.iter().enumerate() {
            let rows = moves.rows(data, indices, &mut self.rng);
            let in_phase = self.batches - begun;
            let progress = in_phase as f32 / total as f32;
            let lesson = self.step.learn(Batch {
                indices,
                rows,
                number: self.batches,
                in_phase,
                progress,
                rate: place.phase.rate(progress),
            });
            let loss = lesson.loss;
            if !loss.is_finite() {
                return Err(format!("loss {loss} in batch {}", self.batches + 1));
            }
            loss_sum += loss;
            correct += quality(&lesson.logits, indices, data);
            smooth += (loss - smooth) * WATCH_RATE.max(1.0 / (number as f64 + 1.0));
            if number >= WATCH_FROM && smooth > limit {
                let batch = number + 1;
                return Err(format!(
                    "loss {smooth:.3} at batch {batch}, above {limit:.1}"
                ));
            }
            self.batches += 1;
        }
        let loss = loss_sum / order.len() as f64;
        if loss > limit {
            return Err(format!("mean loss {loss:.3}, above {limit:.1}"));
        }
        match self.step.model().not_finite() {
            Some(what) => Err(format!("{what} holds a number that is not finite")),
            None => Ok(Learned {
                loss,
                accuracy: correct / order.len() as f64,
            }),
        }
    }

    /// Prepares the network for the next epoch. What it does depends on the number of epochs done alone, so that a
    /// training that goes on from a checkpoint does the same.
    fn enter_phase(&mut self) {
        let done = self.reports.len();
        let place = self.plan.at(done);
        let model = self.step.model_mut();
        let head = model.head.clone();
        for parameter in &mut model.parameters {
            let rests = match place.phase.layers() {
                Layers::All => false,
                Layers::Head => parameter.layer() != head,
            };
            parameter.frozen = parameter.fixed || rests;
        }
        if done > 0 && done == place.before {
            self.step.forget();
        }
    }

    /// Validates and exports.
    fn finish(self) -> TrainOutcome {
        let validation = self.training.data.validation;
        let logits = self.step.logits(validation);
        if logits.iter().flatten().any(|value| !value.is_finite()) {
            let reason =
                "the trained network gives values that are not finite on validation images";
            return TrainOutcome::Diverged {
                reason: reason.to_owned(),
            };
        }
        TrainOutcome::Complete(Trained {
            weights: self.step.export(),
            accuracy: infer::quality(&logits, validation),
            epochs: self.reports,
        })
    }

    /// Goes to the state of the checkpoint, if there is one.
    fn restore(&mut self) -> Result<(), Error> {
        let Some(path) = self.training.checkpoint else {
            return Ok(());
        };
        let values = self.step.state().map(|values| values.len()).sum();
        let training = self.training.fingerprint();
        let Some(checkpoint) = Checkpoint::read(path, &training, values)? else {
            return Ok(());
        };
        checkpoint.fill(self.step.state());
        self.batches = checkpoint.step;
        self.rng.set_word_pos(checkpoint.generator);
        self.reports = checkpoint.reports;
        Ok(())
    }

    /// Writes the checkpoint, if one is wanted.
    fn keep(&mut self) -> Result<(), Error> {
        let Some(path) = self.training.checkpoint else {
            return Ok(());
        };
        let values = self.step.state().flat_map(|values| values.iter().copied());
        let checkpoint = Checkpoint {
            values: values.collect(),
            training: self.training.fingerprint(),
            step: self.batches,
            generator: self.rng.get_word_pos(),
            reports: self.reports.clone(),
        };
        checkpoint.write(path)
    }
}

/// How good the answers to a batch are (`[image][class]`), 0 to 1.
fn quality(logits: &[f32], indices: &[usize], data: &Dataset) -> f64 {
    let logits: Vec<Vec<f32>> = logits
        .chunks_exact(data.classes)
        .map(<[_]>::to_vec)
        .collect();
    match data.is_regression() {
        true => {
            let targets: Vec<f32> = indices.iter().map(|i| data.targets[*i]).collect();
            infer::r_squared(logits.iter().flatten().zip(&targets))
        }
        false => {
            let labels: Vec<u8> = indices.iter().map(|i| data.labels[*i]).collect();
            infer::share_correct(&logits, &labels)
        }
    }
}
