//! Features: brings input elements of very different size to one size, where that saves precision.
//!
//! An element counts by how large it is and by how much of it the first maps take. Scaled by the size of its column
//! in those maps, the errors of all elements count alike; centered, an element that varies little about a large
//! number needs no digits for that number. Only flat inputs are features; the pixels of images are alike, and stay as
//! they are.

use hemet_schedule::InputTransform;

use crate::net::{Bias, Net, NodeKind, TensorId, Term};

/// Elements stay as they are unless that would cost this factor of precision.
const LEAST_GAIN: f64 = 4.0;

/// The transform of a net's inputs, from its values and from samples; `None` where it would gain little.
pub fn transform(net: &Net, samples: &[Vec<f64>]) -> Option<InputTransform> {
    let shape = net.nodes[0].shape;
    if shape.height * shape.width > 1 {
        return None;
    }
    let len = shape.len();
    let (weights, centered) = first_maps(net)?;
    let largest = |of: &dyn Fn(usize, f64) -> f64| -> Vec<f64> {
        let element = |e: usize| {
            samples
                .iter()
                .map(|x| of(e, x[e]).abs())
                .fold(0.0, f64::max)
        };
        (0..len).map(element).collect()
    };
    let mean = |e: usize| samples.iter().map(|x| x[e]).sum::<f64>() / samples.len() as f64;
    let center: Vec<f64> = match centered {
        true => (0..len).map(mean).collect(),
        false => vec![0.0; len],
    };
    let sizes = largest(&|_, x| x);
    let spreads = largest(&|e, x| x - center[e]);
    let most = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    // What the errors of all elements come to, against those of the element that counts most.
    let plain = most(&sizes) * most(&weights);
    let weighted: Vec<f64> = spreads.iter().zip(&weights).map(|(s, w)| s * w).collect();
    let unit = most(&weighted);
    if !(plain.is_finite() && unit > 0.0 && plain >= LEAST_GAIN * unit) {
        return None;
    }
    let scale = |e: usize| {
        // An element that nothing reads is only kept small.
        let wanted = match weights[e] > 0.0 {
            true => weights[e] / unit,
            false => spreads[e].max(sizes[e]).max(1.0).recip(),
        };
        // A power of two, so that undoing it in the first map is exact.
        wanted.log2().floor().exp2()
    };
    Some(InputTransform {
        scale: (0..len).map(scale).collect(),
        center,
    })
}

/// The root of the square sums of the input's columns in the maps that read it, and whether all of them have a
/// constant, which takes up a center. `None` where anything else reads it.
fn first_maps(net: &Net) -> Option<(Vec<f64>, bool)> {
    let input = TensorId(0);
    let mut squares = vec![0.0; net.nodes[0].shape.len()];
    let mut centered = true;
    for node in net
        .nodes
        .iter()
        .filter(|node| node.inputs().contains(&input))
    {
        let NodeKind::Linear { terms, bias } = &node.kind else {
            return None;
        };
        if node.shifted().is_some() {
            return None;
        }
        centered &= matches!(bias, Bias::Vector(Some(_)));
        for Term { input: _, map } in terms.iter().filter(|term| term.input == input) {
            for row in 0..map.outputs() {
                for (column, value) in map.columns(row).iter().zip(map.values(row)) {
                    squares[*column as usize] += value * value;
                }
            }
        }
    }
    Some((squares.iter().map(|s: &f64| s.sqrt()).collect(), centered))
}
