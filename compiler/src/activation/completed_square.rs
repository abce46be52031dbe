//! Quadratics by completing the square: `a·x² + b·x + c = a(x + b/2a)² + (c − b²/4a)`.
//!
//! Source: coefficient merging, Lou and Jiang, "HEMET: A Homomorphic-Encryption-Friendly Privacy-Preserving Mobile Neural
//! Network Architecture" (ICML 2021), section 3.3, carried through. Cost: one square; `b/2a` joins the bias before,
//! `a` and the constant the map after. Limit: noise of `x + b/2a` is relative to that sum, so a shift of `k` times the
//! size of `x` loses `log2(k)` bits; shifts above [`crate::Options::max_shift`] are refused and the scale budgets for
//! the limit ([`crate::noise`]). A channel with `a = b = 0` is a constant and needs no shift.

use super::Site;
use crate::Error;
use crate::net::{Net, SparseMap, TensorId};

pub(super) fn lower(net: &mut Net, x: TensorId, site: &Site<'_>) -> Result<TensorId, Error> {
    check(site)?;
    let len = net.node(x).shape.len();
    let identity = SparseMap::identity(len, site.weights.is_some());
    let shifted = site.affine(net, vec![(x, identity)], site.values(shift));
    let square = site.product(net, shifted, shifted);
    let factor = SparseMap::diagonal(len, site.values(|c| c[2]));
    let constant = site.values(|c| c[0] - c[2] * shift(c).powi(2));
    Ok(site.affine(net, vec![(square, factor)], constant))
}

fn shift(c: &[f64]) -> f64 {
    if c[1] == 0.0 {
        0.0
    } else {
        c[1] / (2.0 * c[2])
    }
}

fn check(site: &Site<'_>) -> Result<(), Error> {
    let Some(weights) = site.weights else {
        return Ok(());
    };
    for (channel, row) in site.poly.coefficients.iter().enumerate() {
        let c: Vec<f64> = row.iter().map(|c| weights.value(*c)).collect();
        // Written so that a NaN is refused too.
        let within = shift(&c).abs() <= site.max_shift;
        if !within {
            return Err(Error::Shift {
                layer: site.layer.into(),
                channel,
                a: c[2],
                b: c[1],
                limit: site.max_shift,
            });
        }
    }
    Ok(())
}
