//! What a person sees while a search runs.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use hemet_search::study::Event;
use hemet_search::{Outcome, Trial};

use crate::experiment::Experiment;
use crate::progress::Progress;

/// A bar over all epochs of all trials, with the best so far.
pub struct SearchProgress {
    state: Mutex<State>,
    trials: usize,
    epochs: usize,
}

struct State {
    progress: Option<Progress>,
    /// Epochs done of the trials that are being trained.
    running: BTreeMap<usize, usize>,
    trained: usize,
    infeasible: usize,
    failed: usize,
    best: Option<(usize, f64, f64)>,
}

impl SearchProgress {
    /// For a search of this experiment.
    pub fn new(experiment: &Experiment) -> Self {
        let (trials, epochs) = (experiment.search.trials, experiment.train.epochs);
        Self {
            state: Mutex::new(State {
                progress: Some(Progress::new("search", (trials * epochs) as u64, false)),
                running: BTreeMap::new(),
                trained: 0,
                infeasible: 0,
                failed: 0,
                best: None,
            }),
            trials,
            epochs,
        }
    }

    /// Shows an event of the study.
    pub fn event(&self, event: &Event<'_>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Started { number, .. } => {
                state.running.insert(*number, 0);
            }
            Event::Epoch { number, report } => {
                state.running.insert(*number, report.epoch);
            }
            Event::Finished(trial) => state.count(trial),
        }
        state.show(self.trials, self.epochs);
    }

    /// The search is over.
    pub fn finish(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(progress) = state.progress.take() {
            progress.finish();
        }
    }
}

impl State {
    fn count(&mut self, trial: &Trial) {
        self.running.remove(&trial.number);
        let latency_ms = trial.cost.as_ref().map_or(f64::NAN, |c| c.latency_ms);
        match &trial.outcome {
            Outcome::Complete { accuracy } => {
                self.trained += 1;
                if self.best.is_none_or(|(_, best, _)| *accuracy > best) {
                    self.best = Some((trial.number, *accuracy, latency_ms));
                }
            }
            Outcome::Infeasible { .. } => self.infeasible += 1,
            Outcome::Failed { .. } => {
                self.trained += 1;
                self.failed += 1;
            }
        }
    }

    fn show(&mut self, trials: usize, epochs: usize) {
        let running: Vec<String> = self.running.keys().map(|n| format!("#{n}")).collect();
        let mut message = format!("trial {} of {trials}", self.trained + 1);
        if self.trained == trials {
            message = format!("{trials} trials");
        }
        if !running.is_empty() {
            message += &format!(" (training {})", running.join(", "));
        }
        if self.infeasible > 0 {
            message += &format!(", {} infeasible", self.infeasible);
        }
        if self.failed > 0 {
            message += &format!(", {} failed", self.failed);
        }
        if let Some((number, accuracy, latency_ms)) = self.best {
            message += &format!(
                ", best {} at {} ms (#{number})",
                crate::common::percent(accuracy),
                hemet_reports::number::milliseconds(latency_ms)
            );
        }
        let done = self.trained * epochs + self.running.values().sum::<usize>();
        if let Some(progress) = &mut self.progress {
            progress.set(done as u64, &message);
        }
    }
}
