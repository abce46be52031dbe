//! From a LayerGraph to a [`Net`]: each layer's meaning as affine maps and products.

use std::collections::BTreeSet;

use hemet_spaces::layer::{AveragePool, Poly, SquareWindow};
use hemet_spaces::weights::LayerWeights;
use hemet_spaces::{Coefficient, Layer, LayerGraph, LinearMap, Meaning, NodeId, Weights};

use super::pattern;
use crate::activation::{Activation, PolyLayer};
use crate::net::{Bias, Net, Node, NodeKind, SparseMap, TensorId, Term};
use crate::{Error, Options};

/// What becomes of the sums over windows of an average pool between a completed square and convolutions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowSums {
    /// They are a map like others, which merges into the convolutions.
    Merged,
    /// They stay sums of the square's ciphertexts, which take rotations but no level.
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
    sums: WindowSums,
) -> Result<Net, Error> {
    if let Some(weights) = weights {
        weights.check(graph)?;
    }
    let mut net = Net { nodes: Vec::new() };
    let mut tensors: Vec<TensorId> = Vec::new();
    for (id, node) in graph.nodes() {
        let layer = Imported {
            graph,
            id,
            values: weights.map(|w| w.of_layer(graph, id)).transpose()?,
            inputs: graph
                .inputs(id)
                .iter()
                .map(|i| tensors[i.index()])
                .collect(),
        };
        let apart = match sums {
            WindowSums::Apart => poolable(graph, id, options),
            WindowSums::Merged => None,
        };
        let pooled = apart.and_then(|side| pool(&mut net, layer.inputs[0], node, side));
        tensors.push(match pooled {
            Some(tensor) => tensor,
            None => layer.push(&mut net, options)?,
        });
    }
    Ok(net)
}

/// A layer on its way into a net.
struct Imported<'a> {
    graph: &'a LayerGraph,
    id: NodeId,
    values: Option<LayerWeights<'a>>,
    inputs: Vec<TensorId>,
}

impl Imported<'_> {
    /// Appends the nodes that compute the layer; returns its tensor.
    fn push(&self, net: &mut Net, options: &Options) -> Result<TensorId, Error> {
        let Self {
            graph, id, inputs, ..
        } = self;
        let node = graph.node(*id);
        let with_values = self.values.is_some();
        let kind = match self.pattern() {
            Some(kind) => kind,
            None => match graph.meaning(*id) {
                Meaning::Input => NodeKind::Input,
                Meaning::Linear(map) => affine(map, inputs[0], self.values.as_ref()),
                Meaning::Add => add(net, inputs, with_values),
                Meaning::Concat => concat(graph, *id, inputs, with_values),
                Meaning::Clear(_) => {
                    return Err(Error::Clear {
                        layer: node.name.clone(),
                        kind: node.layer.kind(),
                    });
                }
                Meaning::Poly(poly) => {
                    let layer = PolyLayer {
                        layer: &node.name,
                        poly: &poly,
                        weights: self.values.as_ref(),
                        max_shift: options.max_shift,
                    };
                    return options.activation.lower(net, inputs[0], &layer);
                }
            },
        };
        let weight = match &kind {
            NodeKind::Linear { terms, bias: _ } => terms.iter().map(|t| t.map.entries()).sum(),
            NodeKind::Input | NodeKind::Product(..) | NodeKind::WindowSum { .. } => 0,
        };
        Ok(net.push(Node {
            layer: node.name.clone(),
            merged: BTreeSet::new(),
            weight,
            shape: node.shape,
            kind,
        }))
    }

    /// A large layer's pattern, where no values are asked for.
    fn pattern(&self) -> Option<NodeKind> {
        let input = *self.inputs.first()?;
        if self.values.is_some() {
            return None;
        }
        let node = self.graph.node(self.id);
        let shape = self.graph.input_shapes(self.id)[0];
        let (map, bias) = pattern::of_layer(&node.layer, shape, node.shape)?;
        Some(NodeKind::Linear {
            terms: vec![Term { input, map }],
            bias,
        })
    }
}

/// Whether [`WindowSums::Apart`] makes a difference.
pub fn has_window_sums(graph: &LayerGraph, options: &Options) -> bool {
    let mut nodes = graph.nodes();
    nodes.any(|(id, _)| poolable(graph, id, options).is_some())
}

/// The side of the windows of layer `id`, if it is an average pool whose windows tile the result of a completed square
/// that nothing else reads, and if only convolutions read it.
fn poolable(graph: &LayerGraph, id: NodeId, options: &Options) -> Option<usize> {
    let readers = |of: NodeId| {
        let nodes = graph.nodes();
        nodes.filter(move |(reader, _)| graph.inputs(*reader).contains(&of))
    };
    let Layer::AveragePool(AveragePool { window, .. }) = &graph.node(id).layer else {
        return None;
    };
    let SquareWindow {
        kernel,
        stride,
        padding: 0,
    } = window.as_square()?
    else {
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

/// WindowSums the square below tensor `x`, which is `a·square + c` with numbers of each channel, instead of `x`.
fn pool(net: &mut Net, x: TensorId, layer: &hemet_spaces::Node, side: usize) -> Option<TensorId> {
    let NodeKind::Linear { terms, bias } = &net.node(x).kind else {
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
    let input = net.push(node(NodeKind::WindowSum {
        input: square,
        side,
    }));
    Some(net.push(node(NodeKind::Linear {
        terms: vec![Term {
            input,
            map: SparseMap::diagonal(shape.len(), factors),
        }],
        bias: Bias::Vector(constant),
    })))
}

fn affine(map: LinearMap, input: TensorId, weights: Option<&LayerWeights<'_>>) -> NodeKind {
    let zero = |c: &Coefficient| matches!(c, Coefficient::Fixed(value) if *value == 0.0);
    let bias = match map.bias.iter().all(zero) {
        true => Bias::None,
        false => Bias::Vector(weights.map(|w| map.bias.iter().map(|c| w.value(*c)).collect())),
    };
    let map = SparseMap::from_layer(map, weights);
    NodeKind::Linear {
        terms: vec![Term { input, map }],
        bias,
    }
}

fn add(net: &Net, inputs: &[TensorId], with_values: bool) -> NodeKind {
    let mut terms: Vec<Term> = Vec::new();
    for &input in inputs {
        let map = SparseMap::identity(net.node(input).shape.len(), with_values);
        match terms.iter_mut().find(|t| t.input == input) {
            // The same tensor twice: no longer the identity.
            Some(term) => term.map = term.map.plus(&map),
            None => terms.push(Term { input, map }),
        }
    }
    NodeKind::Linear {
        terms,
        bias: Bias::None,
    }
}

fn concat(graph: &LayerGraph, id: NodeId, inputs: &[TensorId], with_values: bool) -> NodeKind {
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
    NodeKind::Linear {
        terms,
        bias: Bias::None,
    }
}
