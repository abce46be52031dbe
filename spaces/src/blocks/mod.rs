//! Blocks: what an architecture is chosen from. A block expands into layers of a [`LayerGraph`].
//!
//! To add one: write `<name>.rs` with the block and its options, and add its line to the list at the end of this file.

mod activation;
mod choice;
mod conv;
mod dense;
mod fire;
mod inception;
mod inverted_residual;
mod label;
mod list;
mod pair;
mod pool;
mod residual;
mod skip;
mod structured;

use std::fmt;
use std::sync::Arc;

pub use activation::Activation;
pub use conv::{ConvBlock, ConvOptions};
pub use dense::{DenseBlock, DenseOptions};
pub use fire::{Fire, FireOptions};
pub use inception::{Inception, InceptionOptions};
pub use inverted_residual::{InvertedResidual, InvertedResidualOptions};
pub use list::List;
pub(crate) use list::MAX_OPTIONS;
pub use pair::Pair;
pub use pool::{Pool, PoolBlock, PoolOptions};
pub use residual::{Residual, ResidualOptions};
pub use skip::{Skip, SkipOptions};

use crate::layer::{Affine, Conv, Structure, Window};
use crate::{Error, Layer, LayerGraph, NodeId, Shape};

/// A block with every knob set.
pub trait Block: fmt::Debug + Send + Sync {
    /// Kind and knobs without spaces, as `fire(squeeze=4,expand=8)`; equal labels mean equal blocks.
    fn label(&self) -> String;

    /// Adds the block's layers behind `input`, all named `<name>.…`, and returns the last one
    /// (`input` itself where the block is the identity).
    ///
    /// # Errors
    /// The first layer that cannot take its input's shape.
    fn expand(&self, graph: &mut LayerGraph, input: NodeId, name: &str) -> Result<NodeId, Error>;

    /// Whether the block can read so many channels.
    ///
    /// # Errors
    /// The numbers that do not go together.
    fn check_input(&self, _channels: usize) -> Result<(), String> {
        Ok(())
    }

    /// Channels of the output; `None` where the block keeps those of its input.
    fn out_channels(&self) -> Option<usize>;

    /// By how much it divides height and width.
    fn stride(&self) -> [usize; 2];

    /// Its part in HEMET's rule.
    fn role(&self) -> Role;
}

/// What a block is to HEMET's greedy rule (Lou and Jiang, ICML 2021), which replaces mobile blocks by regular
/// convolutions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Several layers in the place of one convolution, usually with fewer parameters.
    Mobile,
    /// One plain convolution.
    Regular,
    /// Neither: the rule leaves it where it is.
    Neutral,
}

/// The knobs of one kind of block, each with the values that a space allows.
pub trait Options {
    /// Every combination of the values. `activation` is what a block uses that names none itself.
    ///
    /// # Errors
    /// Which knob has a value that is out of range, or that there are too many combinations.
    fn blocks(&self, activation: &List<Activation>) -> Result<Vec<Arc<dyn Block>>, String>;
}

/// Adds a convolution without bias, named `name`, and the affine layer `<name>.norm` that training treats as batch
/// norm.
fn conv_norm(
    graph: &mut LayerGraph,
    input: NodeId,
    name: &str,
    conv: Conv,
) -> Result<NodeId, Error> {
    let conv = on_signal(conv, graph.node(input).shape);
    let conv = graph.add(name, Layer::Conv(conv), &[input])?;
    graph.add(format!("{name}.norm"), Layer::Affine(Affine), &[conv])
}

/// A convolution without bias that keeps height and width at stride 1 and an odd kernel.
fn conv(
    out_channels: usize,
    kernel: impl Into<Pair>,
    stride: impl Into<Pair>,
    groups: usize,
) -> Conv {
    let (kernel, stride) = (kernel.into(), stride.into());
    let [above, left] = kernel.0.map(|side| side.saturating_sub(1) / 2);
    Conv {
        out_channels,
        window: Window {
            kernel: kernel.0,
            stride: stride.0,
            padding: [above, left, above, left],
            dilation: [1; 2],
        },
        groups,
        bias: false,
        structure: Structure::FULL,
    }
}

/// The same on a signal, a map of one row or one column, without the places of the kernel that would lie beside it.
fn on_signal(mut conv: Conv, input: Shape) -> Conv {
    for (axis, len, other) in [
        (0, input.height, input.width),
        (1, input.width, input.height),
    ] {
        if len == 1 && other > 1 && conv.window.kernel[axis] > 1 {
            conv.window.kernel[axis] = 1;
            (conv.window.padding[axis], conv.window.padding[axis + 2]) = (0, 0);
        }
    }
    conv
}

choice::blocks! {
    "conv" => Conv(ConvOptions),
    "dense" => Dense(DenseOptions),
    "fire" => Fire(FireOptions),
    "inception" => Inception(InceptionOptions),
    "inverted_residual" => InvertedResidual(InvertedResidualOptions),
    "residual" => Residual(ResidualOptions),
    "pool" => Pool(PoolOptions),
    "skip" => Skip(SkipOptions),
}
