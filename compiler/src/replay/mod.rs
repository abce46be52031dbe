//! Replay: a schedule in floats, with its plaintexts as they will be encoded.
//!
//! Rounding a plaintext errs by the same amount on every input, and where many diagonals of a map are alike (a pooled
//! convolution), their errors are alike too and add up instead of averaging out. Behind squares, whose values are
//! positive, that shifts all logits by a constant which no drawn errors show. Here it is computed: no key, no draw and
//! no estimate is in it.

mod embedding;

use std::collections::HashMap;

use hemet_schedule::{Constant, Diagonals, LinearPlan, LinearTerm, Op, Schedule, ValueId};
use rayon::prelude::*;

use embedding::Embedding;

/// Products of a slot and a number that one replay may take: some seconds of a core.
const PRODUCTS: usize = 6_000_000_000;
/// Fewest and most inputs.
const INPUTS: std::ops::RangeInclusive<usize> = 2..=8;

/// The slots of a value for each input: exact, and with plaintexts as they are encoded.
type Slots = Vec<[Vec<f64>; 2]>;

/// Largest error of an output that the rounding of plaintexts makes, over as many of `inputs` (as the client prepares
/// them) as time allows; 0 where there are none.
pub fn error(schedule: &Schedule, inputs: &[Vec<f64>]) -> f64 {
    let most = PRODUCTS / (2 * products(schedule).max(1));
    let inputs = &inputs[..inputs.len().min(most.clamp(*INPUTS.start(), *INPUTS.end()))];
    if inputs.is_empty() {
        return 0.0;
    }
    let mut replay = Replay {
        schedule,
        slots: slots(schedule),
        embeddings: HashMap::new(),
        values: Vec::new(),
    };
    replay.run(inputs);
    let unpacked = |input: usize, which: usize| {
        let vectors = schedule.outputs.iter();
        let vectors: Vec<Vec<f64>> = vectors
            .map(|v| replay.values[v.0 as usize][input][which].clone())
            .collect();
        match is_batch(schedule) {
            true => vectors.concat(),
            false => schedule.header.output.unpack(&vectors),
        }
    };
    let of_input = |input| {
        let pairs = unpacked(input, 0).into_iter().zip(unpacked(input, 1));
        pairs
            .map(|(exact, rounded)| (exact - rounded).abs())
            .fold(0.0, worst)
    };
    (0..inputs.len()).map(of_input).fold(0.0, worst)
}

/// Whether each slot is an image of its own.
fn is_batch(schedule: &Schedule) -> bool {
    schedule.header.images() > 1
}

/// Slots that are replayed: in a batch all do the same, so one of them.
fn slots(schedule: &Schedule) -> usize {
    match is_batch(schedule) {
        true => 1,
        false => schedule.header.parameters.slots(),
    }
}

/// The slots of each ciphertext of an input.
fn packed(schedule: &Schedule, input: &[f64]) -> Vec<Vec<f64>> {
    match is_batch(schedule) {
        true => input.iter().map(|x| vec![*x]).collect(),
        false => schedule.header.input.pack(input, slots(schedule)),
    }
}

/// The larger one; what is no number is no small error.
fn worst(a: f64, b: f64) -> f64 {
    if b.is_nan() { f64::INFINITY } else { a.max(b) }
}

/// Products of a slot and a number in one run.
fn products(schedule: &Schedule) -> usize {
    let of = |op: &Op| match op {
        Op::Linear { plan, .. } => plan.terms.len(),
        Op::Input { .. }
        | Op::Rotate { .. }
        | Op::Add { .. }
        | Op::AddPlain { .. }
        | Op::Multiply { .. }
        | Op::Square { .. }
        | Op::Relinearize { .. }
        | Op::Rescale { .. }
        | Op::LevelDrop { .. } => 1,
    };
    let terms: usize = schedule.instructions.iter().map(|i| of(&i.op)).sum();
    terms * slots(schedule)
}

/// A run under way.
struct Replay<'a> {
    schedule: &'a Schedule,
    slots: usize,
    /// By number of slots.
    embeddings: HashMap<usize, Embedding>,
    /// Empty where nothing reads them any more.
    values: Vec<Slots>,
}

impl Replay<'_> {
    fn run(&mut self, inputs: &[Vec<f64>]) {
        let packed = |input: &Vec<f64>| packed(self.schedule, input);
        let packed: Vec<Vec<Vec<f64>>> = inputs.iter().map(packed).collect();
        let last = last_reads(self.schedule);
        for (index, instruction) in self.schedule.instructions.iter().enumerate() {
            let results = self.results(&instruction.op, &packed);
            self.values.extend(results);
            for read in &last[index] {
                self.values[read.0 as usize] = Slots::new();
            }
        }
    }

    fn results(&mut self, op: &Op, packed: &[Vec<Vec<f64>>]) -> Vec<Slots> {
        match op {
            Op::Input { index } => {
                let of = |vectors: &Vec<Vec<f64>>| {
                    let vector = vectors[*index as usize].clone();
                    [vector.clone(), vector]
                };
                vec![packed.iter().map(of).collect()]
            }
            Op::Linear {
                inputs,
                plan,
                diagonals,
                scale,
            } => {
                let scale = scale.to_f64(self.schedule.header.parameters.moduli());
                let constant = self.schedule.constants.get(*diagonals).map(|found| found.1);
                match (
                    scale,
                    constant
                        .and_then(|c| Diagonals::of(c, self.schedule.header.parameters.slots())),
                ) {
                    (Some(scale), Some(diagonals)) => self.linear(inputs, plan, &diagonals, scale),
                    // The verifier of the schedule refuses it.
                    (_, _) => Vec::new(),
                }
            }
            Op::Rotate { x, step } => {
                let step = *step as usize % self.slots;
                let rotate = |x: &Vec<f64>| [&x[step..], &x[..step]].concat();
                vec![self.each(*x, rotate)]
            }
            Op::Add { a, b } => vec![self.both(*a, *b, |a, b| a + b)],
            Op::AddPlain { x, constant } => vec![self.add_plain(*x, *constant)],
            Op::Multiply { a, b } => vec![self.both(*a, *b, |a, b| a * b)],
            Op::Square { x } => vec![self.both(*x, *x, |a, b| a * b)],
            Op::Relinearize { x } | Op::Rescale { x } | Op::LevelDrop { x, .. } => {
                vec![self.each(*x, Vec::clone)]
            }
        }
    }

    fn each(&self, x: ValueId, of: impl Fn(&Vec<f64>) -> Vec<f64>) -> Slots {
        let slots = self.values[x.0 as usize].iter();
        slots
            .map(|[exact, rounded]| [of(exact), of(rounded)])
            .collect()
    }

    fn both(&self, a: ValueId, b: ValueId, of: fn(f64, f64) -> f64) -> Slots {
        let of = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| of(*a, *b)).collect();
        let pairs = self.values[a.0 as usize]
            .iter()
            .zip(&self.values[b.0 as usize]);
        pairs
            .map(|(a, b)| [of(&a[0], &b[0]), of(&a[1], &b[1])])
            .collect()
    }

    /// What a vector is when it is encoded.
    fn rounded(&mut self, values: &[f64], scale: f64) -> Vec<f64> {
        let period = values.len().min(self.slots);
        let values = &values[..period];
        if !period.is_power_of_two() {
            let all: Vec<f64> = (0..self.slots).map(|i| values[i % period]).collect();
            return self.embedding(self.slots).rounded(&all, scale);
        }
        self.embedding(period).rounded(values, scale)
    }

    fn embedding(&mut self, slots: usize) -> &Embedding {
        self.embeddings
            .entry(slots)
            .or_insert_with(|| Embedding::new(slots))
    }

    fn add_plain(&mut self, x: ValueId, constant: hemet_schedule::ConstantId) -> Slots {
        let (schedule, moduli) = (self.schedule, self.schedule.header.parameters.moduli());
        let scale = schedule.types[x.0 as usize].scale.to_f64(moduli);
        let vector = match schedule.constants.get(constant).map(|found| found.1) {
            Some(Constant::Vector(values)) => values.clone(),
            Some(Constant::Diagonals { .. } | Constant::Placed(_)) | None => Vec::new(),
        };
        let (Some(scale), false) = (scale, vector.is_empty()) else {
            return Slots::new();
        };
        let rounded = self.rounded(&vector, scale);
        let add = |x: &[f64], y: &[f64]| -> Vec<f64> {
            x.iter().zip(y.iter().cycle()).map(|(x, y)| x + y).collect()
        };
        let slots = self.values[x.0 as usize].iter();
        slots
            .map(|[exact, other]| [add(exact, &vector), add(other, &rounded)])
            .collect()
    }

    fn linear(
        &mut self,
        inputs: &[ValueId],
        plan: &LinearPlan,
        diagonals: &Diagonals,
        scale: f64,
    ) -> Vec<Slots> {
        let count = self.values[inputs[0].0 as usize].len();
        let zeros = || [vec![0.0; self.slots], vec![0.0; self.slots]];
        let mut results: Vec<Slots> = (0..plan.outputs)
            .map(|_| (0..count).map(|_| zeros()).collect())
            .collect();
        for (index, term) in plan.terms.iter().enumerate() {
            let exact = diagonals.get(index, term).into_owned();
            let rounded = self.rounded(&exact, scale);
            let x = &self.values[inputs[term.input as usize].0 as usize];
            let sums = results[term.output as usize].par_iter_mut().zip(x);
            sums.for_each(|(sum, x)| {
                add_products(&mut sum[0], &exact, &x[0], term);
                add_products(&mut sum[1], &rounded, &x[1], term);
            });
        }
        results
    }
}

/// Adds to each slot of the sum the product of a diagonal, which lies where its giant step puts it, and the operand.
fn add_products(sum: &mut [f64], diagonal: &[f64], x: &[f64], term: &LinearTerm) {
    let slots = sum.len();
    let from = (term.baby as usize + term.giant as usize) % slots;
    let mut at = term.giant as usize % diagonal.len();
    let turned = x[from..].iter().chain(&x[..from]);
    for (sum, x) in sum.iter_mut().zip(turned) {
        *sum += diagonal[at] * x;
        at += 1;
        if at == diagonal.len() {
            at = 0;
        }
    }
}

/// By instruction: the values that are read for the last time there, without outputs.
fn last_reads(schedule: &Schedule) -> Vec<Vec<ValueId>> {
    let mut last: HashMap<ValueId, usize> = HashMap::new();
    for (index, instruction) in schedule.instructions.iter().enumerate() {
        for read in instruction.op.operands() {
            last.insert(read, index);
        }
    }
    for output in &schedule.outputs {
        last.remove(output);
    }
    let mut by_instruction = vec![Vec::new(); schedule.instructions.len()];
    for (value, index) in last {
        by_instruction[index].push(value);
    }
    by_instruction
}

#[cfg(test)]
mod tests {
    use hemet_spaces::layer::{Conv, Dense, Poly};
    use hemet_spaces::{Layer, LayerGraph, Shape, Weights};

    use super::*;
    use crate::{Options, Target, compile, synthetic_table};

    /// A convolution, a square and a dense layer, with weights that no scale holds exactly.
    fn network() -> (LayerGraph, Weights) {
        let mut graph = LayerGraph::new(Shape::new(1, 4, 4)).expect("not empty");
        let add = |graph: &mut LayerGraph, name: &str, layer, x| {
            graph.add(name, layer, &[x]).expect("fits")
        };
        let input = graph.input();
        let conv = add(&mut graph, "conv", Layer::Conv(Conv::same(2, 3)), input);
        let square = add(
            &mut graph,
            "square",
            Layer::Poly(Poly {
                degree: 2,
                per_channel: true,
            }),
            conv,
        );
        let dense = Dense {
            out_features: 3,
            bias: true,
            circulant: 1,
        };
        add(&mut graph, "dense", Layer::Dense(dense), square);
        let mut weights = Weights::ones(&graph);
        for tensor in weights.tensors.values_mut() {
            let some = |(i, w): (usize, &mut f32)| *w = ((i * 7 + 3) % 11) as f32 / 23.0 + 0.1;
            tensor.data.iter_mut().enumerate().for_each(some);
        }
        (graph, weights)
    }

    #[test]
    fn an_image_alone_and_one_slot_of_a_batch_are_shifted_by_less_where_scales_are_larger() {
        let (graph, weights) = network();
        let inputs: Vec<Vec<f64>> = (1..5).map(|i| vec![0.2 * f64::from(i); 16]).collect();
        for target in [Target::Latency, Target::Throughput] {
            let shift = |plain_guard_bits| {
                let options = Options {
                    target,
                    plain_guard_bits,
                    ..Options::default()
                };
                let schedule = compile(&graph, &weights, &options, &synthetic_table());
                error(&schedule.expect("compiles"), &inputs)
            };
            let (coarse, fine) = (shift(0), shift(8));
            assert!(
                fine > 0.0 && fine < coarse / 20.0,
                "{target:?}: {coarse:e} {fine:e}"
            );
            assert!(coarse < 1e-2, "{target:?}: {coarse:e}");
        }
    }
}
