//! Adaptation: a network that was trained on public images goes on to learn from a few labeled images of another kind.
//!
//! It inherits the weights, learns from batches of both kinds, and gets the batch-norm statistics of unlabeled target
//! images (see [`hemet_search::train::Target`]). Beside it stand what the network does without adaptation, with the
//! statistics alone, and what the few images teach it alone.

use std::ops::ControlFlow;

use hemet_search::Seed;
use hemet_search::data::{Dataset, TrainTest};
use hemet_search::train::{
    EpochReport, Polynomials, Recipe, Target, TrainData, TrainOptions, TrainOutcome, Trained,
    Training,
};
use hemet_spaces::{LayerGraph, Weights};

use crate::cli::progress::Progress;
use crate::common;
use crate::error::Error;

/// Images that adapted networks are validated on: those of the target whose labels were not learned from.
const VALIDATION: usize = 2_000;
/// Images of the source that tell the statistics which the target's replace.
const STATISTICS: usize = 1_000;
/// The images learn alone, without the source, for at most so many epochs.
const MOST_EPOCHS: usize = 300;

/// An adaptation, ready to run.
#[derive(Clone, Copy)]
pub struct Adaptation<'a> {
    /// The network.
    pub graph: &'a LayerGraph,
    /// Its weights, trained on the source.
    pub weights: &'a Weights,
    /// Images of the source to learn from.
    pub source: &'a Dataset,
    /// Images of the target.
    pub target: &'a TrainTest,
    /// Labels of each class.
    pub labels: usize,
    /// How to train.
    pub options: &'a TrainOptions,
    /// Of all random choices.
    pub seed: Seed,
    /// Whether progress is not shown.
    pub quiet: bool,
}

/// The options of a search's training as those of an adaptation.
pub fn options(searched: &TrainOptions) -> TrainOptions {
    TrainOptions {
        // Weights are inherited as coefficients.
        polynomials: Polynomials::Learnable,
        // A teacher knows the source alone.
        distillation: 0.0,
        phases: Vec::new(),
        ..searched.clone()
    }
}

/// Target images: those with labels, all of them without, and those that validate.
pub struct Few {
    /// With labels.
    pub labeled: Dataset,
    /// The others; their labels tell how good a network is, and nothing is learned from them.
    pub others: Dataset,
}

impl Few {
    /// Images without labels: the others, or where there are none the labeled ones.
    pub fn unlabeled(&self) -> &Dataset {
        match self.others.is_empty() {
            true => &self.labeled,
            false => &self.others,
        }
    }

    /// What adapted networks are validated on.
    fn validation(&self) -> Dataset {
        let images = self.unlabeled();
        let count = images.len().min(VALIDATION);
        images.select(&(0..count).collect::<Vec<usize>>())
    }
}

/// What an adaptation gave.
pub struct Adapted {
    /// The weights, the accuracy on validation images, the epochs.
    pub trained: Trained,
    /// Accuracy on the target's test images, 0 to 1: with the weights of the source,
    pub source_only: f64,
    /// with these and the target's batch-norm statistics,
    pub statistics: f64,
    /// trained on the labeled images alone,
    pub target_only: f64,
    /// adapted,
    pub adapted: f64,
    /// and adapted with all labels, where that was asked for.
    pub all_labels: Option<f64>,
}

impl Adaptation<'_> {
    /// The labeled images, as the seed says.
    ///
    /// # Errors
    /// Sets that do not go together; a class with fewer images.
    pub fn few(&self) -> Result<Few, Error> {
        self.source.check_alike(&self.target.train)?;
        let seed = self.seed.derive("labels");
        let (labeled, others) = self.target.train.few(self.labels, seed)?;
        Ok(Few { labeled, others })
    }

    /// Adapts, and trains what it is compared with.
    ///
    /// # Errors
    /// A training that diverges.
    pub fn run(&self, few: &Few, all_labels: bool) -> Result<Adapted, Error> {
        let test = &self.target.test;
        let accuracy = |weights: &Weights| -> Result<f64, Error> {
            Ok(Recipe::Polynomials.accuracy(self.graph, weights, test)?)
        };
        let nothing = TrainOptions {
            epochs: 1,
            // So small a step that nothing but the statistics changes.
            learning_rate: f32::MIN_POSITIVE,
            warmup: 0.0,
            weight_decay: 0.0,
            ema: 0.0,
            ..self.options.clone()
        };
        let first = self.source.len().min(STATISTICS);
        let first = self.source.select(&(0..first).collect::<Vec<usize>>());
        let little = Adaptation {
            source: &first,
            ..*self
        };
        let statistics = little.trained("statistics", &few.labeled, few, &nothing)?;
        let trained = self.trained("adapt", &few.labeled, few, self.options)?;
        let target_only = self.target_only(few, &trained.epochs)?;
        let all = all_labels.then(|| {
            let all = self.trained("all labels", &self.target.train, few, self.options)?;
            accuracy(&all.weights)
        });
        Ok(Adapted {
            source_only: accuracy(self.weights)?,
            statistics: accuracy(&statistics.weights)?,
            target_only: accuracy(&target_only.weights)?,
            adapted: accuracy(&trained.weights)?,
            all_labels: all.transpose()?,
            trained,
        })
    }

    /// The network adapted with these labeled images of the target.
    fn trained(
        &self,
        name: &'static str,
        labeled: &Dataset,
        few: &Few,
        options: &TrainOptions,
    ) -> Result<Trained, Error> {
        let images = self.source.clone().followed_by(labeled)?;
        let mut training = self.training(&images, few, options, labeled.len());
        let validation = few.validation();
        training.data.validation = &validation;
        training.inherited = Some(self.weights);
        self.learn(name, &training)
    }

    /// The network trained on the labeled images alone, from the start, in as many steps as the adaptation took.
    fn target_only(&self, few: &Few, epochs: &[EpochReport]) -> Result<Trained, Error> {
        let batches = |images: usize| (images / self.options.batch).max(1);
        let steps = epochs.len() * batches(self.source.len());
        let options = TrainOptions {
            epochs: (steps / batches(few.labeled.len())).clamp(1, MOST_EPOCHS),
            ..self.options.clone()
        };
        let mut training = self.training(&few.labeled, few, &options, few.labeled.len());
        let validation = few.validation();
        training.data.validation = &validation;
        self.learn("target only", &training)
    }

    fn training<'t>(
        &'t self,
        images: &'t Dataset,
        few: &'t Few,
        options: &'t TrainOptions,
        labeled: usize,
    ) -> Training<'t> {
        let data = TrainData {
            training: images,
            validation: images,
        };
        let seed = self.seed.derive("adapt");
        let mut training = Training::new(self.graph, data, options, seed);
        training.target = Some(Target {
            unlabeled: few.unlabeled(),
            labeled,
        });
        training
    }

    fn learn(&self, name: &'static str, training: &Training<'_>) -> Result<Trained, Error> {
        let epochs = training.options.all_epochs() as u64;
        let mut bar = Progress::new(name, epochs, self.quiet);
        let outcome = training.run(&mut |report| {
            let right = common::percent(report.training_accuracy);
            let line = format!("loss {:.3}, training {right}", report.loss);
            bar.set(report.epoch as u64, &line);
            ControlFlow::Continue(())
        });
        bar.finish();
        match outcome? {
            TrainOutcome::Complete(trained) => Ok(trained),
            TrainOutcome::Diverged { reason } => Err(Error::Check(format!("{name}: {reason}"))),
            TrainOutcome::Cancelled => Err(Error::user("the training was broken off")),
        }
    }
}
