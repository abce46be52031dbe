//! Polynomials of any degree as an affine map over the powers of `x`.
//!
//! Powers are products of the two nearest halves, so degree `d` costs `d − 1` products and `⌈log2 d⌉` levels; the
//! affine map merges into the next linear map, which then reads `d` operands.

use super::PolyLayer;
use crate::net::{Net, SparseMap, TensorId};

pub(super) fn lower(net: &mut Net, x: TensorId, layer: &PolyLayer<'_>) -> TensorId {
    let len = net.node(x).shape.len();
    let mut powers = vec![x];
    for k in 2..=layer.poly.degree {
        let (low, high) = (powers[k / 2 - 1], powers[k.div_ceil(2) - 1]);
        powers.push(layer.product(net, low, high));
    }
    let terms = powers.into_iter().zip(1usize..).map(|(power, k)| {
        let factor = layer.values(|c| c[k]);
        (power, SparseMap::diagonal(len, factor))
    });
    let terms = terms.collect();
    layer.affine(net, terms, layer.values(|c| c[0]))
}
