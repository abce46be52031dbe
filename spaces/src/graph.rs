//! LayerGraph: layers wired into a directed acyclic graph, shapes checked as each is added.

use std::collections::HashMap;

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use crate::layer::Parameter;
use crate::{Error, Layer, Meaning, Shape};

/// A node of one [`LayerGraph`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

impl NodeId {
    /// Position of the node in [`LayerGraph::nodes`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A layer in a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Unique name; parameters are named `<name>.<parameter>` in the weights.
    pub name: String,
    /// What it computes.
    pub layer: Layer,
    /// Shape of its output.
    pub shape: Shape,
}

/// Two graphs are equal when they have the same layers under the same names, wired alike, in the same order.
impl PartialEq for LayerGraph {
    fn eq(&self, other: &Self) -> bool {
        self.nodes().len() == other.nodes().len()
            && self
                .nodes()
                .all(|(id, node)| other.node(id) == node && other.inputs(id) == self.inputs(id))
    }
}

/// A network: one input, layers in an order in which each comes after its inputs, one output (the layer added last).
#[derive(Clone, Debug)]
pub struct LayerGraph {
    /// Edges carry the operand's position; node indices ascend in a topological order because a layer
    /// can only be added after its inputs, and none is ever removed.
    graph: DiGraph<Node, u32>,
    names: HashMap<String, NodeId>,
}

impl LayerGraph {
    /// A graph with the input layer alone, named `input`.
    pub fn new(input: Shape) -> Result<Self, Error> {
        let mut graph = Self {
            graph: DiGraph::new(),
            names: HashMap::new(),
        };
        graph.add("input", Layer::Input(input), &[])?;
        Ok(graph)
    }

    /// Adds a layer that reads `inputs` in this order. Names are made of letters, digits, `_`, `-` and `.`.
    ///
    /// # Errors
    /// A name that is taken or not of this form, a second input layer, a wrong number of inputs, an input that is not
    /// in this graph, or shapes that the layer cannot take.
    pub fn add(
        &mut self,
        name: impl Into<String>,
        layer: Layer,
        inputs: &[NodeId],
    ) -> Result<NodeId, Error> {
        let name = name.into();
        if self.names.contains_key(&name) {
            return Err(Error::DuplicateName(name));
        }
        let in_word = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        if name.is_empty() || !name.chars().all(in_word) {
            return Err(Error::Name(name));
        }
        let shape = self.shape_of(&name, &layer, inputs)?;
        let id = NodeId(self.nodes().len() as u32);
        self.names.insert(name.clone(), id);
        let node = self.graph.add_node(Node { name, layer, shape });
        for (position, input) in inputs.iter().enumerate() {
            self.graph
                .add_edge(NodeIndex::new(input.index()), node, position as u32);
        }
        Ok(id)
    }

    /// The shape that `layer` would have behind `inputs`.
    fn shape_of(&self, name: &str, layer: &Layer, inputs: &[NodeId]) -> Result<Shape, Error> {
        if matches!(layer, Layer::Input(_)) && self.graph.node_count() > 0 {
            return Err(Error::SecondInput(name.to_owned()));
        }
        let (least, most) = layer.arity();
        if inputs.len() < least || inputs.len() > most {
            return Err(Error::Arity {
                layer: name.to_owned(),
                expected: match least == most {
                    true => least.to_string(),
                    false => format!("at least {least}"),
                },
                found: inputs.len(),
            });
        }
        if let Some(foreign) = inputs.iter().find(|id| id.index() >= self.nodes().len()) {
            return Err(Error::ForeignNode {
                layer: name.to_owned(),
                node: foreign.index(),
                nodes: self.nodes().len(),
            });
        }
        let shapes: Vec<Shape> = inputs.iter().map(|id| self.node(*id).shape).collect();
        layer.output_shape(&shapes).map_err(|why| Error::Shape {
            layer: name.to_owned(),
            found: match (layer, shapes.first()) {
                (Layer::Input(shape), _) => *shape,
                (_, first) => first.copied().unwrap_or(Shape::new(0, 0, 0)),
            },
            why,
        })
    }

    /// All nodes in topological order (each after its inputs).
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = (NodeId, &Node)> {
        self.graph
            .node_indices()
            .map(|index| (NodeId(index.index() as u32), &self.graph[index]))
    }

    /// The node `id`.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.graph[NodeIndex::new(id.index())]
    }

    /// The node with this name.
    pub fn find(&self, name: &str) -> Option<NodeId> {
        self.names.get(name).copied()
    }

    /// The inputs of `id`, in operand order.
    pub fn inputs(&self, id: NodeId) -> Vec<NodeId> {
        let mut edges: Vec<(u32, NodeId)> = self
            .graph
            .edges_directed(NodeIndex::new(id.index()), Direction::Incoming)
            .map(|edge| (*edge.weight(), NodeId(edge.source().index() as u32)))
            .collect();
        edges.sort_unstable();
        edges.into_iter().map(|(_, id)| id).collect()
    }

    /// How many layers read `id`.
    pub fn uses(&self, id: NodeId) -> usize {
        self.graph
            .edges_directed(NodeIndex::new(id.index()), Direction::Outgoing)
            .count()
    }

    /// The shapes of the inputs of `id`.
    pub fn input_shapes(&self, id: NodeId) -> Vec<Shape> {
        self.inputs(id)
            .into_iter()
            .map(|i| self.node(i).shape)
            .collect()
    }

    /// What node `id` computes.
    pub fn meaning(&self, id: NodeId) -> Meaning {
        self.node(id).layer.meaning(&self.input_shapes(id))
    }

    /// The trainable tensors of node `id`.
    pub fn parameters(&self, id: NodeId) -> Vec<Parameter> {
        self.node(id).layer.parameters(&self.input_shapes(id))
    }

    /// Names the network wherever it comes from: the first 12 hexadecimal digits of the BLAKE3 hash of its text form.
    pub fn id(&self) -> String {
        crate::space::short_hash(&self.to_string())
    }

    /// The first layer that no other reads and that is not the output; a network has none.
    pub fn unread(&self) -> Option<NodeId> {
        let inner = self.nodes().take(self.nodes().len() - 1);
        inner.map(|(id, _)| id).find(|id| self.uses(*id) == 0)
    }

    /// The input layer.
    pub fn input(&self) -> NodeId {
        NodeId(0)
    }

    /// The output: the layer added last.
    pub fn output(&self) -> NodeId {
        NodeId(self.graph.node_count() as u32 - 1)
    }
}
