//! The networks of the comparison, and their training.

use std::ops::ControlFlow;
use std::path::Path;

use hemet::common;
use hemet::error::Error;
use hemet_search::Seed;
use hemet_search::data::Dataset;
use hemet_search::train::{
    Border, Polynomials, Schedule, TrainData, TrainOptions, TrainOutcome, Training,
};
use hemet_spaces::layer::{Conv, Window};
use hemet_spaces::{Layer, LayerGraph, Weights};

use crate::common::{Net, networks};

/// Their names.
pub const NAMES: [&str; 3] = ["lola", "lenet5", "vgg11"];
/// Share of the training images that is held out: by them parameters are chosen.
const HELD_OUT: f64 = 0.04;
/// Seed of every random choice.
const SEED: u64 = 1;
/// Learning rates, as shares of the first: where a training diverges, it learns slower.
const SLOWER: [f32; 3] = [1.0, 0.3, 0.1];

/// A network that is to learn.
pub struct Network {
    /// Its name.
    pub name: &'static str,
    /// The data set that it learns.
    pub set: &'static str,
    /// Test images that are encrypted, unless others are asked for.
    pub images: usize,
    graph: LayerGraph,
    options: TrainOptions,
}

/// A network that has learned.
pub struct Trained {
    /// Its layers.
    pub graph: LayerGraph,
    /// Its weights.
    pub weights: Weights,
    /// Images that it has not learned from.
    pub held_out: Vec<Vec<f64>>,
}

impl Network {
    /// The network of this name.
    ///
    /// # Errors
    /// A name that is none of [`NAMES`].
    pub fn named(name: &str) -> Result<Self, Error> {
        let mnist = |name, graph| Self {
            name,
            set: "mnist",
            images: 1000,
            graph,
            options: TrainOptions {
                epochs: 8,
                shift: 1,
                ema: 0.998,
                ..TrainOptions::default()
            },
        };
        match name {
            "lola" => Ok(mnist("lola", lola())),
            "lenet5" => Ok(mnist("lenet5", lenet5())),
            "vgg11" => Ok(Self {
                name: "vgg11",
                set: "cifar10",
                images: 300,
                graph: networks::vgg11([8, 16, 32, 32, 58, 58, 58, 58]),
                options: TrainOptions {
                    epochs: 12,
                    batch: 128,
                    learning_rate: 0.2,
                    schedule: Schedule::Triangular,
                    label_smoothing: 0.2,
                    shift: 2,
                    border: Border::Reflect,
                    flip: true,
                    alternate: true,
                    polynomials: Polynomials::Herpn,
                    ..TrainOptions::default()
                },
            }),
            _ => Err(Error::user(format!(
                "there is no network `{name}`; choose of {}",
                NAMES.join(", ")
            ))),
        }
    }

    /// The network with weights: those in `out`, or trained.
    ///
    /// # Errors
    /// A training that diverges at every learning rate; files that cannot be read or written.
    pub fn trained(&self, out: &Path, train: &Dataset) -> Result<Trained, Error> {
        let (training, held_out) = train.split(HELD_OUT, Seed::new(SEED))?;
        let path = out.join(format!("{}.safetensors", self.name));
        let weights = match path.exists() {
            true => common::read_weights(&path, &self.graph)?,
            false => {
                let data = TrainData {
                    training: &training,
                    validation: &held_out,
                };
                let weights = self.train(out, data)?;
                hemet_files::write_atomically(&path, &weights.to_safetensors()?)?;
                weights
            }
        };
        Ok(Trained {
            graph: self.graph.clone(),
            weights,
            held_out: (0..held_out.len()).map(|i| image(&held_out, i)).collect(),
        })
    }

    fn train(&self, out: &Path, data: TrainData<'_>) -> Result<Weights, Error> {
        for (try_, slower) in SLOWER.into_iter().enumerate() {
            let options = TrainOptions {
                learning_rate: slower * self.options.learning_rate,
                ..self.options.clone()
            };
            let checkpoint = out.join(format!("{}-{try_}.checkpoint", self.name));
            let training = Training {
                checkpoint: Some(&checkpoint),
                ..Training::new(&self.graph, data, &options, Seed::new(SEED))
            };
            let outcome = training.run(&mut |epoch| {
                let (number, all) = (epoch.epoch, epoch.epochs);
                let right = common::percent(epoch.training_accuracy);
                eprintln!(
                    "{}: epoch {number} of {all}, {right} of the training images right",
                    self.name
                );
                ControlFlow::Continue(())
            })?;
            match outcome {
                TrainOutcome::Complete(trained) => {
                    let right = common::percent(trained.accuracy);
                    eprintln!("{}: {right} of the held-out images right", self.name);
                    return Ok(trained.weights);
                }
                TrainOutcome::Diverged { reason } => eprintln!("{}: {reason}", self.name),
                TrainOutcome::Cancelled => {}
            }
        }
        Err(Error::user("the training diverges at every learning rate"))
    }
}

/// An image as client and compiler take it.
pub fn image(set: &Dataset, index: usize) -> Vec<f64> {
    set.image(index).iter().map(|x| f64::from(*x)).collect()
}

/// LoLa's network (Brutzkus, Gilad-Bachrach and Elisha, ICML 2019) with batch norms, which compilation folds.
fn lola() -> LayerGraph {
    let conv = Conv {
        window: Window::square(5, 2, 1),
        ..Conv::same(5, 5)
    };
    let net = Net::new(1, 28).then(Layer::Conv(conv)).affine().quadratic();
    net.dense(100).affine().quadratic().dense(10).graph
}

/// LeNet-5 (LeCun et al. 1998) with quadratics, average pools and batch norms.
fn lenet5() -> LayerGraph {
    let net = Net::new(1, 28).block(6, 5, 1).pool(2);
    let net = net.unpadded(16, 5, 1).affine().quadratic().pool(2);
    let net = net.dense(120).affine().quadratic();
    net.dense(84).affine().quadratic().dense(10).graph
}
