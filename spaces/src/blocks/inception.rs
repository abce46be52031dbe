//! Inception-like block (Szegedy et al. 2015, "Going deeper with convolutions", section 4): 1x1, 3x3, 5x5 and pool
//! branches on one input, concatenated, then one activation.
//!
//! Without `reduce` all branches merge into one linear map: two levels in all with a quadratic. With `reduce`, 1x1
//! convolutions and the inner activation come before the 3x3 and 5x5 branches.
//! The pool branch is the pool of a strided block (as in the grid reduction of Inception v2): at stride 1 an
//! average pool followed by a convolution would only be a constrained 3x3 branch.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::conv::one;
use super::label::Label;
use super::list::combinations;
use super::{Activation, Block, List, Options, Role, conv, conv_norm};
use crate::layer::AveragePool;
use crate::{Error, Layer, LayerGraph, NodeId};

/// An Inception-like block; a branch of 0 channels is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inception {
    /// Channels of the 1x1 branch.
    pub conv1: usize,
    /// Channels of the 3x3 branch.
    pub conv3: usize,
    /// Channels of the 5x5 branch.
    pub conv5: usize,
    /// Channels of the branch that pools, then convolves 1x1; needs a stride of at least 2.
    pub pool: usize,
    /// Channels of the 1x1 convolutions before the 3x3 and 5x5 branches; 0 for none.
    pub reduce: usize,
    /// Step in both directions.
    pub stride: usize,
    /// What follows the concatenation.
    pub activation: Activation,
    /// What follows the 1x1 convolutions of `reduce`.
    pub inner_activation: Activation,
}

/// The knobs of [`Inception`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InceptionOptions {
    /// Channels of the 1x1 branch.
    #[schemars(schema_with = "super::list::whole::<0>")]
    pub conv1: List<usize>,
    /// Channels of the 3x3 branch.
    #[schemars(schema_with = "super::list::whole::<0>")]
    pub conv3: List<usize>,
    /// Channels of the 5x5 branch; none where not given.
    #[serde(default = "zero")]
    #[schemars(schema_with = "super::list::whole::<0>")]
    pub conv5: List<usize>,
    /// Channels of the pool branch; none where not given.
    #[serde(default = "zero")]
    #[schemars(schema_with = "super::list::whole::<0>")]
    pub pool: List<usize>,
    /// Channels of the 1x1 convolutions before the 3x3 and 5x5 branches; none where not given.
    #[serde(default = "zero")]
    #[schemars(schema_with = "super::list::whole::<0>")]
    pub reduce: List<usize>,
    /// Strides; 1 where not given.
    #[serde(default = "one")]
    #[schemars(schema_with = "super::list::whole::<1>")]
    pub stride: List<usize>,
    /// Activations; the space's where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<List<Activation>>,
    /// Activations after `reduce`; the same as `activation` where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inner_activation: Option<List<Activation>>,
}

fn zero() -> List<usize> {
    List::one(0)
}

impl Options for InceptionOptions {
    fn blocks(&self, activation: &List<Activation>) -> Result<Vec<Arc<dyn Block>>, String> {
        let activation = self.activation.as_ref().unwrap_or(activation);
        let inner = self.inner_activation.as_ref();
        if inner.is_some() && self.reduce.iter().all(|reduce| *reduce == 0) {
            return Err("`inner_activation` needs a `reduce` of at least 1".into());
        }
        let lengths = [
            self.conv1.len(),
            self.conv3.len(),
            self.conv5.len(),
            self.pool.len(),
            self.reduce.len(),
            self.stride.len(),
            activation.len(),
            inner.map_or(1, |list| list.len()),
        ];
        let mut blocks: Vec<Arc<dyn Block>> = Vec::new();
        for i in combinations(&lengths)? {
            let block = Inception {
                conv1: self.conv1[i[0]],
                conv3: self.conv3[i[1]],
                conv5: self.conv5[i[2]],
                pool: self.pool[i[3]],
                reduce: self.reduce[i[4]],
                stride: self.stride[i[5]],
                activation: activation[i[6]],
                inner_activation: inner.map_or(activation[i[6]], |list| list[i[7]]),
            };
            // Without `reduce` the inner activation has no place: keep the combination once.
            if block.reduce > 0 || i[7] == 0 {
                block.check()?;
                blocks.push(Arc::new(block.normal()));
            }
        }
        Ok(blocks)
    }
}

impl Inception {
    fn check(&self) -> Result<(), String> {
        if self.out_channels().is_none_or(|channels| channels == 0) {
            return Err(
                "an inception block needs a branch (conv1, conv3, conv5 or pool) with channels"
                    .into(),
            );
        }
        if self.pool > 0 && self.stride == 1 {
            return Err(
                "the pool branch needs a stride of at least 2; set `pool` to 0 or `stride` to 2"
                    .into(),
            );
        }
        Ok(())
    }

    fn normal(mut self) -> Self {
        if self.reduce == 0 {
            self.inner_activation = self.activation;
        }
        self
    }

    fn branch(
        &self,
        graph: &mut LayerGraph,
        input: NodeId,
        name: &str,
        (channels, kernel): (usize, usize),
    ) -> Result<NodeId, Error> {
        let mut x = input;
        if self.reduce > 0 && kernel > 1 {
            let reduce = conv(self.reduce, 1, 1, 1);
            x = conv_norm(graph, x, &format!("{name}.reduce{kernel}"), reduce)?;
            let act = format!("{name}.reduce{kernel}.act");
            x = self.inner_activation.expand(graph, x, &act)?;
        }
        let layer = conv(channels, kernel, self.stride, 1);
        conv_norm(graph, x, &format!("{name}.conv{kernel}"), layer)
    }

    fn pool_branch(
        &self,
        graph: &mut LayerGraph,
        input: NodeId,
        name: &str,
    ) -> Result<NodeId, Error> {
        // `<name>.pool` is the pooling after the block.
        let pool = Layer::AveragePool(AveragePool::square(self.stride, self.stride));
        let x = graph.add(format!("{name}.average"), pool, &[input])?;
        let layer = conv(self.pool, 1, 1, 1);
        conv_norm(graph, x, &format!("{name}.average.conv"), layer)
    }
}

impl Block for Inception {
    fn label(&self) -> String {
        Label::new("inception")
            .knob("conv1", self.conv1)
            .knob("conv3", self.conv3)
            .unless(0, "conv5", self.conv5)
            .unless(0, "pool", self.pool)
            .unless(0, "reduce", self.reduce)
            .unless(1, "stride", self.stride)
            .activations(self.activation, self.inner_activation)
            .finish()
    }

    fn expand(&self, graph: &mut LayerGraph, input: NodeId, name: &str) -> Result<NodeId, Error> {
        let mut branches = Vec::new();
        for branch in [(self.conv1, 1), (self.conv3, 3), (self.conv5, 5)] {
            if branch.0 > 0 {
                branches.push(self.branch(graph, input, name, branch)?);
            }
        }
        if self.pool > 0 {
            branches.push(self.pool_branch(graph, input, name)?);
        }
        let x = match branches.as_slice() {
            [one] => *one,
            several => graph.add(format!("{name}.concat"), Layer::Concat, several)?,
        };
        self.activation.expand(graph, x, &format!("{name}.act"))
    }

    fn out_channels(&self) -> Option<usize> {
        [self.conv1, self.conv3, self.conv5, self.pool]
            .iter()
            .try_fold(0usize, |sum, channels| sum.checked_add(*channels))
    }

    fn stride(&self) -> [usize; 2] {
        [self.stride; 2]
    }

    fn role(&self) -> Role {
        Role::Mobile
    }
}
