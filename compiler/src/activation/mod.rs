//! Activation schemes: how a polynomial becomes products and affine maps.

mod completed_square;
mod power_basis;

use std::collections::BTreeSet;

use hemet_spaces::weights::LayerWeights;
use hemet_spaces::{LayerGraph, Meaning, PolyMap, Weights};

use crate::Error;
use crate::net::{Bias, Net, Node, NodeKind, SparseMap, TensorId};

/// How polynomial activations are lowered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Activation {
    /// Quadratics as `a(x + b/2a)² + c − b²/4a`: one product, both affine parts merge into the neighbouring maps.
    /// Other degrees as [`Activation::PowerBasis`]. Needs `b/2a` within [`crate::Options::max_shift`].
    #[default]
    CompletedSquare,
    /// Every degree as a linear map over the powers of `x`, whatever the coefficients; for a quadratic the next
    /// linear map has two operands instead of one.
    PowerBasis,
}

/// A polynomial layer being lowered.
pub(crate) struct PolyLayer<'a> {
    /// Name of the layer.
    pub layer: &'a str,
    /// What it computes.
    pub poly: &'a PolyMap,
    /// Its coefficients' values, when the network is compiled.
    pub weights: Option<&'a LayerWeights<'a>>,
    /// Limit of [`Error::Shift`].
    pub max_shift: f64,
}

/// The largest root mean square of `b/2a` over the quadratics of a graph; infinite where one is a line.
///
/// # Errors
/// [`Error::Weights`] for a missing or misshapen tensor.
pub(crate) fn largest_shift(graph: &LayerGraph, weights: &Weights) -> Result<f64, Error> {
    weights.check(graph)?;
    let mut largest: f64 = 0.0;
    for (id, _) in graph.nodes() {
        if let Meaning::Poly(poly) = graph.meaning(id)
            && poly.degree == 2
        {
            let values = weights.of_layer(graph, id)?;
            largest = largest.max(completed_square::shifts(&poly, &values).mean);
        }
    }
    Ok(largest)
}

impl Activation {
    /// Appends the nodes of a polynomial of tensor `x`; returns its result.
    pub(crate) fn lower(
        self,
        net: &mut Net,
        x: TensorId,
        layer: &PolyLayer<'_>,
    ) -> Result<TensorId, Error> {
        match self {
            Activation::CompletedSquare if layer.poly.degree == 2 => {
                completed_square::lower(net, x, layer)
            }
            Activation::CompletedSquare | Activation::PowerBasis => {
                Ok(power_basis::lower(net, x, layer))
            }
        }
    }
}

impl PolyLayer<'_> {
    /// One value for each element, from a function of the channel's coefficients; `None` without weights.
    fn values(&self, value: impl Fn(&[f64]) -> f64) -> Option<Vec<f64>> {
        let weights = self.weights?;
        let channels = self.poly.coefficients.iter().flat_map(|row| {
            let row: Vec<f64> = row.iter().map(|c| weights.value(*c)).collect();
            std::iter::repeat_n(value(&row), self.poly.channel_len)
        });
        Some(channels.collect())
    }

    /// Appends `Σ diagonal_i · x_i + bias`.
    fn affine(
        &self,
        net: &mut Net,
        terms: Vec<(TensorId, SparseMap)>,
        bias: Option<Vec<f64>>,
    ) -> TensorId {
        let shape = net.node(terms[0].0).shape;
        let terms = terms.into_iter();
        net.push(Node {
            layer: self.layer.into(),
            merged: BTreeSet::new(),
            weight: 0,
            shape,
            kind: NodeKind::Linear {
                terms: terms
                    .map(|(input, map)| crate::net::Term { input, map })
                    .collect(),
                bias: Bias::Vector(bias),
            },
        })
    }

    /// Appends the product of two tensors.
    fn product(&self, net: &mut Net, a: TensorId, b: TensorId) -> TensorId {
        let shape = net.node(a).shape;
        net.push(Node {
            layer: self.layer.into(),
            merged: BTreeSet::new(),
            weight: 0,
            shape,
            kind: NodeKind::Product(a, b),
        })
    }
}
