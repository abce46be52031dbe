//! A small trainer of integer networks with one hidden layer: Adam on latent weights, rounded in the forward pass, with
//! straight-through gradients, and a penalty on accumulators that would wrap.

use hemet_spaces::layer::{Dense, Poly};
use hemet_spaces::quantized::{IntegerParameters, QuantizedParts, TableLayer, ValueRange};
use hemet_spaces::{Error, Layer, LayerGraph, QuantizedNetwork, Shape};

use crate::data::Digits;

const CLASSES: usize = 10;
const BATCH: usize = 32;

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
    /// Adam's first step, in units of a weight; it falls to nothing as a cosine.
    pub rate: f64,
    /// Hardness of the loss.
    pub temperature: f64,
    /// Whether images are moved about.
    pub augment: bool,
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

/// The four latent tensors: hidden weights and biases, head weights and biases.
struct Model {
    w1: Latent,
    b1: Latent,
    w2: Latent,
    b2: Latent,
}

/// The rounded tensors of a step.
struct Rounded {
    w1: Vec<f64>,
    b1: Vec<f64>,
    w2: Vec<f64>,
    b2: Vec<f64>,
}

/// Trains and gives the integer network.
pub fn train(recipe: &Recipe, data: &Digits, seed: u64) -> Result<QuantizedNetwork, Error> {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut latent =
        |len: usize, spread: f64, limit: f64| Latent::new(len, spread, limit, &mut random);
    let inputs = data.side * data.side;
    let (limit_1, limit_2) = (f64::from(recipe.weight_1), f64::from(recipe.weight_2));
    let mut model = Model {
        w1: latent(inputs * recipe.hidden, 0.75 * limit_1, limit_1),
        b1: latent(recipe.hidden, 2.0, 1e6),
        w2: latent(recipe.hidden * CLASSES, 0.6 * limit_2, limit_2),
        b2: latent(CLASSES, 0.1, 1e6),
    };
    let mut order: Vec<usize> = (0..data.images.len()).collect();
    let steps = (recipe.epochs * order.len().div_ceil(BATCH)) as f64;
    let mut time = 0;
    for _ in 0..recipe.epochs {
        for i in (1..order.len()).rev() {
            order.swap(i, random.next() as usize % (i + 1));
        }
        for batch in order.chunks(BATCH) {
            time += 1;
            let rounded = Rounded {
                w1: model.w1.rounded(),
                b1: model.b1.rounded(),
                w2: model.w2.rounded(),
                b2: model.b2.rounded(),
            };
            for index in batch {
                let image = augmented(&data.images[*index], data.side as i64, recipe, &mut random);
                backward(recipe, &mut model, &rounded, &image, data.labels[*index]);
            }
            let rate =
                recipe.rate * (0.5 + 0.5 * (std::f64::consts::PI * f64::from(time) / steps).cos());
            for latent in [&mut model.w1, &mut model.b1, &mut model.w2, &mut model.b2] {
                latent.step(rate, time);
            }
        }
    }
    network(
        recipe,
        data.side,
        [&model.w1, &model.b1, &model.w2, &model.b2],
    )
}

/// The places and values of the pixels that are not 0; in half of all cases the image is moved by up to a pixel.
fn augmented(image: &[i64], side: i64, recipe: &Recipe, random: &mut Random) -> Vec<(usize, f64)> {
    let [dx, dy] = match recipe.augment && random.next().is_multiple_of(2) {
        true => [random.next() % 3, random.next() % 3].map(|d| d as i64 - 1),
        false => [0, 0],
    };
    let pixel = |y: i64, x: i64| match (0..side).contains(&y) && (0..side).contains(&x) {
        true => image[(y * side + x) as usize],
        false => 0,
    };
    (0..side * side)
        .map(|e| (e as usize, pixel(e / side + dy, e % side + dx) as f64))
        .filter(|(_, value)| *value != 0.0)
        .collect()
}

/// Adds the gradients of one image.
fn backward(recipe: &Recipe, model: &mut Model, q: &Rounded, x: &[(usize, f64)], label: usize) {
    let hidden = recipe.hidden;
    let middle = f64::from(recipe.levels - 1) / 2.0;
    let temperature = recipe.temperature / (f64::from(recipe.weight_2) * (hidden as f64).sqrt());
    let inputs = q.w1.len() / hidden;
    let sparse = |w: &[f64]| x.iter().map(|(i, v)| w[*i] * v).sum::<f64>();
    let dot = |w: &[f64], v: &[f64]| w.iter().zip(v).map(|(w, v)| w * v).sum::<f64>();
    let acc: Vec<f64> = (0..hidden)
        .map(|h| q.b1[h] + sparse(&q.w1[h * inputs..][..inputs]))
        .collect();
    let act: Vec<f64> = acc.iter().map(|a| level(*a, recipe) - middle).collect();
    let logits: Vec<f64> = (0..CLASSES)
        .map(|c| temperature * (q.b2[c] + dot(&q.w2[c * hidden..][..hidden], &act)))
        .collect();
    let top = logits.iter().copied().fold(f64::MIN, f64::max);
    let sum: f64 = logits.iter().map(|l| (l - top).exp()).sum();
    let mut to_act = vec![0.0; hidden];
    for (c, logit) in logits.iter().enumerate() {
        let target = if label == c { 0.97 } else { 0.03 / 9.0 };
        let g = ((logit - top).exp() / sum - target) * temperature / BATCH as f64;
        model.b2.gradient[c] += g;
        for h in 0..hidden {
            model.w2.gradient[c * hidden + h] += g * act[h];
            to_act[h] += g * q.w2[c * hidden + h];
        }
    }
    // Accumulators beyond this come near the falling flank half a turn further.
    let reach = f64::from(recipe.half) - recipe.step * middle - 1.0;
    for h in 0..hidden {
        let inside = acc[h].abs() < recipe.step * (middle + 1.0);
        let over = (acc[h].abs() - reach).clamp(0.0, 3.0);
        let g = if inside { to_act[h] / recipe.step } else { 0.0 }
            + 0.002 * acc[h].signum() * over / BATCH as f64;
        model.b1.gradient[h] += g;
        if g != 0.0 {
            for (i, x) in x {
                model.w1.gradient[h * inputs + i] += g * x;
            }
        }
    }
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

fn network(
    recipe: &Recipe,
    side: usize,
    [w1, b1, w2, b2]: [&Latent; 4],
) -> Result<QuantizedNetwork, Error> {
    let mut graph = LayerGraph::new(Shape::new(1, side, side))?;
    let dense = |out_features| {
        Layer::Dense(Dense {
            out_features,
            bias: true,
            circulant: 1,
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
    // The trainer's activations are centered: their middle moves into the bias, doubled where it is a half.
    let bias_2 = integers(b2).into_iter().enumerate().map(|(c, b)| {
        let sum: i32 = head[c * recipe.hidden..(c + 1) * recipe.hidden]
            .iter()
            .sum();
        i64::from(b) - i64::from(sum * top) / 2
    });
    let parts = QuantizedParts {
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
    QuantizedNetwork::from_graph(&graph, &parts)
}
