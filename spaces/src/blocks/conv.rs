//! Plain convolution: conv, norm, activation. After merging: one linear map and one activation.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::label::Label;
use super::list::combinations;
use super::structured::{check_groups, check_taps};
use super::{Activation, Block, List, Options, Pair, Role, conv, conv_norm};
use crate::layer::{Conv, Seen, Structure, Taps};
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
    /// Which entries exist within a group.
    pub structure: Structure,
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
    /// Groups of channels that do not see each other, dividing the channels of input and output; 1 where not given.
    #[serde(default = "one")]
    #[schemars(schema_with = "super::list::whole::<1>")]
    pub groups: List<usize>,
    /// Places of the kernel that exist: all, or those of its middle row and column; square where not given.
    #[serde(
        default = "super::structured::square",
        skip_serializing_if = "super::structured::is_square"
    )]
    pub taps: List<Taps>,
    /// Shares of the channels that each output channel reads, a cyclic band of offsets; 1 where not given.
    #[serde(
        default = "super::structured::all",
        skip_serializing_if = "super::structured::is_all"
    )]
    pub seen: List<Seen>,
    /// Sides of the blocks of channels whose weights are circulant, powers of two that divide the channels of input and
    /// output; 1 where not given.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[schemars(schema_with = "super::list::whole::<1>")]
    pub circulant: List<usize>,
    /// Activations; the space's where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<List<Activation>>,
}

pub(super) fn one() -> List<usize> {
    List::one(1)
}

pub(super) fn is_one(list: &List<usize>) -> bool {
    *list == one()
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
        check_groups(&self.groups, &self.width)?;
        check_taps(&self.taps, &self.kernel)?;
        let activation = self.activation.as_ref().unwrap_or(activation);
        let lengths = [
            self.width.len(),
            self.kernel.len(),
            self.stride.len(),
            self.groups.len(),
            self.taps.len(),
            self.seen.len(),
            self.circulant.len(),
            activation.len(),
        ];
        let block = |i: Vec<usize>| -> Arc<dyn Block> {
            Arc::new(ConvBlock {
                width: self.width[i[0]],
                kernel: self.kernel[i[1]],
                stride: self.stride[i[2]],
                groups: self.groups[i[3]],
                structure: Structure {
                    taps: self.taps[i[4]],
                    seen: self.seen[i[5]],
                    circulant: self.circulant[i[6]],
                },
                activation: activation[i[7]],
            })
        };
        Ok(combinations(&lengths)?.into_iter().map(block).collect())
    }
}

impl ConvBlock {
    fn layer(&self) -> Conv {
        Conv {
            structure: self.structure,
            ..conv(self.width, self.kernel, self.stride, self.groups)
        }
    }
}

impl Block for ConvBlock {
    fn label(&self) -> String {
        Label::new("conv")
            .knob("width", self.width)
            .knob("kernel", self.kernel)
            .unless(Pair::both(1), "stride", self.stride)
            .unless(1, "groups", self.groups)
            .unless(Taps::Square, "taps", self.structure.taps)
            .unless(Seen::ALL, "seen", self.structure.seen)
            .unless(1, "circulant", self.structure.circulant)
            .activations(self.activation, self.activation)
            .finish()
    }

    fn expand(&self, graph: &mut LayerGraph, input: NodeId, name: &str) -> Result<NodeId, Error> {
        let x = conv_norm(graph, input, &format!("{name}.conv"), self.layer())?;
        self.activation.expand(graph, x, &format!("{name}.act"))
    }

    fn check_input(&self, channels: usize) -> Result<(), String> {
        self.layer().check_channels(channels)
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
