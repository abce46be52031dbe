//! Simulation: the errors of the logits of a network with its weights, measured on the net itself.
//!
//! [`super::noise`] budgets scales without weights: it takes errors to grow like values. How they really grow, the
//! weights and the inputs decide (differences of neighbours on smooth images are small, errors are not; deep quadratic
//! networks amplify). So the net is evaluated here in floats on a few inputs, several times with errors of the
//! deviations of that module's table on every tensor, and what comes out is held against the promise. Rounded weights
//! ([`super::rounding`]) err as they do, against an evaluation with the exact ones. The seed is fixed: equal weights
//! and inputs give equal results.

use std::ops::Range;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::deviations::Deviations;
use super::structure::Structure;
use crate::Options;
use crate::net::evaluate::{axpy, value};
use crate::net::{Net, Rounding, TensorId, mean_square};
use crate::passes::{self, Context};

/// Bound on errors, in their standard deviations: over a million logits one in a million-odd lies outside.
const TAIL: f64 = 5.0;
/// Inputs that are looked at.
const INPUTS: usize = 6;
/// Evaluations with errors for each input.
const DRAWS: usize = 7;
/// Evaluations of an input: the clean one is the first.
const RUNS: usize = 1 + DRAWS;
const LANES: usize = INPUTS * RUNS;
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
    /// The choices, among them the promise.
    pub options: &'a Options,
    /// The inputs, `[channels][height][width]` each; independent elements within the input range where there are none.
    pub samples: &'a [Vec<f64>],
}

impl Simulation<'_> {
    /// The bound on the errors of the logits as a share of the promise, `2^-precision_bits · max(1, r)` with `r` the
    /// root mean square of the logits: the largest share of any input. At most 1 where the promise is kept. `rounding`
    /// says for each node how its weights are rounded.
    pub fn share(&self, rounding: &[Rounding]) -> f64 {
        let (net, structure) = (self.net, self.structure);
        let mut rng = ChaCha8Rng::seed_from_u64(SEED);
        let deviations = Deviations::new(net, structure);
        let mut tensors: Vec<Vec<Lanes>> = vec![self.inputs(INPUTS, &mut rng)];
        for id in net.ids() {
            if id.0 > 0 {
                tensors.push(value(net, id, &tensors, |sum, a, x| {
                    let rounded = rounding[id.0].of(a);
                    axpy(sum, rounded, x);
                    if rounded != a {
                        let clean = (0..LANES).step_by(RUNS);
                        clean.for_each(|lane| sum[lane] += (a - rounded) * x[lane]);
                    }
                }));
            }
            let rounded =
                |sample| structure.rounded[id.0] * operand_size(net, id, &tensors, sample);
            let deviation = |sample| deviations.of(id, rounded(sample));
            let deviations: [f64; INPUTS] = std::array::from_fn(deviation);
            add_errors(&mut tensors[id.0], &deviations, &mut rng);
        }
        let logits = &tensors[net.output().0];
        (0..INPUTS)
            .map(|sample| sample * RUNS)
            .map(|clean| self.of_promise(logits, clean, clean + 1..clean + RUNS))
            .fold(0.0, worst)
    }

    /// For each of `nodes` the share of the promise that the rounding of its weights alone takes, the larger one of two
    /// inputs: ten logits each tell it to about a fifth.
    pub fn shares_of_rounding(&self, nodes: &[TensorId], rounding: &[Rounding]) -> Vec<f64> {
        let mut shares = Vec::with_capacity(nodes.len());
        let mut rng = ChaCha8Rng::seed_from_u64(SEED);
        for some in nodes.chunks(SENSED_RUNS - 1) {
            let mut tensors = vec![self.inputs(SENSED, &mut rng)];
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
            }
            let logits = &tensors[self.net.output().0];
            let of_run = |run: usize| {
                let of_sample = |sample: usize| {
                    let clean = sample * SENSED_RUNS;
                    self.of_promise(logits, clean, clean + run..clean + run + 1)
                };
                (0..SENSED).map(of_sample).fold(0.0, worst)
            };
            shares.extend((1..=some.len()).map(of_run));
        }
        shares
    }

    /// The bound on the errors of an input's logits as a share of the promise, by the lanes of a clean evaluation and
    /// of those with errors.
    fn of_promise(&self, logits: &[Lanes], clean: usize, draws: Range<usize>) -> f64 {
        let size = mean(logits, |v| v[clean].powi(2)).sqrt();
        let square = |v: &Lanes| -> f64 {
            let errors = v[draws.clone()].iter().map(|x| x - v[clean]);
            errors.map(|e| e * e).sum()
        };
        let error = (mean(logits, square) / draws.len() as f64).sqrt();
        let promise = (-f64::from(self.options.precision_bits)).exp2();
        TAIL * error / (promise * size.max(1.0))
    }

    /// The input tensor: the lanes are shared evenly by the first `count` inputs.
    fn inputs(&self, count: usize, rng: &mut ChaCha8Rng) -> Vec<Lanes> {
        let context = Context {
            options: self.options,
            samples: self.samples,
        };
        let runs = LANES / count;
        let each = |e: &[f64; INPUTS]| std::array::from_fn(|lane| e[lane / runs]);
        let inputs = passes::inputs(self.net, &context, rng);
        inputs.iter().map(each).collect()
    }
}

/// The larger share; a sum that overflowed is no share at all.
fn worst(a: f64, b: f64) -> f64 {
    if b.is_nan() { f64::INFINITY } else { a.max(b) }
}

fn mean(values: &[Lanes], of: impl Fn(&Lanes) -> f64) -> f64 {
    values.iter().map(of).sum::<f64>() / values.len() as f64
}

/// Signs of equal size: behind the first map their sums are as good as normal.
fn add_errors(values: &mut [Lanes], deviations: &[f64; INPUTS], rng: &mut ChaCha8Rng) {
    if deviations.iter().all(|d| *d == 0.0) {
        return;
    }
    for lanes in values {
        let mut signs: u64 = rng.random();
        for (runs, deviation) in lanes.chunks_exact_mut(RUNS).zip(deviations) {
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

/// Mean square of what a map's plaintexts multiply, over what the budget takes it to be; at least 1.
fn operand_size(net: &Net, id: TensorId, tensors: &[Vec<Lanes>], sample: usize) -> f64 {
    let size =
        |x: TensorId| mean(&tensors[x.0], |v| v[sample * RUNS].powi(2)) / mean_square(net, x);
    net.node(id)
        .inputs()
        .into_iter()
        .map(size)
        .fold(1.0, f64::max)
}
