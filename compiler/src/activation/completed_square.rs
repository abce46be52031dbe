//! Quadratics by completing the square: `a·x² + b·x + c = a(x + b/2a)² + (c − b²/4a)`.
//!
//! Source: coefficient merging, Lou and Jiang, "HEMET: A Homomorphic-Encryption-Friendly Privacy-Preserving Mobile
//! Neural Network Architecture" (ICML 2021), section 3.3, carried through. Cost: one square; `b/2a` joins the bias
//! before, `a` and the constant the map after. Limit: noise of `x + b/2a` is relative to that sum, so a shift of `k`
//! times the size of `x` loses `log2(k)` bits; layers whose shifts exceed [`crate::Options::max_shift`] in root mean
//! square are refused, and the scale budgets for the limit ([`crate::noise`]). A channel with `a = b = 0` is a
//! constant and needs no shift.

use hemet_spaces::PolyMap;
use hemet_spaces::weights::LayerWeights;

use super::PolyLayer;
use crate::Error;
use crate::net::{Net, SparseMap, TensorId};

pub(super) fn lower(net: &mut Net, x: TensorId, layer: &PolyLayer<'_>) -> Result<TensorId, Error> {
    check(layer)?;
    let len = net.node(x).shape.len();
    let identity = SparseMap::identity(len, layer.weights.is_some());
    let shifted = layer.affine(net, vec![(x, identity)], layer.values(shift));
    let square = layer.product(net, shifted, shifted);
    let factor = SparseMap::diagonal(len, layer.values(|c| c[2]));
    let constant = layer.values(|c| c[0] - c[2] * shift(c).powi(2));
    Ok(layer.affine(net, vec![(square, factor)], constant))
}

fn shift(c: &[f64]) -> f64 {
    if c[1] == 0.0 {
        0.0
    } else {
        c[1] / (2.0 * c[2])
    }
}

/// Shifts of the channels of a layer.
pub(super) struct Shifts {
    /// Their root mean square: errors of the channels add up.
    pub mean: f64,
    /// The channel with the largest, its `a` and its `b`.
    worst: (usize, f64, f64),
}

pub(super) fn shifts(poly: &PolyMap, weights: &LayerWeights<'_>) -> Shifts {
    let (mut power, mut worst) = (0.0, (0, 0.0, 0.0));
    let mut largest = -1.0;
    for (channel, row) in poly.coefficients.iter().enumerate() {
        let c: Vec<f64> = row.iter().map(|c| weights.value(*c)).collect();
        let square = shift(&c).powi(2);
        power += square;
        // Written so that a NaN counts as the largest.
        let smaller = square <= largest;
        if !smaller {
            largest = square;
            worst = (channel, c[2], c[1]);
        }
    }
    let mean = (power / poly.coefficients.len().max(1) as f64).sqrt();
    Shifts { mean, worst }
}

fn check(layer: &PolyLayer<'_>) -> Result<(), Error> {
    let Some(weights) = layer.weights else {
        return Ok(());
    };
    let Shifts { mean, worst } = shifts(layer.poly, weights);
    if mean <= layer.max_shift {
        return Ok(());
    }
    Err(Error::Shift {
        layer: layer.layer.into(),
        found: mean,
        channel: worst.0,
        a: worst.1,
        b: worst.2,
        limit: layer.max_shift,
    })
}
