//! Successive halving: trainings that look unpromising after a few epochs are stopped, whatever strategy proposed them.
//!
//! Asynchronous (Li et al., A System for Massively Parallel Hyperparameter Tuning, MLSys 2020) and for several
//! objectives (Schmucker et al., Multi-objective Asynchronous Successive Halving, 2021): at a rung a trial goes on if
//! it is among the best `1/factor` of the trials known there, by the rank of its front in the study's objectives,
//! with the accuracy at the rung. Which trials are known depends on numbers alone, so a study with halving repeats
//! and resumes like one without.

use hemet_spaces::schema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::constraint::CostEstimate;
use crate::objective::{Objectives, dominates};
use crate::train::EpochReport;
use crate::trial::Point;
use crate::trial::rounded;
use crate::{Error, Trial};

/// Where trainings are stopped, and how many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Halving {
    /// Epochs after which a training is compared with others, ascending, from 1.
    #[schemars(length(min = 1), inner(range(min = 1)), extend("x-unit" = "epochs"))]
    pub rungs: Vec<usize>,
    /// One in so many goes on, at least 2.
    #[serde(default = "three")]
    #[schemars(range(min = 2))]
    pub factor: usize,
}

fn three() -> usize {
    3
}

impl Halving {
    /// Refuses rungs and factors that mean nothing.
    ///
    /// # Errors
    /// Which.
    pub fn check(&self) -> Result<(), Error> {
        schema::check(self).map_err(Error::Form)?;
        if !self.rungs.is_sorted_by(|a, b| a < b) {
            return Err(Error::Option {
                option: "halving.rungs",
                found: format!("{:?}", self.rungs),
                allowed: "ascending epochs from 1, such as [2, 6]".into(),
            });
        }
        Ok(())
    }

    /// Which rung stands after `epoch`.
    fn rung(&self, epoch: usize) -> Option<usize> {
        self.rungs.iter().position(|rung| *rung == epoch)
    }
}

/// The contest that a training stands in at its rungs: all that decides whether it goes on, wherever it runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contest {
    halving: Halving,
    /// The other objectives of the network in training, each turned so that less is better.
    losses: Vec<f64>,
    /// Of each known trial: its accuracy at the rungs that it reached, and its other objectives.
    rivals: Vec<(Vec<f64>, Vec<f64>)>,
}

/// What a contest said at a rung.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// The accuracy there, rounded as the journal holds it.
    pub accuracy: f64,
    /// Whether the training goes on.
    pub goes_on: bool,
}

impl Contest {
    /// Of a network with this cost against the `known` trials.
    pub(super) fn new(
        halving: &Halving,
        known: &[Trial],
        cost: &CostEstimate,
        objectives: &Objectives,
    ) -> Self {
        let losses = |cost: &CostEstimate| {
            let point = Point::with(0, 0.0, cost);
            let list = objectives.list().iter().filter(|o| o.name != "accuracy");
            list.map(|o| objectives.loss(o, &point)).collect()
        };
        let rival = |t: &Trial| Some((t.rungs.clone(), losses(t.cost.as_ref()?)));
        Self {
            halving: halving.clone(),
            losses: losses(cost),
            rivals: known.iter().filter_map(rival).collect(),
        }
    }

    /// Whether the validation accuracy after `epoch` must be known.
    pub fn asks(&self, epoch: usize) -> bool {
        self.halving.rung(epoch).is_some()
    }

    /// What is to be said after an epoch; nothing where no rung stands.
    pub fn verdict(&self, report: &EpochReport) -> Option<Verdict> {
        let rung = self.halving.rung(report.epoch)?;
        let accuracy = rounded(report.validation_accuracy?);
        let goes_on = report.epoch >= report.epochs || self.goes_on(rung, accuracy);
        Some(Verdict { accuracy, goes_on })
    }

    /// Whether a training with this accuracy at `rung` is among those that go on.
    fn goes_on(&self, rung: usize, accuracy: f64) -> bool {
        let place = |accuracy: f64, losses: &[f64]| [&[-accuracy], losses].concat();
        let own = place(accuracy, &self.losses);
        let mut others: Vec<Vec<f64>> = self
            .rivals
            .iter()
            .filter_map(|(rungs, losses)| Some(place(*rungs.get(rung)?, losses)))
            .collect();
        let places = (others.len() + 1).div_ceil(self.halving.factor);
        let mut better = 0;
        // Fronts are peeled off until the trial stands in one.
        while others.iter().any(|other| dominates(other, &own)) {
            let all = others.clone();
            others.retain(|point| all.iter().any(|other| dominates(other, point)));
            better += all.len() - others.len();
        }
        better < places
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Outcome;
    use hemet_spaces::Architecture;

    fn cost(latency_ms: f64) -> CostEstimate {
        CostEstimate {
            depth: 1,
            latency_ms,
            log_n: 13,
            log_qp_bits: 200.0,
            key_bytes: 1,
        }
    }

    fn contest(halving: &Halving, known: &[Trial], latency_ms: f64) -> Contest {
        Contest::new(halving, known, &cost(latency_ms), &Objectives::default())
    }

    fn trial(accuracy: f64, latency_ms: f64) -> Trial {
        Trial {
            leak: None,
            number: 0,
            architecture: Architecture { genes: Vec::new() },
            cost: Some(cost(latency_ms)),
            outcome: Outcome::Complete { accuracy: 1.0 },
            rungs: vec![accuracy],
            stopped_at: None,
        }
    }

    #[test]
    fn the_best_third_goes_on_by_front() {
        let halving = Halving {
            rungs: vec![2],
            factor: 3,
        };
        let known = [
            trial(0.9, 10.0),
            trial(0.8, 20.0),
            trial(0.7, 30.0),
            trial(0.6, 40.0),
            trial(0.5, 50.0),
        ];
        // Six trials with the own one: two places.
        for (accuracy, latency_ms, goes_on) in [
            (0.95, 60.0, true),
            (0.1, 5.0, true),
            (0.85, 20.0, true),
            (0.75, 30.0, false),
            (0.4, 60.0, false),
        ] {
            let contest = contest(&halving, &known, latency_ms);
            assert_eq!(contest.goes_on(0, accuracy), goes_on, "{accuracy}");
        }
        let first = contest(&halving, &[], 1e3);
        assert!(first.goes_on(0, 0.1), "the first always goes on");
        let slow = contest(&halving, &known, 1e3);
        assert!(slow.goes_on(1, 0.1), "none came so far");
    }

    #[test]
    fn rungs_that_mean_nothing_are_refused() {
        for (rungs, factor) in [(vec![], 3), (vec![0, 2], 3), (vec![3, 2], 3), (vec![2], 1)] {
            assert!(Halving { rungs, factor }.check().is_err());
        }
    }
}
