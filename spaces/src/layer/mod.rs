//! Layers: the closed set that everything expands to and everything is lowered from.

mod affine;
mod conv;
mod dense;
mod join;
mod poly;
mod pool;

pub use affine::Affine;
pub use conv::Conv;
pub use dense::Dense;
pub use poly::Poly;
pub use pool::AveragePool;

use crate::{Meaning, Shape};

/// A layer of a network. Closed on purpose: a match on it has an arm for each variant.
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    /// The network's input.
    Input(Shape),
    /// Two-dimensional convolution.
    Conv(Conv),
    /// Fully connected layer over all elements of its input.
    Dense(Dense),
    /// Scale and shift of each channel: what a trained batch norm is at inference.
    Affine(Affine),
    /// Average pooling.
    AveragePool(AveragePool),
    /// Polynomial activation.
    Poly(Poly),
    /// Sum of inputs of one shape.
    Add,
    /// Inputs joined along the channels.
    Concat,
}

/// A trainable tensor of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Name within the layer; its tensor in the weights is `<layer>.<name>`.
    pub name: &'static str,
    /// Shape, row-major.
    pub shape: Vec<usize>,
}

impl Parameter {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Layer {
    /// The shape that the layer gives for inputs of these shapes, or why it cannot take them.
    pub fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, String> {
        match self {
            Layer::Input(shape) => join::input_shape(shape, inputs),
            Layer::Conv(conv) => conv.output_shape(one(inputs)?),
            Layer::Dense(dense) => dense.output_shape(one(inputs)?),
            Layer::Affine(_) | Layer::Poly(_) => one(inputs),
            Layer::AveragePool(pool) => pool.output_shape(one(inputs)?),
            Layer::Add => join::add_shape(inputs),
            Layer::Concat => join::concat_shape(inputs),
        }
    }

    /// The layer's trainable tensors for inputs of these (accepted) shapes.
    pub fn parameters(&self, inputs: &[Shape]) -> Vec<Parameter> {
        match self {
            Layer::Conv(conv) => conv.parameters(inputs[0]),
            Layer::Dense(dense) => dense.parameters(inputs[0]),
            Layer::Affine(affine) => affine.parameters(inputs[0]),
            Layer::Poly(poly) => poly.parameters(inputs[0]),
            Layer::Input(_) | Layer::AveragePool(_) | Layer::Add | Layer::Concat => Vec::new(),
        }
    }

    /// What the layer computes on inputs of these (accepted) shapes.
    pub fn meaning(&self, inputs: &[Shape]) -> Meaning {
        match self {
            Layer::Input(_) => Meaning::Input,
            Layer::Conv(conv) => Meaning::Linear(conv.map(inputs[0])),
            Layer::Dense(dense) => Meaning::Linear(dense.map(inputs[0])),
            Layer::Affine(affine) => Meaning::Linear(affine.map(inputs[0])),
            Layer::AveragePool(pool) => Meaning::Linear(pool.map(inputs[0])),
            Layer::Poly(poly) => Meaning::Poly(poly.map(inputs[0])),
            Layer::Add => Meaning::Add,
            Layer::Concat => Meaning::Concat,
        }
    }

    /// The word for the layer's kind in texts and errors.
    pub fn kind(&self) -> &'static str {
        match self {
            Layer::Input(_) => "input",
            Layer::Conv(_) => "conv",
            Layer::Dense(_) => "dense",
            Layer::Affine(_) => "affine",
            Layer::AveragePool(_) => "average_pool",
            Layer::Poly(_) => "poly",
            Layer::Add => "add",
            Layer::Concat => "concat",
        }
    }
}

fn one(inputs: &[Shape]) -> Result<Shape, String> {
    match inputs {
        [shape] => Ok(*shape),
        _ => Err(format!("it takes 1 input, {} given", inputs.len())),
    }
}
