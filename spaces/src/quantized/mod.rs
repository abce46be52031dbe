//! Integer networks: the exact definition that encrypted look-up tables must reproduce.
//!
//! A [`QuantizedNetwork`] has the structure of a [`crate::LayerGraph`] with integers in the place of floats: linear
//! maps with small integer weights, and table layers in the place of batch norm, activation and requantization
//! together. Its [`evaluate`](QuantizedNetwork::evaluate) in 64-bit integers *is* the definition of the network:
//! whatever runs it encrypted must give these numbers exactly, wrapped accumulators included.
//!
//! **Accumulators wrap on purpose.** A table layer sees its accumulator modulo `2·half·2^shift`. Look-up tables on
//! torus ciphertexts are negacyclic: half a turn further the table repeats with its sign changed, here as
//! `flip − value`. A network whose accumulators stay within `[0, half·2^shift)` never sees this; one trained with it in
//! the loop gets a bit of accumulator for nothing (compare R. Ni et al., "WrapNet: Neural Net Inference with
//! Ultra-Low-Resolution Arithmetic", ICLR 2021).

mod evaluate;
mod from_graph;
mod function;
mod map;
mod quantize;
mod range;
mod table;

pub use from_graph::{IntegerParameters, QuantizedParts};
pub use function::{Levels, TableFunction};
pub use map::IntegerMap;
pub use quantize::{Quantization, check_structure};
pub use range::{Limits, ValueRange};
pub use table::TableLayer;

use serde::{Deserialize, Serialize};

use crate::space::Scheme;
use crate::{Error, Shape};

/// The scheme that runs them.
pub const SCHEME: Scheme = Scheme::Tfhe;

/// Largest absolute weight: 1 to 4 bits are meant, 8 are possible.
pub const MAX_WEIGHT: i32 = 127;
/// Largest absolute value of inputs, biases, limits and table entries.
pub const MAX_VALUE: i64 = 1 << 24;
/// Largest absolute value that an element of any node can take: layers without tables between them multiply up.
pub const MAX_ACCUMULATOR: i64 = 1 << 48;
/// Most elements of a node.
pub const MAX_NODE_ELEMENTS: usize = 1 << 20;

/// One operation of an integer network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// The network's input; each value lies in this range.
    Input(ValueRange),
    /// One input, output `W x + b`, with the bounds that a compiler may rely on.
    Linear {
        /// The integer weights and biases.
        map: IntegerMap,
        /// Bounds on weights and results, which hold for `map` whatever its values.
        limits: Limits,
    },
    /// One input, each element through its channel's table.
    Table(TableLayer),
    /// Two or more inputs of one shape, summed.
    Add,
    /// Inputs joined in order.
    Concat,
}

/// An operation in a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuantizedNode {
    /// Unique name of letters, digits, `_`, `-` and `.`.
    pub name: String,
    /// `[channels, height, width]` of the result.
    pub shape: [usize; 3],
    /// The nodes that it reads, each before it.
    pub inputs: Vec<usize>,
    /// What it computes.
    pub operation: Operation,
}

impl QuantizedNode {
    /// Number of elements of the result.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether the result has no element (never true in a network).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// An integer network: one input (the first node), each node after those it reads, one output (the last node).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QuantizedNetwork {
    nodes: Vec<QuantizedNode>,
    logit_scale: f64,
}

impl QuantizedNetwork {
    /// A network from its nodes, checked whole. `logit_scale` times an integer logit is the float logit.
    ///
    /// # Errors
    /// [`Error::Quantized`]: the first node that is wrong, and how.
    pub fn new(nodes: Vec<QuantizedNode>, logit_scale: f64) -> Result<Self, Error> {
        if !(logit_scale.is_finite() && logit_scale > 0.0) {
            return Err(refuse(
                "(logits)",
                format!("the logit scale is {logit_scale}; it must be positive and finite"),
            ));
        }
        let network = Self { nodes, logit_scale };
        network.check()?;
        for (node, ranges) in network.nodes.iter().zip(network.value_ranges()) {
            let wide = |r: &&ValueRange| r.low < -MAX_ACCUMULATOR || r.high > MAX_ACCUMULATOR;
            if let Some(range) = ranges.iter().find(wide) {
                let why = format!(
                    "its values reach {} to {}, ±{MAX_ACCUMULATOR} is possible; put a table before it",
                    range.low, range.high
                );
                return Err(refuse(&node.name, why));
            }
        }
        Ok(network)
    }

    /// The nodes, each after those that it reads.
    pub fn nodes(&self) -> &[QuantizedNode] {
        &self.nodes
    }

    /// The float logit that one unit of an integer logit stands for.
    pub fn logit_scale(&self) -> f64 {
        self.logit_scale
    }

    /// Number of input values.
    pub fn input_len(&self) -> usize {
        self.nodes.first().map_or(0, QuantizedNode::len)
    }

    /// The range of each input value.
    pub fn input_range(&self) -> ValueRange {
        match self.nodes.first().map(|node| &node.operation) {
            Some(Operation::Input(range)) => *range,
            Some(
                Operation::Linear { .. } | Operation::Table(_) | Operation::Add | Operation::Concat,
            )
            | None => ValueRange { low: 0, high: 0 },
        }
    }

    /// Number of output values (logits).
    pub fn output_len(&self) -> usize {
        self.nodes.last().map_or(0, QuantizedNode::len)
    }

    fn check(&self) -> Result<(), Error> {
        if !matches!(self.nodes.first(), Some(node) if matches!(node.operation, Operation::Input(_)))
        {
            return Err(refuse("(first)", "the first node must be the input".into()));
        }
        let mut names = std::collections::HashSet::new();
        let mut read = vec![false; self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate() {
            let in_word = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
            if node.name.is_empty() || node.name.len() > 200 || !node.name.chars().all(in_word) {
                let why = "write 1 to 200 letters, digits, `_`, `-` and `.` as its name";
                return Err(refuse(&node.name, why.into()));
            }
            if !names.insert(node.name.as_str()) {
                return Err(refuse(&node.name, "its name is taken".into()));
            }
            let len = node.shape.iter().try_fold(1usize, |a, b| a.checked_mul(*b));
            if len.is_none_or(|len| len == 0 || len > MAX_NODE_ELEMENTS) {
                let why = format!(
                    "shape {:?}; 1 to {MAX_NODE_ELEMENTS} elements are possible",
                    node.shape
                );
                return Err(refuse(&node.name, why));
            }
            for input in &node.inputs {
                if *input >= index {
                    let why = format!(
                        "it is node {index} and reads node {input}, which is not before it"
                    );
                    return Err(refuse(&node.name, why));
                }
                read[*input] = true;
            }
            self.check_operation(index)
                .map_err(|why| refuse(&node.name, why))?;
        }
        match read[..self.nodes.len() - 1].iter().position(|read| !read) {
            Some(unread) => Err(refuse(
                &self.nodes[unread].name,
                "no node reads it and it is not the last; remove it".into(),
            )),
            None => Ok(()),
        }
    }

    fn check_operation(&self, index: usize) -> Result<(), String> {
        let node = &self.nodes[index];
        let arity = |least: usize, most: usize| match node.inputs.len() {
            found if found < least || found > most => Err(format!(
                "it reads {found} nodes, {least} to {most} are possible"
            )),
            _ => Ok(()),
        };
        let len_of = |position: usize| self.nodes[node.inputs[position]].len();
        match &node.operation {
            Operation::Input(range) => {
                arity(0, 0)?;
                if index > 0 {
                    return Err("a network has one input".into());
                }
                range.check()
            }
            Operation::Linear { map, limits } => {
                arity(1, 1)?;
                map.check(len_of(0), node.len())?;
                limits.check(map)
            }
            Operation::Table(table) => {
                arity(1, 1)?;
                table.check(len_of(0), node.len())
            }
            Operation::Add => {
                arity(2, usize::MAX)?;
                match (0..node.inputs.len()).find(|i| len_of(*i) != node.len()) {
                    Some(i) => Err(format!(
                        "its input {i} has {} elements, it has {}",
                        len_of(i),
                        node.len()
                    )),
                    None => Ok(()),
                }
            }
            Operation::Concat => {
                arity(2, usize::MAX)?;
                let sum: usize = (0..node.inputs.len()).map(len_of).sum();
                match sum == node.len() {
                    true => Ok(()),
                    false => Err(format!(
                        "its inputs have {sum} elements, it has {}",
                        node.len()
                    )),
                }
            }
        }
    }
}

pub(crate) fn refuse(node: &str, why: String) -> Error {
    Error::Quantized {
        node: node.to_owned(),
        why,
    }
}

pub(crate) fn dims(shape: Shape) -> [usize; 3] {
    [shape.channels, shape.height, shape.width]
}

/// The label of logits: the position of the largest, the first of them if several are equal.
pub fn label(logits: &[i64]) -> usize {
    let mut best = 0;
    for (index, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = index;
        }
    }
    best
}
