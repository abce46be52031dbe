//! From a LayerGraph to a [`Net`]: each layer's meaning as affine maps and products.

use std::collections::BTreeSet;

use hemet_spaces::weights::LayerWeights;
use hemet_spaces::{Coefficient, LayerGraph, LinearMap, Meaning, NodeId, Weights};

use super::pattern;
use crate::activation::Site;
use crate::net::{Bias, Kind, Net, Node, SparseMap, TensorId, Term};
use crate::{Error, Options};

/// The net of a graph, with values where weights are given.
///
/// # Errors
/// [`Error::Weights`] for a missing or misshapen tensor, [`Error::Shift`] from completing the square.
pub fn import(
    graph: &LayerGraph,
    weights: Option<&Weights>,
    options: &Options,
) -> Result<Net, Error> {
    if let Some(weights) = weights {
        weights.check(graph)?;
    }
    let mut net = Net { nodes: Vec::new() };
    let mut tensors: Vec<TensorId> = Vec::new();
    for (id, node) in graph.nodes() {
        let values = weights.map(|w| w.of_layer(graph, id)).transpose()?;
        let inputs: Vec<TensorId> = graph
            .inputs(id)
            .iter()
            .map(|i| tensors[i.index()])
            .collect();
        let pattern = match weights {
            Some(_) => None,
            None => inputs.first().and_then(|_| {
                pattern::of_layer(&node.layer, graph.input_shapes(id)[0], node.shape)
            }),
        };
        if let Some((map, bias)) = pattern {
            tensors.push(net.push(Node {
                layer: node.name.clone(),
                merged: BTreeSet::new(),
                weight: map.entries(),
                shape: node.shape,
                kind: Kind::Linear {
                    terms: vec![Term {
                        input: inputs[0],
                        map,
                    }],
                    bias,
                },
            }));
            continue;
        }
        let kind = match graph.meaning(id) {
            Meaning::Input => Kind::Input,
            Meaning::Linear(map) => affine(map, inputs[0], values.as_ref()),
            Meaning::Add => add(&net, &inputs, weights.is_some()),
            Meaning::Concat => concat(graph, id, &inputs, weights.is_some()),
            Meaning::Poly(poly) => {
                let site = Site {
                    layer: &node.name,
                    poly: &poly,
                    weights: values.as_ref(),
                    max_shift: options.max_shift,
                };
                tensors.push(options.activation.lower(&mut net, inputs[0], &site)?);
                continue;
            }
        };
        let weight = match &kind {
            Kind::Linear { terms, bias: _ } => terms.iter().map(|t| t.map.entries()).sum(),
            Kind::Input | Kind::Product(..) => 0,
        };
        tensors.push(net.push(Node {
            layer: node.name.clone(),
            merged: BTreeSet::new(),
            weight,
            shape: node.shape,
            kind,
        }));
    }
    Ok(net)
}

fn affine(map: LinearMap, input: TensorId, weights: Option<&LayerWeights<'_>>) -> Kind {
    let zero = |c: &Coefficient| matches!(c, Coefficient::Fixed(value) if *value == 0.0);
    let bias = match map.bias.iter().all(zero) {
        true => Bias::None,
        false => Bias::Vector(weights.map(|w| map.bias.iter().map(|c| w.value(*c)).collect())),
    };
    let map = SparseMap::from_layer(map, weights);
    Kind::Linear {
        terms: vec![Term { input, map }],
        bias,
    }
}

fn add(net: &Net, inputs: &[TensorId], with_values: bool) -> Kind {
    let mut terms: Vec<Term> = Vec::new();
    for &input in inputs {
        let map = SparseMap::identity(net.node(input).shape.len(), with_values);
        match terms.iter_mut().find(|t| t.input == input) {
            // The same tensor twice: no longer the identity.
            Some(term) => term.map = term.map.plus(&map),
            None => terms.push(Term { input, map }),
        }
    }
    Kind::Linear {
        terms,
        bias: Bias::None,
    }
}

fn concat(graph: &LayerGraph, id: NodeId, inputs: &[TensorId], with_values: bool) -> Kind {
    let outputs = graph.node(id).shape.len();
    let mut offset = 0;
    let mut terms: Vec<Term> = Vec::new();
    for (&input, shape) in inputs.iter().zip(graph.input_shapes(id)) {
        let map = SparseMap::place(shape.len(), outputs, offset, with_values);
        offset += shape.len();
        match terms.iter_mut().find(|t| t.input == input) {
            Some(term) => term.map = term.map.plus(&map),
            None => terms.push(Term { input, map }),
        }
    }
    Kind::Linear {
        terms,
        bias: Bias::None,
    }
}
