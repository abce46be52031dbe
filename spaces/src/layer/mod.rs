//! Layers: the closed set that everything expands to and everything is lowered from.

mod affine;
mod clear;
mod conv;
mod dense;
mod join;
mod poly;
mod pool;
pub(crate) mod runs;
mod sparse;
mod structure;
pub(crate) mod window;

pub use affine::Affine;
pub use clear::Clear;
pub use conv::Conv;
pub use dense::Dense;
pub use poly::Poly;
pub use pool::AveragePool;
pub use sparse::{Entries, Sparse};
pub(crate) use structure::check_circulant;
pub use structure::circulant_index;
pub use structure::{Seen, Structure, Taps};
pub use window::{SquareWindow, Tap, Window};
pub(crate) use window::{pair_text, parse_pair};

use crate::{Meaning, Shape};

/// The largest extent of an input and the largest number in a layer (kernel, stride, padding, channels, features).
pub const MAX_KNOB: usize = 1 << 18;
/// The most elements of a tensor.
pub const MAX_ELEMENTS: usize = 1 << 24;
/// The most entries of a linear map (at 20 bytes an entry, 5 GiB); also keeps every index within 32 bits.
pub const MAX_ENTRIES: u64 = 1 << 28;

/// The most rows, and the most entries, of a [`Sparse`] layer, whose entries are part of the network.
pub const MAX_SPARSE_ENTRIES: usize = 1 << 22;

/// A layer of a network. Closed on purpose: a match on it has an arm for each variant.
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    /// The network's input.
    Input(Shape),
    /// Convolution.
    Conv(Conv),
    /// Fully connected layer over all elements of its input.
    Dense(Dense),
    /// Scale and shift of each channel: what a trained batch norm is at inference.
    Affine(Affine),
    /// Average pooling.
    AveragePool(AveragePool),
    /// A linear map given entry by entry.
    Sparse(Sparse),
    /// Polynomial activation.
    Poly(Poly),
    /// What is computed in the clear alone, on a device.
    Clear(Clear),
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
        let shape = self.unbounded_shape(inputs)?;
        if shape.len() > MAX_ELEMENTS {
            return Err(format!(
                "its output {shape} has {} elements, at most {MAX_ELEMENTS} are possible",
                shape.len()
            ));
        }
        let entries = self.entries(inputs, shape);
        if entries > MAX_ENTRIES {
            return Err(format!(
                "it multiplies {entries} pairs of numbers, at most {MAX_ENTRIES} are possible; \
                 use fewer channels, a stride or groups"
            ));
        }
        Ok(shape)
    }

    /// The fewest and the most inputs that the layer takes.
    pub fn arity(&self) -> (usize, usize) {
        match self {
            Layer::Input(_) => (0, 0),
            Layer::Conv(_)
            | Layer::Dense(_)
            | Layer::Affine(_)
            | Layer::AveragePool(_)
            | Layer::Sparse(_)
            | Layer::Poly(_)
            | Layer::Clear(_) => (1, 1),
            Layer::Add | Layer::Concat => (2, usize::MAX),
        }
    }

    /// The shape, each extent at most 2·[`MAX_KNOB`] + [`MAX_ELEMENTS`], so that no product of three overflows.
    fn unbounded_shape(&self, inputs: &[Shape]) -> Result<Shape, String> {
        match self {
            Layer::Input(shape) => join::input_shape(shape, inputs),
            Layer::Conv(conv) => conv.output_shape(one(inputs)?),
            Layer::Dense(dense) => dense.output_shape(one(inputs)?),
            Layer::Affine(_) => one(inputs),
            Layer::Poly(poly) => poly.output_shape(one(inputs)?),
            Layer::AveragePool(pool) => pool.output_shape(one(inputs)?),
            Layer::Sparse(sparse) => sparse.output_shape(one(inputs)?),
            Layer::Clear(clear) => clear.output_shape(one(inputs)?),
            Layer::Add => join::add_shape(inputs),
            Layer::Concat => join::concat_shape(inputs),
        }
    }

    /// The most entries that the layer's linear map can have: each window counted whole, padding included.
    fn entries(&self, inputs: &[Shape], output: Shape) -> u64 {
        let product = |factors: &[usize]| {
            let factors = factors.iter().map(|factor| *factor as u64);
            factors.fold(1, u64::saturating_mul)
        };
        match self {
            Layer::Conv(Conv { window, groups, .. }) => {
                let channels = inputs[0].channels / groups;
                product(&[output.len(), channels, window.area()])
            }
            Layer::Dense(_) => product(&[output.len(), inputs[0].len()]),
            Layer::AveragePool(pool) => product(&[output.len(), pool.window.area()]),
            Layer::Sparse(sparse) => sparse.entries.len() as u64,
            Layer::Clear(clear) => product(&[output.len(), clear.area()]),
            Layer::Affine(_) | Layer::Input(_) | Layer::Poly(_) | Layer::Add | Layer::Concat => {
                output.len() as u64
            }
        }
    }

    /// Multiply-accumulate operations of a convolution or dense layer as usually counted (padding included, entries
    /// that its structure leaves out not), 0 for others.
    pub fn macs(&self, inputs: &[Shape], output: Shape) -> u64 {
        match self {
            Layer::Conv(conv) => {
                let taps = conv.structure.taps.count(conv.window.kernel);
                let read = conv.read_channels(inputs[0].channels);
                [output.len(), read, taps]
                    .iter()
                    .fold(1, |product, n| product * *n as u64)
            }
            Layer::Dense(_) => self.entries(inputs, output),
            Layer::Input(_)
            | Layer::Affine(_)
            | Layer::AveragePool(_)
            | Layer::Sparse(_)
            | Layer::Poly(_)
            | Layer::Clear(_)
            | Layer::Add
            | Layer::Concat => 0,
        }
    }

    /// The layer's trainable tensors for inputs of these (accepted) shapes.
    pub fn parameters(&self, inputs: &[Shape]) -> Vec<Parameter> {
        match self {
            Layer::Conv(conv) => conv.parameters(inputs[0]),
            Layer::Dense(dense) => dense.parameters(inputs[0]),
            Layer::Affine(affine) => affine.parameters(inputs[0]),
            Layer::Poly(poly) => poly.parameters(inputs[0]),
            Layer::Sparse(sparse) => sparse.parameters(),
            Layer::Input(_)
            | Layer::AveragePool(_)
            | Layer::Clear(_)
            | Layer::Add
            | Layer::Concat => Vec::new(),
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
            Layer::Sparse(sparse) => Meaning::Linear(sparse.map(inputs[0])),
            Layer::Poly(poly) => Meaning::Poly(poly.map(inputs[0])),
            Layer::Clear(clear) => Meaning::Clear(clear.map(inputs[0])),
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
            Layer::Sparse(_) => "sparse",
            Layer::Poly(_) => "poly",
            Layer::Clear(clear) => clear.kind(),
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

/// Refuses a number of a layer that is 0 or too large.
fn check_knobs(knobs: &[(&str, usize)]) -> Result<(), String> {
    match knobs
        .iter()
        .find(|(_, value)| *value == 0 || *value > MAX_KNOB)
    {
        Some((name, value)) => Err(format!("{name} must be 1 to {MAX_KNOB}, {value} given")),
        None => Ok(()),
    }
}
