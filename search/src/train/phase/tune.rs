//! Fine-tuning: goes on at a small learning rate that falls to 0, in all layers or in the last alone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::learn::fall;
use super::{Layers, Phase};

/// Fine-tuning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tune {
    /// Passes over the training images, at least 1.
    #[schemars(range(min = 1), extend("x-unit" = "epochs"))]
    pub epochs: usize,
    /// Greatest learning rate as a share of the first phase's, above 0 and at most 1.
    #[serde(default = "tenth")]
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0))]
    pub rate: f32,
    /// The layers whose parameters move.
    #[serde(default)]
    pub layers: Layers,
}

fn tenth() -> f32 {
    0.1
}

impl Phase for Tune {
    fn epochs(&self) -> usize {
        self.epochs
    }

    fn layers(&self) -> Layers {
        self.layers
    }

    fn rate(&self, progress: f32) -> f32 {
        self.rate * fall(progress, 1.0)
    }
}
