//! Study: runs trials on several threads, writes the journal, resumes.
//!
//! **The journal is the same for the same experiment and seed,** whether the study ran through or was killed and
//! resumed, on one thread or many. Trial `n` is proposed from the outcomes of the trials before `n − lag + 1` and
//! the architectures of those between, whether these have ended by then or not; at most `lag` trials are in flight;
//! lines are written in the order of numbers; every seed is derived from the trial's number.

mod baseline;
mod folder;
mod halving;
mod journal;
mod order;
mod schedule;
mod worker;

use std::path::Path;

use hemet_spaces::{Architecture, LayerGraph, Space, Weights};

use crate::constraint::{Constraints, CostModel};
use crate::objective::Objectives;
use crate::strategy::Strategy;
use crate::train::{EpochReport, OnEpoch, TrainOutcome};
use crate::{Error, Seed, Trial};

pub use baseline::Baseline;
pub use folder::StudyFolder;
pub use halving::{Contest, Halving, Verdict};
use journal::Line;
pub use journal::{read as read_journal, read_sound as read_sound_journal};
pub use order::{Delivery, Order};

/// How much to run, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct StudyOptions {
    /// Trials to train (Complete or Failed), at least 1. Infeasible ones are recorded, but do not count.
    pub trials: usize,
    /// Trials that may be in flight at once, at least 1. Part of what determines the journal; `workers` is not.
    pub lag: usize,
    /// Threads, at least 1; more than `lag` are of no use.
    pub workers: usize,
    /// Threads of each worker, at least 1: large steps of a training are shared among them. The journal does not depend
    /// on them.
    pub threads: usize,
    /// The seed of every random choice.
    pub seed: Seed,
    /// The network that is tried first, whatever the strategy, to compare the others with.
    pub baseline: Option<Baseline>,
    /// Whether and where trainings are stopped early.
    pub halving: Option<Halving>,
    /// Whether a training starts from the weights of the most similar earlier trial, where shapes agree.
    pub inherit: bool,
}

/// Infeasible trials are proposed up to this many times the number of trials to train; then the study ends.
const PROPOSALS_PER_TRIAL: usize = 20;

/// A training that a study asks for.
pub struct Job<'a> {
    /// What is tried, and from where.
    pub order: &'a Order,
    /// The network.
    pub graph: &'a LayerGraph,
    /// Where the state of the training is kept while it runs.
    pub checkpoint: &'a Path,
    /// Whether the study is over: for those who wait for a training that runs elsewhere. (One that runs here hears of
    /// it after each epoch.)
    pub stopped: &'a (dyn Fn() -> bool + Sync),
}

/// What a study is told to do for a feasible architecture: do this training and tell of each epoch.
pub type Train<'a> = dyn Fn(&Job<'_>, &mut OnEpoch<'_>) -> Result<TrainOutcome, Error> + Sync + 'a;

/// What the device part of a trained network reveals, see [`Point::leak`](crate::Point::leak).
pub type Leak<'a> = dyn Fn(&Job<'_>, &Weights) -> Result<f64, Error> + Sync + 'a;

/// What happens in a study, for whoever shows it. Comes from several threads, one event at a time for a trial.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// A trial is being trained.
    Started {
        /// Its number.
        number: usize,
        /// Its architecture.
        architecture: &'a Architecture,
    },
    /// An epoch of a trial has ended.
    Epoch {
        /// Number of the trial.
        number: usize,
        /// The epoch.
        report: EpochReport,
    },
    /// A trial has ended and stands in the journal. Told in the order of numbers.
    Finished(&'a Trial),
}

/// A study, ready to run. All parts are borrowed; the library itself reads no clock and prints nothing.
pub struct Study<'a> {
    /// Where to search.
    pub space: &'a Space,
    /// How to search.
    pub strategy: &'a dyn Strategy,
    /// What networks cost.
    pub cost: &'a dyn CostModel,
    /// What is optimized.
    pub objectives: &'a Objectives,
    /// Limits, checked before training.
    pub constraints: &'a Constraints,
    /// How networks are trained.
    pub train: &'a Train<'a>,
    /// What a trained network's device part reveals, where that is an objective.
    pub leak: Option<&'a Leak<'a>>,
    /// Hears what happens.
    pub on_event: &'a (dyn Fn(Event<'_>) + Sync),
    /// Asked after every epoch and before every trial; `true` ends the study, with what is finished in the journal.
    pub should_stop: &'a (dyn Fn() -> bool + Sync),
    /// Asked before every trial; `true` ends the study when those in flight have ended.
    pub out_of_time: &'a (dyn Fn() -> bool + Sync),
}

/// What a study gave.
#[derive(Clone, Debug, PartialEq)]
pub struct StudyReport {
    /// All trials in the journal, those of earlier runs too.
    pub trials: Vec<Trial>,
    /// Whether it was stopped before its end.
    pub stopped: bool,
}

/// Whether a run folder that holds trials is gone on with or refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// Go on after the trials in the journal, if any.
    Yes,
    /// Refuse a journal that holds trials.
    No,
}

impl Study<'_> {
    /// Runs the study to its end or until it is told to stop.
    ///
    /// # Errors
    /// Options out of range; files that cannot be written; a journal that is damaged, in use, of another experiment
    /// (a trial that the strategy would not have proposed), or not empty where it must be. What is in the journal
    /// stays.
    pub fn run(
        &self,
        folder: &StudyFolder,
        options: &StudyOptions,
        resume: Resume,
    ) -> Result<StudyReport, Error> {
        self.check(options)?;
        let path = folder.journal();
        let mut past = journal::Journal::open(&path, self.space)?;
        if resume == Resume::No && !past.lines.is_empty() {
            return Err(Error::NotEmpty {
                path,
                trials: past.lines.len(),
            });
        }
        let costs = schedule::Costs::new(self);
        let damaged = past
            .lines
            .iter()
            .any(|line| matches!(line, Line::Damaged(_)));
        let trials = self.history(&path, past.lines, options, &costs)?;
        if damaged {
            past.journal.replace(&trials)?;
        }
        let past = worker::Past {
            journal: past.journal,
            trials,
        };
        worker::Desk::new(self, options, folder, &costs, past).run()
    }

    fn check(&self, options: &StudyOptions) -> Result<(), Error> {
        let counts = [
            ("trials", options.trials),
            ("lag", options.lag),
            ("workers", options.workers),
        ];
        if let Some((option, found)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return Err(Error::Option {
                option,
                found: found.to_string(),
                allowed: "at least 1".into(),
            });
        }
        options.halving.as_ref().map_or(Ok(()), Halving::check)?;
        self.constraints.check_limits()
    }

    /// The trials of a journal, which this study must have proposed. Where a line cannot be read, its trial has
    /// failed; what was proposed from its outcome is not proposed again, and taken as it stands.
    fn history(
        &self,
        path: &Path,
        lines: Vec<Line>,
        options: &StudyOptions,
        costs: &schedule::Costs<'_>,
    ) -> Result<Vec<Trial>, Error> {
        let lost = lines.iter().position(Line::is_lost);
        let known_to = lost.map_or(usize::MAX, |first| first + options.lag);
        let mut trials: Vec<Trial> = Vec::with_capacity(lines.len());
        for (number, line) in lines.into_iter().enumerate() {
            let earlier: Vec<Architecture> =
                trials.iter().map(|t| t.architecture.clone()).collect();
            let known = schedule::known(number, options.lag);
            let proposal = schedule::propose(self, options, costs, &trials[..known], &earlier);
            let refuse = |why| Error::Journal {
                path: path.to_owned(),
                line: number + 1,
                why,
            };
            let trial = match line {
                Line::Trial(trial) => trial,
                Line::Damaged(damage) => {
                    let architecture = damage.architecture.clone().or(proposal.clone());
                    let nothing = || refuse("it cannot be read, and nothing is tried there".into());
                    damage.trial(number, architecture.ok_or_else(nothing)?)
                }
            };
            if number < known_to && proposal.as_ref() != Some(&trial.architecture) {
                let proposed = proposal.map_or("nothing".into(), |a| a.text());
                return Err(refuse(format!(
                    "it tried {}, this experiment tries {proposed} there; its space, strategy, baseline or seed is another",
                    trial.architecture
                )));
            }
            trials.push(trial);
        }
        Ok(trials)
    }
}
