//! From a LayerGraph to an integer network: the structure comes from `meaning()`, the integers from training.
//!
//! Convolutions and dense layers take integer weights in the layout of their float tensors. Average pools become sums
//! (the division belongs to the table behind). Affine layers (batch norm) vanish: they are folded into biases and
//! tables. Polynomial activations are the places of the tables.

use std::collections::BTreeMap;

use super::{
    IntegerMap, Limits, Operation, QuantizedNetwork, QuantizedNode, TableLayer, ValueRange, dims,
    refuse,
};
use crate::{Coefficient, Error, Layer, LayerGraph, LinearMap, Meaning, NodeId};

/// The integers of one convolution or dense layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntegerParameters {
    /// In the order of the layer's `weight` tensor.
    pub weights: Vec<i32>,
    /// In accumulator units, one for each output channel.
    pub bias: Vec<i64>,
    /// Largest absolute weight that the layer's bits allow.
    pub weight_limit: i32,
    /// Promised largest squared norm of a row; without it, what the structure and `weight_limit` allow.
    pub norm_squared_limit: Option<u64>,
}

/// What training adds to a graph to make an integer network of it.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantizedParts {
    /// The range of inputs.
    pub input: ValueRange,
    /// The integers of each convolution and dense layer, by name.
    pub linear: BTreeMap<String, IntegerParameters>,
    /// The tables at each activation, by name of the layer.
    pub tables: BTreeMap<String, TableLayer>,
    /// The float logit that one unit of an integer logit stands for.
    pub logit_scale: f64,
}

impl QuantizedNetwork {
    /// The integer network with the structure of `graph` and the integers of `parts`.
    ///
    /// # Errors
    /// A layer without its parts, with parts of another size, or that has no integer form.
    pub fn from_graph(graph: &LayerGraph, parts: &QuantizedParts) -> Result<Self, Error> {
        let mut nodes: Vec<QuantizedNode> = Vec::new();
        let mut place = vec![0usize; graph.nodes().len()];
        for (id, node) in graph.nodes() {
            let inputs: Vec<usize> = graph.inputs(id).iter().map(|i| place[i.index()]).collect();
            let operation = operation(graph, id, parts).map_err(|why| refuse(&node.name, why))?;
            let Some(operation) = operation else {
                place[id.index()] = inputs[0];
                continue;
            };
            place[id.index()] = nodes.len();
            nodes.push(QuantizedNode {
                name: node.name.clone(),
                shape: dims(node.shape),
                inputs,
                operation,
            });
        }
        Self::new(nodes, parts.logit_scale)
    }
}

/// The integer form of a layer; none for an affine layer, which is folded away.
fn operation(
    graph: &LayerGraph,
    id: NodeId,
    parts: &QuantizedParts,
) -> Result<Option<Operation>, String> {
    let node = graph.node(id);
    let no_parts = |what: &str| format!("the integer parts have no {what} for it");
    Ok(Some(match &node.layer {
        Layer::Affine(_) => return Ok(None),
        Layer::Input(_) => Operation::Input(parts.input),
        Layer::Add => Operation::Add,
        Layer::Concat => Operation::Concat,
        Layer::Poly(_) => Operation::Table(
            parts
                .tables
                .get(&node.name)
                .ok_or_else(|| no_parts("table"))?
                .clone(),
        ),
        Layer::Clear(clear) => return Err(format!("{clear} has no integer form")),
        Layer::Sparse(_) => return Err("a map given entry by entry has no integer form".into()),
        Layer::AveragePool(pool) => {
            if pool.window.is_padded() && !pool.counts_padding {
                return Err("a mean over windows of different sizes has no integer form".into());
            }
            let map = integer_map(graph, id, |_| Some(1), |_| Some(0))?;
            let limits = Limits::worst_case(&map, 1);
            Operation::Linear { map, limits }
        }
        Layer::Conv(_) | Layer::Dense(_) => {
            let part = parts
                .linear
                .get(&node.name)
                .ok_or_else(|| no_parts("weights"))?;
            let channels = match part.bias.len() {
                0 => return Err(no_parts("biases")),
                channels => channels,
            };
            let channel_len = node.shape.len() / channels;
            let weight = |c: Coefficient| match c {
                Coefficient::Parameter { tensor: 0, index } => {
                    part.weights.get(index as usize).copied()
                }
                Coefficient::Parameter { .. } | Coefficient::Fixed(_) => None,
            };
            let bias = |row: usize| part.bias.get(row / channel_len.max(1)).copied();
            let map = integer_map(graph, id, weight, bias)?;
            let mut limits = Limits::worst_case(&map, part.weight_limit);
            if let Some(promised) = part.norm_squared_limit {
                limits.norm_squared = limits.norm_squared.min(promised);
            }
            Operation::Linear { map, limits }
        }
    }))
}

fn integer_map(
    graph: &LayerGraph,
    id: NodeId,
    weight: impl Fn(Coefficient) -> Option<i32>,
    bias: impl Fn(usize) -> Option<i64>,
) -> Result<IntegerMap, String> {
    let Meaning::Linear(map) = graph.meaning(id) else {
        return Err("it is no linear map".into());
    };
    let LinearMap {
        inputs,
        outputs,
        row_starts,
        columns,
        coefficients,
        ..
    } = map;
    let weights = coefficients
        .iter()
        .map(|c| weight(*c))
        .collect::<Option<Vec<i32>>>();
    let bias = (0..outputs).map(bias).collect::<Option<Vec<i64>>>();
    let (Some(weights), Some(bias)) = (weights, bias) else {
        return Err("it has more weights or channels than its integer parts".into());
    };
    Ok(IntegerMap {
        inputs,
        outputs,
        row_starts,
        columns,
        weights,
        bias,
    })
}
