//! The threads of a study, and the desk at which they take trials and hand in outcomes.

use std::any::Any;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use hemet_spaces::{Architecture, Weights};

use super::journal::Journal;
use super::schedule::{Costs, known, propose};
use super::{
    Contest, Event, Job, Order, PROPOSALS_PER_TRIAL, Study, StudyFolder, StudyOptions, StudyReport,
};
use crate::train::{End, EpochReport, TrainOutcome, on_threads};
use crate::trial::rounded;
use crate::{Error, Outcome, Trial};

/// Where workers take trials and hand in outcomes.
pub(super) struct Desk<'a> {
    study: &'a Study<'a>,
    options: &'a StudyOptions,
    folder: &'a StudyFolder,
    costs: &'a Costs<'a>,
    state: Mutex<State>,
    changed: Condvar,
}

/// A journal with the trials in it.
pub(super) struct Past {
    pub journal: Journal,
    pub trials: Vec<Trial>,
}

struct State {
    journal: Journal,
    /// Trials in the journal.
    trials: Vec<Trial>,
    /// Architectures of all trials taken so far, those in the journal first.
    taken: Vec<Architecture>,
    /// How many of those taken are feasible.
    trained: usize,
    /// Ended, but an earlier one has not.
    waiting: BTreeMap<usize, Trial>,
    ending: Ending,
}

/// Whether and why no more trials are handed out.
enum Ending {
    /// Trials are handed out.
    Open,
    /// All are handed out.
    Exhausted,
    /// Told to stop.
    Stopped,
    /// A worker met an error.
    Failed(Error),
}

/// A feasible trial to train.
struct Task {
    number: usize,
    architecture: Architecture,
}

/// What a training gave to its trial.
struct Ended {
    outcome: Outcome,
    leak: Option<f64>,
    rungs: Vec<f64>,
    stopped_at: Option<usize>,
}

impl From<Outcome> for Ended {
    fn from(outcome: Outcome) -> Self {
        Self {
            leak: None,
            outcome,
            rungs: Vec::new(),
            stopped_at: None,
        }
    }
}

impl<'a> Desk<'a> {
    pub fn new(
        study: &'a Study<'a>,
        options: &'a StudyOptions,
        folder: &'a StudyFolder,
        costs: &'a Costs<'a>,
        past: Past,
    ) -> Self {
        let Past { journal, trials } = past;
        let taken = trials.iter().map(|t| t.architecture.clone()).collect();
        let trained = trials.iter().filter(|t| t.outcome.was_trained()).count();
        Self {
            study,
            options,
            folder,
            costs,
            state: Mutex::new(State {
                journal,
                trials,
                taken,
                trained,
                waiting: BTreeMap::new(),
                ending: Ending::Open,
            }),
            changed: Condvar::new(),
        }
    }

    /// Runs the workers to the end.
    pub fn run(self) -> Result<StudyReport, Error> {
        let workers = self.options.workers.min(self.options.lag);
        std::thread::scope(|scope| {
            for _ in 1..workers {
                scope.spawn(|| self.work_on_threads());
            }
            self.work_on_threads();
        });
        let state = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let stopped = match state.ending {
            Ending::Failed(error) => return Err(error),
            Ending::Stopped => true,
            Ending::Open | Ending::Exhausted => false,
        };
        Ok(StudyReport {
            trials: state.trials,
            stopped,
        })
    }

    fn work_on_threads(&self) {
        if let Err(error) = on_threads(self.options.threads, || self.work()) {
            self.end(Ending::Failed(error));
        }
    }

    fn work(&self) {
        while let Some(task) = self.take() {
            let result = catch_unwind(AssertUnwindSafe(|| self.train(&task)));
            let ended = result.unwrap_or_else(|panic| {
                let reason = format!("the training panicked: {}", message(&*panic));
                Ok(Some(Outcome::Failed { reason }.into()))
            });
            match ended {
                Ok(Some(ended)) => self.hand_in(task, ended),
                Ok(None) => self.end(Ending::Stopped),
                Err(error) => self.end(Ending::Failed(error)),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next trial to train. Infeasible ones are dealt with on the way; waits while too many are in flight.
    fn take(&self) -> Option<Task> {
        let mut state = self.lock();
        loop {
            if matches!(state.ending, Ending::Open) && (self.study.should_stop)() {
                state.ending.become_(Ending::Stopped);
            }
            if matches!(state.ending, Ending::Open) && (self.study.out_of_time)() {
                state.ending.become_(Ending::Exhausted);
            }
            if !matches!(state.ending, Ending::Open) {
                self.changed.notify_all();
                return None;
            }
            let known = known(state.taken.len(), self.options.lag);
            if state.trials.len() < known {
                let woken = self.changed.wait(state);
                state = woken.unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let Some(task) = self.next(&mut state, known) else {
                state.ending.become_(Ending::Exhausted);
                continue;
            };
            match self.costs.feasible(&task.architecture) {
                Ok(_) => {
                    state.trained += 1;
                    drop(state);
                    (self.study.on_event)(Event::Started {
                        number: task.number,
                        architecture: &task.architecture,
                    });
                    return Some(task);
                }
                Err(reason) => self.record(&mut state, task, Outcome::Infeasible { reason }.into()),
            }
        }
    }

    /// The next trial, proposed from the first `known` outcomes; none when the study has all it wants.
    fn next(&self, state: &mut State, known: usize) -> Option<Task> {
        let number = state.taken.len();
        let limit = self.options.trials.saturating_mul(PROPOSALS_PER_TRIAL);
        if state.trained >= self.options.trials || number >= limit {
            return None;
        }
        let history = &state.trials[..known];
        let architecture = propose(self.study, self.options, self.costs, history, &state.taken)?;
        state.taken.push(architecture.clone());
        Some(Task {
            number,
            architecture,
        })
    }

    /// What is to be trained for a task, from what may be known.
    fn order(&self, task: &Task) -> Result<Order, Error> {
        let known = self.lock().trials[..known(task.number, self.options.lag)].to_vec();
        let halving = self.options.halving.as_ref();
        let contest = halving.map(|halving| {
            let cost = self.costs.estimate(&task.architecture);
            cost.map(|cost| Contest::new(halving, &known, &cost, self.study.objectives))
        });
        Ok(Order {
            number: task.number,
            architecture: task.architecture.clone(),
            contest: contest.transpose().map_err(Error::Elsewhere)?,
            inherited: self.inherited(task, &known)?,
        })
    }

    /// Trains; `None` if it was told to stop.
    fn train(&self, task: &Task) -> Result<Option<Ended>, Error> {
        let graph = self.study.space.graph(&task.architecture)?;
        let number = task.number;
        let order = self.order(task)?;
        let stopped = || (self.study.should_stop)() || self.is_broken();
        let job = Job {
            order: &order,
            graph: &graph,
            checkpoint: &self.folder.checkpoint(number),
            stopped: &stopped,
        };
        let (mut rungs, mut stopped_at, mut leak) = (Vec::new(), None, None);
        let mut on_epoch = |report: &EpochReport| {
            let report = *report;
            (self.study.on_event)(Event::Epoch { number, report });
            if stopped() {
                return ControlFlow::Break(End::Cancelled);
            }
            if let Some(verdict) = order.verdict(&report) {
                rungs.push(verdict.accuracy);
                if !verdict.goes_on {
                    stopped_at = Some(report.epoch);
                    return ControlFlow::Break(End::Early);
                }
            }
            ControlFlow::Continue(())
        };
        let outcome = match (self.study.train)(&job, &mut on_epoch) {
            // This network's fault alone.
            Err(error @ Error::Untrainable { .. }) => Outcome::Failed {
                reason: error.to_string(),
            },
            Err(error) => return Err(error),
            Ok(TrainOutcome::Complete(trained)) if !(0.0..=1.0).contains(&trained.accuracy) => {
                Outcome::Failed {
                    reason: format!("accuracy {}, which is no share", trained.accuracy),
                }
            }
            Ok(TrainOutcome::Complete(trained)) => {
                self.folder.write_weights(number, &trained.weights)?;
                self.folder.write_curve(number, &trained.epochs)?;
                if let Some(measure) = self.study.leak {
                    leak = Some(rounded(measure(&job, &trained.weights)?));
                }
                let accuracy = rounded(trained.accuracy);
                Outcome::Complete { accuracy }
            }
            Ok(TrainOutcome::Diverged { reason }) => Outcome::Failed { reason },
            Ok(TrainOutcome::Cancelled) => return Ok(None),
        };
        Ok(Some(Ended {
            outcome,
            leak,
            rungs,
            stopped_at,
        }))
    }

    /// The weights of the completed trial among `known` with the most genes in common, the latest of equals.
    fn inherited(&self, task: &Task, known: &[Trial]) -> Result<Option<Weights>, Error> {
        if !self.options.inherit {
            return Ok(None);
        }
        let common = |trial: &&Trial| {
            let pairs = trial
                .architecture
                .genes
                .iter()
                .zip(&task.architecture.genes);
            pairs.filter(|(a, b)| a == b).count()
        };
        let completed = known.iter().filter(|t| t.outcome.accuracy().is_some());
        let parent = completed.max_by_key(common);
        parent
            .map(|t| self.folder.read_weights(t.number))
            .transpose()
    }

    /// Whether the study is over because of a stop or an error.
    fn is_broken(&self) -> bool {
        matches!(self.lock().ending, Ending::Stopped | Ending::Failed(_))
    }

    fn hand_in(&self, task: Task, ended: Ended) {
        let mut state = self.lock();
        self.record(&mut state, task, ended);
    }

    /// Keeps an ended trial, and writes it and those after it to the journal as far as none is missing before them.
    fn record(&self, state: &mut State, task: Task, ended: Ended) {
        let trial = Trial {
            number: task.number,
            cost: self.costs.estimate(&task.architecture).ok(),
            architecture: task.architecture,
            outcome: ended.outcome,
            leak: ended.leak,
            rungs: ended.rungs,
            stopped_at: ended.stopped_at,
        };
        state.waiting.insert(trial.number, trial);
        while let Some(trial) = state.waiting.remove(&state.trials.len()) {
            if matches!(state.ending, Ending::Failed(_)) {
                break;
            }
            let appended = state.journal.append(&trial).and_then(|()| {
                // One that was stopped early may be gone on with.
                match trial.stopped_at {
                    Some(_) => Ok(()),
                    None => self.folder.remove_checkpoint(trial.number),
                }
            });
            match appended {
                Ok(()) => {
                    (self.study.on_event)(Event::Finished(&trial));
                    state.trials.push(trial);
                }
                Err(error) => state.ending.become_(Ending::Failed(error)),
            }
        }
        self.changed.notify_all();
    }

    fn end(&self, ending: Ending) {
        self.lock().ending.become_(ending);
        self.changed.notify_all();
    }
}

impl Ending {
    /// Becomes `other`, unless an error is already there.
    fn become_(&mut self, other: Self) {
        match self {
            Self::Failed(_) => {}
            Self::Open | Self::Exhausted | Self::Stopped => *self = other,
        }
    }
}

/// What a panic said.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or(panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
