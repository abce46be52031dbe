//! Fine-tuning: goes on at a small learning rate that falls to 0, in all layers or in the last alone.

use serde::{Deserialize, Serialize};

use super::learn::fall;
use super::{Layers, Phase};
use crate::Error;

/// Fine-tuning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tune {
    /// Passes over the training images, at least 1.
    pub epochs: usize,
    /// Greatest learning rate as a share of the first phase's, above 0 and at most 1.
    #[serde(default = "tenth")]
    pub rate: f32,
    /// The layers whose parameters move.
    #[serde(default)]
    pub layers: Layers,
}

fn tenth() -> f32 {
    0.1
}

impl Tune {
    /// Refuses values out of range.
    pub(super) fn check(&self) -> Result<(), Error> {
        let refuse = |option, found: String, allowed: &str| {
            Err(Error::Option {
                option,
                found,
                allowed: allowed.into(),
            })
        };
        if self.epochs == 0 {
            return refuse("phases: epochs", "0".into(), "at least 1");
        }
        if !(self.rate > 0.0 && self.rate <= 1.0) {
            let found = self.rate.to_string();
            return refuse("phases: rate", found, "above 0 and at most 1");
        }
        Ok(())
    }
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
