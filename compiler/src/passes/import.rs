//! From a LayerGraph to a [`Net`]: each layer's meaning as affine maps and products.

use std::collections::BTreeSet;

use hemet_spaces::layer::{AveragePool, Poly};
use hemet_spaces::weights::LayerWeights;
use hemet_spaces::{Coefficient, Layer, LayerGraph, LinearMap, Meaning, NodeId, Weights};

use super::pattern;
use crate::activation::{Activation, Site};
use crate::net::{Bias, Kind, Net, Node, SparseMap, TensorId, Term};
use crate::{Error, Options};

/// What becomes of an average pool between a completed square and convolutions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pools {
    /// It is a map like others, which merges into the convolutions.
    Merged,
    /// It stays a sum of the square's ciphertexts, which takes rotations but no level.
    Apart,
}

/// The net of a graph, with values where weights are given.
///
/// # Errors
/// [`Error::Weights`] for a missing or misshapen tensor, [`Error::Shift`] from completing the square.
pub fn import(
    graph: &LayerGraph,
    weights: Option<&Weights>,
    options: &Options,
    pools: Pools,
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
        if pools == Pools::Apart
            && let Some(side) = poolable(graph, id, options)
            && let Some(tensor) = pool(&mut net, inputs[0], node, side)
        {
            tensors.push(tensor);
            continue;
        }
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
            Kind::Input | Kind::Product(..) | Kind::Pool { .. } => 0,
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

/// Whether [`Pools::Apart`] makes a difference.
pub fn keeps_pools(graph: &LayerGraph, options: &Options) -> bool {
    let mut nodes = graph.nodes();
    nodes.any(|(id, _)| poolable(graph, id, options).is_some())
}

/// The side of the windows of layer `id`, if it is an average pool whose windows tile the result of a completed square that nothing
/// else reads, and if only convolutions read it.
fn poolable(graph: &LayerGraph, id: NodeId, options: &Options) -> Option<usize> {
    let readers = |of: NodeId| {
        let nodes = graph.nodes();
        nodes.filter(move |(reader, _)| graph.inputs(*reader).contains(&of))
    };
    let Layer::AveragePool(AveragePool { kernel, stride }) = graph.node(id).layer else {
        return None;
    };
    let operand = *graph.inputs(id).first()?;
    let shape = graph.node(operand).shape;
    let tiles = kernel == stride && kernel > 1;
    let whole = shape.height.is_multiple_of(kernel) && shape.width.is_multiple_of(kernel);
    let square = matches!(
        graph.node(operand).layer,
        Layer::Poly(Poly { degree: 2, .. })
    ) && options.activation == Activation::CompletedSquare;
    let convolved = readers(id).all(|(_, node)| matches!(node.layer, Layer::Conv(_)));
    let only = readers(operand).count() == 1 && readers(id).count() > 0;
    (tiles && whole && square && convolved && only).then_some(kernel)
}

/// Pools the square below tensor `x`, which is `a·square + c` with numbers of each channel, instead of `x`.
fn pool(net: &mut Net, x: TensorId, layer: &hemet_spaces::Node, side: usize) -> Option<TensorId> {
    let Kind::Linear { terms, bias } = &net.node(x).kind else {
        return None;
    };
    let ([term], Bias::Vector(bias)) = (terms.as_slice(), bias) else {
        return None;
    };
    let shape = layer.shape;
    // The first element of the window of each element of the result.
    let first = |element: usize| {
        let (row, column) = (element / shape.width, element % shape.width);
        (row * shape.width * side + column) * side
    };
    let share = 1.0 / (side * side) as f64;
    let factor = |element| term.map.values(first(element)).first().map(|a| a * share);
    let factors: Option<Vec<f64>> = (0..shape.len()).map(factor).collect();
    let constant = bias.as_ref().map(|bias| {
        let of_window = |element| bias[first(element)];
        (0..shape.len()).map(of_window).collect()
    });
    let square = term.input;
    let node = |kind| Node {
        layer: layer.name.clone(),
        merged: BTreeSet::new(),
        weight: 0,
        shape,
        kind,
    };
    let input = net.push(node(Kind::Pool {
        input: square,
        side,
    }));
    Some(net.push(node(Kind::Linear {
        terms: vec![Term {
            input,
            map: SparseMap::diagonal(shape.len(), factors),
        }],
        bias: Bias::Vector(constant),
    })))
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
