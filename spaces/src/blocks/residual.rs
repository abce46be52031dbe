//! Residual block (He et al. 2016, "Deep residual learning", section 3): two convolutions, the input added, activation.
//! Two linear maps and two activations after merging.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::conv::{one, three};
use super::label::Label;
use super::list::combinations;
use super::{Activation, Block, List, Options, Role, conv, conv_norm};
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
        let lengths = [
            self.width.len(),
            self.kernel.len(),
            self.stride.len(),
            activation.len(),
            inner.map_or(1, |list| list.len()),
        ];
        let block = |i: Vec<usize>| -> Arc<dyn Block> {
            Arc::new(Residual {
                width: self.width[i[0]],
                kernel: self.kernel[i[1]],
                stride: self.stride[i[2]],
                activation: activation[i[3]],
                inner_activation: inner.map_or(activation[i[3]], |list| list[i[4]]),
            })
        };
        Ok(combinations(&lengths)?.into_iter().map(block).collect())
    }
}

impl Block for Residual {
    fn label(&self) -> String {
        Label::new("residual")
            .knob("width", self.width)
            .unless(3, "kernel", self.kernel)
            .unless(1, "stride", self.stride)
            .activations(self.activation, self.inner_activation)
            .finish()
    }

    fn expand(&self, graph: &mut LayerGraph, input: NodeId, name: &str) -> Result<NodeId, Error> {
        let first = conv(self.width, self.kernel, self.stride, 1);
        let x = conv_norm(graph, input, &format!("{name}.conv1"), first)?;
        let x = self
            .inner_activation
            .expand(graph, x, &format!("{name}.conv1.act"))?;
        let second = conv(self.width, self.kernel, 1, 1);
        let x = conv_norm(graph, x, &format!("{name}.conv2"), second)?;
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
