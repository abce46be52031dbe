//! Fire (Iandola et al. 2016, "SqueezeNet", section 3.2): a 1x1 squeeze, then 1x1 and 3x3 expansions side by side.
//!
//! The expansions are concatenated before their activation, which is the same function (the activation works channel
//! by channel) and lets a compiler merge both convolutions, their norms and the concatenation into one linear map:
//! two linear maps and two activations in all, one of each where `inner_activation` is `linear`.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::label::Label;
use super::list::combinations;
use super::{Activation, Block, List, Options, Role, conv, conv_norm};
use crate::{Error, Layer, LayerGraph, NodeId};

/// A Fire module with `2 · expand` output channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fire {
    /// Channels of the squeeze convolution.
    pub squeeze: usize,
    /// Channels of each of the two expansions.
    pub expand: usize,
    /// What follows the expansions.
    pub activation: Activation,
    /// What follows the squeeze.
    pub inner_activation: Activation,
}

/// The knobs of [`Fire`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FireOptions {
    /// Channels of the squeeze convolution.
    #[schemars(schema_with = "super::list::whole::<1>")]
    pub squeeze: List<usize>,
    /// Channels of each of the two expansions; the output has twice as many.
    #[schemars(schema_with = "super::list::whole::<1>")]
    pub expand: List<usize>,
    /// Activations; the space's where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<List<Activation>>,
    /// Activations after the squeeze; the same as `activation` where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inner_activation: Option<List<Activation>>,
}

impl Options for FireOptions {
    fn blocks(&self, activation: &List<Activation>) -> Result<Vec<Arc<dyn Block>>, String> {
        let activation = self.activation.as_ref().unwrap_or(activation);
        let inner = self.inner_activation.as_ref();
        let lengths = [
            self.squeeze.len(),
            self.expand.len(),
            activation.len(),
            inner.map_or(1, |list| list.len()),
        ];
        let block = |i: Vec<usize>| -> Arc<dyn Block> {
            Arc::new(Fire {
                squeeze: self.squeeze[i[0]],
                expand: self.expand[i[1]],
                activation: activation[i[2]],
                inner_activation: inner.map_or(activation[i[2]], |list| list[i[3]]),
            })
        };
        Ok(combinations(&lengths)?.into_iter().map(block).collect())
    }
}

impl Block for Fire {
    fn label(&self) -> String {
        Label::new("fire")
            .knob("squeeze", self.squeeze)
            .knob("expand", self.expand)
            .activations(self.activation, self.inner_activation)
            .finish()
    }

    fn expand(&self, graph: &mut LayerGraph, input: NodeId, name: &str) -> Result<NodeId, Error> {
        let squeeze = conv(self.squeeze, 1, 1, 1);
        let x = conv_norm(graph, input, &format!("{name}.squeeze"), squeeze)?;
        let x = self
            .inner_activation
            .expand(graph, x, &format!("{name}.squeeze.act"))?;
        let small = conv(self.expand, 1, 1, 1);
        let small = conv_norm(graph, x, &format!("{name}.expand1"), small)?;
        let large = conv(self.expand, 3, 1, 1);
        let large = conv_norm(graph, x, &format!("{name}.expand3"), large)?;
        let x = graph.add(format!("{name}.concat"), Layer::Concat, &[small, large])?;
        self.activation.expand(graph, x, &format!("{name}.act"))
    }

    fn out_channels(&self) -> Option<usize> {
        Some(self.expand.saturating_mul(2))
    }

    fn stride(&self) -> [usize; 2] {
        [1; 2]
    }

    fn role(&self) -> Role {
        Role::Mobile
    }
}
