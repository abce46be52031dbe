//! Scales every tensor to unit root mean square, channel by channel; the next map undoes it.
//!
//! Only values change. Errors of CKKS are absolute, so a channel of small values would lose the more of its digits;
//! after this pass the error analysis of [`crate::noise`] holds whatever the weights. The size of a channel is
//! measured: the net is evaluated on [`SAMPLES`] inputs, or on independent elements within the input range where there
//! are none. Propagating mean and variance of independent elements instead overrates what is read from smooth images
//! (differences of neighbours), and each square squares that. The output tensor keeps its values.

use hemet_spaces::Shape;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Context;
use crate::net::evaluate::{axpy, value};
use crate::net::{Bias, Net, NodeKind, TensorId, window};

/// Inputs that sizes are measured on.
pub const SAMPLES: usize = 16;
const SEED: u64 = 0x0068_656d_6574;
/// A channel that is smaller than this share of its tensor is scaled as if it had it: what is almost zero on a few
/// samples may not be on others.
const LEAST_SHARE: f64 = 1.0 / 16.0;

pub(super) fn run(net: &mut Net, context: &Context<'_>) {
    let valued = net.nodes.iter().any(|node| match &node.kind {
        NodeKind::Linear { terms, bias: _ } => terms.iter().any(|t| t.map.has_values()),
        NodeKind::Input | NodeKind::Product(..) | NodeKind::WindowSum { .. } => false,
    });
    if !valued {
        return;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    // True values, and for each element its stored value over the true one.
    let mut tensors = vec![inputs(net, context, &mut rng)];
    let mut factors = vec![vec![1.0; net.nodes[0].shape.len()]];
    for id in net.ids().skip(1) {
        tensors.push(value(net, id, &tensors, axpy));
        let next = match net.node(id).kind {
            NodeKind::Input => vec![1.0; net.node(id).shape.len()],
            NodeKind::Product(a, b) => {
                let both = factors[a.0].iter().zip(&factors[b.0]);
                both.map(|(a, b)| a * b).collect()
            }
            NodeKind::WindowSum { input, side } => {
                of_windows(&factors[input.0], net.node(id).shape, side)
            }
            NodeKind::Linear { .. } => match net.node(id).shifted() {
                Some(x) => factors[x.0].clone(),
                None if id == net.output() => vec![1.0; net.node(id).shape.len()],
                None => units(&tensors[id.0], net.node(id).shape),
            },
        };
        factors.push(next);
        rescale(net, id, &factors);
    }
}

/// `L` inputs side by side: the samples in turn, or independent elements.
pub fn inputs<const L: usize>(
    net: &Net,
    context: &Context<'_>,
    rng: &mut ChaCha8Rng,
) -> Vec<[f64; L]> {
    let (range, samples) = (context.options.input_range, context.samples);
    let mut out = vec![[0.0; L]; net.nodes[0].shape.len()];
    for lane in 0..L {
        let given = samples.get(lane % samples.len().max(1));
        for (e, lanes) in out.iter_mut().enumerate() {
            lanes[lane] = match given {
                Some(values) => values[e],
                None => rng.random_range(-range..range),
            };
        }
    }
    out
}

/// Factors are those of channels, so the elements of a window share one.
fn of_windows(factors: &[f64], shape: Shape, side: usize) -> Vec<f64> {
    let first = |e| {
        window(shape, side, e)
            .map(|x| factors[x])
            .fold(0.0, f64::max)
    };
    (0..shape.len()).map(first).collect()
}

/// The factor of each element that brings its channel to unit size.
fn units(values: &[[f64; SAMPLES]], shape: Shape) -> Vec<f64> {
    let len = shape.height * shape.width;
    let power = |channel: &[[f64; SAMPLES]]| {
        let squares = channel.iter().flatten().map(|v| v * v);
        squares.sum::<f64>() / (channel.len() * SAMPLES) as f64
    };
    let least = power(values) * LEAST_SHARE * LEAST_SHARE;
    let factor = |channel| power(channel).max(least).sqrt().recip();
    values
        .chunks_exact(len)
        .map(factor)
        // A tensor that is always zero has no size.
        .map(|factor| if factor.is_finite() { factor } else { 1.0 })
        .flat_map(|factor| std::iter::repeat_n(factor, len))
        .collect()
}

/// A linear node's map and constant for the factors of its operands and of its own.
fn rescale(net: &mut Net, id: TensorId, factors: &[Vec<f64>]) {
    let only_adds = net.node(id).shifted().is_some();
    let NodeKind::Linear { terms, bias } = &mut net.nodes[id.0].kind else {
        return;
    };
    let own = &factors[id.0];
    // A node that only adds a constant has its operand's factor: its map stays the identity, to the last bit.
    for term in terms.iter_mut().filter(|_| !only_adds) {
        let inverse: Vec<f64> = factors[term.input.0].iter().map(|f| 1.0 / f).collect();
        term.map.scale(own, &inverse);
    }
    if let Bias::Vector(Some(values)) = bias {
        for (value, factor) in values.iter_mut().zip(own) {
            *value *= factor;
        }
    }
}
