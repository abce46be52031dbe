//! What the tests share: a slot-level interpreter of schedules, random weights, networks to compile.
#![allow(dead_code)]

pub mod calibrated;
pub mod networks;

use std::collections::HashMap;

use hemet_compiler::{Error, KeyBudget, Options, estimate, synthetic_table};
use hemet_schedule::{Constant, Diagonals, LinearPlan, Op, Schedule, ValueId};
use hemet_spaces::layer::{Affine, AveragePool, Conv, Dense, Poly, Window};
use hemet_spaces::{Layer, LayerGraph, NodeId, Shape, Weights};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// The options under which a network takes as few evaluation keys as the compiler finds.
pub fn with_fewest_keys(graph: &LayerGraph, options: &Options) -> Options {
    let with = |mib| Options {
        key_budget: KeyBudget::AtMost(mib),
        ..options.clone()
    };
    match estimate(graph, &with(1), &synthetic_table()) {
        Ok(_) => with(1),
        Err(Error::Keys { least, .. }) => with(least.div_ceil(1 << 20) as u32),
        Err(error) => panic!("{error}"),
    }
}

/// Runs a schedule on slots of 64-bit floats, without scales or noise.
pub fn run(schedule: &Schedule, input: &[f64]) -> Vec<f64> {
    let slots = schedule.header.parameters.slots();
    let packed = schedule.header.input.pack(input, slots);
    let outputs = execute(schedule, &packed, None);
    // Replicated, and zero where nothing lies: what a client may rely on.
    let result = schedule.header.output.unpack(&outputs);
    assert_eq!(outputs.len(), schedule.header.output.ciphertexts(slots));
    let packed = schedule.header.output.pack(&result, slots);
    for (found, wanted) in outputs.iter().flatten().zip(packed.iter().flatten()) {
        assert!(
            (found - wanted).abs() <= 1e-9 * (1.0 + wanted.abs()),
            "{found} {wanted}"
        );
    }
    result
}

/// Runs a schedule for a batch on as many images.
pub fn run_batch(schedule: &Schedule, images: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let slots = schedule.header.parameters.slots();
    let of_element = |e: usize| {
        let images = images.iter().map(|image| image[e]);
        let mut vector: Vec<f64> = images.collect();
        vector.resize(slots, 0.0);
        vector
    };
    let packed: Vec<Vec<f64>> = (0..images[0].len()).map(of_element).collect();
    let outputs = execute(schedule, &packed, None);
    let of_slot = |b: usize| outputs.iter().map(|vector| vector[b]).collect();
    (0..images.len()).map(of_slot).collect()
}

/// The same with the errors of CKKS, drawn from normal distributions of the variances of real parts that `noise` lists.
pub fn run_noisy(schedule: &Schedule, input: &[f64], seed: u64) -> Vec<f64> {
    let slots = schedule.header.parameters.slots();
    let packed = schedule.header.input.pack(input, slots);
    let outputs = execute(schedule, &packed, Some(&mut Noise::new(schedule, seed)));
    schedule.header.output.unpack(&outputs)
}

/// Errors of slots.
pub struct Noise {
    rng: ChaCha8Rng,
    degree: f64,
    /// Deviation of a rescale and of switching keys, at the scale of the ciphertext.
    rescale: f64,
    switch: f64,
}

impl Noise {
    fn new(schedule: &Schedule, seed: u64) -> Self {
        let parameters = &schedule.header.parameters;
        let n = parameters.degree() as f64;
        let bits = |p: &u64| (*p as f64).log2();
        let special: f64 = parameters.special().iter().map(bits).sum();
        let digits = parameters
            .digit_ranges()
            .map(|range| parameters.moduli()[range].iter().map(bits).sum::<f64>());
        let rescale = n / 2.0 * (1.0 + 2.0 * n / 3.0) / 12.0;
        // A digit of size D times a key error of variance 3.19² in each of N coefficients, divided by P.
        let keys =
            digits.map(|d| n * n / 2.0 * 3.19f64.powi(2) / 12.0 * (2.0 * (d - special)).exp2());
        let switch = rescale + keys.sum::<f64>();
        Self {
            rng: rng(seed),
            degree: n,
            rescale: rescale.sqrt(),
            switch: switch.sqrt(),
        }
    }

    fn normal(&mut self) -> f64 {
        let (u, v): (f64, f64) = (self.rng.random(), self.rng.random());
        (-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }

    fn add(&mut self, values: &mut [f64], deviation: f64) {
        for value in values {
            *value += self.normal() * deviation;
        }
    }
}

fn execute(
    schedule: &Schedule,
    packed: &[Vec<f64>],
    mut noise: Option<&mut Noise>,
) -> Vec<Vec<f64>> {
    let slots = schedule.header.parameters.slots();
    let moduli = schedule.header.parameters.moduli();
    let mut values: Vec<Vec<f64>> = Vec::new();
    for instruction in &schedule.instructions {
        let of = |v: &ValueId| values[v.0 as usize].as_slice();
        let scale = |v: &ValueId| schedule.types[v.0 as usize].scale.to_f64(moduli).unwrap();
        let zip = |a: &[f64], b: &[f64], f: fn(f64, f64) -> f64| -> Vec<f64> {
            a.iter().zip(b).map(|(x, y)| f(*x, *y)).collect()
        };
        let plain = |id| match schedule.constants.get(id).unwrap().1 {
            Constant::Vector(v) => repeat(v, slots),
            Constant::Diagonals { .. } | Constant::Placed(_) => panic!("a vector is needed"),
        };
        let mut results = match &instruction.op {
            Op::Input { index } => vec![packed[*index as usize].clone()],
            Op::Linear {
                inputs,
                plan,
                diagonals,
                scale: plain_scale,
            } => {
                let deviation = (scale(&inputs[0]), plain_scale.to_f64(moduli).unwrap());
                let inputs: Vec<&[f64]> = inputs.iter().map(of).collect();
                let diagonals = schedule.constants.get(*diagonals).unwrap().1;
                let noise = noise.as_deref_mut();
                linear(
                    &inputs,
                    plan,
                    diagonals,
                    slots,
                    noise.map(|n| (n, deviation)),
                )
            }
            Op::Rotate { x, step } => vec![rotate(of(x), *step)],
            Op::Add { a, b } => vec![zip(of(a), of(b), |x, y| x + y)],
            Op::AddPlain { x, constant } => vec![zip(of(x), &plain(*constant), |x, y| x + y)],
            Op::Multiply { a, b } => vec![zip(of(a), of(b), |x, y| x * y)],
            Op::Square { x } => vec![zip(of(x), of(x), |x, y| x * y)],
            Op::Relinearize { x } | Op::Rescale { x } | Op::LevelDrop { x, .. } => {
                vec![of(x).to_vec()]
            }
        };
        if let Some(noise) = noise.as_deref_mut() {
            let n = noise.degree;
            let deviation = match &instruction.op {
                // Encrypted under the secret key, of rounded coefficients.
                Op::Input { .. } => (n / 2.0 * (3.19f64.powi(2) + 1.0 / 12.0)).sqrt(),
                Op::Rotate { .. } | Op::Relinearize { .. } => noise.switch,
                Op::Rescale { .. } => noise.rescale,
                Op::AddPlain { .. } => (n / 24.0).sqrt(),
                Op::Linear { .. }
                | Op::Add { .. }
                | Op::Multiply { .. }
                | Op::Square { .. }
                | Op::LevelDrop { .. } => 0.0,
            };
            let deviation = deviation / scale(&instruction.first_result);
            results.iter_mut().for_each(|v| noise.add(v, deviation));
        }
        values.extend(results);
    }
    let outputs = schedule.outputs.iter();
    outputs.map(|v| values[v.0 as usize].clone()).collect()
}

/// A linear map; with noise, at `(operand scale, plaintext scale)`.
pub fn linear(
    inputs: &[&[f64]],
    plan: &LinearPlan,
    diagonals: &Constant,
    slots: usize,
    mut noise: Option<(&mut Noise, (f64, f64))>,
) -> Vec<Vec<f64>> {
    let diagonals = Diagonals::of(diagonals, slots).expect("diagonals are needed");
    let period = diagonals.period();
    let mut results = vec![vec![0.0; slots]; plan.outputs as usize];
    let mut rotated: HashMap<(u32, u32), Vec<f64>> = HashMap::new();
    for (index, term) in plan.terms.iter().enumerate() {
        let x = rotated.entry((term.input, term.baby)).or_insert_with(|| {
            let mut x = rotate(inputs[term.input as usize], term.baby);
            if let Some((noise, (scale, _))) = &mut noise
                && term.baby != 0
            {
                let deviation = noise.switch / *scale;
                noise.add(&mut x, deviation);
            }
            x
        });
        let mut diagonal = diagonals.get(index, term).into_owned();
        if let Some((noise, (_, scale))) = &mut noise {
            noise.add(&mut diagonal, (period as f64 / 12.0).sqrt() / *scale);
        }
        let out = &mut results[term.output as usize];
        let giant = term.giant as usize;
        let (head, tail) = x.split_at(giant);
        for (slot, (sum, x)) in out.iter_mut().zip(tail.iter().chain(head)).enumerate() {
            *sum += diagonal[(slot + giant) % period] * x;
        }
    }
    results
}

fn rotate(x: &[f64], step: u32) -> Vec<f64> {
    (0..x.len())
        .map(|i| x[(i + step as usize) % x.len()])
        .collect()
}

fn repeat(values: &[f64], slots: usize) -> Vec<f64> {
    (0..slots).map(|i| values[i % values.len()]).collect()
}

/// Random weights with quadratics that completing the square accepts: `|b/2a| ≤ 3`.
pub fn weights(graph: &LayerGraph, seed: u64) -> Weights {
    let mut rng = rng(seed);
    let mut weights = Weights::random(graph, &mut rng);
    for (_, node) in graph.nodes() {
        let Layer::Poly(Poly { degree: 2, .. }) = node.layer else {
            continue;
        };
        let name = format!("{}.coefficients", node.name);
        let tensor = weights
            .tensors
            .get_mut(&name)
            .expect("a poly has coefficients");
        for row in tensor.data.chunks_mut(3) {
            let sign = if rng.random_range(0..2) == 0 {
                -1.0
            } else {
                1.0
            };
            row[2] = sign * rng.random_range(0.1f32..0.4);
            row[1] = rng.random_range(-6.0f32..6.0) * row[2];
        }
    }
    weights
}

pub fn input(graph: &LayerGraph, seed: u64) -> Vec<f64> {
    let mut rng = rng(seed);
    let len = graph.node(graph.input()).shape.len();
    (0..len).map(|_| rng.random_range(-1.0..1.0)).collect()
}

/// A graph under construction, each layer behind the last.
pub struct Net {
    pub graph: LayerGraph,
    pub last: NodeId,
}

impl Net {
    pub fn new(channels: usize, side: usize) -> Self {
        let graph = LayerGraph::new(Shape::new(channels, side, side)).unwrap();
        let last = graph.input();
        Self { graph, last }
    }

    pub fn then(mut self, layer: Layer) -> Self {
        let name = format!("{}{}", layer.kind(), self.graph.nodes().len());
        self.last = self.graph.add(name, layer, &[self.last]).unwrap();
        self
    }

    pub fn conv(self, out_channels: usize, kernel: usize, stride: usize) -> Self {
        self.then(Layer::Conv(Conv {
            window: Window::square(kernel, stride, kernel / 2),
            ..Conv::same(out_channels, kernel)
        }))
    }

    /// A convolution whose channels fall into groups.
    pub fn grouped(self, out_channels: usize, kernel: usize, groups: usize) -> Self {
        self.then(Layer::Conv(Conv {
            groups,
            ..Conv::same(out_channels, kernel)
        }))
    }

    pub fn unpadded(self, out_channels: usize, kernel: usize, stride: usize) -> Self {
        let conv = Conv {
            window: Window::square(kernel, stride, 0),
            bias: true,
            ..Conv::same(out_channels, kernel)
        };
        self.then(Layer::Conv(conv))
    }

    pub fn affine(self) -> Self {
        self.then(Layer::Affine(Affine))
    }

    pub fn quadratic(self) -> Self {
        self.then(Layer::Poly(Poly::QUADRATIC))
    }

    pub fn pool(self, kernel: usize) -> Self {
        self.then(Layer::AveragePool(AveragePool::square(kernel, kernel)))
    }

    pub fn dense(self, out_features: usize) -> Self {
        self.then(Layer::Dense(Dense {
            out_features,
            bias: true,
            circulant: 1,
        }))
    }

    /// conv, batch norm, quadratic
    pub fn block(self, out_channels: usize, kernel: usize, stride: usize) -> Self {
        self.conv(out_channels, kernel, stride).affine().quadratic()
    }
}

/// LoLa's network on MNIST.
pub fn lola() -> LayerGraph {
    let conv = Conv {
        window: Window::square(5, 2, 1),
        ..Conv::same(5, 5)
    };
    let net = Net::new(1, 28).then(Layer::Conv(conv)).quadratic();
    net.dense(100).quadratic().dense(10).graph
}

/// LeNet-5 with quadratics and average pools on MNIST.
pub fn lenet() -> LayerGraph {
    let net = Net::new(1, 28).conv(6, 5, 1).quadratic().pool(2);
    let net = net.unpadded(16, 5, 1).quadratic().pool(2);
    net.dense(120)
        .quadratic()
        .dense(84)
        .quadratic()
        .dense(10)
        .graph
}

/// Two regular blocks on 8x8 digits.
pub fn digits_regular() -> LayerGraph {
    let net = Net::new(1, 8).block(16, 3, 1).pool(2);
    net.block(32, 3, 1).pool(2).dense(10).graph
}

/// A published space.
pub fn preset(name: &str) -> hemet_spaces::Space {
    let text = hemet_spaces::presets::find(name).expect("a preset");
    serde_yaml::from_str(text).expect("it reads")
}

/// Small networks of every block, with polynomials of degree 2 and 3.
pub fn zoo() -> hemet_spaces::Space {
    let text = "
input: [2, 8, 8]
classes: 3
stem: {conv: {width: [3, 4], kernel: 3, activation: [quadratic, linear]}}
blocks:
  - name: b1
    options: &options
      - fire: {squeeze: 2, expand: 3, inner_activation: [quadratic, linear]}
      - inverted_residual: {width: [3, 4], expansion: 2, inner_activation: [quadratic, linear]}
      - inception: {conv1: 2, conv3: 3, conv5: [0, 2], reduce: [0, 2]}
      - inception: {conv1: 2, conv3: 3, pool: 2, stride: 2}
      - residual: {width: [3, 4], stride: [1, 2], inner_activation: [quadratic, linear]}
      - conv: {width: [4, 5], kernel: [1, 3], stride: [1, 2], activation: [quadratic, poly3, quadratic_per_layer]}
      - pool: {window: 2}
      - skip
  - name: b2
    options: *options
  - name: b3
    options: [skip, {pool: {window: 2}}]
head: {pool: [none, global]}
";
    serde_yaml::from_str(text).expect("it reads")
}
