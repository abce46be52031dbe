//! What can be searched, trained and compiled: spaces, blocks, layers, graphs, weights, reference evaluation.
//!
//! The waist is [`Layer`] (a small closed enum) and [`Layer::meaning`], which says once what a layer computes.
//! The cleartext reference, every packing, coefficient merging and the tests derive from it.

pub mod blocks;
pub mod cut;
mod error;
pub mod evaluate;
pub mod graph;
pub mod layer;
pub mod meaning;
mod moments;
pub mod presets;
pub mod quantized;
pub mod schema;
mod shape;
pub mod space;
mod statistics;
mod text;
pub mod weights;

pub use cut::{Cut, Halves};
pub use error::Error;
pub use graph::{LayerGraph, Node, NodeId};
pub use layer::Layer;
pub use meaning::{ClearMap, Coefficient, LinearMap, Meaning, PolyMap};
pub use moments::{LayerMoments, Moments};
pub use quantized::QuantizedNetwork;
pub use shape::Shape;
pub use space::{Architecture, Scheme, Space};
pub use statistics::Statistics;
pub use weights::{Tensor, Weights};
