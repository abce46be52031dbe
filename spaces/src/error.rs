//! The errors of this crate.

use crate::Shape;
use crate::schema::Path;

/// What can be wrong with a graph, its weights or a space.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
pub enum Error {
    /// A layer cannot take an input of this shape.
    #[error("layer `{layer}` cannot take {found}: {why}")]
    Shape {
        /// Name of the layer.
        layer: String,
        /// The shape that it was given.
        found: Shape,
        /// What it needs, and what to change.
        why: String,
    },
    /// A layer has the wrong number of inputs.
    #[error("layer `{layer}` takes {expected} input(s), {found} given")]
    Arity {
        /// Name of the layer.
        layer: String,
        /// How many inputs it takes.
        expected: String,
        /// How many it was given.
        found: usize,
    },
    /// Two layers have one name.
    #[error("two layers are named `{0}`; names must be unique in a graph")]
    DuplicateName(String),
    /// A layer's name would break the text form.
    #[error("a layer is named `{0}`; write letters, digits, `_`, `-` and `.` only")]
    Name(String),
    /// An input layer besides the first.
    #[error("layer `{0}` is a second input; a graph has one")]
    SecondInput(String),
    /// A node that is not in this graph.
    #[error(
        "layer `{layer}` reads node {node}, the graph has {nodes}; take nodes of one graph only"
    )]
    ForeignNode {
        /// Name of the layer.
        layer: String,
        /// Index of the node.
        node: usize,
        /// How many nodes the graph has.
        nodes: usize,
    },
    /// A graph's text form could not be understood.
    #[error("graph text, line {line}: {why}")]
    GraphText {
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong, and what would be right.
        why: String,
    },
    /// A network cannot be cut in two where that was asked.
    #[error(
        "the network cannot be cut {asked}: in front of that place several tensors are read behind it, or nothing is \
             left on one side; possible: {possible}"
    )]
    NoCut {
        /// Where it was to be cut.
        asked: String,
        /// Where it can be.
        possible: String,
    },
    /// A layer's parameter is missing from the weights.
    #[error("weights have no tensor `{name}` of {expected:?}, which layer `{layer}` needs")]
    MissingTensor {
        /// Name of the layer.
        layer: String,
        /// Full name of the tensor.
        name: String,
        /// The shape that the layer needs.
        expected: Vec<usize>,
    },
    /// A tensor has another shape than its layer needs.
    #[error("tensor `{name}` has shape {found:?}, layer `{layer}` needs {expected:?}")]
    TensorShape {
        /// Name of the layer.
        layer: String,
        /// Full name of the tensor.
        name: String,
        /// The shape in the weights.
        found: Vec<usize>,
        /// The shape that the layer needs.
        expected: Vec<usize>,
    },
    /// The tensors are not those of the graph; all differences at once.
    #[error(
        "the weights do not belong to this network: {}",
        mismatch(missing, superfluous, misshapen)
    )]
    WeightsMismatch {
        /// Tensors that the graph has and the weights lack, each with its shape.
        missing: Vec<String>,
        /// Tensors that no layer of the graph has.
        superfluous: Vec<String>,
        /// Tensors of another shape, with both shapes.
        misshapen: Vec<String>,
    },
    /// A weight is NaN or infinite.
    #[error(
        "tensor `{name}` holds {value} at element {index}; the training diverged or the file is damaged"
    )]
    NotFinite {
        /// Full name of the tensor.
        name: String,
        /// Row-major position of the first such element.
        index: usize,
        /// `NaN`, `inf` or `-inf`.
        value: String,
    },
    /// A weights file could not be understood.
    #[error("weights file: {0}")]
    Weights(String),
    /// A space file holds something that gives no space.
    #[error("space: {why}")]
    Space {
        /// The part of the file that is wrong.
        path: Path,
        /// What is wrong, and what would be right.
        why: String,
    },
    /// A text or a row of genes is no architecture of the space.
    #[error("architecture `{text}`: {why}")]
    Architecture {
        /// The text form that was given.
        text: String,
        /// What is wrong, and what would be right.
        why: String,
    },
    /// A block cannot stand at a position of this architecture.
    #[error("position `{position}`, block {block}: {source}")]
    Position {
        /// Name of the position.
        position: String,
        /// The block's label.
        block: String,
        /// What the block's layer cannot take.
        source: Box<Error>,
    },
    /// An input vector has the wrong number of elements.
    #[error("the network takes {expected} input values, {found} given")]
    InputLength {
        /// How many values the input layer has.
        expected: usize,
        /// How many were given.
        found: usize,
    },
    /// An input value of an integer network lies outside its range.
    #[error(
        "input value {index} is {value}, the network takes {low} to {high}; quantize the input"
    )]
    InputValue {
        /// Which value.
        index: usize,
        /// What it is.
        value: i64,
        /// The least that is possible.
        low: i64,
        /// The greatest that is possible.
        high: i64,
    },
    /// A node of an integer network is wrong.
    #[error("integer network, node `{node}`: {why}")]
    Quantized {
        /// Name of the node.
        node: String,
        /// What is wrong, with both numbers.
        why: String,
    },
}

impl Error {
    pub(crate) fn space(path: Path, why: impl Into<String>) -> Self {
        Self::Space {
            path,
            why: why.into(),
        }
    }

    pub(crate) fn architecture(text: &str, why: String) -> Self {
        Self::Architecture {
            text: text.to_owned(),
            why,
        }
    }
}

fn mismatch(missing: &[String], superfluous: &[String], misshapen: &[String]) -> String {
    [
        ("missing", missing),
        ("not of this network", superfluous),
        ("of another shape", misshapen),
    ]
    .iter()
    .filter(|(_, names)| !names.is_empty())
    .map(|(what, names)| format!("{what}: {}", names.join(", ")))
    .collect::<Vec<_>>()
    .join("; ")
}
