//! Residual block (He et al. 2016, "Deep residual learning", section 3): two convolutions, the input added, activation.
//! Two linear maps and two activations after merging.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::conv::{is_one, one, three};
use super::label::Label;
use super::list::combinations;
use super::structured::{check_groups, check_taps};
use super::{Activation, Block, List, Options, Pair, Role, conv, conv_norm};
use crate::layer::{Conv, Seen, Structure, Taps};
use crate::{Error, Layer, LayerGraph, NodeId};

/// A ResNet basic block; where shapes differ, the shortcut is a strided 1x1 convolution with its norm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Residual {
    /// Output channels.
    pub width: usize,
    /// Side of both kernels, odd.
    pub kernel: usize,
    /// Step of the first convolution.
    pub stride: usize,
    /// Groups of channels that neither of the two convolutions joins.
    pub groups: usize,
    /// Which entries of both exist within a group.
    pub structure: Structure,
    /// What follows the sum.
    pub activation: Activation,
    /// What follows the first convolution.
    pub inner_activation: Activation,
}

/// The knobs of [`Residual`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResidualOptions {
    /// Output channels.
    #[schemars(schema_with = "super::list::whole::<1>")]
    pub width: List<usize>,
    /// Sides of both kernels, odd; 3 where not given.
    #[serde(default = "three")]
    #[schemars(schema_with = "super::list::whole::<1>")]
    pub kernel: List<usize>,
    /// Strides; 1 where not given.
    #[serde(default = "one")]
    #[schemars(schema_with = "super::list::whole::<1>")]
    pub stride: List<usize>,
    /// Groups of channels that neither of the two convolutions joins, dividing the channels of input and output; 1
    /// where not given.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[schemars(schema_with = "super::list::whole::<1>")]
    pub groups: List<usize>,
    /// Places of both kernels that exist: all, or those of the middle row and column; square where not given.
    #[serde(
        default = "super::structured::square",
        skip_serializing_if = "super::structured::is_square"
    )]
    pub taps: List<Taps>,
    /// Shares of the channels that each output channel of both reads, a cyclic band of offsets; 1 where not given.
    #[serde(
        default = "super::structured::all",
        skip_serializing_if = "super::structured::is_all"
    )]
    pub seen: List<Seen>,
    /// Activations; the space's where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<List<Activation>>,
    /// Activations after the first convolution; the same as `activation` where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inner_activation: Option<List<Activation>>,
}

impl Options for ResidualOptions {
    fn blocks(&self, activation: &List<Activation>) -> Result<Vec<Arc<dyn Block>>, String> {
        let activation = self.activation.as_ref().unwrap_or(activation);
        let inner = self.inner_activation.as_ref();
        if let Some(even) = self.kernel.iter().find(|kernel| *kernel % 2 == 0) {
            return Err(format!(
                "`kernel` must be odd so that the sum's shapes agree, {even} given"
            ));
        }
        check_groups(&self.groups, &self.width)?;
        let kernels: Vec<Pair> = self.kernel.iter().map(|side| Pair::both(*side)).collect();
        check_taps(&self.taps, &kernels)?;
        let lengths = [
            self.width.len(),
            self.kernel.len(),
            self.stride.len(),
            self.groups.len(),
            self.taps.len(),
            self.seen.len(),
            activation.len(),
            inner.map_or(1, |list| list.len()),
        ];
        let block = |i: Vec<usize>| -> Arc<dyn Block> {
            Arc::new(Residual {
                width: self.width[i[0]],
                kernel: self.kernel[i[1]],
                stride: self.stride[i[2]],
                groups: self.groups[i[3]],
                structure: Structure {
                    taps: self.taps[i[4]],
                    seen: self.seen[i[5]],
                    circulant: 1,
                },
                activation: activation[i[6]],
                inner_activation: inner.map_or(activation[i[6]], |list| list[i[7]]),
            })
        };
        Ok(combinations(&lengths)?.into_iter().map(block).collect())
    }
}

impl Residual {
    /// One of its two convolutions.
    fn layer(&self, stride: usize) -> Conv {
        Conv {
            structure: self.structure,
            ..conv(self.width, self.kernel, stride, self.groups)
        }
    }
}

impl Block for Residual {
    fn label(&self) -> String {
        Label::new("residual")
            .knob("width", self.width)
            .unless(3, "kernel", self.kernel)
            .unless(1, "stride", self.stride)
            .unless(1, "groups", self.groups)
            .unless(Taps::Square, "taps", self.structure.taps)
            .unless(Seen::ALL, "seen", self.structure.seen)
            .activations(self.activation, self.inner_activation)
            .finish()
    }

    fn expand(&self, graph: &mut LayerGraph, input: NodeId, name: &str) -> Result<NodeId, Error> {
        let first = self.layer(self.stride);
        let x = conv_norm(graph, input, &format!("{name}.conv1"), first)?;
        let x = self
            .inner_activation
            .expand(graph, x, &format!("{name}.conv1.act"))?;
        let x = conv_norm(graph, x, &format!("{name}.conv2"), self.layer(1))?;
        let shortcut = match graph.node(x).shape == graph.node(input).shape {
            true => input,
            false => {
                let project = conv(self.width, 1, self.stride, 1);
                conv_norm(graph, input, &format!("{name}.shortcut"), project)?
            }
        };
        let x = graph.add(format!("{name}.add"), Layer::Add, &[shortcut, x])?;
        self.activation.expand(graph, x, &format!("{name}.act"))
    }

    fn check_input(&self, channels: usize) -> Result<(), String> {
        self.layer(self.stride).check_channels(channels)?;
        self.layer(1).check_channels(self.width)
    }

    fn out_channels(&self) -> Option<usize> {
        Some(self.width)
    }

    fn stride(&self) -> [usize; 2] {
        [self.stride; 2]
    }

    fn role(&self) -> Role {
        Role::Mobile
    }
}
