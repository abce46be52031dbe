//! Check: whether a net under its decisions keeps the promise, by simulation.

use hemet_schedule::Basis;

use crate::calibration::{Inputs, products_in_a_row};
use crate::decisions::Decisions;
use crate::net::{Net, Rounding};
use crate::parameters::rounding;
use crate::parameters::simulate::{self, INPUTS, Simulation};

use super::screen::{Screened, simulated};

/// Share of the promise that errors may take on made-up inputs, which those to come are not.
const OF_ASSUMED: f64 = 0.3;
/// The same for networks of at most so many squares in a row, whose errors differ less from input to input.
const OF_ASSUMED_SHALLOW: f64 = 0.65;
const SHALLOW: usize = 2;
/// Shares of the promise that few inputs say weights may be rounded by, in the order in which they are tried.
const OF_SENSED: [f64; 6] = [1.0, 0.95, 0.9, 0.8, 0.5, 0.25];
/// Errors come mostly from plaintexts where those without are below this share of all.
const MOSTLY: f64 = 0.7;
/// Inputs that say how weights may be rounded.
const SENSED: usize = 4 * INPUTS;

/// Simulations of a net under its decisions.
pub struct Check<'a> {
    /// The net.
    pub net: &'a Net,
    /// Its decisions.
    pub decisions: &'a Decisions,
    groups: Vec<&'a [Vec<f64>]>,
    held_out: &'a [Vec<f64>],
    screened: &'a Screened,
    /// The largest error that is promised.
    pub promised: f64,
    /// Share of the promise that may be taken.
    limit: f64,
    /// Whether plaintexts count as exact.
    exact_plaintexts: bool,
}

impl<'a> Check<'a> {
    /// That of a net with values for inputs of its size.
    pub fn new(
        net: &'a Net,
        decisions: &'a Decisions,
        inputs: &'a Inputs,
        screened: &'a Screened,
        promised: f64,
    ) -> Self {
        let most = simulated(net);
        let first = |inputs: &'a Vec<Vec<f64>>| &inputs[..inputs.len().min(most)];
        Self {
            net,
            decisions,
            groups: inputs.groups.iter().map(first).collect(),
            held_out: first(&inputs.held_out),
            screened,
            promised,
            limit: match inputs.basis {
                Basis::Samples => 1.0,
                Basis::Assumed if products_in_a_row(net) <= SHALLOW => OF_ASSUMED_SHALLOW,
                Basis::Assumed => OF_ASSUMED,
            },
            exact_plaintexts: false,
        }
    }

    /// Whether most of the errors that take this share of the promise come from the rounding of plaintexts.
    pub fn is_mostly_plain(&self, share: f64) -> bool {
        let exact = Self {
            exact_plaintexts: true,
            groups: self.groups.clone(),
            ..*self
        };
        exact.share(&self.decisions.rounding) < MOSTLY * share
    }

    fn simulation(&self, inputs: &'a [Vec<f64>]) -> Simulation<'a> {
        Simulation {
            net: self.net,
            structure: &self.decisions.structure,
            inputs,
            promise: self.promised,
            exact_plaintexts: self.exact_plaintexts,
        }
    }

    /// For each simulated input the deviation of the error of the difference of two logits.
    pub fn differences(&self, rounding: &[Rounding]) -> Vec<f64> {
        let all = self.groups.iter().copied().chain([self.held_out]);
        let of = |inputs| self.simulation(inputs).differences(rounding);
        all.flat_map(of).collect()
    }

    /// Samples that were held out and on which the promise was tested.
    pub fn tested(&self) -> usize {
        self.screened.held_out
    }

    /// The largest error on them; 0 where there are none.
    pub fn tested_error(&self, rounding: &[Rounding]) -> f64 {
        match self.screened.worst_held_out.as_slice() {
            [] => 0.0,
            worst => self.simulation(worst).share_of_these(rounding) * self.promised,
        }
    }

    /// How weights are rounded: as few of the inputs say, if all others agree.
    pub fn rounding(&self, counts: &[usize]) -> Vec<Rounding> {
        let exact = &self.decisions.rounding;
        let some = &self.groups[0][..self.groups[0].len().min(SENSED)];
        let tries = OF_SENSED.into_iter().map(|share| {
            let sensed = Simulation {
                promise: self.promised * self.limit * share,
                ..self.simulation(some)
            };
            rounding::choose(&sensed, counts, sensed.share(exact))
        });
        let kept = |rounding: &Vec<Rounding>| self.share(rounding) <= 1.0;
        let mut kept = tries.filter(kept);
        kept.next().unwrap_or_else(|| exact.clone())
    }

    /// The largest share of the promise that errors take; at most 1 where it is kept. Made-up inputs are judged kind by
    /// kind. Samples that were held out count with the others for inputs to come; those that err most, of them, of the
    /// others and of stretched ones, must keep the promise themselves.
    pub fn share(&self, rounding: &[Rounding]) -> f64 {
        let simulations = |inputs: &[&'a [Vec<f64>]]| -> Vec<Simulation<'a>> {
            let some = inputs.iter().filter(|inputs| !inputs.is_empty());
            some.map(|inputs| self.simulation(inputs)).collect()
        };
        let of_kinds = match self.held_out.is_empty() {
            true => {
                let kinds = simulations(&self.groups);
                kinds
                    .iter()
                    .map(|kind| kind.share(rounding))
                    .fold(0.0, f64::max)
            }
            false => {
                let samples = simulations(&[self.groups[0], self.held_out]);
                self.screened.factor * simulate::share_of_all(&samples, rounding)
            }
        };
        let rare = simulations(&[&self.screened.worst_held_out, &self.screened.worst_others]);
        let rare = rare.iter().map(|inputs| inputs.share_of_these(rounding));
        rare.fold(of_kinds, f64::max) / self.limit
    }
}
