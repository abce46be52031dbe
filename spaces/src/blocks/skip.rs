//! The identity: a position left out.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Activation, Block, List, Options, Role};
use crate::{Error, LayerGraph, NodeId};

/// The identity; it adds no layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skip;

/// [`Skip`] has no knobs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SkipOptions {}

impl Options for SkipOptions {
    fn blocks(&self, _activation: &List<Activation>) -> Result<Vec<Arc<dyn Block>>, String> {
        Ok(vec![Arc::new(Skip)])
    }
}

impl Block for Skip {
    fn label(&self) -> String {
        "skip".into()
    }

    fn expand(&self, _graph: &mut LayerGraph, input: NodeId, _name: &str) -> Result<NodeId, Error> {
        Ok(input)
    }

    fn out_channels(&self) -> Option<usize> {
        None
    }

    fn stride(&self) -> [usize; 2] {
        [1; 2]
    }

    fn role(&self) -> Role {
        Role::Neutral
    }
}
