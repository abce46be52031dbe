//! Halves: a network that is trained across a cut, the layers in front of it and those behind it as parts of their own.
//! So what is handed over can be disturbed in training as it is in use, and one part can be trained against the other.

use burn::tensor::{Device, Tensor};
use hemet_spaces::{Halves, LayerGraph, Weights};
use rand::{Rng, RngExt};

use super::batch::{self, epoch_order};
use super::forward::{Penalty, TrainingOutput};
use super::kernel::heap;
use super::model::{Activations, Model};
use super::optimizer::Sgd;
use super::options::TrainOptions;
use super::step::of_parameters;
use super::targets::{Targets, cross_entropy};
use super::tensor::{matrix, to_rows, values};
use crate::data::Dataset;
use crate::{Error, Seed};

/// How a network is trained across a cut.
#[derive(Clone, Copy, Debug)]
pub struct HalvesOptions {
    /// Passes over the images, at least 1.
    pub epochs: usize,
    /// Images a step, at least 2.
    pub batch: usize,
    /// Greatest learning rate, reached after a tenth of the training, from which it falls to 0 as a cosine.
    pub rate: f32,
    /// Share of the features that are set to 0 at random, the others made larger in return; 0 to below 1.
    pub dropout: f32,
    /// Share of the target spread over all classes, 0 to below 1.
    pub smoothing: f32,
}

/// A training across a cut.
#[derive(Clone, Copy, Debug)]
pub struct HalvesTraining<'a> {
    /// The parts.
    pub halves: &'a Halves,
    /// The trained weights of the whole.
    pub weights: &'a Weights,
    /// The images to learn from, with classes.
    pub data: &'a Dataset,
    /// How.
    pub options: HalvesOptions,
    /// The seed of every random choice.
    pub seed: Seed,
}

/// Sets each of `features` to 0 with this probability and divides the others by what is left, so that sums stay.
pub(crate) fn drop_out(features: &mut [f32], share: f32, rng: &mut impl Rng) {
    for feature in features {
        *feature = match rng.random::<f32>() < share {
            true => 0.0,
            false => *feature / (1.0 - share),
        };
    }
}

/// Both parts in training.
struct Parts {
    front: Model,
    back: Model,
}

impl HalvesTraining<'_> {
    /// Trains both parts on from their weights. Gives those of the first and of the second part; none where the
    /// training diverges.
    ///
    /// # Errors
    /// Weights of another network, layers that are not trained.
    pub fn tune(&self) -> Result<Option<(Weights, Weights)>, Error> {
        let (first, second) = self.halves.weights(self.weights)?;
        let mut rng = self.seed.derive("weights").rng();
        let mut part = |graph: &LayerGraph| Model::part(graph, Activations::Learnable, &mut rng);
        let (mut front, mut back) = (part(&self.halves.prefix)?, part(&self.halves.tail)?);
        let images = self.options.batch.min(self.data.len());
        front.inherit(&first, self.data, images);
        let known = Model::part_with_weights(&self.halves.prefix, &first, false)?;
        let device = Device::flex();
        let features = features(&known, self.data, images, &device);
        back.inherit_on(&second, features, images);
        self.run(Parts { front, back })
    }

    /// Trains a first part from random weights, so that the second part, which stays as it is, classifies what it
    /// gives: a stand-in for a first part that nobody outside knows. Gives its weights; none where the training
    /// diverges.
    ///
    /// # Errors
    /// As [`Self::tune`].
    pub fn shadow(&self) -> Result<Option<Weights>, Error> {
        let (_, second) = self.halves.weights(self.weights)?;
        let mut rng = self.seed.derive("weights").rng();
        let front = Model::part(&self.halves.prefix, Activations::Learnable, &mut rng)?;
        let mut back = Model::part_with_weights(&self.halves.tail, &second, false)?;
        back.parameters.iter_mut().for_each(|p| p.frozen = true);
        Ok(self.run(Parts { front, back })?.map(|(front, _)| front))
    }

    /// The options of the optimizer, by which networks of polynomials are trained here.
    fn options(&self) -> TrainOptions {
        TrainOptions {
            label_smoothing: self.options.smoothing,
            ..TrainOptions::default()
        }
    }

    fn run(&self, mut parts: Parts) -> Result<Option<(Weights, Weights)>, Error> {
        heap::keep();
        let options = self.options();
        let targets = Targets::new(self.data, &options);
        let mut rng = self.seed.derive("batches").rng();
        let mut optimizers = [&parts.front, &parts.back].map(|m| Sgd::new(&m.parameters));
        let (mut step, mut steps) = (0, 1);
        for _ in 0..self.options.epochs {
            let order = epoch_order(self.data.len(), self.options.batch, &mut rng);
            steps = steps.max(order.len() * self.options.epochs);
            for indices in &order {
                let rate = self.options.rate * pace(step as f32 / steps as f32);
                let rows = batch::Moves {
                    options: &options,
                    epoch: 0,
                    seed: self.seed,
                }
                .rows(self.data, indices, &mut rng);
                let targets = targets.rows(self.data, indices);
                let lesson = self.lesson(&parts, rows, targets, &mut rng);
                if !lesson.loss.is_finite() {
                    return Ok(None);
                }
                let models = [&mut parts.front, &mut parts.back];
                for ((model, sgd), (gradients, output)) in
                    models.into_iter().zip(&mut optimizers).zip(&lesson.parts)
                {
                    sgd.step(&mut model.parameters, gradients, &options, rate);
                    model.update_running(output, options.norm_rate);
                }
                step += 1;
            }
        }
        let sound = parts.front.not_finite().is_none() && parts.back.not_finite().is_none();
        Ok(sound.then(|| (parts.front.export(), parts.back.export())))
    }

    /// What a batch gives.
    fn lesson(
        &self,
        parts: &Parts,
        rows: Vec<f32>,
        targets: Vec<f32>,
        rng: &mut impl Rng,
    ) -> Lesson {
        let device = Device::flex().autodiff();
        let Parts { front, back } = parts;
        let images = rows.len() / front.input.len();
        let options = self.options();
        let penalty = Penalty {
            bound: options.range,
            weight: options.range_penalty,
        };
        let (first, second) = (front.tensors(&device, true), back.tensors(&device, true));
        let pixels = images * front.input.height * front.input.width;
        let input = matrix(rows, pixels, front.input.channels, &device);
        let one = front.forward_training(&first, input, images, penalty);
        let handed_over = dropped(one.logits.clone(), self.options.dropout, rng);
        let two = back.forward_training(&second, handed_over, images, penalty);
        let mut loss = cross_entropy(two.logits.clone(), targets, &device);
        for penalty in one.penalty.iter().chain(&two.penalty) {
            loss = loss + penalty.clone();
        }
        let (front, back) = (&front.parameters, &back.parameters);
        let slopes = loss.backward();
        Lesson {
            loss: values(loss)[0],
            parts: [
                (of_parameters(&slopes, &first, front), one),
                (of_parameters(&slopes, &second, back), two),
            ],
        }
    }
}

/// The loss of a batch, and for each part the gradients and what its forward pass gave.
struct Lesson {
    loss: f32,
    parts: [(Vec<Vec<f32>>, TrainingOutput); 2],
}

/// The share of the greatest learning rate at this share of the training.
fn pace(progress: f32) -> f32 {
    const WARM_UP: f32 = 0.1;
    match progress < WARM_UP {
        true => progress / WARM_UP,
        false => {
            let falling = (progress - WARM_UP) / (1.0 - WARM_UP);
            (1.0 + (std::f32::consts::PI * falling).cos()) / 2.0
        }
    }
}

/// Features on the tape, a share of them dropped.
fn dropped(features: Tensor<2>, share: f32, rng: &mut impl Rng) -> Tensor<2> {
    if share == 0.0 {
        return features;
    }
    let [rows, columns] = features.dims();
    let mut mask = vec![1.0; rows * columns];
    drop_out(&mut mask, share, rng);
    let mask = matrix(mask, rows, columns, &features.device());
    features * mask
}

/// What a part in front of a cut gives for the first images, as the part behind it takes them.
fn features(front: &Model, data: &Dataset, images: usize, device: &Device) -> Vec<f32> {
    let pixels = images * data.shape.height * data.shape.width;
    let rows = to_rows(&data.images[..images * data.shape.len()], data.shape);
    let input = matrix(rows, pixels, data.shape.channels, device);
    let tensors = front.tensors(device, false);
    values(front.forward_inference(&tensors, input, images))
}
