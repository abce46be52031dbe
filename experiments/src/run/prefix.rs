//! The public network in front of an experiment's networks: `deploy: {prefix: FILE}`. Clients run it in the clear; the
//! search and training see its outputs in place of the images.

use hemet_onnx::{Source, WHOLE};
use hemet_search::data::{Dataset, TrainTest};
use hemet_spaces::evaluate::Evaluator;
use hemet_spaces::{LayerGraph, Weights};
use rayon::prelude::*;

use crate::error::Error;
use crate::experiment::Experiment;

/// A public network with its weights.
pub struct Prefix {
    /// The network; what it gives is what others take.
    pub graph: LayerGraph,
    /// Its weights.
    pub weights: Weights,
}

impl Prefix {
    /// That of an experiment, where it has one.
    ///
    /// # Errors
    /// A file that cannot be read; a model with operators that no device runs.
    pub fn of(experiment: &Experiment) -> Result<Option<Self>, Error> {
        let Some(path) = &experiment.deploy.prefix else {
            return Ok(None);
        };
        let bytes = std::fs::read(path).map_err(|e| Error::file(path, e))?;
        let source = Source {
            folder: path.parent(),
            device_layers: WHOLE,
            ..(&bytes).into()
        };
        let imported = hemet_onnx::import(source).map_err(|e| Error::file(path, e))?;
        Ok(Some(Self {
            graph: imported.graph,
            weights: imported.weights,
        }))
    }

    /// What it gives for the images of both sets.
    ///
    /// # Errors
    /// Images of another shape than it takes.
    pub fn features(&self, sets: &TrainTest) -> Result<TrainTest, Error> {
        Ok(TrainTest {
            train: self.of_set(&sets.train)?,
            test: self.of_set(&sets.test)?,
        })
    }

    fn of_set(&self, set: &Dataset) -> Result<Dataset, Error> {
        let takes = self.graph.node(self.graph.input()).shape;
        if set.shape != takes {
            return Err(Error::user(format!(
                "the prefix takes {takes}, images of {} are {}; give it such an input, or choose another data set",
                set.name, set.shape
            )));
        }
        let evaluator = Evaluator::new(&self.graph, &self.weights)?;
        let images = (0..set.labels.len().max(set.targets.len())).into_par_iter();
        let rows = images.map(|index| {
            let image: Vec<f64> = set.image(index).iter().map(|x| f64::from(*x)).collect();
            let features = evaluator.run(&image)?;
            Ok(features.into_iter().map(|x| x as f32).collect::<Vec<f32>>())
        });
        let rows: Vec<Vec<f32>> = rows.collect::<Result<_, Error>>()?;
        Ok(Dataset {
            shape: self.graph.node(self.graph.output()).shape,
            images: rows.concat(),
            columns: None,
            ..set.clone()
        })
    }
}
