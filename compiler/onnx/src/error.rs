//! The errors of this crate.

/// Why a model cannot be imported.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum Error {
    /// The file, or what it says it holds, is larger than an import takes.
    #[error("{what}: {found} {unit}, at most {limit} are taken")]
    TooLarge {
        /// What is too large.
        what: String,
        /// How large it is.
        found: String,
        /// How large it may be.
        limit: usize,
        /// The unit of both.
        unit: &'static str,
    },
    /// The bytes are no ONNX model.
    #[error("not an ONNX model: {0}; is the file whole, and is it an .onnx file?")]
    NotOnnx(String),
    /// The model is of an operator set that is not read.
    #[error(
        "the model uses operator set {found}, versions 7 to 23 are read; export it with opset_version=17"
    )]
    Opset {
        /// The version in the file, or what it has instead.
        found: String,
    },
    /// The model's inputs or outputs are not those of a network that is read.
    #[error("the model's {what}: {why}")]
    Model {
        /// Which part of the model.
        what: String,
        /// What is wrong, and what to do.
        why: String,
    },
    /// A kind of model that cannot run under encryption.
    #[error("the model is {what}: it has {found}; {why}; {instead}")]
    Family {
        /// What the model is.
        what: &'static str,
        /// Which operators tell.
        found: String,
        /// Why it cannot work.
        why: &'static str,
        /// What would.
        instead: &'static str,
    },
    /// An operator, or a use of it, that is not read.
    #[error("node `{node}` ({operator}) is not supported: {why}; {instead}")]
    Unsupported {
        /// Name of the node.
        node: String,
        /// The operator.
        operator: String,
        /// What about it is not supported.
        why: String,
        /// What would do instead.
        instead: String,
    },
    /// A node that breaks the rules of ONNX.
    #[error("node `{node}` ({operator}) is damaged: {why}")]
    Node {
        /// Name of the node.
        node: String,
        /// The operator.
        operator: String,
        /// What is wrong.
        why: String,
    },
    /// A constant tensor that cannot be read.
    #[error("tensor `{name}`: {why}")]
    Tensor {
        /// Name of the tensor.
        name: String,
        /// What is wrong, and what to do.
        why: String,
    },
    /// Activations that cannot be fitted.
    #[error("fitting activations: {0}")]
    Fit(String),
    /// The network or its weights are refused.
    #[error(transparent)]
    Network(#[from] hemet_spaces::Error),
}
