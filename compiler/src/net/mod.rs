//! Net: the compiler's own form of a network: sparse affine maps over one or more tensors, and elementwise products.
//!
//! Convolutions, pools, sums, concatenations, batch norms and polynomials' linear parts are all one thing here, a
//! block affine map `y = Σ_i A_i·x_i + b`, so one rule of composition merges them all. Maps are patterns when a
//! network is only estimated and carry values when it is compiled; no decision reads a value.

pub mod evaluate;
pub mod map;
mod measure;
mod rounding;
mod size;
mod text;

use std::collections::BTreeSet;

use hemet_spaces::Shape;

pub use map::SparseMap;
pub use measure::Sizes;
pub use rounding::Rounding;
pub use size::{mean_square, window};

/// A tensor of one [`Net`]: position of the node that makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TensorId(pub usize);

/// One operand of a block affine map and the map on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// The operand.
    pub input: TensorId,
    /// What it is multiplied by.
    pub map: SparseMap,
}

/// The constant part of an affine map.
#[derive(Clone, Debug, PartialEq)]
pub enum Bias {
    /// Structurally zero: nothing is added.
    None,
    /// Added; the values are there when the network is compiled with weights.
    Vector(Option<Vec<f64>>),
}

/// What a node computes.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeKind {
    /// The network's input.
    Input,
    /// `y = Σ A_i·x_i + b`; at least one term, each operand at most once.
    Linear {
        /// The block map.
        terms: Vec<Term>,
        /// The constant.
        bias: Bias,
    },
    /// The elementwise product of two tensors of one shape; a square where both are one.
    Product(TensorId, TensorId),
    /// The sums over the windows of `side × side` that tile each channel of a tensor.
    WindowSum {
        /// The operand; its height and width are multiples of `side`.
        input: TensorId,
        /// Side of a window, at least 2.
        side: usize,
    },
}

/// A node and its tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Name of the layer that it mostly comes from.
    pub layer: String,
    /// Names of the other layers that it does, ascending.
    pub merged: BTreeSet<String>,
    /// Entries of the map that gave it this name: where nodes merge, the larger one names the result.
    pub weight: usize,
    /// Shape of the tensor.
    pub shape: Shape,
    /// What it computes.
    pub kind: NodeKind,
}

/// A network in an order in which each node comes after its operands; the last node is the output.
#[derive(Clone, Debug, PartialEq)]
pub struct Net {
    /// The nodes.
    pub nodes: Vec<Node>,
}

impl Node {
    /// The names of all layers that it does, its own among them.
    pub fn layers(&self) -> BTreeSet<String> {
        let mut layers = self.merged.clone();
        layers.insert(self.layer.clone());
        layers
    }

    /// The tensors that the node reads (a square names its operand once).
    pub fn inputs(&self) -> Vec<TensorId> {
        match &self.kind {
            NodeKind::Input => Vec::new(),
            NodeKind::Linear { terms, bias: _ } => terms.iter().map(|t| t.input).collect(),
            NodeKind::Product(a, b) if a == b => vec![*a],
            NodeKind::Product(a, b) => vec![*a, *b],
            NodeKind::WindowSum { input, side: _ } => vec![*input],
        }
    }

    /// The operand, if the node only adds a constant to it: this costs no level.
    pub fn shifted(&self) -> Option<TensorId> {
        match &self.kind {
            NodeKind::Linear { terms, bias: _ } => match terms.as_slice() {
                [term] if term.map.is_identity() => Some(term.input),
                _ => None,
            },
            NodeKind::Input | NodeKind::Product(..) | NodeKind::WindowSum { .. } => None,
        }
    }

    /// The operand, if the node sums its windows.
    pub fn summed(&self) -> Option<TensorId> {
        match &self.kind {
            NodeKind::WindowSum { input, side: _ } => Some(*input),
            NodeKind::Input | NodeKind::Product(..) | NodeKind::Linear { .. } => None,
        }
    }
}

impl Net {
    /// The node that makes a tensor.
    pub fn node(&self, id: TensorId) -> &Node {
        &self.nodes[id.0]
    }

    /// All tensors, in order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = TensorId> + use<> {
        (0..self.nodes.len()).map(TensorId)
    }

    /// The output tensor.
    pub fn output(&self) -> TensorId {
        TensorId(self.nodes.len() - 1)
    }

    /// The nodes that read each tensor.
    pub fn consumers(&self) -> Vec<Vec<TensorId>> {
        let mut consumers = vec![Vec::new(); self.nodes.len()];
        for id in self.ids() {
            for input in self.node(id).inputs() {
                consumers[input.0].push(id);
            }
        }
        consumers
    }

    /// By node: the tensors that are read for the last time there, or not at all, without the output. An evaluation
    /// that forgets them holds a few tensors instead of all.
    pub fn last_reads(&self) -> Vec<Vec<TensorId>> {
        let mut last_reads = vec![Vec::new(); self.nodes.len()];
        for (id, readers) in self.ids().zip(self.consumers()) {
            if id != self.output() {
                let last = readers.last().unwrap_or(&id);
                last_reads[last.0].push(id);
            }
        }
        last_reads
    }

    /// Entries of all maps: the products of one evaluation.
    pub fn entries(&self) -> usize {
        let of_node = |node: &Node| match &node.kind {
            NodeKind::Linear { terms, bias: _ } => terms.iter().map(|t| t.map.entries()).sum(),
            NodeKind::Input | NodeKind::Product(..) | NodeKind::WindowSum { .. } => 0,
        };
        self.nodes.iter().map(of_node).sum()
    }

    /// Appends a node.
    pub fn push(&mut self, node: Node) -> TensorId {
        self.nodes.push(node);
        self.output()
    }

    /// Drops the nodes that the output does not depend on. The input stays, as the first node.
    pub fn prune(&mut self) {
        let mut live = vec![false; self.nodes.len()];
        live[0] = true;
        live[self.nodes.len() - 1] = true;
        for id in self.ids().rev() {
            if live[id.0] {
                for input in self.node(id).inputs() {
                    live[input.0] = true;
                }
            }
        }
        let mut renumbered = vec![TensorId(0); self.nodes.len()];
        let mut kept = Vec::new();
        for (index, mut node) in std::mem::take(&mut self.nodes).into_iter().enumerate() {
            if !live[index] {
                continue;
            }
            node.rename(|id| renumbered[id.0]);
            renumbered[index] = TensorId(kept.len());
            kept.push(node);
        }
        self.nodes = kept;
    }

    /// Brings the nodes into an order in which each comes after its operands again, the output last, otherwise as they
    /// were.
    pub fn sort(&mut self, output: TensorId) {
        let mut order = Vec::with_capacity(self.nodes.len());
        let mut place = vec![None; self.nodes.len()];
        // Depth-first from every node, the output last; a stack entry is revisited when its operands are placed.
        let roots = self.ids().filter(|id| *id != output).chain([output]);
        for root in roots.collect::<Vec<_>>() {
            let mut stack = vec![root];
            while let Some(&id) = stack.last() {
                let inputs = self.node(id).inputs();
                let missing = inputs.into_iter().find(|i| place[i.0].is_none());
                match missing {
                    Some(input) if place[id.0].is_none() => stack.push(input),
                    _ => {
                        stack.pop();
                        if place[id.0].is_none() {
                            place[id.0] = Some(TensorId(order.len()));
                            order.push(id);
                        }
                    }
                }
            }
        }
        let mut old: Vec<Option<Node>> = std::mem::take(&mut self.nodes)
            .into_iter()
            .map(Some)
            .collect();
        for id in order {
            if let Some(mut node) = old[id.0].take() {
                node.rename(|id| place[id.0].unwrap_or(id));
                self.nodes.push(node);
            }
        }
    }
}

impl Node {
    /// Replaces every operand.
    pub fn rename(&mut self, name: impl Fn(TensorId) -> TensorId) {
        match &mut self.kind {
            NodeKind::Input => {}
            NodeKind::Linear { terms, bias: _ } => {
                for term in terms {
                    term.input = name(term.input);
                }
            }
            NodeKind::Product(a, b) => {
                *a = name(*a);
                *b = name(*b);
            }
            NodeKind::WindowSum { input, side: _ } => *input = name(*input),
        }
    }
}
