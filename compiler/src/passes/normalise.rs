//! Scales every tensor to unit root mean square, channel by channel; the next map undoes it.
//!
//! Only values change. Errors of CKKS are absolute, so a channel of small values would lose the more of its
//! digits; after this pass the error analysis of [`crate::noise`] holds whatever the weights. The size of a
//! tensor is predicted by propagating mean and variance of independent elements: `Σa·m`, `Σa²·v` through an affine map,
//! `m² + v` and `2v² + 4m²v` through a square (exact for a normal element). The output tensor keeps its values.

use hemet_spaces::Shape;

use crate::Options;
use crate::net::{Bias, Kind, Net, TensorId};

/// What is known of a tensor's elements, as they are stored.
struct Moments {
    mean: Vec<f64>,
    variance: Vec<f64>,
    /// Stored value / true value.
    factor: Vec<f64>,
}

pub(super) fn run(net: &mut Net, options: &Options) {
    let valued = net.nodes.iter().any(|node| match &node.kind {
        Kind::Linear { terms, bias: _ } => terms.iter().any(|t| t.map.has_values()),
        Kind::Input | Kind::Product(..) | Kind::Pool { .. } => false,
    });
    if !valued {
        return;
    }
    let mut moments: Vec<Moments> = Vec::new();
    for id in net.ids() {
        let next = match net.node(id).kind {
            Kind::Input => input(net.node(id).shape.len(), options.input_range),
            Kind::Product(a, b) => product(&moments[a.0], &moments[b.0], a == b),
            Kind::Pool { input, side } => pool(&moments[input.0], net.node(id).shape, side),
            Kind::Linear { .. } => match net.node(id).shifted() {
                Some(x) => shift(net, id, &moments[x.0]),
                None => linear(net, id, &moments),
            },
        };
        moments.push(next);
    }
}

fn input(len: usize, range: f64) -> Moments {
    Moments {
        mean: vec![0.0; len],
        variance: vec![range * range / 3.0; len],
        factor: vec![1.0; len],
    }
}

fn product(a: &Moments, b: &Moments, square: bool) -> Moments {
    let mut out = input(a.mean.len(), 0.0);
    for e in 0..a.mean.len() {
        let (ma, va, mb, vb) = (a.mean[e], a.variance[e], b.mean[e], b.variance[e]);
        out.factor[e] = a.factor[e] * b.factor[e];
        if square {
            out.mean[e] = ma * ma + va;
            out.variance[e] = 2.0 * va * va + 4.0 * ma * ma * va;
        } else {
            out.mean[e] = ma * mb;
            out.variance[e] = va * vb + ma * ma * vb + mb * mb * va;
        }
    }
    out
}

/// The elements of the window that is pooled to `element` of a tensor of shape `shape`.
pub fn window(shape: Shape, side: usize, element: usize) -> impl Iterator<Item = usize> + Clone {
    let width = shape.width * side;
    let (row, column) = (element / shape.width * side, element % shape.width * side);
    (0..side * side).map(move |k| (row + k / side) * width + column + k % side)
}

/// Factors are those of channels, so the elements of a window share one.
fn pool(x: &Moments, shape: Shape, side: usize) -> Moments {
    let mut out = input(shape.len(), 0.0);
    for element in 0..shape.len() {
        let window = window(shape, side, element);
        out.mean[element] = window.clone().map(|e| x.mean[e]).sum();
        out.variance[element] = window.clone().map(|e| x.variance[e]).sum();
        out.factor[element] = window.map(|e| x.factor[e]).fold(0.0, f64::max);
    }
    out
}

/// A node that only adds a constant keeps its operand's factor.
fn shift(net: &mut Net, id: TensorId, x: &Moments) -> Moments {
    let mut mean = x.mean.clone();
    if let Kind::Linear {
        bias: Bias::Vector(Some(values)),
        ..
    } = &mut net.nodes[id.0].kind
    {
        for (e, value) in values.iter_mut().enumerate() {
            *value *= x.factor[e];
            mean[e] += *value;
        }
    }
    Moments {
        mean,
        variance: x.variance.clone(),
        factor: x.factor.clone(),
    }
}

fn linear(net: &mut Net, id: TensorId, moments: &[Moments]) -> Moments {
    let is_output = id == net.output();
    let node = &mut net.nodes[id.0];
    let (len, shape) = (node.shape.len(), node.shape);
    let mut out = input(len, 0.0);
    let Kind::Linear { terms, bias } = &mut node.kind else {
        return out;
    };
    let ones = vec![1.0; len];
    for term in terms.iter_mut() {
        let x = &moments[term.input.0];
        let inverse: Vec<f64> = x.factor.iter().map(|f| 1.0 / f).collect();
        term.map.scale(&ones, &inverse);
        for row in 0..len {
            for (column, a) in term.map.columns(row).iter().zip(term.map.values(row)) {
                out.mean[row] += a * x.mean[*column as usize];
                out.variance[row] += a * a * x.variance[*column as usize];
            }
        }
    }
    if let Bias::Vector(Some(values)) = bias {
        for (mean, value) in out.mean.iter_mut().zip(values) {
            *mean += *value;
        }
    }
    if is_output {
        return out;
    }
    let channel_len = shape.height * shape.width;
    for channel in 0..shape.channels {
        let range = channel * channel_len..(channel + 1) * channel_len;
        let power: f64 = range
            .clone()
            .map(|e| out.mean[e].powi(2) + out.variance[e])
            .sum();
        let factor = (power / channel_len as f64).sqrt().recip();
        // A channel that is always zero has no size.
        let factor = if factor.is_finite() { factor } else { 1.0 };
        for e in range {
            out.factor[e] = factor;
            out.mean[e] *= factor;
            out.variance[e] *= factor * factor;
        }
    }
    for term in terms.iter_mut() {
        let columns = vec![1.0; term.map.inputs()];
        term.map.scale(&out.factor, &columns);
    }
    if let Bias::Vector(Some(values)) = bias {
        for (value, factor) in values.iter_mut().zip(&out.factor) {
            *value *= factor;
        }
    }
    out
}
