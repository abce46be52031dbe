//! Simulation: the errors of the logits of a network with its weights, measured on the net itself.
//!
//! [`super::noise`] budgets scales without weights: it takes errors to grow like values. How they really grow, the
//! weights and the inputs decide (differences of neighbors on smooth images are small, errors are not; deep quadratic
//! networks amplify). So the net is evaluated here in floats on inputs, several times with errors of the deviations
//! of that module's table on every tensor. Errors differ from input to input, so what is held against the promise is
//! a bound for other inputs of the same kind ([`crate::calibration::bound`]). Rounded weights ([`super::rounding`])
//! err as they do, against an evaluation with the exact ones. The seed is fixed: equal weights and inputs give equal
//! results.

use std::ops::Range;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::deviations::Deviations;
use super::structure::Structure;
use crate::calibration;
use crate::net::evaluate::{axpy, forget, value};
use crate::net::{Net, Rounding, TensorId, mean_square};

/// Bound on the errors of a logit, in their standard deviations, by which the rounding of single nodes is compared.
const TAIL: f64 = 4.5;
/// The same for rare inputs: one in a hundred of ten normal errors is larger.
const TAIL_OF_RARE: f64 = 3.3;
/// What the largest of some ten deviations, each estimated from seven errors, is multiplied by: it overrates
/// itself.
const OF_WORST: f64 = 0.7;
/// Evaluations side by side.
const LANES: usize = 48;
/// Evaluations of an input: the first is clean, the others err.
const RUNS: usize = 8;
/// Inputs that are evaluated side by side.
pub const INPUTS: usize = LANES / RUNS;
/// Fewest errors that a deviation is estimated from where many inputs are compared.
const FEWEST_ERRORS: usize = 10;
// A random word has a sign for every lane.
const _: () = assert!(LANES <= 64);
const SEED: u64 = 0x0068_656d_6574;
/// Inputs by which the errors of single nodes are found.
const SENSED: usize = 2;
/// Evaluations of such an input: a clean one, and one for each node.
const SENSED_RUNS: usize = LANES / SENSED;
/// All evaluations of one element, side by side.
type Lanes = [f64; LANES];

/// Evaluations of a net with its weights.
pub struct Simulation<'a> {
    /// The net, with values.
    pub net: &'a Net,
    /// The decisions for it, which say what errors operations make.
    pub structure: &'a Structure,
    /// The inputs as they are encrypted, `[channels][height][width]` each; at least one.
    pub inputs: &'a [Vec<f64>],
    /// Largest error that is promised.
    pub promise: f64,
    /// Whether plaintexts count as exact.
    pub exact_plaintexts: bool,
}

impl Simulation<'_> {
    /// The bound on the errors of the logits as a share of the promise, for almost all inputs of the kind of these:
    /// at most 1 where the promise is kept. `rounding` says for each node how its weights are rounded.
    pub fn share(&self, rounding: &[Rounding]) -> f64 {
        share_of_all(std::slice::from_ref(self), rounding)
    }

    /// The same for these inputs themselves, not for all to come: errors that are not rare too are enough.
    pub fn share_of_these(&self, rounding: &[Rounding]) -> f64 {
        let most = self.deviations(rounding).into_iter().fold(0.0, worst);
        TAIL_OF_RARE * most / self.promise
    }

    /// Evaluations of an input where many are compared: as few as tell a deviation to about a quarter.
    pub fn fewest_runs(net: &Net) -> usize {
        let outputs = net.node(net.output()).shape.len();
        (2..RUNS)
            .find(|runs| LANES.is_multiple_of(*runs) && (runs - 1) * outputs >= FEWEST_ERRORS)
            .unwrap_or(RUNS)
    }

    /// Deviation of the errors of the logits of each input, roughly: from `runs` evaluations, which divide 48.
    pub fn rough(&self, rounding: &[Rounding], runs: usize) -> Vec<f64> {
        let chunks = self.inputs.chunks(LANES / runs).zip(SEED..);
        let of_chunk = |(some, seed): (&[Vec<f64>], u64)| {
            let logits = self.logits(some, rounding, runs, seed);
            let of_input = |clean| error(&logits, clean, clean + 1..clean + runs);
            let deviations = (0..some.len()).map(|sample| of_input(sample * runs));
            deviations.collect::<Vec<f64>>()
        };
        chunks.flat_map(of_chunk).collect()
    }

    /// Deviation of the errors of the logits of each input.
    fn deviations(&self, rounding: &[Rounding]) -> Vec<f64> {
        self.rough(rounding, RUNS)
    }

    /// For each input the deviation of the error of the difference of two logits, over all pairs.
    pub fn differences(&self, rounding: &[Rounding]) -> Vec<f64> {
        let chunks = self.inputs.chunks(INPUTS).zip(SEED..);
        let of_chunk = |(some, seed): (&[Vec<f64>], u64)| {
            let logits = self.logits(some, rounding, RUNS, seed);
            let of_input = |clean| difference(&logits, clean, clean + 1..clean + RUNS);
            (0..some.len())
                .map(|sample| of_input(sample * RUNS))
                .collect::<Vec<f64>>()
        };
        chunks.flat_map(of_chunk).collect()
    }

    /// The logits of inputs in `runs` evaluations each, the first one clean.
    fn logits(
        &self,
        inputs: &[Vec<f64>],
        rounding: &[Rounding],
        runs: usize,
        seed: u64,
    ) -> Vec<Lanes> {
        let (net, structure) = (self.net, self.structure);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let deviations = Deviations::new(net, structure);
        let last_reads = net.last_reads();
        let mut tensors: Vec<Vec<Lanes>> = vec![lanes(inputs, runs)];
        for id in net.ids() {
            if id.0 > 0 {
                tensors.push(value(net, id, &tensors, |sum, a, x| {
                    let rounded = rounding[id.0].of(a);
                    axpy(sum, rounded, x);
                    if rounded != a {
                        let clean = (0..LANES).step_by(runs);
                        clean.for_each(|lane| sum[lane] += (a - rounded) * x[lane]);
                    }
                }));
            }
            let size = |clean| operand_size(net, id, &tensors, clean);
            let rounded = |clean| match self.exact_plaintexts {
                true => 0.0,
                false => structure.rounded[id.0] * size(clean),
            };
            let deviation = |clean| deviations.of(id, rounded(clean));
            let deviations: Vec<f64> = (0..LANES).step_by(runs).map(deviation).collect();
            add_errors(&mut tensors[id.0], &deviations, &mut rng);
            forget(&mut tensors, &last_reads[id.0]);
        }
        tensors.swap_remove(net.output().0)
    }

    /// For each of `nodes` the share of the promise that the rounding of its weights alone takes, the larger one of two
    /// inputs: ten logits each tell it to about a fifth.
    pub fn shares_of_rounding(&self, nodes: &[TensorId], rounding: &[Rounding]) -> Vec<f64> {
        let mut shares = Vec::with_capacity(nodes.len());
        let inputs = &self.inputs[..self.inputs.len().min(SENSED)];
        let last_reads = self.net.last_reads();
        for some in nodes.chunks(SENSED_RUNS - 1) {
            let mut tensors = vec![lanes(inputs, SENSED_RUNS)];
            for id in self.net.ids().skip(1) {
                let run = some.iter().position(|node| *node == id);
                tensors.push(value(self.net, id, &tensors, |sum, a, x| {
                    axpy(sum, a, x);
                    if let Some(run) = run {
                        let error = rounding[id.0].of(a) - a;
                        let own = (run + 1..LANES).step_by(SENSED_RUNS);
                        own.for_each(|lane| sum[lane] += error * x[lane]);
                    }
                }));
                forget(&mut tensors, &last_reads[id.0]);
            }
            let logits = &tensors[self.net.output().0];
            let of_run = |run: usize| {
                let of_sample = |sample: usize| {
                    let clean = sample * SENSED_RUNS;
                    TAIL * error(logits, clean, clean + run..clean + run + 1) / self.promise
                };
                (0..inputs.len()).map(of_sample).fold(0.0, worst)
            };
            shares.extend((1..=some.len()).map(of_run));
        }
        shares
    }
}

/// As [`Simulation::share`] for the inputs of several simulations together, at least one, all of one net and promise.
pub fn share_of_all(simulations: &[Simulation<'_>], rounding: &[Rounding]) -> f64 {
    let Some(first) = simulations.first() else {
        return 0.0;
    };
    let outputs = first.net.node(first.net.output()).shape.len();
    let deviations = simulations
        .iter()
        .flat_map(|some| some.deviations(rounding));
    calibration::error(&deviations.collect::<Vec<_>>(), outputs) / first.promise
}

/// The input tensor: `runs` lanes for each of the inputs, which fill up with the first ones again.
fn lanes(inputs: &[Vec<f64>], runs: usize) -> Vec<Lanes> {
    let lane = |e: usize, lane: usize| inputs[lane / runs % inputs.len()][e];
    let element = |e| std::array::from_fn(|l| lane(e, l));
    (0..inputs[0].len()).map(element).collect()
}

/// Deviation of an input's logits in the lanes `draws` from those in lane `clean`: that of all logits, or of the
/// worst one.
fn error(logits: &[Lanes], clean: usize, draws: Range<usize>) -> f64 {
    let square = |v: &Lanes| -> f64 {
        let errors = v[draws.clone()].iter().map(|x| x - v[clean]);
        errors.map(|e| e * e).sum::<f64>() / draws.len() as f64
    };
    let largest = logits.iter().map(square).fold(0.0, worst);
    mean(logits, square).sqrt().max(OF_WORST * largest.sqrt())
}

/// Deviation of the difference of two errors of an input's logits: with independent errors √2 times theirs, with errors
/// that all logits share less.
fn difference(logits: &[Lanes], clean: usize, draws: Range<usize>) -> f64 {
    let count = logits.len() as f64;
    let of_draw = |draw: usize| {
        let errors = || logits.iter().map(|v| v[draw] - v[clean]);
        let mean = errors().sum::<f64>() / count;
        2.0 * errors().map(|e| (e - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0)
    };
    (draws.clone().map(of_draw).sum::<f64>() / draws.len() as f64).sqrt()
}

/// The larger share; a sum that overflowed is no share at all.
fn worst(a: f64, b: f64) -> f64 {
    if b.is_nan() { f64::INFINITY } else { a.max(b) }
}

fn mean(values: &[Lanes], of: impl Fn(&Lanes) -> f64) -> f64 {
    values.iter().map(of).sum::<f64>() / values.len() as f64
}

/// Signs of equal size: behind the first map their sums are as good as normal.
fn add_errors(values: &mut [Lanes], deviations: &[f64], rng: &mut ChaCha8Rng) {
    if deviations.iter().all(|d| *d == 0.0) {
        return;
    }
    for lanes in values {
        let mut signs: u64 = rng.random();
        let runs = lanes.len() / deviations.len();
        for (runs, deviation) in lanes.chunks_exact_mut(runs).zip(deviations) {
            for value in &mut runs[1..] {
                *value += if signs & 1 == 0 {
                    *deviation
                } else {
                    -deviation
                };
                signs >>= 1;
            }
        }
    }
}

/// Mean square of what a map's plaintexts multiply in lane `clean`, over what the budget takes it to be; at least 1.
fn operand_size(net: &Net, id: TensorId, tensors: &[Vec<Lanes>], clean: usize) -> f64 {
    let size = |x: TensorId| mean(&tensors[x.0], |v| v[clean].powi(2)) / mean_square(net, x);
    net.node(id)
        .inputs()
        .into_iter()
        .map(size)
        .fold(1.0, f64::max)
}
