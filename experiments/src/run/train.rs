//! The training of a trial, set up in one place for the search, its workers and `hemet train`.

use std::path::Path;

use hemet_search::data::Dataset;
use hemet_search::study::Order;
use hemet_search::train::{
    EpochReport, OnEpoch, Recipe, Teacher, TrainData, TrainOutcome, Training,
};
use hemet_search::{Error as SearchError, Seed};
use hemet_spaces::{LayerGraph, Scheme, Weights};

use crate::error::Error;
use crate::experiment::Experiment;
use crate::run::folder::RunFolder;
use crate::run::teachers::Teachers;

/// The images of an experiment: those to learn from, and those that the accuracy of trials is measured on.
#[derive(Clone, Debug)]
pub struct Split {
    /// To learn from.
    pub training: Dataset,
    /// To measure on.
    pub validation: Dataset,
}

impl Split {
    /// Of an experiment's training images, as its seed says.
    ///
    /// # Errors
    /// A share that leaves one part empty.
    pub fn of(experiment: &Experiment, images: &Dataset) -> Result<Self, Error> {
        let seed = Seed::new(experiment.seed).validation();
        let (training, mut validation) = images.split(experiment.data.validation, seed)?;
        validation.measure = experiment.measure();
        Ok(Self {
            training,
            validation,
        })
    }

    fn data(&self) -> TrainData<'_> {
        TrainData {
            training: &self.training,
            validation: &self.validation,
        }
    }
}

/// What an experiment trains a network of this scheme to be.
pub fn recipe(experiment: &Experiment, scheme: Scheme) -> Recipe<'_> {
    match scheme {
        Scheme::Ckks => Recipe::Polynomials,
        Scheme::Tfhe => Recipe::Quantized(&experiment.quantize),
    }
}

/// What all trainings of an experiment share.
pub struct ExperimentData {
    experiment: Experiment,
    split: Split,
    teachers: Teachers,
}

impl ExperimentData {
    /// Of an experiment and its training images; teachers are kept in `run`.
    ///
    /// # Errors
    /// A cut that leaves no images on one side.
    pub fn of(experiment: &Experiment, images: &Dataset, run: &RunFolder) -> Result<Self, Error> {
        Ok(Self {
            experiment: experiment.clone(),
            split: Split::of(experiment, images)?,
            teachers: Teachers::new(run, Seed::new(experiment.seed)),
        })
    }

    /// The experiment.
    pub fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    /// Its images.
    pub fn split(&self) -> &Split {
        &self.split
    }
}

/// The training of one trial.
pub struct TrialTraining<'a> {
    shared: &'a ExperimentData,
    order: &'a Order,
    graph: LayerGraph,
    scheme: Scheme,
    /// Where its state is kept after each epoch.
    pub checkpoint: Option<&'a Path>,
    /// Whether the validation accuracy is measured after every epoch; else after those that the order asks for.
    pub validate_all: bool,
}

impl<'a> TrialTraining<'a> {
    /// The training that an order asks for.
    ///
    /// # Errors
    /// An architecture of another space.
    pub fn of(shared: &'a ExperimentData, order: &'a Order) -> Result<Self, SearchError> {
        let space = shared.experiment.space();
        let space = space.map_err(|e| SearchError::Elsewhere(e.render()))?;
        Ok(Self {
            shared,
            order,
            graph: space.graph(&order.architecture)?,
            scheme: space.scheme(&order.architecture),
            checkpoint: None,
            validate_all: false,
        })
    }

    /// What is asked.
    pub fn order(&self) -> &Order {
        self.order
    }

    /// The network.
    pub fn graph(&self) -> &LayerGraph {
        &self.graph
    }

    /// Epochs of all phases.
    pub fn epochs(&self) -> usize {
        self.shared.experiment.train.all_epochs()
    }

    /// Number of validation images.
    pub fn validation_images(&self) -> usize {
        self.shared.split.validation.len()
    }

    /// Accuracy on the validation images, 0 to 1, with these weights.
    ///
    /// # Errors
    /// Weights of another network.
    pub fn accuracy(&self, weights: &Weights) -> Result<f64, SearchError> {
        let validation = &self.shared.split.validation;
        self.recipe().accuracy(&self.graph, weights, validation)
    }

    /// What it is trained to be.
    pub fn recipe(&self) -> Recipe<'_> {
        recipe(&self.shared.experiment, self.scheme)
    }

    /// Its teacher, where it has one; `on_epoch` hears of the teacher's training if that has to be done.
    ///
    /// # Errors
    /// As [`Teachers::of`].
    pub fn teacher(
        &self,
        on_epoch: &mut dyn FnMut(&EpochReport),
    ) -> Result<Option<Teacher>, SearchError> {
        match self.recipe() {
            Recipe::Quantized(_) => Ok(None),
            Recipe::Polynomials | Recipe::Relu => {
                let options = &self.shared.experiment.train;
                let data = self.shared.split.data();
                self.shared
                    .teachers
                    .of(&self.graph, data, options, on_epoch)
            }
        }
    }

    /// Runs it, with [`Self::teacher`]; `on_epoch` hears of each epoch and may end it.
    ///
    /// # Errors
    /// As [`Training::run`].
    pub fn run(
        &self,
        teacher: Option<&Teacher>,
        on_epoch: &mut OnEpoch<'_>,
    ) -> Result<TrainOutcome, SearchError> {
        let experiment = &self.shared.experiment;
        let (data, options) = (self.shared.split.data(), &experiment.train);
        let seed = Seed::new(experiment.seed).training(self.order.number);
        let validate = |epoch| self.validate_all || self.order.asks(epoch);
        let mut training = Training::new(&self.graph, data, options, seed);
        training.recipe = self.recipe();
        training.checkpoint = self.checkpoint;
        training.inherited = self.order.inherited.as_ref();
        training.validate = &validate;
        training.teacher = teacher;
        training.run(on_epoch)
    }
}
