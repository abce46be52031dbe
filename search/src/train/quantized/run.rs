//! A training with quantization under way: its start, its epochs and batches, its loss.

use std::f32::consts::PI;

use burn::tensor::Device;
use hemet_spaces::quantized::Quantization;
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use super::adam::Adam;
use super::{forward, fresh, model_logits};
use crate::Error;
use crate::data::Dataset;
use crate::train::checkpoint::Checkpoint;
use crate::train::model::Model;
use crate::train::op::Op;
use crate::train::targets::{Targets, cross_entropy};
use crate::train::tensor::values;
use crate::train::{EpochReport, Epochs, TrainOutcome, Trained, Training, batch, infer};

/// Weight of the penalty on accumulators that wrap.
const OVERFLOW_PENALTY: f32 = 1e-3;
/// Share of a window that the deviation of an accumulator takes at the start.
const START_SPREAD: f32 = 0.2;
/// Images that the start looks at.
const START_IMAGES: usize = 256;

/// A training under way.
pub(super) struct Run<'a> {
    training: &'a Training<'a>,
    quantization: &'a Quantization,
    model: Model,
    adam: Adam,
    targets: Targets,
    device: Device,
    rng: ChaCha8Rng,
    /// Batches done, over all epochs.
    step: usize,
    logit_scale: f32,
    /// Of the epochs done.
    reports: Vec<EpochReport>,
}

impl<'a> Run<'a> {
    pub fn new(training: &'a Training<'a>, quantization: &'a Quantization) -> Result<Self, Error> {
        let model = fresh(training, quantization)?;
        let graph = training.graph;
        let fan_in = graph.input_shapes(graph.output())[0].len();
        Ok(Self {
            adam: Adam::new(&model.parameters, quantization),
            targets: Targets::new(training.data.training, training.options),
            model,
            device: Device::flex().autodiff(),
            rng: training.seed.derive("batches").rng(),
            step: 0,
            logit_scale: quantization.logit_scale(fan_in) as f32,
            reports: Vec::new(),
            training,
            quantization,
        })
    }

    /// Goes to the state of the checkpoint, if there is one.
    pub fn restore(&mut self) -> Result<(), Error> {
        let Some(path) = self.training.checkpoint else {
            return Ok(());
        };
        let values = self.state().map(|values| values.len()).sum();
        let Some(checkpoint) = Checkpoint::read(path, &self.fingerprint(), values)? else {
            return Ok(());
        };
        checkpoint.fill(self.state());
        self.step = checkpoint.step;
        self.rng.set_word_pos(checkpoint.generator);
        self.reports = checkpoint.reports;
        Ok(())
    }

    fn fingerprint(&self) -> String {
        self.training
            .fingerprint(&format!("{:?}", self.quantization))
    }

    /// Every number of the state, in the order of a checkpoint.
    fn state(&mut self) -> impl Iterator<Item = &mut Vec<f32>> {
        self.model.values_mut().chain(self.adam.moments())
    }

    fn keep(&mut self) -> Result<(), Error> {
        let Some(path) = self.training.checkpoint else {
            return Ok(());
        };
        let values = self.state().flat_map(|values| values.iter().copied());
        let checkpoint = Checkpoint {
            values: values.collect(),
            training: self.fingerprint(),
            step: self.step,
            generator: self.rng.get_word_pos(),
            reports: self.reports.clone(),
        };
        checkpoint.write(path)
    }

    /// One pass over the training images: mean loss and accuracy, or how it diverged.
    fn epoch(&mut self) -> Result<(f64, f64), String> {
        let options = self.training.options;
        let data = self.training.data.training;
        let order = batch::epoch_order(data.len(), options.batch, &mut self.rng);
        let total = (order.len() * options.epochs) as f32;
        let (mut loss_sum, mut correct) = (0.0, 0.0);
        for indices in &order {
            let progress = self.step as f32 / total;
            // Rounding undoes small steps, so there is no use in warming up; a cosine brings it to rest.
            let rate = options.quantized_rate * 0.5 * (1.0 + (PI * progress).cos());
            let (loss, share) = self.batch(indices, rate)?;
            loss_sum += loss;
            correct += share;
            self.step += 1;
        }
        if let Some(what) = self.model.not_finite() {
            return Err(format!("{what} holds a number that is not finite"));
        }
        let batches = order.len() as f64;
        Ok((loss_sum / batches, correct / batches))
    }

    /// Accuracy of the exported network on the validation images.
    fn accuracy(&self) -> f64 {
        let validation = self.training.data.validation;
        let logits = model_logits(&self.model, self.quantization, validation);
        infer::share_correct(&logits, &validation.labels)
    }

    /// Validates and exports.
    pub fn finish(self) -> TrainOutcome {
        TrainOutcome::Complete(Trained {
            weights: self.model.export(),
            accuracy: self.accuracy(),
            epochs: self.reports,
        })
    }

    fn batch(&mut self, indices: &[usize], rate: f32) -> Result<(f64, f64), String> {
        let data = self.training.data.training;
        let pixels = indices.len() * data.shape.height * data.shape.width;
        let rows = batch::moved_rows(data, indices, self.training.options, &mut self.rng);
        let size = (pixels, data.shape.channels);
        let input = forward::levels(rows, self.quantization, size, &self.device);
        let latent = forward::latent_tensors(&self.model, &self.device);
        let rounded = forward::rounded(&self.model, self.quantization, &latent);
        let images = indices.len();
        let output = forward::training(&self.model, self.quantization, &rounded, input, images);
        let logits = output.logits.mul_scalar(self.logit_scale);
        let targets = self.targets.rows(data, indices);
        let mut loss = cross_entropy(logits.clone(), targets, &self.device);
        if let Some(penalty) = output.penalty {
            loss = loss + penalty.mul_scalar(OVERFLOW_PENALTY);
        }
        let value = f64::from(values(loss.clone())[0]);
        if !value.is_finite() {
            return Err(format!("loss {value} in batch {}", self.step + 1));
        }
        let grads = loss.backward();
        let pairs = latent.iter().zip(&self.model.parameters);
        let gradients: Vec<Vec<f32>> = pairs
            .map(|(tensor, parameter)| match tensor.grad(&grads) {
                Some(gradient) => values(gradient),
                None => vec![0.0; parameter.value.len()],
            })
            .collect();
        let step = i32::try_from(self.step + 1).unwrap_or(i32::MAX);
        self.adam
            .step(&mut self.model.parameters, &gradients, (step, rate));
        let norm_rate = self.training.options.norm_rate;
        for (running, norm) in &output.norms {
            self.model.follow(*running, norm, norm_rate);
        }
        let share = {
            let logits: Vec<Vec<f32>> = values(logits)
                .chunks_exact(data.classes)
                .map(<[_]>::to_vec)
                .collect();
            let labels: Vec<u8> = indices.iter().map(|i| data.labels[*i]).collect();
            infer::share_correct(&logits, &labels)
        };
        Ok((value, share))
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
        let validation_accuracy = (self.training.validate)(epoch).then(|| self.accuracy());
        self.reports.push(EpochReport {
            epoch,
            epochs: self.training.options.epochs,
            loss,
            training_accuracy,
            validation_accuracy,
        });
        self.keep()?;
        Ok(Ok(()))
    }
}

/// Gives weights their first values, so sparse or small that accumulators spread over [`START_SPREAD`] of their window.
pub(super) fn start(
    model: &mut Model,
    quantization: &Quantization,
    data: &Dataset,
    rng: &mut impl Rng,
) {
    let limit = quantization.weight_limit() as f32;
    let window = quantization.window() as f32;
    let images = data.len().min(START_IMAGES) * data.shape.len();
    let squares = data.images[..images]
        .iter()
        .map(|x| (quantization.input(f64::from(*x)) as f32).powi(2));
    let of_input = squares.sum::<f32>() / images.max(1) as f32;
    let (low, high) = quantization.levels().range();
    let of_tables = ((high - low) as f32).powi(2) / 8.0;
    let last = model.nodes.len() - 1;
    for index in 0..model.nodes.len() {
        let node = &model.nodes[index];
        let weights: Vec<usize> = match &node.op {
            Op::Conv { groups, .. } => groups.clone(),
            Op::Depthwise { weight, .. } | Op::Dense { weight, .. } => vec![*weight],
            _ => continue,
        };
        let from_input = matches!(model.nodes[node.inputs[0]].op, Op::Input);
        let square = if from_input { of_input } else { of_tables };
        for weight in weights {
            let parameter = &mut model.parameters[weight];
            let wanted = match index == last {
                true => 0.4,
                false => (START_SPREAD * window).powi(2) / (parameter.rows as f32 * square),
            };
            // The mean square of a rounded uniform number within ±spread: 1 − 1/(2·spread) up to 1.5, about spread²/3
            // beyond.
            let share = wanted.clamp(0.05, 0.66 * limit * limit);
            let spread = match share < 0.66 {
                true => 0.5 / (1.0 - share),
                false => (3.0 * share).sqrt(),
            };
            parameter
                .value
                .iter_mut()
                .for_each(|w| *w = rng.random_range(-spread..spread));
        }
    }
}
