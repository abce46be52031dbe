//! Fully connected layer over the whole input: dense, norm, activation.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::conv::{is_one, one};
use super::label::Label;
use super::list::combinations;
use super::{Activation, Block, List, Options, Role};
use crate::layer::{Affine, Dense, check_circulant};
use crate::{Error, Layer, LayerGraph, NodeId};

/// A dense layer, whose output has shape `[width][1][1]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DenseBlock {
    /// Outputs.
    pub width: usize,
    /// Side of the blocks of channels whose weights are circulant.
    pub circulant: usize,
    /// What follows the norm.
    pub activation: Activation,
}

/// The knobs of [`DenseBlock`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DenseOptions {
    /// Outputs.
    #[schemars(schema_with = "super::list::whole::<1>")]
    pub width: List<usize>,
    /// Sides of the blocks of channels whose weights are circulant, powers of two that divide the channels of input and
    /// output; 1 where not given.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[schemars(schema_with = "super::list::whole::<1>")]
    pub circulant: List<usize>,
    /// Activations; the space's where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<List<Activation>>,
}

impl Options for DenseOptions {
    fn blocks(&self, activation: &List<Activation>) -> Result<Vec<Arc<dyn Block>>, String> {
        let activation = self.activation.as_ref().unwrap_or(activation);
        let lengths = [self.width.len(), self.circulant.len(), activation.len()];
        let block = |i: Vec<usize>| -> Arc<dyn Block> {
            Arc::new(DenseBlock {
                width: self.width[i[0]],
                circulant: self.circulant[i[1]],
                activation: activation[i[2]],
            })
        };
        Ok(combinations(&lengths)?.into_iter().map(block).collect())
    }
}

impl Block for DenseBlock {
    fn label(&self) -> String {
        Label::new("dense")
            .knob("width", self.width)
            .unless(1, "circulant", self.circulant)
            .activations(self.activation, self.activation)
            .finish()
    }

    fn expand(&self, graph: &mut LayerGraph, input: NodeId, name: &str) -> Result<NodeId, Error> {
        let layer = Layer::Dense(Dense {
            out_features: self.width,
            bias: false,
            circulant: self.circulant,
        });
        let x = graph.add(format!("{name}.dense"), layer, &[input])?;
        let x = graph.add(format!("{name}.dense.norm"), Layer::Affine(Affine), &[x])?;
        self.activation.expand(graph, x, &format!("{name}.act"))
    }

    fn check_input(&self, channels: usize) -> Result<(), String> {
        check_circulant(self.circulant, channels, self.width)
    }

    fn out_channels(&self) -> Option<usize> {
        Some(self.width)
    }

    fn stride(&self) -> [usize; 2] {
        [1; 2]
    }

    fn role(&self) -> Role {
        Role::Neutral
    }
}
