//! A search whose truth is known: twelve genes of four options, two objectives that are computed and not trained. For
//! comparisons of strategies, here and with other programs (`search/benches/against_optuna.py`).

use hemet_spaces::Architecture;

use super::conformance::{cost_of, positions};
use super::{Context, Strategy};
use crate::objective::Objectives;
use crate::pareto::ParetoFront;
use crate::{Outcome, Seed, Trial};

/// The hypervolume is taken up to this latency in milliseconds.
pub const REFERENCE_LATENCY_MS: f64 = 100.0;
/// The hypervolume is taken from this accuracy on.
pub const REFERENCE_ACCURACY: f64 = 0.5;

/// Latency in milliseconds and accuracy of twelve genes from 0 to 3 (whole ones are options). Both rise with each
/// option, at rates that differ from gene to gene, so that the front takes the options that pay; accuracy saturates.
pub fn figures(genes: &[f64]) -> (f64, f64) {
    let sum = |rate: fn(usize) -> f64| -> f64 {
        genes.iter().enumerate().map(|(i, g)| rate(i) * g).sum()
    };
    let (latency_ms, gain) = (10.0 + sum(latency_rate), sum(gain_rate));
    (latency_ms, 0.5 + 0.5 * (1.0 - (-gain / 15.0).exp()))
}

fn latency_rate(gene: usize) -> f64 {
    0.5 + (gene * 5 % 12) as f64 / 6.0
}

fn gain_rate(gene: usize) -> f64 {
    0.3 + (gene * 7 % 12) as f64 / 6.0
}

/// The hypervolume, in milliseconds times accuracy, that a strategy reaches with so many trials, or fewer where it
/// proposes no more.
pub fn hypervolume(strategy: &dyn Strategy, seed: u64, budget: usize) -> f64 {
    let space = positions(12, r#"[{"conv": {"width": [2, 4, 6, 8], "kernel": 1}}]"#);
    let objectives = Objectives::default();
    let mut trials: Vec<Trial> = Vec::new();
    for number in 0..budget {
        let context = Context {
            space: &space,
            history: &trials,
            pending: &[],
            objectives: &objectives,
            cost: &|a| Ok(cost_of(figures(&numbers(a)).0)),
        };
        let seed = Seed::new(seed).derive(&number.to_string());
        let Some(architecture) = strategy.propose(&context, seed) else {
            break;
        };
        let (latency_ms, accuracy) = figures(&numbers(&architecture));
        trials.push(Trial {
            leak: None,
            number,
            architecture,
            cost: Some(cost_of(latency_ms)),
            outcome: Outcome::Complete { accuracy },
            rungs: Vec::new(),
            stopped_at: None,
        });
    }
    let reference = [REFERENCE_ACCURACY, REFERENCE_LATENCY_MS];
    ParetoFront::of(&trials, &objectives).hypervolume(&reference)
}

fn numbers(architecture: &Architecture) -> Vec<f64> {
    architecture.genes.iter().map(|g| f64::from(*g)).collect()
}

/// No set of architectures has a greater hypervolume: with genes from 0 to 3 not rounded to options, the greatest gain
/// at each latency takes the genes in the order of gain per millisecond (Dantzig's bound of the knapsack, 1957). The
/// area under it, from above in small steps.
pub fn bound() -> f64 {
    let mut order: Vec<usize> = (0..12).collect();
    let pays = |gene: usize| gain_rate(gene) / latency_rate(gene);
    order.sort_by(|a, b| pays(*b).total_cmp(&pays(*a)));
    let mut genes = [0.0; 12];
    let (mut area, mut reached) = (0.0, figures(&genes));
    for gene in order {
        for step in 1..=1000 {
            genes[gene] = 3.0 * f64::from(step) / 1000.0;
            let next = figures(&genes);
            area += (next.0 - reached.0) * (next.1 - REFERENCE_ACCURACY);
            reached = next;
        }
    }
    area + (REFERENCE_LATENCY_MS - reached.0) * (reached.1 - REFERENCE_ACCURACY)
}
