//! The training of a [`Teacher`].

use hemet_spaces::LayerGraph;

use super::options::TrainOptions;
use super::recipe::Recipe;
use super::report::{OnEpoch, TrainOutcome};
use super::teacher::Teacher;
use super::training::{TrainData, Training};
use crate::{Error, Seed};

impl Teacher {
    /// Trains the ReLU network of `graph`; none where it diverges or `on_epoch` breaks it off.
    ///
    /// # Errors
    /// As [`Training::run`].
    pub fn train(
        graph: &LayerGraph,
        data: TrainData<'_>,
        options: &TrainOptions,
        seed: Seed,
        on_epoch: &mut OnEpoch<'_>,
    ) -> Result<Option<Self>, Error> {
        let mut training = Training::new(graph, data, options, seed.derive("teacher"));
        training.recipe = Recipe::Relu;
        match training.run(on_epoch)? {
            TrainOutcome::Complete(trained) => Self::new(graph, trained.weights).map(Some),
            TrainOutcome::Diverged { .. } | TrainOutcome::Cancelled => Ok(None),
        }
    }
}
