//! Trained networks, kept in a folder.

use std::ops::ControlFlow;
use std::path::Path;

use hemet::common;
use hemet::error::Error;
use hemet_search::Seed;
use hemet_search::train::{Recipe, TrainData, TrainOptions, TrainOutcome, Training};
use hemet_spaces::{LayerGraph, Weights};

use crate::images::Images;

/// A network that learned.
pub struct Network {
    /// Its layers.
    pub graph: LayerGraph,
    /// Their weights.
    pub weights: Weights,
    /// Share of the test images that it gets right.
    pub accuracy: f64,
}

/// How a network learns.
#[derive(Clone, Copy)]
pub struct Schedule {
    /// Passes over the images.
    pub epochs: usize,
    /// Where it begins.
    pub seed: u64,
}

/// The network of this name, from `folder` or trained.
pub fn network(
    folder: &Path,
    name: &str,
    graph: LayerGraph,
    images: &Images,
    schedule: Schedule,
) -> Result<Network, Error> {
    let path = folder.join(format!("{}.safetensors", name.replace(' ', "-")));
    let weights = match path.exists() {
        true => common::read_weights(&path, &graph)?,
        false => {
            let weights = train(&graph, images, schedule)?;
            let bytes = weights.to_safetensors()?;
            hemet_files::write_atomically(&path, &bytes)?;
            weights
        }
    };
    let accuracy = Recipe::Polynomials.accuracy(&graph, &weights, &images.test)?;
    Ok(Network {
        graph,
        weights,
        accuracy,
    })
}

fn train(graph: &LayerGraph, images: &Images, schedule: Schedule) -> Result<Weights, Error> {
    let data = TrainData {
        training: &images.train,
        validation: &images.test,
    };
    // Where it diverges, it learns slower.
    for learning_rate in [0.1, 0.03, 0.01, 0.003] {
        let options = TrainOptions {
            epochs: schedule.epochs,
            learning_rate,
            ..TrainOptions::default()
        };
        let training = Training::new(graph, data, &options, Seed::new(schedule.seed));
        match training.run(&mut |_| ControlFlow::Continue(()))? {
            TrainOutcome::Complete(trained) => return Ok(trained.weights),
            TrainOutcome::Diverged { .. } | TrainOutcome::Cancelled => {}
        }
    }
    Err(Error::user("the training diverges at every learning rate"))
}
