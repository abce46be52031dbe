//! Inverted residual with linear bottleneck (Sandler et al. 2018, "MobileNetV2", section 3): 1x1 expansion, depthwise
//! convolution, linear 1x1 projection, and the input added where shapes agree.
//!
//! The projection has no activation, so it merges with the linear map that follows:
//! two activations in all, one where `inner_activation` is `linear` or `expansion` is 1.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::conv::{one, three};
use super::label::Label;
use super::list::combinations;
use super::{Activation, Block, List, Options, Role, conv, conv_norm};
use crate::{Error, Layer, LayerGraph, NodeId};

/// A MobileNetV2 block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvertedResidual {
    /// Output channels.
    pub width: usize,
    /// The depthwise convolution has `expansion` times the input's channels; at 1 the first 1x1 convolution is left
    /// out.
    pub expansion: usize,
    /// Side of the depthwise kernel.
    pub kernel: usize,
    /// Step of the depthwise convolution.
    pub stride: usize,
    /// What follows the depthwise convolution.
    pub activation: Activation,
    /// What follows the expansion.
    pub inner_activation: Activation,
}

/// The knobs of [`InvertedResidual`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InvertedResidualOptions {
    /// Output channels.
    #[schemars(schema_with = "super::list::whole::<1>")]
    pub width: List<usize>,
    /// Factors by which channels grow inside.
    #[schemars(schema_with = "super::list::whole::<1>")]
    pub expansion: List<usize>,
    /// Sides of the depthwise kernel; 3 where not given.
    #[serde(default = "three")]
    #[schemars(schema_with = "super::list::whole::<1>")]
    pub kernel: List<usize>,
    /// Strides; 1 where not given.
    #[serde(default = "one")]
    #[schemars(schema_with = "super::list::whole::<1>")]
    pub stride: List<usize>,
    /// Activations; the space's where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<List<Activation>>,
    /// Activations after the expansion; the same as `activation` where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inner_activation: Option<List<Activation>>,
}

impl Options for InvertedResidualOptions {
    fn blocks(&self, activation: &List<Activation>) -> Result<Vec<Arc<dyn Block>>, String> {
        let activation = self.activation.as_ref().unwrap_or(activation);
        let inner = self.inner_activation.as_ref();
        let lengths = [
            self.width.len(),
            self.expansion.len(),
            self.kernel.len(),
            self.stride.len(),
            activation.len(),
            inner.map_or(1, |list| list.len()),
        ];
        let mut blocks: Vec<Arc<dyn Block>> = Vec::new();
        for i in combinations(&lengths)? {
            let (expansion, last) = (self.expansion[i[1]], activation[i[4]]);
            // At expansion 1 the inner activation has no place: keep the combination once.
            if expansion == 1 && i[5] > 0 {
                continue;
            }
            let inner = inner
                .filter(|_| expansion > 1)
                .map_or(last, |list| list[i[5]]);
            blocks.push(Arc::new(InvertedResidual {
                width: self.width[i[0]],
                expansion,
                kernel: self.kernel[i[2]],
                stride: self.stride[i[3]],
                activation: last,
                inner_activation: inner,
            }));
        }
        Ok(blocks)
    }
}

impl Block for InvertedResidual {
    fn label(&self) -> String {
        Label::new("inverted_residual")
            .knob("width", self.width)
            .knob("expansion", self.expansion)
            .unless(3, "kernel", self.kernel)
            .unless(1, "stride", self.stride)
            .activations(self.activation, self.inner_activation)
            .finish()
    }

    fn expand(&self, graph: &mut LayerGraph, input: NodeId, name: &str) -> Result<NodeId, Error> {
        let mut x = input;
        let channels = graph.node(input).shape.channels;
        let hidden = channels.saturating_mul(self.expansion);
        if self.expansion > 1 {
            x = conv_norm(graph, x, &format!("{name}.expand"), conv(hidden, 1, 1, 1))?;
            let act = format!("{name}.expand.act");
            x = self.inner_activation.expand(graph, x, &act)?;
        }
        let depthwise = conv(hidden, self.kernel, self.stride, hidden);
        x = conv_norm(graph, x, &format!("{name}.depthwise"), depthwise)?;
        x = self
            .activation
            .expand(graph, x, &format!("{name}.depthwise.act"))?;
        let project = conv(self.width, 1, 1, 1);
        x = conv_norm(graph, x, &format!("{name}.project"), project)?;
        match graph.node(x).shape == graph.node(input).shape {
            true => graph.add(format!("{name}.add"), Layer::Add, &[input, x]),
            false => Ok(x),
        }
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
