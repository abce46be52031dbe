//! How the network to deploy is chosen from the front.

use hemet_search::Trial;
use hemet_search::pareto::{Choice, ParetoFront};
use hemet_search::study::Baseline;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::common;
use crate::run::accuracy::Quality;

/// The chosen network is the best in the first objective beside accuracy (the fastest, as a rule) of those that are
/// accurate enough on the validation images: by one of these, in percentage points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Choose {
    /// At most so far below the best, from 0 to below 100; 0 where neither is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 100, "default" = 0, "x-unit" = "percentage points"))]
    pub within_points: Option<f64>,
    /// At least so far above the baseline (below it, if negative), above -100 and below 100. The most accurate where
    /// none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = -100, "exclusiveMaximum" = 100, "x-unit" = "percentage points"))]
    pub above_baseline: Option<f64>,
}

impl Choose {
    /// As it is meant: one of the two.
    ///
    /// # Errors
    /// What is wrong, and what to do.
    pub fn resolve(self, baseline: Option<Baseline>) -> Result<Self, String> {
        match (self.within_points, self.above_baseline) {
            (Some(_), Some(_)) => Err(
                "choose has both within_points and above_baseline; keep one: the first measures from the most accurate network, \
                 the second from the baseline"
                    .into(),
            ),
            (None, Some(_)) if baseline.is_none() => Err(
                "choose.above_baseline needs a baseline; add `baseline: mobile` to `search:`, or choose by within_points".into(),
            ),
            (Some(_), None) | (None, Some(_)) => Ok(self),
            (None, None) => Ok(Self {
                within_points: Some(0.0),
                above_baseline: None,
            }),
        }
    }

    /// Which member of the front of these trials is deployed: the most accurate where a baseline is asked for that was
    /// not trained.
    pub fn choice(&self, baseline: Option<Baseline>, trials: &[Trial]) -> Choice {
        match self.above_baseline {
            None => Choice::BestWithin(self.within_points.unwrap_or(0.0)),
            Some(points) => match accuracy(baseline, trials) {
                Some(accuracy) => Choice::BestFrom(accuracy + points / 100.0),
                None => Choice::MostAccurate,
            },
        }
    }

    /// What a person must be told where this choice found nothing as accurate as asked for in the front.
    pub fn missed(&self, choice: Choice, front: &ParetoFront, quality: Quality) -> Option<String> {
        let (points, name) = (self.above_baseline?, quality.name());
        match choice {
            Choice::BestFrom(goal) if front.reaches(goal) => None,
            Choice::BestFrom(goal) => Some(format!(
                "no network reached {} validation {name}, {points:+} points on the baseline's {}; the most accurate is chosen",
                common::percent(goal),
                common::percent(goal - points / 100.0)
            )),
            Choice::MostAccurate | Choice::BestWithin(_) => Some(format!(
                "the baseline has no {name} to choose by; the most accurate network is chosen"
            )),
        }
    }
}

/// Validation accuracy of the baseline, where it was trained.
fn accuracy(baseline: Option<Baseline>, trials: &[Trial]) -> Option<f64> {
    baseline?.trial(trials)?.outcome.accuracy()
}

#[cfg(test)]
mod tests {
    use hemet_search::Outcome;
    use hemet_search::constraint::CostEstimate;
    use hemet_search::objective::Objectives;
    use hemet_spaces::Architecture;

    use super::*;

    const MOBILE: Option<Baseline> = Some(Baseline::Mobile);

    fn by(within_points: Option<f64>, above_baseline: Option<f64>) -> Choose {
        Choose {
            within_points,
            above_baseline,
        }
    }

    #[test]
    fn one_way_to_choose_is_taken_and_what_makes_no_sense_is_refused() {
        assert_eq!(by(None, None).resolve(None), Ok(by(Some(0.0), None)));
        let kept = by(None, Some(-0.5));
        assert_eq!(kept.resolve(MOBILE), Ok(kept));
        for (choose, baseline, expected) in [
            (by(Some(0.5), Some(0.4)), MOBILE, "keep one"),
            (by(Some(0.0), Some(0.0)), MOBILE, "keep one"),
            (by(None, Some(0.4)), None, "baseline: mobile"),
        ] {
            let told = choose.resolve(baseline).expect_err("refused");
            assert!(told.contains(expected), "{told}");
        }
    }

    fn trials(of: &[(f64, Option<f64>)]) -> Vec<Trial> {
        let trial = |(number, (latency_ms, accuracy)): (usize, &(f64, Option<f64>))| Trial {
            leak: None,
            number,
            architecture: Architecture { genes: vec![] },
            cost: Some(CostEstimate {
                depth: 3,
                latency_ms: *latency_ms,
                log_n: 13,
                log_qp_bits: 200.0,
                key_bytes: 1,
            }),
            outcome: match accuracy {
                Some(accuracy) => Outcome::Complete {
                    accuracy: *accuracy,
                },
                None => Outcome::Infeasible {
                    reason: "too slow".into(),
                },
            },
            rungs: vec![],
            stopped_at: None,
        };
        of.iter().enumerate().map(trial).collect()
    }

    #[test]
    fn the_fastest_so_far_above_the_baseline_is_chosen_else_the_most_accurate_and_that_is_said() {
        let all = [
            (100.0, Some(0.91)),
            (20.0, Some(0.90)),
            (40.0, Some(0.914)),
            (60.0, Some(0.92)),
        ];
        let without = [&[(100.0, None)], &all[1..]].concat();
        for (trials, points, chosen, said) in [
            (trials(&all), 0.4, 2, None),
            (trials(&all), -1.0, 1, None),
            (trials(&all), 0.5, 3, None),
            (trials(&all), 1.1, 3, Some("no network reached 92.10 %")),
            (trials(&without), 0.4, 3, Some("no accuracy to choose by")),
        ] {
            let front = ParetoFront::of(&trials, &Objectives::default());
            let choose = by(None, Some(points));
            let choice = choose.choice(MOBILE, &trials);
            let found = front.choose(choice);
            assert_eq!(found.map(|p| p.trial), Some(chosen), "{points}");
            let told = choose.missed(choice, &front, Quality::Accuracy);
            assert_eq!(told.is_some(), said.is_some(), "{told:?}");
            assert!(told.unwrap_or_default().contains(said.unwrap_or_default()));
        }
    }
}
