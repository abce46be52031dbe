//! A step in floats: polynomials (or ReLU, in a teacher), a penalty on inputs that leave their range, a teacher's
//! answers, stochastic gradient descent, an average of the weights.

use burn::tensor::{Device, Tensor};
use hemet_spaces::Weights;

use super::{Batch, Lesson, Step, gradients};
use crate::Error;
use crate::data::Dataset;
use crate::train::average::Average;
use crate::train::forward::{Penalty, TrainingOutput};
use crate::train::kernel::poly::InputPenalty;
use crate::train::lookahead::Lookahead;
use crate::train::model::{Activations, Model};
use crate::train::optimizer::Sgd;
use crate::train::options::{self, TrainOptions};
use crate::train::recipe::Recipe;
use crate::train::target::STATISTICS;
use crate::train::targets::{Targets, cross_entropy, squared_error};
use crate::train::tensor::{matrix, values};
use crate::train::training::Training;
use crate::train::{infer, teacher};

/// A loss above this many times that of guessing counts as diverged.
const DIVERGED_LOSS: f64 = 20.0;

/// A network of floats in training.
pub(in crate::train) struct Polynomials<'a> {
    training: &'a Training<'a>,
    model: Model,
    sgd: Sgd,
    average: Option<Average>,
    lookahead: Option<Lookahead>,
    targets: Targets,
    device: Device,
}

impl<'a> Polynomials<'a> {
    /// At its start.
    pub fn new(training: &'a Training<'a>) -> Result<Self, Error> {
        let options = training.options;
        let is_teacher = training.recipe == Recipe::Relu;
        let activations = match (is_teacher, options.polynomials) {
            (true, _) => Activations::Relu,
            (false, options::Polynomials::Learnable) => Activations::Learnable,
            (false, options::Polynomials::Herpn) => Activations::Herpn,
        };
        let mut rng = training.seed.derive("weights").rng();
        let mut model = Model::new(training.graph, activations, &mut rng)?;
        infer::fits(&model, training.data.training)?;
        infer::fits(&model, training.data.validation)?;
        model.whiten(training.data.training, options.whitening)?;
        if options.identity {
            model.begin_with_identity();
        }
        if let Some(weights) = training.inherited {
            let images = match training.target {
                Some(_) => STATISTICS,
                None => options.batch,
            };
            model.inherit(weights, training.data.training, images);
        }
        if options.distillation > 0.0 && training.teacher.is_none() && !is_teacher {
            return Err(Error::Option {
                option: "distillation",
                found: options.distillation.to_string(),
                allowed: "0 where no teacher is given".into(),
            });
        }
        if training.data.training.is_regression() && (options.distillation > 0.0 || options.balance)
        {
            return Err(Error::Option {
                option: "distillation, balance",
                found: format!("{}, {}", options.distillation, options.balance),
                allowed: "0 and false where values are predicted, which have no classes".into(),
            });
        }
        Ok(Self {
            training,
            sgd: Sgd::new(&model.parameters),
            average: Average::new(&model, options.ema),
            lookahead: Lookahead::new(&model, options.lookahead),
            targets: Targets::new(training.data.training, options),
            model,
            device: options.device.open()?.autodiff(),
        })
    }

    fn options(&self) -> &'a TrainOptions {
        self.training.options
    }

    /// The model that is validated and exported.
    fn result(&self) -> Model {
        let mut model = match &self.average {
            Some(average) => average.model(&self.model),
            None => self.model.clone(),
        };
        if let Some(target) = &self.training.target {
            model.take_statistics(target.unlabeled, &self.plain_device());
        }
        model
    }

    /// The device for what needs no gradients.
    fn plain_device(&self) -> Device {
        self.device.clone().without_autodiff()
    }

    /// What the teacher says of a batch, where there is one.
    fn teacher_targets(&self, rows: &[f32], images: usize) -> Option<Vec<f32>> {
        let teacher = self.training.teacher?;
        let options = self.options();
        let data = self.training.data.training;
        (options.distillation > 0.0).then(|| {
            let logits = teacher.logits(rows, images, data.shape, &self.plain_device());
            teacher::softened(&logits, data.classes, options.temperature)
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
        if data.is_regression() {
            let targets = indices.iter().map(|i| data.targets[*i]).collect();
            let loss = squared_error(output.logits.clone(), targets, &self.device);
            return match &output.penalty {
                Some(penalty) => loss + penalty.clone(),
                None => loss,
            };
        }
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
}

impl Step for Polynomials<'_> {
    fn model(&self) -> &Model {
        &self.model
    }

    fn model_mut(&mut self) -> &mut Model {
        &mut self.model
    }

    fn state(&mut self) -> Box<dyn Iterator<Item = &mut Vec<f32>> + '_> {
        let average = self.average.iter_mut().flat_map(|a| &mut a.values);
        let slow = self.lookahead.iter_mut().flat_map(|l| &mut l.values);
        let velocity = self.sgd.velocity.iter_mut();
        let model = self.model.values_mut();
        Box::new(model.chain(velocity).chain(average).chain(slow))
    }

    fn forget(&mut self) {
        self.sgd.velocity.iter_mut().for_each(|v| v.fill(0.0));
    }

    fn learn(&mut self, batch: Batch<'_>) -> Lesson {
        let options = self.options();
        let images = batch.indices.len();
        let shape = self.training.data.training.shape;
        let soft = self.teacher_targets(&batch.rows, images);
        let pixels = images * shape.height * shape.width;
        let input = matrix(batch.rows, pixels, shape.channels, &self.device);
        let tensors = self.model.tensors(&self.device, true);
        let penalty = Penalty {
            bound: options.range,
            weight: options.range_penalty,
        };
        let output = self
            .model
            .forward_training(&tensors, input, images, penalty);
        let loss = self.loss(&output, batch.indices, soft);
        let taken_along = output.penalties.iter().map(InputPenalty::value);
        let value = f64::from(values(loss.clone())[0]) + taken_along.sum::<f64>();
        let gradients = gradients(&loss, &tensors, &self.model.parameters);
        let rate = options.learning_rate * batch.rate;
        self.sgd
            .step(&mut self.model.parameters, &gradients, options, rate);
        self.model.update_running(&output, options.norm_rate);
        if let Some(lookahead) = &mut self.lookahead {
            lookahead.update(&mut self.model, batch.in_phase, batch.progress);
        }
        if let Some(average) = &mut self.average {
            average.update(&self.model, batch.number);
        }
        Lesson {
            loss: value,
            logits: values(output.logits),
        }
    }

    fn loss_limit(&self) -> f64 {
        let data = self.training.data.training;
        // Of values that have deviation 1 the mean is wrong by 1 in the square.
        match data.is_regression() {
            true => DIVERGED_LOSS,
            false => DIVERGED_LOSS * (data.classes as f64).ln(),
        }
    }

    fn logits(&self, images: &Dataset) -> Vec<Vec<f32>> {
        infer::model_logits(&self.result(), images, &self.plain_device())
    }

    fn export(&self) -> Weights {
        self.result().export()
    }
}
