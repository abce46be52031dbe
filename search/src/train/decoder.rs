//! Decoder: a network that learns to give pictures back from numbers that were computed of them.
//!
//! It is a graph of ours with ReLU in the place of polynomials; a sigmoid makes its outputs pixels between 0 and 1. It
//! learns by the binary cross entropy, with Adam, and keeps the epoch that does best on pairs that are held out, so
//! that one which can learn nothing ends near the mean picture.

use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use hemet_spaces::LayerGraph;

use super::adam::{Adam, Pace};
use super::batch::epoch_order;
use super::forward::Penalty;
use super::kernel::heap;
use super::model::{Activations, Model};
use super::part::Part;
use super::step::of_parameters;
use super::tensor::{matrix, to_rows, values};
use crate::{Error, Seed};

/// Pairs of an input and the picture that is to be given for it.
#[derive(Clone, Copy, Debug)]
pub struct Pairs<'a> {
    /// `[n]` inputs of the decoder.
    pub inputs: &'a [f32],
    /// `[n]` outputs of the decoder, each number 0 to 1.
    pub pictures: &'a [f32],
}

/// How a decoder is trained.
#[derive(Clone, Copy, Debug)]
pub struct DecoderOptions {
    /// Passes over the pairs, at least 1.
    pub epochs: usize,
    /// Pairs a step, at least 2.
    pub batch: usize,
    /// Greatest learning rate of Adam, from which it falls to 0 as a cosine.
    pub rate: f32,
}

/// A trained decoder.
#[derive(Clone, Debug)]
pub struct Decoder(Part);

/// One in so many pairs is held out.
const HELD_OUT: usize = 10;
/// Share of a batch in the running statistics of batch norms.
const NORM_RATE: f32 = 0.1;

/// The numbers of some pairs, laid out for the model.
struct Laid {
    inputs: Vec<f32>,
    pictures: Vec<f32>,
    sizes: [usize; 2],
}

impl Laid {
    /// Those at `indices`, one behind the other.
    fn select(&self, indices: &[usize]) -> (Vec<f32>, Vec<f32>) {
        let part = |all: &[f32], size: usize| -> Vec<f32> {
            let of = |index: &usize| all[index * size..(index + 1) * size].iter();
            indices.iter().flat_map(of).copied().collect()
        };
        let [input, picture] = self.sizes;
        (part(&self.inputs, input), part(&self.pictures, picture))
    }
}

impl Decoder {
    /// Trains `graph`.
    ///
    /// # Errors
    /// Layers that are not trained; too few pairs to hold any out.
    pub fn train(
        graph: &LayerGraph,
        pairs: Pairs<'_>,
        options: DecoderOptions,
        seed: Seed,
    ) -> Result<Self, Error> {
        heap::keep();
        let mut model = Model::part(graph, Activations::Relu, &mut seed.derive("weights").rng())?;
        let output = graph.node(graph.output()).shape;
        let laid = Laid {
            inputs: to_rows(pairs.inputs, model.input),
            pictures: to_rows(pairs.pictures, output),
            sizes: [model.input.len(), output.len()],
        };
        let count = laid.inputs.len() / model.input.len().max(1);
        let learned = count - count / HELD_OUT;
        if learned == count || learned < 2 {
            return Err(Error::Option {
                option: "attacker's images",
                found: count.to_string(),
                allowed: format!("at least {HELD_OUT}, of which one in {HELD_OUT} is held out"),
            });
        }
        let held_out: Vec<usize> = (learned..count).collect();
        let mut rng = seed.derive("batches").rng();
        let mut adam = Adam::new(&model.parameters, f32::INFINITY);
        let mut best = (f64::INFINITY, model.clone());
        let mut step = 0;
        for _ in 0..options.epochs {
            let order = epoch_order(learned, options.batch, &mut rng);
            let steps = (order.len() * options.epochs) as f32;
            for indices in &order {
                step += 1;
                let rate =
                    options.rate * (1.0 + (std::f32::consts::PI * step as f32 / steps).cos()) / 2.0;
                learn(
                    &mut model,
                    &mut adam,
                    laid.select(indices),
                    Pace { step, rate },
                );
            }
            let found = entropy_of(&model, &laid, &held_out);
            if found < best.0 {
                best = (found, model.clone());
            }
        }
        Ok(Self(Part::of(best.1, output)))
    }

    /// The pictures of whole inputs, each number 0 to 1.
    pub fn run(&self, inputs: &[f32]) -> Vec<f32> {
        let sigmoid = |z: f32| 1.0 / (1.0 + (-z).exp());
        self.0.run(inputs).into_iter().map(sigmoid).collect()
    }
}

/// One step on a batch of inputs and pictures.
fn learn(model: &mut Model, adam: &mut Adam, (inputs, pictures): (Vec<f32>, Vec<f32>), pace: Pace) {
    let device = Device::flex().autodiff();
    let tensors = model.tensors(&device, true);
    let images = inputs.len() / model.input.len();
    let pixels = images * model.input.height * model.input.width;
    let input = matrix(inputs, pixels, model.input.channels, &device);
    let unbounded = Penalty {
        bound: f32::INFINITY,
        weight: 0.0,
    };
    let output = model.forward_training(&tensors, input, images, unbounded);
    let loss = entropy(output.logits.clone(), pictures, &device);
    let gradients = of_parameters(&loss.backward(), &tensors, &model.parameters);
    adam.step(&mut model.parameters, &gradients, pace);
    model.update_running(&output, NORM_RATE);
}

/// The mean binary cross entropy of logits with pixels, as `[1][1]`.
fn entropy(logits: Tensor<2>, pixels: Vec<f32>, device: &Device) -> Tensor<2> {
    let [rows, columns] = logits.dims();
    let pixels = matrix(pixels, rows, columns, device);
    let tail = logits.clone().abs().neg().exp().log1p();
    let loss = relu(logits.clone()) - logits * pixels + tail;
    loss.mean().reshape([1, 1])
}

/// The mean binary cross entropy on some pairs, with running statistics.
fn entropy_of(model: &Model, laid: &Laid, indices: &[usize]) -> f64 {
    let device = Device::flex();
    let tensors = model.tensors(&device, false);
    let mut sum = 0.0;
    for part in indices.chunks(128) {
        let (inputs, pictures) = laid.select(part);
        let pixels = part.len() * model.input.height * model.input.width;
        let input = matrix(inputs, pixels, model.input.channels, &device);
        let logits = model.forward_inference(&tensors, input, part.len());
        let mean = values(entropy(logits, pictures, &device))[0];
        sum += f64::from(mean) * part.len() as f64;
    }
    sum / indices.len() as f64
}

#[cfg(test)]
mod tests {
    use hemet_spaces::layer::Dense;
    use hemet_spaces::{Layer, Shape};
    use rand::RngExt;

    use super::*;

    const OPTIONS: DecoderOptions = DecoderOptions {
        epochs: 30,
        batch: 20,
        rate: 0.05,
    };

    /// A dense layer from 4 numbers to 4.
    fn graph() -> LayerGraph {
        let mut graph = LayerGraph::new(Shape::new(4, 1, 1)).unwrap();
        let dense = Dense {
            out_features: 4,
            bias: true,
            circulant: 1,
        };
        let input = graph.input();
        graph.add("out", Layer::Dense(dense), &[input]).unwrap();
        graph
    }

    #[test]
    fn what_can_be_learned_is_learned_and_of_noise_the_mean_alone() {
        let mut rng = Seed::new(8).rng();
        let pictures: Vec<f32> = (0..800).map(|_| f32::from(rng.random::<bool>())).collect();
        let turned: Vec<f32> = pictures.iter().map(|p| 1.0 - 2.0 * p).collect();
        let noise: Vec<f32> = pictures
            .iter()
            .map(|_| rng.random_range(-1.0..1.0))
            .collect();
        let error = |inputs: &[f32]| {
            let (train, test) = inputs.split_at(600);
            let pairs = Pairs {
                inputs: train,
                pictures: &pictures[..600],
            };
            let decoder = Decoder::train(&graph(), pairs, OPTIONS, Seed::new(1)).unwrap();
            let squares = decoder.run(test).into_iter().zip(&pictures[600..]);
            squares.map(|(a, b)| (a - b).powi(2)).sum::<f32>() / 200.0
        };
        // Fair coins have variance 1/4: the mean of 200 squares has deviation below 0.02 around it.
        assert!(error(&turned) < 0.05, "{}", error(&turned));
        assert!((error(&noise) - 0.25).abs() < 0.06, "{}", error(&noise));
    }

    #[test]
    fn a_seed_gives_one_decoder_and_too_few_pairs_are_refused() {
        let numbers: Vec<f32> = (0..80).map(|i| (i % 7) as f32 / 7.0).collect();
        let pairs = |count: usize| Pairs {
            inputs: &numbers[..4 * count],
            pictures: &numbers[..4 * count],
        };
        let run = |seed: u64| {
            let decoder = Decoder::train(&graph(), pairs(20), OPTIONS, Seed::new(seed));
            decoder.unwrap().run(&numbers)
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
        let error = Decoder::train(&graph(), pairs(5), OPTIONS, Seed::new(1)).unwrap_err();
        assert!(
            error.to_string().contains("is 5; it must be at least 10"),
            "{error}"
        );
    }
}
