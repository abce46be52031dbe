//! A step with the integers of the network that is exported: rounded weights, tables, accumulators that wrap; Adam on
//! the latent weights.

use burn::tensor::Device;
use hemet_spaces::Weights;
use hemet_spaces::quantized::{self, Quantization, check_structure};

use super::{Batch, Lesson, Step, gradients};
use crate::Error;
use crate::data::Dataset;
use crate::train::adam::{Adam, Pace};
use crate::train::infer;
use crate::train::model::{Activations, Model};
use crate::train::quantized::{forward, model_logits, start};
use crate::train::targets::{Targets, cross_entropy};
use crate::train::tensor::values;
use crate::train::training::Training;

/// Weight of the penalty on accumulators that wrap.
const OVERFLOW_PENALTY: f32 = 1e-3;
/// How far beyond the greatest integer a latent weight may go.
const BEYOND: f32 = 0.49;

/// An integer network in training.
pub(in crate::train) struct Integers<'a> {
    training: &'a Training<'a>,
    quantization: &'a Quantization,
    model: Model,
    adam: Adam,
    targets: Targets,
    device: Device,
    logit_scale: f32,
}

impl<'a> Integers<'a> {
    /// At its start, with random weights for the data.
    pub fn new(training: &'a Training<'a>, quantization: &'a Quantization) -> Result<Self, Error> {
        let graph = training.graph;
        check_structure(graph)?;
        if training.data.training.is_regression() {
            return Err(Error::Option {
                option: "scheme",
                found: quantized::SCHEME.to_string(),
                allowed: "ckks where values are predicted: integers of few bits hold classes alone"
                    .into(),
            });
        }
        let mut rng = training.seed.derive("weights").rng();
        // ReLU's operation has no weights of its own and marks where a table stands.
        let mut model = Model::new(graph, Activations::Relu, &mut rng)?;
        infer::fits(&model, training.data.training)?;
        infer::fits(&model, training.data.validation)?;
        start::spread(&mut model, quantization, training.data.training, &mut rng);
        let fan_in = graph.input_shapes(graph.output())[0].len();
        Ok(Self {
            adam: Adam::new(
                &model.parameters,
                quantization.weight_limit() as f32 + BEYOND,
            ),
            targets: Targets::new(training.data.training, training.options),
            model,
            device: Device::flex().autodiff(),
            logit_scale: quantization.logit_scale(fan_in) as f32,
            training,
            quantization,
        })
    }
}

impl Step for Integers<'_> {
    fn model(&self) -> &Model {
        &self.model
    }

    fn model_mut(&mut self) -> &mut Model {
        &mut self.model
    }

    fn state(&mut self) -> Box<dyn Iterator<Item = &mut Vec<f32>> + '_> {
        Box::new(self.model.values_mut().chain(self.adam.moments()))
    }

    fn forget(&mut self) {
        self.adam.moments().for_each(|moment| moment.fill(0.0));
    }

    fn learn(&mut self, batch: Batch<'_>) -> Lesson {
        let data = self.training.data.training;
        let images = batch.indices.len();
        let size = (
            images * data.shape.height * data.shape.width,
            data.shape.channels,
        );
        let input = forward::levels(batch.rows, self.quantization, size, &self.device);
        let latent = forward::latent_tensors(&self.model, &self.device);
        let rounded = forward::rounded(&self.model, self.quantization, &latent);
        let output = forward::training(&self.model, self.quantization, &rounded, input, images);
        let logits = output.logits.mul_scalar(self.logit_scale);
        let targets = self.targets.rows(data, batch.indices);
        let mut loss = cross_entropy(logits.clone(), targets, &self.device);
        if let Some(penalty) = output.penalty {
            loss = loss + penalty.mul_scalar(OVERFLOW_PENALTY);
        }
        let value = f64::from(values(loss.clone())[0]);
        let gradients = gradients(&loss, &latent, &self.model.parameters);
        let pace = Pace {
            step: i32::try_from(batch.in_phase + 1).unwrap_or(i32::MAX),
            rate: self.training.options.quantized_rate * batch.rate,
        };
        self.adam.step(&mut self.model.parameters, &gradients, pace);
        let norm_rate = self.training.options.norm_rate;
        for (running, norm) in &output.norms {
            self.model.follow(*running, norm, norm_rate);
        }
        Lesson {
            loss: value,
            logits: values(logits),
        }
    }

    /// None: accumulators wrap, so that the loss of a network that learns may begin anywhere.
    fn loss_limit(&self) -> f64 {
        f64::INFINITY
    }

    fn logits(&self, images: &Dataset) -> Vec<Vec<f32>> {
        model_logits(&self.model, self.quantization, images)
    }

    fn export(&self) -> Weights {
        self.model.export()
    }
}
