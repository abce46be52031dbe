//! What a person sees while a search runs.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use hemet_reports::number;
use hemet_search::Trial;
use hemet_search::hypervolume::HypervolumeCurve;
use hemet_search::objective::Objectives;
use hemet_search::pareto::ParetoFront;
use hemet_search::study::{Baseline, Event};
use hemet_search::trial::Point;

use crate::cli::progress::Progress;
use crate::common;
use crate::error::Error;
use crate::experiment::Experiment;
use crate::run::baseline;
use crate::run::counts::Counts;

/// A bar over all epochs of all trials: trials done, running, failed, infeasible; the best so far, the front's
/// hypervolume.
pub struct SearchProgress {
    state: Mutex<State>,
}

struct State {
    progress: Option<Progress>,
    /// Trials to train.
    trials: usize,
    /// Epochs of each.
    epochs: usize,
    objectives: Objectives,
    baseline: Option<Baseline>,
    /// Epochs done of the trials that are being trained.
    running: BTreeMap<usize, usize>,
    /// Trials that have ended, those of an earlier run first.
    ended: Vec<Trial>,
    /// Share of the space of objectives that the front dominates, 0 to 1.
    hypervolume: Option<f64>,
}

impl SearchProgress {
    /// For a search of this experiment that goes on after these trials.
    ///
    /// # Errors
    /// Objectives that mean nothing.
    pub fn new(experiment: &Experiment, earlier: Vec<Trial>) -> Result<Self, Error> {
        let (trials, epochs) = (experiment.search.trials, experiment.train.epochs);
        let mut state = State {
            progress: None,
            trials,
            epochs,
            objectives: experiment.objectives()?,
            baseline: experiment.search.baseline,
            running: BTreeMap::new(),
            ended: earlier,
            hypervolume: None,
        };
        state.measure();
        let mut progress = Progress::new("search", (trials * epochs) as u64, false);
        progress.begin_at(state.epochs_done());
        state.progress = Some(progress);
        Ok(Self {
            state: Mutex::new(state),
        })
    }

    /// Shows an event of the study.
    pub fn event(&self, event: &Event<'_>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Started { number, .. } => {
                state.running.insert(*number, 0);
            }
            Event::Epoch { number, report } => {
                // A worker's epochs come once more, all at once, when it has delivered.
                let known = state.running.entry(*number).or_default();
                *known = report.epoch.max(*known);
            }
            Event::Finished(trial) => {
                state.running.remove(&trial.number);
                state.ended.push((*trial).clone());
                state.measure();
                state.note_front(trial);
                state.note_baseline(trial);
            }
        }
        state.show();
    }

    /// Shows how many epochs of a trial a worker has done; fewer than before where another worker began it again.
    pub fn heard(&self, number: usize, epochs: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let known = state.running.get_mut(&number);
        if let Some(known) = known.filter(|known| **known != epochs) {
            *known = epochs;
            state.show();
        }
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
    fn show(&mut self) {
        let (done, message) = (self.epochs_done(), self.message());
        if let Some(progress) = &mut self.progress {
            progress.set(done, &message);
        }
    }

    /// Says at once that there will be no comparison, where that is so.
    fn note_baseline(&self, ended: &Trial) {
        let baseline = self.baseline.filter(|_| ended.number == Baseline::TRIAL);
        let untrained = baseline.and_then(|baseline| baseline::untrained(baseline, &self.ended));
        if let (Some(note), Some(progress)) = (untrained, &self.progress) {
            progress.note(&note);
        }
    }

    /// Says that the front has a new member.
    fn note_front(&self, ended: &Trial) {
        if let (Some(note), Some(progress)) = (self.joined(ended), &self.progress) {
            progress.note(&note);
        }
    }

    /// What there is to say of a trial that has joined the front; none of others.
    fn joined(&self, ended: &Trial) -> Option<String> {
        let front = ParetoFront::of(&self.ended, &self.objectives);
        let mut members = front.members().iter();
        let own = members.find(|member| member.trial == ended.number)?;
        Some(format!(
            "front: #{} joins with {} at {} ms, depth {}; {} on it",
            own.trial,
            common::percent(own.accuracy),
            number::milliseconds(own.latency_ms),
            own.depth,
            front.members().len()
        ))
    }

    fn measure(&mut self) {
        self.hypervolume = HypervolumeCurve::last_share(&self.ended, &self.objectives);
    }

    /// Trials that ended after a training, well or not.
    fn trained(&self) -> usize {
        Counts::of(&self.ended).trained()
    }

    /// Epochs of the trials that have ended, whether all ran or not, and of those that run.
    fn epochs_done(&self) -> u64 {
        (self.trained() * self.epochs + self.running.values().sum::<usize>()) as u64
    }

    fn message(&self) -> String {
        let mut message = format!("{} of {} trials done", self.trained(), self.trials);
        if !self.running.is_empty() {
            let share = |(number, epoch): (&usize, &usize)| {
                let percent = 100 * epoch / self.epochs.max(1);
                format!("#{number} {percent} %")
            };
            let running: Vec<String> = self.running.iter().map(share).collect();
            message += &format!(", {} running ({})", running.len(), running.join(", "));
        }
        let counts = Counts::of(&self.ended);
        for (number, what) in [
            (counts.stopped, "stopped early"),
            (counts.failed, "failed"),
            (counts.infeasible, "infeasible"),
        ] {
            if number > 0 {
                message += &format!(", {number} {what}");
            }
        }
        let whole = self.ended.iter().filter(|trial| !trial.is_stopped());
        let points = whole.filter_map(Point::of);
        // The first of equals.
        let best = points.reduce(|best, point| match point.accuracy > best.accuracy {
            true => point,
            false => best,
        });
        if let Some(best) = best {
            message += &format!(
                "; best {} at {} ms (#{})",
                common::percent(best.accuracy),
                number::milliseconds(best.latency_ms),
                best.trial
            );
        }
        if let Some(share) = self.hypervolume {
            message += &format!("; hypervolume {}", common::percent(share));
        }
        message
    }
}

#[cfg(test)]
mod tests {
    use hemet_search::Outcome;
    use hemet_search::constraint::{Constraints, CostEstimate};
    use hemet_spaces::Architecture;

    use super::*;

    fn trial(number: usize, outcome: Outcome) -> Trial {
        Trial {
            leak: None,
            number,
            architecture: Architecture { genes: vec![] },
            cost: Some(CostEstimate {
                depth: 3,
                latency_ms: 50.0,
                log_n: 13,
                log_qp_bits: 200.0,
                key_bytes: 1,
            }),
            outcome,
            rungs: vec![],
            stopped_at: None,
        }
    }

    #[test]
    fn the_message_counts_every_kind_of_trial_and_those_of_an_earlier_run() {
        let reason = String::new;
        let limits = Constraints {
            max_latency_ms: Some(100.0),
            ..Constraints::default()
        };
        let state = State {
            progress: None,
            trials: 8,
            epochs: 10,
            objectives: Objectives::new(&["accuracy", "latency"], &limits).expect("sound"),
            baseline: None,
            running: BTreeMap::from([(5, 0), (6, 7)]),
            ended: vec![
                trial(0, Outcome::Complete { accuracy: 0.9 }),
                trial(1, Outcome::Failed { reason: reason() }),
                trial(2, Outcome::Infeasible { reason: reason() }),
                trial(3, Outcome::Complete { accuracy: 0.8 }),
                Trial {
                    stopped_at: Some(2),
                    ..trial(4, Outcome::Complete { accuracy: 0.95 })
                },
            ],
            hypervolume: None,
        };
        let mut state = state;
        state.measure();
        assert_eq!(
            state.message(),
            "4 of 8 trials done, 2 running (#5 0 %, #6 70 %), 1 stopped early, 1 failed, 1 infeasible; \
             best 90.00 % at 50.0 ms (#0); hypervolume 45.00 %"
        );
        assert_eq!(state.epochs_done(), 47);
        let joined = state.joined(&state.ended[0]);
        let expected = "front: #0 joins with 90.00 % at 50.0 ms, depth 3; 1 on it";
        assert_eq!(joined.as_deref(), Some(expected));
        assert_eq!(state.joined(&state.ended[3]), None, "dominated");
        assert_eq!(state.joined(&state.ended[4]), None, "stopped early");
    }
}
