//! The threads of a study, and the desk at which they take trials and hand in outcomes.

use std::any::Any;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use hemet_spaces::Architecture;

use super::journal::Journal;
use super::schedule::{Costs, known, propose};
use super::{Event, PROPOSALS_PER_TRIAL, RunFolder, Study, StudyOptions, StudyReport};
use crate::train::{EpochReport, TrainOutcome};
use crate::trial::rounded;
use crate::{Error, Outcome, Trial};

/// Where workers take trials and hand in outcomes.
pub(super) struct Desk<'a> {
    study: &'a Study<'a>,
    options: &'a StudyOptions,
    folder: &'a RunFolder,
    costs: &'a Costs<'a>,
    state: Mutex<State>,
    changed: Condvar,
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
struct Job {
    number: usize,
    architecture: Architecture,
}

impl<'a> Desk<'a> {
    pub fn new(
        study: &'a Study<'a>,
        options: &'a StudyOptions,
        folder: &'a RunFolder,
        costs: &'a Costs<'a>,
        (journal, trials): (Journal, Vec<Trial>),
    ) -> Self {
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
                scope.spawn(|| self.work());
            }
            self.work();
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

    fn work(&self) {
        while let Some(job) = self.take() {
            let result = catch_unwind(AssertUnwindSafe(|| self.train(&job)));
            let outcome = result.unwrap_or_else(|panic| {
                Ok(Some(Outcome::Failed {
                    reason: format!("the training panicked: {}", message(&*panic)),
                }))
            });
            match outcome {
                Ok(Some(outcome)) => self.hand_in(job, outcome),
                Ok(None) => self.end(Ending::Stopped),
                Err(error) => self.end(Ending::Failed(error)),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next trial to train. Infeasible ones are dealt with on the way; waits while too many are in flight.
    fn take(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if matches!(state.ending, Ending::Open) && (self.study.should_stop)() {
                state.ending.become_(Ending::Stopped);
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
            let Some(job) = self.next(&mut state, known) else {
                state.ending.become_(Ending::Exhausted);
                continue;
            };
            match self.costs.feasible(&job.architecture) {
                Ok(_) => {
                    state.trained += 1;
                    drop(state);
                    (self.study.on_event)(Event::Started {
                        number: job.number,
                        architecture: &job.architecture,
                    });
                    return Some(job);
                }
                Err(reason) => self.record(&mut state, job, Outcome::Infeasible { reason }),
            }
        }
    }

    /// The next trial, proposed from the first `known` outcomes; none when the study has all it wants.
    fn next(&self, state: &mut State, known: usize) -> Option<Job> {
        let number = state.taken.len();
        let limit = self.options.trials.saturating_mul(PROPOSALS_PER_TRIAL);
        if state.trained >= self.options.trials || number >= limit {
            return None;
        }
        let history = &state.trials[..known];
        let architecture = propose(self.study, self.options, self.costs, history, &state.taken)?;
        state.taken.push(architecture.clone());
        Some(Job {
            number,
            architecture,
        })
    }

    /// Trains; `None` if it was told to stop.
    fn train(&self, job: &Job) -> Result<Option<Outcome>, Error> {
        let graph = self.study.space.graph(&job.architecture)?;
        let seed = self
            .options
            .seed
            .derive(&format!("trial/{}/train", job.number));
        let mut on_epoch = |report: &EpochReport| {
            (self.study.on_event)(Event::Epoch {
                number: job.number,
                report: *report,
            });
            match (self.study.should_stop)() || self.is_broken() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        };
        let trained = match (self.study.train)(&graph, seed, &mut on_epoch) {
            // This network's fault alone.
            Err(error @ Error::Untrainable { .. }) => {
                let reason = error.to_string();
                return Ok(Some(Outcome::Failed { reason }));
            }
            result => result?,
        };
        match trained {
            TrainOutcome::Complete(trained) => {
                self.folder.write_weights(job.number, &trained.weights)?;
                Ok(Some(Outcome::Complete {
                    accuracy: rounded(trained.accuracy),
                }))
            }
            TrainOutcome::Diverged { reason } => Ok(Some(Outcome::Failed { reason })),
            TrainOutcome::Cancelled => Ok(None),
        }
    }

    /// Whether the study is over because of a stop or an error.
    fn is_broken(&self) -> bool {
        matches!(self.lock().ending, Ending::Stopped | Ending::Failed(_))
    }

    fn hand_in(&self, job: Job, outcome: Outcome) {
        let mut state = self.lock();
        self.record(&mut state, job, outcome);
    }

    /// Keeps an ended trial, and writes it and those after it to the journal as far as none is missing before them.
    fn record(&self, state: &mut State, job: Job, outcome: Outcome) {
        let trial = Trial {
            number: job.number,
            cost: self.costs.estimate(&job.architecture).ok(),
            architecture: job.architecture,
            outcome,
        };
        state.waiting.insert(trial.number, trial);
        while let Some(trial) = state.waiting.remove(&state.trials.len()) {
            if matches!(state.ending, Ending::Failed(_)) {
                break;
            }
            match state.journal.append(&trial) {
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
