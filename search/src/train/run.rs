//! A training under way: its epochs and batches, its loss, its state to and from a checkpoint.

use burn::tensor::{Device, Tensor};
use rand_chacha::ChaCha8Rng;

use super::average::Average;
use super::checkpoint::Checkpoint;
use super::forward::{Penalty, TrainingOutput};
use super::kernel::poly::InputPenalty;
use super::model::{Activations, Model};
use super::optimizer::{self, Sgd};
use super::targets::{Targets, cross_entropy};
use super::tensor::{matrix, values};
use super::{
    EpochReport, Epochs, Polynomials, TrainOptions, TrainOutcome, Trained, Training, batch, infer,
    teacher,
};
use crate::Error;

/// A loss above this many times that of guessing counts as diverged.
const DIVERGED_LOSS: f64 = 20.0;
/// Share of a batch in the smoothed loss that is watched for divergence within an epoch.
const WATCH_RATE: f64 = 0.05;
/// Batches before that smoothed loss is heeded.
const WATCH_FROM: usize = 20;

/// A training under way.
pub(super) struct Run<'a> {
    training: &'a Training<'a>,
    model: Model,
    sgd: Sgd,
    average: Option<Average>,
    targets: Targets,
    device: Device,
    rng: ChaCha8Rng,
    /// Batches done, over all epochs.
    step: usize,
    /// Of the epochs done.
    reports: Vec<EpochReport>,
}

impl<'a> Run<'a> {
    /// A training at its start.
    pub fn new(training: &'a Training<'a>) -> Result<Self, Error> {
        let options = training.options;
        let activations = match (training.relu, options.polynomials) {
            (true, _) => Activations::Relu,
            (false, Polynomials::Learnable) => Activations::Learnable,
            (false, Polynomials::Herpn) => Activations::Herpn,
        };
        let mut rng = training.seed.derive("weights").rng();
        let mut model = Model::new(training.graph, activations, &mut rng)?;
        infer::fits(&model, training.data.training)?;
        infer::fits(&model, training.data.validation)?;
        if let Some(weights) = training.inherited {
            model.inherit(weights, training.data.training, options.batch);
        }
        if options.distillation > 0.0 && training.teacher.is_none() && !training.relu {
            return Err(Error::Option {
                option: "distillation",
                found: options.distillation.to_string(),
                allowed: "0 where no teacher is given".into(),
            });
        }
        Ok(Self {
            training,
            sgd: Sgd::new(&model.parameters),
            average: Average::new(&model, options.ema),
            targets: Targets::new(training.data.training, options),
            model,
            device: options.device.open()?.autodiff(),
            rng: training.seed.derive("batches").rng(),
            step: 0,
            reports: Vec::with_capacity(options.epochs),
        })
    }

    fn options(&self) -> &'a TrainOptions {
        self.training.options
    }

    /// Goes to the state of the checkpoint, if there is one.
    pub fn restore(&mut self) -> Result<(), Error> {
        let Some(path) = self.training.checkpoint else {
            return Ok(());
        };
        let values = self.state().map(|values| values.len()).sum();
        let training = self.training.fingerprint("");
        let Some(checkpoint) = Checkpoint::read(path, &training, values)? else {
            return Ok(());
        };
        checkpoint.fill(self.state());
        self.step = checkpoint.step;
        self.rng.set_word_pos(checkpoint.generator);
        self.reports = checkpoint.reports;
        Ok(())
    }

    /// Every number of the state, in the order of a checkpoint.
    fn state(&mut self) -> impl Iterator<Item = &mut Vec<f32>> {
        let average = self.average.iter_mut().flat_map(|a| &mut a.values);
        let velocity = self.sgd.velocity.iter_mut();
        self.model.values_mut().chain(velocity).chain(average)
    }

    fn keep(&mut self) -> Result<(), Error> {
        let Some(path) = self.training.checkpoint else {
            return Ok(());
        };
        let checkpoint = Checkpoint {
            training: self.training.fingerprint(""),
            step: self.step,
            generator: self.rng.get_word_pos(),
            reports: self.reports.clone(),
            values: self
                .state()
                .flat_map(|values| values.iter().copied())
                .collect(),
        };
        checkpoint.write(path)
    }

    /// The model that is validated and exported.
    fn result(&self) -> Model {
        match &self.average {
            Some(average) => average.model(&self.model),
            None => self.model.clone(),
        }
    }

    /// The device for what needs no gradients.
    fn plain_device(&self) -> Device {
        self.device.clone().without_autodiff()
    }

    /// Validates and exports.
    pub fn finish(self) -> TrainOutcome {
        let validation = self.training.data.validation;
        let model = self.result();
        let logits = infer::model_logits(&model, validation, &self.plain_device());
        if logits.iter().flatten().any(|value| !value.is_finite()) {
            let reason =
                "the trained network gives values that are not finite on validation images";
            return TrainOutcome::Diverged {
                reason: reason.to_owned(),
            };
        }
        TrainOutcome::Complete(Trained {
            weights: model.export(),
            accuracy: infer::share_correct(&logits, &validation.labels),
            epochs: self.reports,
        })
    }

    /// One pass over the training images: mean loss and accuracy, or how it diverged.
    fn epoch(&mut self) -> Result<(f64, f64), String> {
        let data = self.training.data.training;
        let order = batch::epoch_order(data.len(), self.options().batch, &mut self.rng);
        let total = order.len() * self.options().epochs;
        let limit = DIVERGED_LOSS * (data.classes as f64).ln();
        let (mut loss_sum, mut correct, mut smooth) = (0.0, 0.0, 0.0);
        for (number, indices) in order.iter().enumerate() {
            let progress = self.step as f32 / total as f32;
            let (loss, share) = self.batch(indices, progress)?;
            loss_sum += loss;
            correct += share;
            smooth += (loss - smooth) * WATCH_RATE.max(1.0 / (number as f64 + 1.0));
            if number >= WATCH_FROM && smooth > limit {
                let batch = number + 1;
                return Err(format!(
                    "loss {smooth:.3} at batch {batch}, above {limit:.1}"
                ));
            }
            self.step += 1;
        }
        let loss = loss_sum / order.len() as f64;
        if loss > limit {
            return Err(format!("mean loss {loss:.3}, above {limit:.1}"));
        }
        if let Some(what) = self.model.not_finite() {
            return Err(format!("{what} holds a number that is not finite"));
        }
        Ok((loss, correct / order.len() as f64))
    }

    fn batch(&mut self, indices: &[usize], progress: f32) -> Result<(f64, f64), String> {
        let options = self.options();
        let data = self.training.data.training;
        let pixels = indices.len() * data.shape.height * data.shape.width;
        let rows = batch::moved_rows(data, indices, options, &mut self.rng);
        let soft = self.teacher_targets(&rows, indices.len());
        let input = matrix(rows, pixels, data.shape.channels, &self.device);
        let tensors = self.model.tensors(&self.device, true);
        let penalty = Penalty {
            bound: options.range,
            weight: options.range_penalty,
        };
        let output = self
            .model
            .forward_training(&tensors, input, indices.len(), penalty);
        let loss = self.loss(&output, indices, soft);
        let taken_along = output
            .penalties
            .iter()
            .map(InputPenalty::value)
            .sum::<f64>();
        let value = f64::from(values(loss.clone())[0]) + taken_along;
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
        let rate = optimizer::learning_rate(options, progress);
        self.sgd
            .step(&mut self.model.parameters, &gradients, options, rate);
        self.model.update_running(&output, options.norm_rate);
        if let Some(average) = &mut self.average {
            average.update(&self.model, self.step);
        }
        Ok((value, self.share_correct(output.logits, indices)))
    }

    /// What the teacher says of a batch, where there is one.
    fn teacher_targets(&self, rows: &[f32], images: usize) -> Option<Vec<f32>> {
        let teacher = self.training.teacher?;
        let options = self.options();
        let shape = self.training.data.training.shape;
        (options.distillation > 0.0).then(|| {
            let logits = teacher.logits(rows, images, shape, &self.plain_device());
            teacher::softened(
                &logits,
                self.training.data.training.classes,
                options.temperature,
            )
        })
    }

    /// Cross entropy with the targets, in part with the teacher's softened answer, plus the penalties on the tape.
    fn loss(
        &self,
        output: &TrainingOutput,
        indices: &[usize],
        soft: Option<Vec<f32>>,
    ) -> Tensor<2> {
        let options = self.options();
        let data = self.training.data.training;
        let targets = self.targets.rows(data, indices);
        let entropy = |logits, targets| cross_entropy(logits, targets, &self.device);
        let mut loss = entropy(output.logits.clone(), targets);
        if let Some(soft) = soft {
            // The square keeps the size of its gradient at any temperature (Hinton et al. 2015, section 2).
            let (share, temperature) = (options.distillation, options.temperature);
            let soft = entropy(output.logits.clone().div_scalar(temperature), soft);
            let soft = soft.mul_scalar(share * temperature * temperature);
            loss = loss.mul_scalar(1.0 - share) + soft;
        }
        match &output.penalty {
            Some(penalty) => loss + penalty.clone(),
            None => loss,
        }
    }

    fn share_correct(&self, logits: Tensor<2>, indices: &[usize]) -> f64 {
        let data = self.training.data.training;
        let logits: Vec<Vec<f32>> = values(logits)
            .chunks_exact(data.classes)
            .map(<[_]>::to_vec)
            .collect();
        let labels: Vec<u8> = indices.iter().map(|i| data.labels[*i]).collect();
        infer::share_correct(&logits, &labels)
    }
}

impl Epochs for Run<'_> {
    fn reports(&self) -> &[EpochReport] {
        &self.reports
    }

    fn advance(&mut self) -> Result<Result<(), String>, Error> {
        let (loss, training_accuracy) = match self.epoch() {
            Ok(result) => result,
            Err(reason) => return Ok(Err(reason)),
        };
        let epoch = self.reports.len() + 1;
        let validation = self.training.data.validation;
        let validation_accuracy = (self.training.validate)(epoch).then(|| {
            let logits = infer::model_logits(&self.result(), validation, &self.plain_device());
            infer::share_correct(&logits, &validation.labels)
        });
        self.reports.push(EpochReport {
            epoch,
            epochs: self.options().epochs,
            loss,
            training_accuracy,
            validation_accuracy,
        });
        self.keep()?;
        Ok(Ok(()))
    }
}
