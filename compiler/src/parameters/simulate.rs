//! Simulation: the errors of the logits of a network with its weights, measured on the net itself.
//!
//! [`super::noise`] budgets scales without weights: it takes errors to grow like values. How they really grow, the weights and the inputs
//! decide (differences of neighbours on smooth images are small, errors are not; deep quadratic networks amplify). So the net is
//! evaluated here in floats on a few inputs, several times with errors of the deviations of that module's table on
//! every tensor, and what comes out is held against the promise. The seed is fixed: equal weights and inputs give equal results.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::noise::{Deviations, mean_square};
use crate::Options;
use crate::net::{Bias, Kind, Net, TensorId, Term};
use crate::structure::Structure;

/// Bound on errors, in their standard deviations: over a million logits one in a million-odd lies outside.
const TAIL: f64 = 5.0;
/// Inputs that are looked at.
pub const SAMPLES: usize = 6;
/// Evaluations with errors for each input.
const DRAWS: usize = 7;
/// Evaluations of an input: the clean one is the first.
const RUNS: usize = 1 + DRAWS;
const LANES: usize = SAMPLES * RUNS;
// A random word has a sign for every lane.
const _: () = assert!(LANES <= 64);
const SEED: u64 = 0x0068_656d_6574;
/// All evaluations of one element, side by side.
type Lanes = [f64; LANES];

/// The bound on the errors of the logits as a share of the promise, `2^-precision_bits · max(1, r)` with `r` the root mean square
/// of the logits: the largest share of any input. At most 1 where the promise is kept. The inputs are the first of `samples`
/// (`[channels][height][width]` each), or independent elements within the input range where there are none.
pub fn share(net: &Net, structure: &Structure, options: &Options, samples: &[Vec<f64>]) -> f64 {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let deviations = Deviations::new(net, structure);
    let mut tensors: Vec<Vec<Lanes>> = vec![inputs(net, options, samples, &mut rng)];
    for id in net.ids() {
        if id.0 > 0 {
            tensors.push(value(net, id, &tensors));
        }
        let rounded = |sample| structure.rounded[id.0] * operand_size(net, id, &tensors, sample);
        let deviation = |sample| deviations.of(id, rounded(sample));
        let deviations: [f64; SAMPLES] = std::array::from_fn(deviation);
        add_errors(&mut tensors[id.0], &deviations, &mut rng);
    }
    let logits = &tensors[net.output().0];
    let promise = (-f64::from(options.precision_bits)).exp2();
    let share = |sample: usize| {
        let size = mean(logits, |v| v[sample * RUNS].powi(2)).sqrt();
        TAIL * error(logits, sample) / (promise * size.max(1.0))
    };
    // A sum that overflowed is no share at all.
    let worst = |a: f64, b: f64| if b.is_nan() { f64::INFINITY } else { a.max(b) };
    (0..SAMPLES).map(share).fold(0.0, worst)
}

fn mean(values: &[Lanes], of: impl Fn(&Lanes) -> f64) -> f64 {
    values.iter().map(of).sum::<f64>() / values.len() as f64
}

/// Root mean square of the errors of one input's logits.
fn error(logits: &[Lanes], sample: usize) -> f64 {
    let first = sample * RUNS;
    let of = |v: &Lanes| -> f64 {
        let draws = &v[first + 1..first + RUNS];
        draws.iter().map(|x| (x - v[first]).powi(2)).sum()
    };
    (mean(logits, of) / DRAWS as f64).sqrt()
}

/// Signs of equal size: behind the first map their sums are as good as normal.
fn add_errors(values: &mut [Lanes], deviations: &[f64; SAMPLES], rng: &mut ChaCha8Rng) {
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

fn inputs(net: &Net, options: &Options, samples: &[Vec<f64>], rng: &mut ChaCha8Rng) -> Vec<Lanes> {
    let range = options.input_range;
    let mut out = vec![[0.0; LANES]; net.nodes[0].shape.len()];
    for sample in 0..SAMPLES {
        let given = samples.get(sample % samples.len().max(1));
        for (e, lanes) in out.iter_mut().enumerate() {
            let value = match given {
                Some(values) => values[e],
                None => rng.random_range(-range..range),
            };
            lanes[sample * RUNS..][..RUNS].fill(value);
        }
    }
    out
}

fn value(net: &Net, id: TensorId, tensors: &[Vec<Lanes>]) -> Vec<Lanes> {
    let node = net.node(id);
    match &node.kind {
        Kind::Input => tensors[id.0].clone(),
        Kind::Product(a, b) => {
            let (a, b) = (&tensors[a.0], &tensors[b.0]);
            let product = |(a, b): (&Lanes, &Lanes)| std::array::from_fn(|l| a[l] * b[l]);
            a.iter().zip(b).map(product).collect()
        }
        Kind::Pool { input, side } => {
            let window = |e| crate::passes::window(node.shape, *side, e);
            let sum = |e| window(e).fold([0.0; LANES], |s, x| axpy(s, 1.0, &tensors[input.0][x]));
            (0..node.shape.len()).map(sum).collect()
        }
        Kind::Linear { terms, bias } => linear(terms, bias, node.shape.len(), tensors),
    }
}

fn linear(terms: &[Term], bias: &Bias, len: usize, tensors: &[Vec<Lanes>]) -> Vec<Lanes> {
    let row = |row: usize| {
        let mut sum = match bias {
            Bias::Vector(Some(values)) => [values[row]; LANES],
            Bias::Vector(None) | Bias::None => [0.0; LANES],
        };
        for Term { input, map } in terms {
            for (column, a) in map.columns(row).iter().zip(map.values(row)) {
                sum = axpy(sum, *a, &tensors[input.0][*column as usize]);
            }
        }
        sum
    };
    (0..len).map(row).collect()
}

fn axpy(mut sum: Lanes, a: f64, x: &Lanes) -> Lanes {
    for (s, x) in sum.iter_mut().zip(x) {
        *s += a * x;
    }
    sum
}
