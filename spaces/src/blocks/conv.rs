//! Plain convolution: conv, norm, activation. After merging: one linear map and one activation.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::label::Label;
use super::list::combinations;
use super::{Activation, Block, List, Options, Pair, Role, conv, conv_norm};
use crate::{Error, LayerGraph, NodeId};

/// A convolution, zero-padded so that stride 1 and an odd kernel keep height and width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvBlock {
    /// Output channels.
    pub width: usize,
    /// Sides of the kernel.
    pub kernel: Pair,
    /// Steps.
    pub stride: Pair,
    /// Groups of channels that do not see each other.
    pub groups: usize,
    /// What follows the norm.
    pub activation: Activation,
}

/// The knobs of [`ConvBlock`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConvOptions {
    /// Output channels.
    #[schemars(schema_with = "super::list::whole::<1>")]
    pub width: List<usize>,
    /// Kernels, square or rows and columns (`1x7`); 3 where not given.
    #[serde(default = "three_by_three")]
    pub kernel: List<Pair>,
    /// Strides, down and across alike or apart (`1x2`); 1 where not given.
    #[serde(default = "one_by_one")]
    pub stride: List<Pair>,
    /// Groups; 1 where not given.
    #[serde(default = "one")]
    #[schemars(schema_with = "super::list::whole::<1>")]
    pub groups: List<usize>,
    /// Activations; the space's where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<List<Activation>>,
}

pub(super) fn one() -> List<usize> {
    List::one(1)
}

pub(super) fn three() -> List<usize> {
    List::one(3)
}

fn one_by_one() -> List<Pair> {
    List::one(Pair::both(1))
}

fn three_by_three() -> List<Pair> {
    List::one(Pair::both(3))
}

impl Options for ConvOptions {
    fn blocks(&self, activation: &List<Activation>) -> Result<Vec<Arc<dyn Block>>, String> {
        let activation = self.activation.as_ref().unwrap_or(activation);
        let lengths = [
            self.width.len(),
            self.kernel.len(),
            self.stride.len(),
            self.groups.len(),
            activation.len(),
        ];
        let block = |i: Vec<usize>| -> Arc<dyn Block> {
            Arc::new(ConvBlock {
                width: self.width[i[0]],
                kernel: self.kernel[i[1]],
                stride: self.stride[i[2]],
                groups: self.groups[i[3]],
                activation: activation[i[4]],
            })
        };
        Ok(combinations(&lengths)?.into_iter().map(block).collect())
    }
}

impl Block for ConvBlock {
    fn label(&self) -> String {
        Label::new("conv")
            .knob("width", self.width)
            .knob("kernel", self.kernel)
            .unless(Pair::both(1), "stride", self.stride)
            .unless(1, "groups", self.groups)
            .activations(self.activation, self.activation)
            .finish()
    }

    fn expand(&self, graph: &mut LayerGraph, input: NodeId, name: &str) -> Result<NodeId, Error> {
        let layer = conv(self.width, self.kernel, self.stride, self.groups);
        let x = conv_norm(graph, input, &format!("{name}.conv"), layer)?;
        self.activation.expand(graph, x, &format!("{name}.act"))
    }

    fn out_channels(&self) -> Option<usize> {
        Some(self.width)
    }

    fn stride(&self) -> [usize; 2] {
        self.stride.0
    }

    fn role(&self) -> Role {
        Role::Regular
    }
}
