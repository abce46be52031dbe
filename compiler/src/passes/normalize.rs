//! Scales every tensor to unit root mean square, channel by channel; the next map undoes it.
//!
//! Only values change. Errors of CKKS are absolute, so a channel of small values would lose the more of its digits;
//! after this pass the error analysis of [`crate::noise`] holds whatever the weights. The size of a channel is
//! measured: the net is evaluated on inputs, or on independent elements within the input range where there are none.
//! Propagating mean and variance of independent elements instead overrates what is read from smooth images
//! (differences of neighbors), and each square squares that. The output tensor keeps its values. Where the client
//! transforms the input, the maps that read it undo that too. Corresponding channels of circulant blocks have one
//! factor, so that their maps stay circulant. A tensor of which a power beyond the square is taken is made smaller, so
//! that its highest power has unit size: `x^15` of a tensor of unit size reaches 10^7, and its rounding with it.

use hemet_spaces::Shape;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Context;
use crate::net::{Bias, Net, NodeKind, Sizes, TensorId, window};

/// Inputs that sizes are measured on where none are given.
const INDEPENDENT: usize = 16;
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
    let sizes = match context.samples {
        [] => Sizes::of(net, &independent(net, context.options.input_range)),
        samples => Sizes::of(net, samples),
    };
    if let Some(transform) = context.transform {
        center(net, &transform.center);
    }
    // For each element its stored value over the true one.
    let first = match context.transform {
        Some(transform) => transform.scale.clone(),
        None => vec![1.0; net.nodes[0].shape.len()],
    };
    let ties = ties(net);
    let highest = highest_powers(net);
    let mut factors = vec![first];
    for id in net.ids().skip(1) {
        let shape = net.node(id).shape;
        let next = match net.node(id).kind {
            NodeKind::Input => vec![1.0; shape.len()],
            NodeKind::Product(a, b) => {
                let both = factors[a.0].iter().zip(&factors[b.0]);
                both.map(|(a, b)| a * b).collect()
            }
            NodeKind::WindowSum { input, side } => of_windows(&factors[input.0], shape, side),
            NodeKind::Linear { .. } => match net.node(id).shifted() {
                Some(x) => factors[x.0].clone(),
                None if id == net.output() => vec![1.0; shape.len()],
                None => {
                    let (power, degree) = highest[id.0];
                    let root = |power: &f64| power.powf(1.0 / degree as f64);
                    let squares: Vec<f64> = sizes.power[power.0].iter().map(root).collect();
                    units(&squares, shape, ties[id.0])
                }
            },
        };
        factors.push(next);
        rescale(net, id, &factors);
    }
}

/// Inputs whose elements are independent, within the input range.
fn independent(net: &Net, range: f64) -> Vec<Vec<f64>> {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let len = net.nodes[0].shape.len();
    let mut input = || (0..len).map(|_| rng.random_range(-range..range)).collect();
    (0..INDEPENDENT).map(|_| input()).collect()
}

/// Makes the maps that read the input add what a client subtracts from it.
fn center(net: &mut Net, center: &[f64]) {
    for node in &mut net.nodes {
        let NodeKind::Linear { terms, bias } = &mut node.kind else {
            continue;
        };
        let Bias::Vector(Some(values)) = bias else {
            continue;
        };
        for term in terms.iter().filter(|term| term.input == TensorId(0)) {
            let moved = term.map.apply(center);
            values.iter_mut().zip(moved).for_each(|(v, m)| *v += m);
        }
    }
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

/// For each tensor in how many blocks its channels lie of which corresponding ones need one factor, so that the
/// block-circulant maps that make or read it stay so; 1 where none does.
fn ties(net: &Net) -> Vec<usize> {
    let mut ties = vec![1; net.nodes.len()];
    for id in net.ids().rev() {
        let node = net.node(id);
        let kept = match &node.kind {
            NodeKind::Input => vec![],
            NodeKind::Product(a, b) => vec![*a, *b],
            NodeKind::WindowSum { input, side: _ } => vec![*input],
            NodeKind::Linear { .. } if node.shifted().is_some() => node.inputs(),
            NodeKind::Linear { terms, bias: _ } => {
                for term in terms {
                    let channels = net.node(term.input).shape.channels;
                    let side = term.map.circulant(channels, node.shape.channels);
                    for tensor in [id, term.input] {
                        ties[tensor.0] = side.max(ties[tensor.0]);
                    }
                }
                vec![]
            }
        };
        for operand in kept {
            ties[operand.0] = ties[operand.0].max(ties[id.0]);
        }
    }
    ties
}

/// For each tensor its highest power that is beyond the square, with the degree; itself where there is none.
fn highest_powers(net: &Net) -> Vec<(TensorId, usize)> {
    let mut highest: Vec<(TensorId, usize)> = net.ids().map(|id| (id, 1)).collect();
    // Of which tensor each is what power.
    let mut of = highest.clone();
    for id in net.ids() {
        if let NodeKind::Product(a, b) = net.node(id).kind
            && of[a.0].0 == of[b.0].0
        {
            let (base, degree) = (of[a.0].0, of[a.0].1 + of[b.0].1);
            of[id.0] = (base, degree);
            if degree > highest[base.0].1.max(2) {
                highest[base.0] = (id, degree);
            }
        }
    }
    highest
}

/// The factor of each element that brings its channel to unit size, from the mean square of each channel, or that of
/// its place in so many blocks of channels.
fn units(power: &[f64], shape: Shape, blocks: usize) -> Vec<f64> {
    let in_block = power.len() / blocks;
    let of_place = |place: usize| {
        let alike = power.iter().skip(place).step_by(in_block);
        alike.sum::<f64>() / blocks as f64
    };
    let places: Vec<f64> = (0..in_block).map(of_place).collect();
    let power = places.repeat(blocks);
    let mean = power.iter().sum::<f64>() / power.len() as f64;
    let least = mean * LEAST_SHARE * LEAST_SHARE;
    let factor = |power: &f64| power.max(least).sqrt().recip();
    power
        .iter()
        .map(factor)
        // A tensor that is always zero has no size.
        .map(|factor| if factor.is_finite() { factor } else { 1.0 })
        .flat_map(|factor| std::iter::repeat_n(factor, shape.height * shape.width))
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
