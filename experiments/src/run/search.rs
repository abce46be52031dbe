//! The search of an experiment: proposes and trains until the trials are used up.

use std::time::Instant;

use hemet_search::audit;
use hemet_search::study::{self, Event, Job, Resume, Study, StudyOptions};
use hemet_search::train::{OnEpoch, TrainOutcome};
use hemet_search::trial::Point;
use hemet_search::{Error as SearchError, Seed, Trial, strategy};
use hemet_spaces::Weights;

use crate::cli::search_progress::SearchProgress;
use crate::common;
use crate::error::Error;
use crate::experiment::Experiment;
use crate::run::clock::Clock;
use crate::run::folder::RunFolder;
use crate::run::reasons;
use crate::run::times;
use crate::run::train::{ExperimentData, TrialTraining};
use crate::schemes::SchemeCosts;
use crate::workers::coordinator::Coordinator;

/// A search, ready to run.
pub struct Search<'a> {
    /// The experiment and its images.
    pub data: &'a ExperimentData,
    /// What networks cost.
    pub cost: &'a SchemeCosts,
    /// The time used.
    pub clock: &'a Clock<'a>,
    /// Where the journal lies.
    pub run: &'a RunFolder,
    /// Who hands trials out, where they are trained in other processes.
    pub coordinator: Option<&'a Coordinator>,
}

impl Search<'_> {
    /// Runs it; all trials, those of earlier sittings too.
    ///
    /// # Errors
    /// As [`Study::run`]; a search without any trial that was trained to the end.
    pub fn trials(&self, resume: Resume) -> Result<Vec<Trial>, Error> {
        let begun = Instant::now();
        let experiment = self.data.experiment();
        let space = experiment.space()?;
        self.announce()?;
        let folder = self.run.study()?;
        let earlier = study::read_sound_journal(&folder.journal(), space)?;
        let progress = SearchProgress::new(experiment, earlier)?;
        let on_event = |event: Event<'_>| {
            if let Some(coordinator) = self.coordinator {
                coordinator.event(&event);
            }
            progress.event(&event);
            self.clock.tick();
        };
        let leak = |job: &Job<'_>, weights: &Weights| self.leak(job, weights);
        let limit_s = experiment.search.max_minutes.map(|minutes| 60.0 * minutes);
        let study = Study {
            leak: experiment.wants_leak().then_some(&leak as &study::Leak<'_>),
            space,
            strategy: strategy::strategy(&experiment.search.strategy)?,
            cost: self.cost,
            objectives: &experiment.objectives()?,
            constraints: &experiment.constraints,
            train: &|job, on_epoch| self.train(job, on_epoch, &progress),
            on_event: &on_event,
            should_stop: &|| false,
            out_of_time: &|| limit_s.is_some_and(|limit| begun.elapsed().as_secs_f64() > limit),
        };
        let options = options(experiment, self.coordinator.is_some());
        let report = study.run(&folder, &options, resume)?;
        progress.finish();
        if report.trials.iter().all(|t| Point::of(t).is_none()) {
            return Err(Error::user(reasons::nothing_trained(
                &report.trials,
                &experiment.constraints,
            )));
        }
        Ok(report.trials)
    }

    fn announce(&self) -> Result<(), Error> {
        let (experiment, split) = (self.data.experiment(), self.data.split());
        eprintln!(
            "searching {} networks on {} ({} training, {} validation images), strategy {}",
            experiment.space()?.size(),
            experiment.data.set,
            split.training.len(),
            split.validation.len(),
            experiment.search.strategy
        );
        Ok(())
    }

    /// Trains one trial here, or has it trained, and notes when.
    fn train(
        &self,
        job: &Job<'_>,
        on_epoch: &mut OnEpoch<'_>,
        progress: &SearchProgress,
    ) -> Result<TrainOutcome, SearchError> {
        let begin_s = self.clock.seconds();
        let outcome = self.train_here_or_there(job, on_epoch, progress)?;
        match outcome {
            TrainOutcome::Cancelled => {}
            TrainOutcome::Complete(_) | TrainOutcome::Diverged { .. } => {
                times::add(self.run, job.order.number, begin_s, self.clock.seconds())
                    .map_err(|e| SearchError::Elsewhere(e.render()))?;
            }
        }
        Ok(outcome)
    }

    /// What the layers that the trial leaves to the device reveal.
    fn leak(&self, job: &Job<'_>, weights: &Weights) -> Result<f64, SearchError> {
        let experiment = self.data.experiment();
        let space = experiment.space();
        let space = space.map_err(|e| SearchError::Elsewhere(e.render()))?;
        let placed = space.placement(&job.order.architecture).device_layers;
        let layers = experiment.deploy.device_layers.unwrap_or(placed);
        if layers == 0 {
            return Ok(0.0);
        }
        let cut = job.graph.cut_of(layers)?;
        let split = self.data.split();
        let seed = Seed::new(experiment.seed).training(job.order.number);
        audit::leak(
            job.graph,
            weights,
            cut,
            [&split.training, &split.validation],
            seed,
        )
    }

    fn train_here_or_there(
        &self,
        job: &Job<'_>,
        on_epoch: &mut OnEpoch<'_>,
        progress: &SearchProgress,
    ) -> Result<TrainOutcome, SearchError> {
        let mut training = TrialTraining::of(self.data, job.order)?;
        if let Some(coordinator) = self.coordinator {
            return coordinator.train(job, &training, on_epoch, &|epoch| {
                progress.heard(job.order.number, epoch);
                self.clock.tick();
            });
        }
        training.checkpoint = Some(job.checkpoint);
        let teacher = training.teacher(&mut |_| {})?;
        training.run(teacher.as_ref(), on_epoch)
    }
}

/// How much to run, on how many threads.
fn options(experiment: &Experiment, elsewhere: bool) -> StudyOptions {
    let search = &experiment.search;
    let workers = match search.workers {
        // Threads that only wait.
        _ if elsewhere => search.lag,
        0 => common::cores(),
        n => n,
    };
    let workers = workers.min(search.lag).min(search.trials);
    StudyOptions {
        trials: search.trials,
        lag: search.lag,
        workers,
        threads: search.threads(if elsewhere { common::cores() } else { workers }),
        seed: Seed::new(experiment.seed),
        baseline: search.baseline,
        halving: search.halving.clone(),
        inherit: search.inherit,
    }
}
