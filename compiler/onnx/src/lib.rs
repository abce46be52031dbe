//! ONNX import at run time: the bytes of a model become a [`LayerGraph`] and its [`Weights`].
//!
//! Read are operator sets 11 to 18 with the operators of [`OPERATORS`]; anything else is refused with the node, the
//! operator and what would do instead. Arithmetic on one tensor (`a*x*x + b*x + c`) becomes one Poly layer, an addition
//! of constants behind a convolution or dense layer its bias, batch norm an Affine. [`import_fitted`] reads activations that
//! are no polynomials too and fits polynomials to them. The bytes are not trusted: sizes are
//! bounded before memory is taken ([`limits`]), and nothing panics.
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
//! let imported = hemet_onnx::import(&model.encode_to_vec())?;
//! let logits = hemet_spaces::evaluate::evaluate(&imported.graph, &imported.weights, &[2.0, 3.0])?;
//! assert_eq!(logits, [4.0, 9.0]);
//! # Ok::<(), hemet_onnx::Error>(())
//! ```

mod error;
mod fit;
mod import;
pub mod limits;
mod network;
mod node;
mod ops;
mod polynomial;
pub mod proto;
mod signal;
mod tensor;
mod window;

pub use error::Error;
pub use fit::{Calibration, FIT_DEGREES, FitReport, FittedActivation, import_fitted};
pub use ops::OPERATORS;

use hemet_spaces::{LayerGraph, Weights};

/// An imported model.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The network. A layer is named after the ONNX node that gave it (`/` becomes `.`).
    pub graph: LayerGraph,
    /// Its weights, complete for the graph.
    pub weights: Weights,
    /// Name of the model's input.
    pub input_name: String,
    /// Name of the model's output.
    pub output_name: String,
}

/// Imports a model, the bytes of an `.onnx` file with its weights inside.
///
/// The batch dimension is dropped. `[batch][channels][height][width]` and `[batch][elements]` are read as input; the
/// elements of the output are in the order of ONNX.
///
/// # Errors
/// [`Error`]: what the file is not, which node is not supported and what would do instead, or which limit is passed.
pub fn import(bytes: &[u8]) -> Result<Imported, Error> {
    import::import(bytes, None).map(|(imported, _)| imported)
}
