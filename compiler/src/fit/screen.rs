//! Screening: each of many inputs is simulated once, with few errors.
//!
//! A deep network of squares answers most inputs alike and errs a hundred times more on one in a hundred, which the few
//! inputs of a [`super::check`] do not show. Screening finds the inputs that err most, and how much farther the errors
//! of all reach than those of the few. Both hardly depend on the scales that are tried afterwards, so it is done once.

use crate::calibration::{self, Inputs};
use crate::decisions::Decisions;
use crate::net::Net;
use crate::parameters::simulate::{INPUTS, Simulation};

/// Products of a weight and a number that one simulation of a check may take, and so how many inputs it has.
const PRODUCTS_OF_CHECK: usize = 8_000_000_000;
/// Fewest and most inputs of one simulation.
const SIMULATED: std::ops::RangeInclusive<usize> = 6..=384;
/// Products of a weight and a number that screening samples may take, and stretched ones: ten seconds of a core.
const PRODUCTS: usize = 20_000_000_000;
/// Inputs that are kept of those that err most.
const WORST: usize = INPUTS;

/// One in so many stretched samples may err more. On CIFAR-10 they explode fifteen times as often as new images do, so
/// this is one new image in a thousand.
const RARE_STRETCHED: usize = 64;

/// What screening found; nothing for made-up inputs.
#[derive(Default)]
pub struct Screened {
    /// Bound on the errors of inputs to come by all samples, over that by those that a check simulates; at least 1.
    pub factor: f64,
    /// Samples that were held out and screened.
    pub held_out: usize,
    /// Those of them that err most.
    pub worst_held_out: Vec<Vec<f64>>,
    /// Fitted samples and stretched ones that err most.
    pub worst_others: Vec<Vec<f64>>,
}

impl Screened {
    /// Screens the samples among `inputs`.
    pub fn of(net: &Net, decisions: &Decisions, inputs: &Inputs) -> Self {
        if inputs.held_out.is_empty() {
            return Self {
                factor: 1.0,
                ..Self::default()
            };
        }
        let runs = Simulation::fewest_runs(net);
        let most = (PRODUCTS / (runs * net.entries().max(1))).max(simulated(net));
        let screen = |inputs: &[Vec<f64>], most: usize| -> Vec<f64> {
            let simulation = Simulation {
                net,
                structure: &decisions.structure,
                inputs: &inputs[..inputs.len().min(most)],
                promise: 1.0,
                exact_plaintexts: false,
            };
            simulation.rough(&decisions.rounding, runs)
        };
        let fitted = screen(&inputs.groups[0], most - most / 4);
        let held_out = screen(&inputs.held_out, most / 4);
        let stretched = screen(&inputs.stretched, most);
        let outputs = net.node(net.output()).shape.len();
        let bound = |first: usize| {
            let first = |deviations: &[f64]| deviations[..deviations.len().min(first)].to_vec();
            calibration::error(&[first(&fitted), first(&held_out)].concat(), outputs)
        };
        Self {
            factor: factor(bound(usize::MAX), bound(simulated(net))),
            held_out: held_out.len(),
            worst_held_out: worst(&inputs.held_out, &held_out, 0),
            worst_others: [
                worst(&inputs.groups[0], &fitted, 0),
                worst(
                    &inputs.stretched,
                    &stretched,
                    stretched.len() / RARE_STRETCHED,
                ),
            ]
            .concat(),
        }
    }
}

/// The first bound over the second, at least 1; also where errors overflow, which a check finds by itself.
fn factor(all: f64, some: f64) -> f64 {
    match all / some {
        factor if factor.is_finite() => factor.max(1.0),
        _ => 1.0,
    }
}

/// The inputs with the largest deviations, the largest first, without the first `rare` ones.
fn worst(inputs: &[Vec<f64>], deviations: &[f64], rare: usize) -> Vec<Vec<f64>> {
    let mut order: Vec<usize> = (0..deviations.len()).collect();
    order.sort_by(|a, b| deviations[*b].total_cmp(&deviations[*a]));
    let worst = order.into_iter().skip(rare).take(WORST);
    worst.map(|index| inputs[index].clone()).collect()
}

/// Inputs of a group that are simulated, a multiple of those side by side.
pub fn simulated(net: &Net) -> usize {
    let most = PRODUCTS_OF_CHECK / (8 * net.entries().max(1));
    most.clamp(*SIMULATED.start(), *SIMULATED.end()) / INPUTS * INPUTS
}
