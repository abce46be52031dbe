//! The workers' side: trains what an order asks.

use std::any::Any;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Instant;

use hemet_queue::{Key, Purpose, Request};
use hemet_search::Error as SearchError;
use hemet_search::study::{self, Delivery, Order};
use hemet_search::train::{End, EpochReport, TrainOutcome, on_threads};

use super::Record;
use crate::error::Error;
use crate::experiment::{Experiment, Text, parse};
use crate::run::folder::RunFolder;
use crate::run::images;
use crate::run::train::{ExperimentData, TrialTraining};

/// A study, with all that a worker must know to train for it.
pub struct Study<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its key.
    pub key: Key,
    /// Its record.
    pub record: Record,
}

/// Where a worker has its data set.
pub enum DataPlace<'a> {
    /// Where the study's record says: on the search's own machine, or where the worker's user trusts it.
    OfRecord,
    /// In this folder; none for sets that are embedded.
    Own(Option<&'a Path>),
}

/// Trains the trials of one study.
pub struct Trainer {
    study: String,
    key: Key,
    shared: ExperimentData,
    /// Where checkpoints and teachers lie.
    scratch: RunFolder,
    /// Whether that is the run folder itself, whose search looks after the checkpoints.
    in_run_folder: bool,
}

impl Trainer {
    /// For a study; checkpoints and teachers lie in `scratch`.
    pub fn new(
        study: Study<'_>,
        data: DataPlace<'_>,
        scratch: PathBuf,
        in_run_folder: bool,
    ) -> Result<Self, Error> {
        let text = Text::of(
            Path::new("the study's experiment"),
            &study.record.experiment,
        )?;
        let mut experiment: Experiment = parse(&text)?;
        if let DataPlace::Own(folder) = data {
            experiment.data.path = folder.map(Path::to_owned);
            if let Some(prefix) = &experiment.deploy.prefix {
                return Err(Error::user(format!(
                    "the study's networks stand behind a prefix, {}; a worker reads files that a study names only with \
                     --allow-data-path, if you trust who wrote the study",
                    prefix.display()
                )));
            }
        }
        let images = images::load(&experiment)?.train;
        let sum = crate::run::images::sum(&images);
        if sum != study.record.images {
            return Err(Error::user(format!(
                "the training images of `{}` here have sum {sum}, those of the search have {}; give the same files with --data",
                experiment.data.set, study.record.images
            )));
        }
        let scratch = RunFolder { root: scratch };
        Ok(Self {
            study: study.id.to_owned(),
            key: study.key,
            shared: ExperimentData::of(&experiment, &images, &scratch)?,
            scratch,
            in_run_folder,
        })
    }

    /// Does a piece of work; an error is one of this worker.
    pub fn answer(&self, request: &Request) -> Result<String, String> {
        let order = self.key.open(Purpose::Order, &self.study, &request.text);
        let order = match order {
            Ok(order) => order,
            // Nobody that this worker works for waits for an answer.
            Err(error) => {
                eprintln!("an order is not followed: {error}");
                return Ok(String::new());
            }
        };
        let threads = self.shared.experiment().search.threads.max(1);
        let deliver = || on_threads(threads, || self.deliver(request, order)).flatten();
        let done = catch_unwind(AssertUnwindSafe(deliver));
        let delivery = match done {
            Ok(Ok(delivery)) => delivery,
            Ok(Err(SearchError::Untrainable { layer, why })) => {
                Delivery::Untrainable { layer, why }
            }
            Ok(Err(error)) => return Err(error.to_string()),
            Err(panic) => Delivery::Ended {
                outcome: TrainOutcome::Diverged {
                    reason: format!("the training panicked: {}", message(&*panic)),
                },
                epochs: Vec::new(),
            },
        };
        // One that was cancelled is another worker's by now, and nobody reads this.
        let text = delivery.to_json().map_err(|e| e.to_string())?;
        let purpose = Purpose::Delivery(&request.text);
        let seal = |text: String| self.key.seal(purpose, &self.study, &text);
        Ok(text.map(seal).unwrap_or_default())
    }

    fn deliver(&self, request: &Request, order: &str) -> Result<Delivery, SearchError> {
        let space = self.shared.experiment().space();
        let space = space.map_err(|e| SearchError::Elsewhere(e.render()))?;
        let order = Order::from_json(order, space)?;
        let begun = Instant::now();
        let checkpoint = study::StudyFolder::create(&self.scratch.root)?.checkpoint(order.number);
        let mut training = TrialTraining::of(&self.shared, &order)?;
        training.checkpoint = Some(&checkpoint);
        let mut epochs = Vec::new();
        let mut on_epoch = |report: &EpochReport| {
            if request.lost.load(Ordering::SeqCst) {
                return ControlFlow::Break(End::Cancelled);
            }
            epochs.push(*report);
            request.heard.store(report.epoch as u64, Ordering::SeqCst);
            match order.verdict(report).is_some_and(|v| !v.goes_on) {
                true => ControlFlow::Break(End::Early),
                false => ControlFlow::Continue(()),
            }
        };
        let teacher = training.teacher(&mut |_| {})?;
        let outcome = training.run(teacher.as_ref(), &mut on_epoch)?;
        if !self.in_run_folder && outcome != TrainOutcome::Cancelled {
            // What is left of it would only be in the way: the weights travel.
            let _ = std::fs::remove_file(&checkpoint);
        }
        let seconds = begun.elapsed().as_secs_f64();
        eprintln!(
            "trial {}: {} ({seconds:.1} s)",
            order.number,
            said(&outcome)
        );
        Ok(Delivery::Ended { outcome, epochs })
    }
}

fn said(outcome: &TrainOutcome) -> String {
    match outcome {
        TrainOutcome::Complete(trained) => crate::common::percent(trained.accuracy),
        TrainOutcome::Diverged { reason } => reason.clone(),
        TrainOutcome::Cancelled => "another worker has it now".into(),
    }
}

/// What a panic said.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or(panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
