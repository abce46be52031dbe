//! A small trainer of integer networks with one hidden layer: Adam on latent weights, rounded in the forward pass, with
//! straight-through gradients, and a penalty on accumulators that would wrap.

use hemet_spaces::layer::{Dense, Poly};
use hemet_spaces::quantised::{IntegerParameters, QuantisedParts, TableLayer, ValueRange};
use hemet_spaces::{Error, Layer, LayerGraph, QuantisedNetwork, Shape};

use crate::data::Digits;

/// What to train.
#[derive(Clone, Copy, Debug)]
pub struct Recipe {
    /// Hidden units: bootstraps.
    pub hidden: usize,
    /// Levels of a pixel.
    pub input_levels: i64,
    /// Largest absolute weight of the first layer.
    pub weight_1: i32,
    /// Largest absolute weight of the head.
    pub weight_2: i32,
    /// Half a turn of the tables.
    pub half: u32,
    /// Accumulators between two levels of the activation.
    pub step: f64,
    /// Levels of the activation.
    pub levels: i32,
    /// Passes over the training part.
    pub epochs: usize,
}

/// A xorshift generator: the trainer must be the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64 * 2.0 - 1.0
    }
}

/// Latent weights with Adam's moments.
struct Latent {
    value: Vec<f64>,
    gradient: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
    limit: f64,
}

impl Latent {
    fn new(len: usize, spread: f64, limit: f64, random: &mut Random) -> Self {
        Self {
            value: (0..len).map(|_| random.uniform() * spread).collect(),
            gradient: vec![0.0; len],
            first: vec![0.0; len],
            second: vec![0.0; len],
            limit,
        }
    }

    fn rounded(&self) -> Vec<f64> {
        self.value
            .iter()
            .map(|v| v.round().clamp(-self.limit, self.limit))
            .collect()
    }

    fn step(&mut self, rate: f64, time: i32) {
        for i in 0..self.value.len() {
            let g = self.gradient[i];
            self.first[i] = 0.9 * self.first[i] + 0.1 * g;
            self.second[i] = 0.999 * self.second[i] + 0.001 * g * g;
            let m = self.first[i] / (1.0 - 0.9f64.powi(time));
            let v = self.second[i] / (1.0 - 0.999f64.powi(time));
            let moved = self.value[i] - rate * m / (v.sqrt() + 1e-8);
            self.value[i] = moved.clamp(-self.limit - 0.49, self.limit + 0.49);
            self.gradient[i] = 0.0;
        }
    }
}

/// Trains and gives the integer network.
pub fn train(recipe: &Recipe, data: &Digits, seed: u64) -> Result<QuantisedNetwork, Error> {
    let mut random = Random(seed);
    let (inputs, hidden, classes) = (64, recipe.hidden, 10);
    let mut w1 = Latent::new(
        inputs * hidden,
        0.75 * f64::from(recipe.weight_1),
        f64::from(recipe.weight_1),
        &mut random,
    );
    let mut b1 = Latent::new(hidden, 2.0, 1e6, &mut random);
    let mut w2 = Latent::new(
        hidden * classes,
        0.6 * f64::from(recipe.weight_2),
        f64::from(recipe.weight_2),
        &mut random,
    );
    let mut b2 = Latent::new(classes, 0.1, 1e6, &mut random);
    // The penalty sees accumulators; the loss sees logits at a temperature that gives the head some hardness.
    let temperature = 1.2 / (f64::from(recipe.weight_2) * (hidden as f64).sqrt());
    let middle = f64::from(recipe.levels - 1) / 2.0;
    let reach = f64::from(recipe.half) - recipe.step * middle - 1.0;
    let mut order: Vec<usize> = (0..data.images.len()).collect();
    let (batch, mut time) = (32, 0);
    let steps = (recipe.epochs * order.len().div_ceil(batch)) as f64;
    for _ in 0..recipe.epochs {
        for i in (1..order.len()).rev() {
            order.swap(i, random.next() as usize % (i + 1));
        }
        for indices in order.chunks(batch) {
            time += 1;
            let rate =
                0.02 * (0.5 + 0.5 * (std::f64::consts::PI * f64::from(time) / steps).cos()) + 1e-4;
            let (q1, c1, q2, c2) = (w1.rounded(), b1.rounded(), w2.rounded(), b2.rounded());
            for index in indices {
                let x: Vec<f64> = data.images[*index].iter().map(|v| *v as f64).collect();
                let acc: Vec<f64> = (0..hidden)
                    .map(|h| c1[h] + (0..inputs).map(|i| q1[h * inputs + i] * x[i]).sum::<f64>())
                    .collect();
                let act: Vec<f64> = acc.iter().map(|a| level(*a, recipe) - middle).collect();
                let logits: Vec<f64> = (0..classes)
                    .map(|c| {
                        temperature
                            * (c2[c]
                                + (0..hidden)
                                    .map(|h| q2[c * hidden + h] * act[h])
                                    .sum::<f64>())
                    })
                    .collect();
                let top = logits.iter().copied().fold(f64::MIN, f64::max);
                let sum: f64 = logits.iter().map(|l| (l - top).exp()).sum();
                let mut to_act = vec![0.0; hidden];
                for c in 0..classes {
                    let target = if data.labels[*index] == c {
                        0.97
                    } else {
                        0.03 / 9.0
                    };
                    let g = ((logits[c] - top).exp() / sum - target) * temperature / batch as f64;
                    b2.gradient[c] += g;
                    for h in 0..hidden {
                        w2.gradient[c * hidden + h] += g * act[h];
                        to_act[h] += g * q2[c * hidden + h];
                    }
                }
                for h in 0..hidden {
                    let inside = acc[h].abs() < recipe.step * (middle + 1.0);
                    let mut g = if inside { to_act[h] / recipe.step } else { 0.0 };
                    let over = acc[h].abs() - reach;
                    if over > 0.0 {
                        g += 0.002 * acc[h].signum() * over.min(3.0) / batch as f64;
                    }
                    b1.gradient[h] += g;
                    for (i, x) in x.iter().enumerate() {
                        w1.gradient[h * inputs + i] += g * x;
                    }
                }
            }
            for latent in [&mut w1, &mut b1, &mut w2, &mut b2] {
                latent.step(rate, time);
            }
        }
    }
    network(recipe, [&w1, &b1, &w2, &b2])
}

/// The level of an accumulator around 0, wrapped as the table wraps it.
fn level(acc: f64, recipe: &Recipe) -> f64 {
    let half = f64::from(recipe.half);
    let wrapped = (acc + half / 2.0).rem_euclid(2.0 * half) - half / 2.0;
    let (x, flipped) = if wrapped < half / 2.0 {
        (wrapped, false)
    } else {
        (wrapped - half, true)
    };
    let top = f64::from(recipe.levels - 1);
    let value = (x / recipe.step + top / 2.0 + 0.5).floor().clamp(0.0, top);
    if flipped { top - value } else { value }
}

fn network(recipe: &Recipe, [w1, b1, w2, b2]: [&Latent; 4]) -> Result<QuantisedNetwork, Error> {
    let mut graph = LayerGraph::new(Shape::new(1, 8, 8))?;
    let dense = |out_features| {
        Layer::Dense(Dense {
            out_features,
            bias: true,
        })
    };
    let hidden = graph.add("hidden", dense(recipe.hidden), &[graph.input()])?;
    let act = graph.add(
        "act",
        Layer::Poly(Poly {
            degree: 2,
            per_channel: false,
        }),
        &[hidden],
    )?;
    graph.add("head", dense(10), &[act])?;
    let integers = |latent: &Latent| {
        latent
            .rounded()
            .iter()
            .map(|v| *v as i32)
            .collect::<Vec<i32>>()
    };
    let quarter = i64::from(recipe.half / 2);
    let top = recipe.levels - 1;
    let table = TableLayer::uniform(recipe.half, recipe.hidden, 1, top, |u| {
        level(f64::from(u) - f64::from(recipe.half / 2), recipe) as i32
    });
    let head = integers(w2);
    // The trainer's activations are centred: their middle moves into the bias, doubled where it is a half.
    let bias_2 = integers(b2).into_iter().enumerate().map(|(c, b)| {
        let sum: i32 = head[c * recipe.hidden..(c + 1) * recipe.hidden]
            .iter()
            .sum();
        i64::from(b) - i64::from(sum * top) / 2
    });
    let parts = QuantisedParts {
        input: ValueRange::new(0, recipe.input_levels - 1),
        linear: [
            (
                "hidden".to_owned(),
                IntegerParameters {
                    weights: integers(w1),
                    bias: integers(b1)
                        .iter()
                        .map(|b| i64::from(*b) + quarter)
                        .collect(),
                    weight_limit: recipe.weight_1,
                    norm_squared_limit: None,
                },
            ),
            (
                "head".to_owned(),
                IntegerParameters {
                    weights: head.clone(),
                    bias: bias_2.collect(),
                    weight_limit: recipe.weight_2,
                    norm_squared_limit: None,
                },
            ),
        ]
        .into(),
        tables: [("act".to_owned(), table)].into(),
        logit_scale: 1.0,
    };
    QuantisedNetwork::from_graph(&graph, &parts)
}
