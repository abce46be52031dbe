//! The suite that every strategy passes: it stays in the space, is deterministic, repeats nothing, goes on from any
//! history, tolerates Failed and Infeasible, and ends.

use hemet_spaces::{Architecture, Space};
use rand::RngExt;

use super::{Context, Strategy};
use crate::constraint::{Constraints, CostEstimate};
use crate::objective::{DEFAULT, Objectives};
use crate::{Outcome, Seed, Trial};

/// Runs the suite.
///
/// # Errors
/// The first rule that the strategy breaks, and how.
pub fn check(strategy: &dyn Strategy) -> Result<(), String> {
    for (name, space) in [
        ("nothing varies", fixed()),
        ("three positions", three_positions()),
    ] {
        for objectives in [&DEFAULT[..], &["depth", "accuracy", "key_size"]] {
            let objectives = Objectives::new(objectives, &Constraints::default());
            let objectives = objectives.map_err(|e| e.to_string())?;
            for lag in [1, 3] {
                for rule in [Ending::Mixed, Ending::AllFailed, Ending::AllInfeasible] {
                    let study = Simulated {
                        strategy,
                        space: &space,
                        objectives: &objectives,
                        lag,
                        rule,
                    };
                    let second = objectives.second().map_or("accuracy", |o| o.name);
                    study.check().map_err(|why| {
                        format!("space `{name}`, {second}, lag {lag}, {rule:?}: {why}")
                    })?;
                }
            }
        }
    }
    Ok(())
}

/// How the trials of a simulated study end.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ending {
    /// Most complete, some fail, some are infeasible.
    Mixed,
    AllFailed,
    AllInfeasible,
}

/// A study whose trials are made up.
#[derive(Clone, Copy)]
struct Simulated<'a> {
    strategy: &'a dyn Strategy,
    space: &'a Space,
    objectives: &'a Objectives,
    lag: usize,
    rule: Ending,
}

impl Simulated<'_> {
    fn check(&self) -> Result<(), String> {
        let trials = self.run()?;
        if trials != self.run()? {
            return Err("two studies of one seed differ".into());
        }
        // From a history that was read back, in any order of asking, the same proposals follow.
        for number in (0..trials.len()).rev() {
            let proposal = self.propose(&trials[..number]);
            if proposal.as_ref() != Some(&trials[number].architecture) {
                return Err(format!(
                    "resumed before trial {number} it proposes {proposal:?}, before it was {}",
                    trials[number].architecture
                ));
            }
        }
        Ok(())
    }

    /// At most as many trials as the space has architectures; one more proposal breaks the rules.
    fn run(&self) -> Result<Vec<Trial>, String> {
        let mut trials: Vec<Trial> = Vec::new();
        while let Some(architecture) = self.propose(&trials) {
            if !self.space.contains(&architecture) {
                return Err(format!("{architecture} is not in the space"));
            }
            if trials.iter().any(|t| t.architecture == architecture) {
                return Err(format!("{architecture} was proposed twice"));
            }
            let number = trials.len();
            let cost = cost(&architecture, self.rule);
            trials.push(Trial {
                leak: None,
                number,
                outcome: outcome(&architecture, &cost, self.rule),
                cost: cost.ok(),
                architecture,
                rungs: Vec::new(),
                stopped_at: None,
            });
        }
        match trials.is_empty() {
            true => Err("it proposes nothing in a space with an architecture".into()),
            false => Ok(trials),
        }
    }

    fn propose(&self, trials: &[Trial]) -> Option<Architecture> {
        let (history, rest) = trials.split_at(trials.len().saturating_sub(self.lag - 1));
        let pending: Vec<Architecture> = rest.iter().map(|t| t.architecture.clone()).collect();
        let context = Context {
            space: self.space,
            history,
            pending: &pending,
            objectives: self.objectives,
            cost: &|architecture| cost(architecture, self.rule),
        };
        let seed = Seed::new(1).proposal(trials.len());
        self.strategy.propose(&context, seed)
    }
}

/// A made-up cost, the same whenever asked.
fn cost(architecture: &Architecture, rule: Ending) -> Result<CostEstimate, String> {
    let mut rng = Seed::new(2).derive(&architecture.text()).rng();
    let latency_ms = rng.random_range(1.0..100.0);
    match rule == Ending::AllInfeasible || (rule == Ending::Mixed && latency_ms > 80.0) {
        true => Err("too slow".into()),
        false => Ok(CostEstimate {
            depth: rng.random_range(3..6),
            key_bytes: rng.random_range(1..4) << 20,
            ..cost_of(latency_ms)
        }),
    }
}

fn outcome(
    architecture: &Architecture,
    cost: &Result<CostEstimate, String>,
    rule: Ending,
) -> Outcome {
    let mut rng = Seed::new(3).derive(&architecture.text()).rng();
    let accuracy: f64 = rng.random_range(0.1..1.0);
    match cost {
        Err(reason) => Outcome::Infeasible {
            reason: reason.clone(),
        },
        Ok(_) if rule == Ending::AllFailed || accuracy < 0.2 => Outcome::Failed {
            reason: "diverged".into(),
        },
        Ok(_) => Outcome::Complete { accuracy },
    }
}

/// A cost of this latency; its other figures are fixed.
pub(super) fn cost_of(latency_ms: f64) -> CostEstimate {
    CostEstimate {
        depth: 5,
        latency_ms,
        log_n: 13,
        log_qp_bits: 200.0,
        key_bytes: 1 << 20,
    }
}

/// A space of one architecture.
fn fixed() -> Space {
    space(
        r#"{"input": [1, 8, 8], "classes": 4, "blocks": [{"name": "b1", "options": [{"conv": {"width": 8, "kernel": 3}}]}]}"#,
    )
}

/// Three positions of a mobile block or one of two convolutions, the first of them with its width.
pub(super) fn three_positions() -> Space {
    let options =
        r#"[{"fire": {"squeeze": 4, "expand": 4}}, {"conv": {"width": 8, "kernel": [3, 1]}}]"#;
    positions(3, options)
}

/// `count` positions with these options each.
pub(super) fn positions(count: usize, options: &str) -> Space {
    let block = |number| format!(r#"{{"name": "b{number}", "options": {options}}}"#);
    let blocks: Vec<String> = (1..=count).map(block).collect();
    let blocks = blocks.join(", ");
    space(&format!(
        r#"{{"input": [1, 8, 8], "classes": 4, "blocks": [{blocks}]}}"#
    ))
}

fn space(json: &str) -> Space {
    serde_json::from_str(json).expect("the suite's own spaces are sound")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::strategies;

    #[test]
    fn every_strategy_conforms() {
        for strategy in strategies() {
            check(*strategy).unwrap_or_else(|why| panic!("{}: {why}", strategy.name()));
        }
    }

    #[test]
    fn random_tries_a_small_space_whole() {
        let random = crate::strategy::strategy("random").expect("listed");
        let study = Simulated {
            strategy: random,
            space: &three_positions(),
            objectives: &Objectives::default(),
            lag: 3,
            rule: Ending::Mixed,
        };
        let trials = study.run().expect("conforms");
        assert_eq!(trials.len() as u128, three_positions().size());
    }

    /// Proposes by a rule that breaks one of the suite's.
    struct Bad(fn(&Context<'_>) -> Option<Architecture>);

    impl Strategy for Bad {
        fn name(&self) -> &'static str {
            "bad"
        }

        fn about(&self) -> &'static str {
            "breaks a rule"
        }

        fn propose(&self, context: &Context<'_>, _: Seed) -> Option<Architecture> {
            (self.0)(context)
        }
    }

    #[test]
    fn the_suite_catches_strategies_that_break_its_rules() {
        let cases: [(Bad, &str); 3] = [
            (Bad(|context| Some(context.space.mobile())), "twice"),
            (
                Bad(|_| Some(Architecture { genes: vec![9; 7] })),
                "not in the space",
            ),
            (Bad(|_| None), "proposes nothing"),
        ];
        for (bad, message) in cases {
            let why = check(&bad).expect_err("caught");
            assert!(why.contains(message), "{why}");
        }
    }
}
