//! ONNX import at run time: the bytes of a model become a [`LayerGraph`] and its [`Weights`].
//!
//! Read are operator sets 7 to 23 with the operators of [`OPERATORS`]; anything else is refused with the node, the
//! operator and what would do instead. What moves elements only (Transpose, Slice, Split, …) is one list of positions;
//! what is linear becomes a layer by its meaning, whatever operators it is written with; arithmetic on one tensor
//! (`a*x*x + b*x + c`) becomes one Poly layer. What depends on constants and shapes alone is computed.
//! The end of a model that the client applies exactly is told apart ([`Imported::outputs`]).
//! [`import_fitted`] reads activations that are no polynomials too and fits polynomials to them. The bytes are not
//! trusted: sizes are bounded before memory is taken ([`limits`]), and nothing panics.
//!
//! ```
//! use hemet_onnx::proto::*;
//! use prost::Message;
//! // A network that squares its two inputs.
//! let value = |name: &str| ValueInfoProto {
//!     name: Some(name.into()),
//!     r#type: Some(TypeProto {
//!         tensor_type: Some(TensorTypeProto {
//!             elem_type: Some(data_type::FLOAT),
//!             shape: Some(TensorShapeProto {
//!                 dim: [1, 2].map(|n| DimensionProto { dim_value: Some(n), dim_param: None }).into(),
//!             }),
//!         }),
//!     }),
//! };
//! let square = NodeProto {
//!     op_type: Some("Mul".into()),
//!     input: vec!["x".into(), "x".into()],
//!     output: vec!["y".into()],
//!     ..Default::default()
//! };
//! let model = ModelProto {
//!     ir_version: Some(8),
//!     opset_import: vec![OperatorSetIdProto { domain: None, version: Some(17) }],
//!     graph: Some(GraphProto {
//!         node: vec![square],
//!         input: vec![value("x")],
//!         output: vec![value("y")],
//!         ..Default::default()
//!     }),
//! };
//! let imported = hemet_onnx::import(model.encode_to_vec().as_slice())?;
//! let logits = hemet_spaces::evaluate::evaluate(&imported.graph, &imported.weights, &[2.0, 3.0])?;
//! assert_eq!(logits, [4.0, 9.0]);
//! # Ok::<(), hemet_onnx::Error>(())
//! ```

mod client;
mod constant;
mod error;
mod external;
mod family;
mod fit;
mod fitted;
mod forms;
mod heads;
mod import;
mod input;
mod layers;
pub mod limits;
mod movement;
mod network;
mod node;
mod ops;
mod polynomial;
pub mod proto;
mod state;
mod tail;
mod window;

pub use error::Error;
pub use fit::{Calibration, FIT_DEGREES, FitReport, FittedActivation, Tried};
pub use fitted::{Degree, import_fitted};
pub use ops::{OPERATORS, Operator, markdown};

use std::path::Path;

use hemet_schedule::OutputTransform;
use hemet_spaces::{LayerGraph, LayerMoments, Weights};

/// [`Source::device_layers`] of a model that a device runs as a whole.
pub const WHOLE: usize = usize::MAX;

/// A model to import.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The bytes of the `.onnx` file.
    pub bytes: &'a [u8],
    /// The folder that it lies in, for weights in files beside it; none where such weights are refused.
    pub folder: Option<&'a Path>,
    /// Which outputs the network computes, joined in this order; empty for the only one.
    pub outputs: &'a [String],
    /// The first convolutions and dense layers that a device runs in the clear: ReLU, LeakyRelu, Clip from 0 on and
    /// maximum pools among them and behind them are read as they are ([`hemet_spaces::layer::Clear`]). 0 for none,
    /// [`WHOLE`] for a model that runs there as a whole.
    pub device_layers: usize,
}

impl<'a> From<&'a [u8]> for Source<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            folder: None,
            outputs: &[],
            device_layers: 0,
        }
    }
}

impl<'a> From<&'a Vec<u8>> for Source<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        bytes.as_slice().into()
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Source<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        bytes.as_slice().into()
    }
}

/// An imported model.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The network. A layer is named after the ONNX node that gave it (`/` becomes `.`).
    pub graph: LayerGraph,
    /// Its weights, complete for the graph.
    pub weights: Weights,
    /// What training saw of layers, by the batch norms that the model has.
    pub moments: LayerMoments,
    /// Name of the model's input.
    pub input_name: String,
    /// Name of the model's output, or names joined by commas.
    pub output_name: String,
    /// What the client makes of the decrypted outputs; nothing where they are the model's own.
    pub outputs: Option<OutputTransform>,
    /// What the classes are called, in the order of the outputs; empty where the model does not say.
    pub classes: Vec<String>,
}

/// Imports a model: the bytes of an `.onnx` file, and where it says so the weights beside it.
///
/// The batch dimension is dropped. The elements of input and output are in the order of ONNX.
///
/// # Errors
/// [`Error`]: what the file is not, which node is not supported and what would do instead, or which limit is passed.
pub fn import<'a>(source: impl Into<Source<'a>>) -> Result<Imported, Error> {
    import::import(source.into(), None).map(|(imported, _)| imported)
}
