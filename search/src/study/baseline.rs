//! Baseline: a reference network of the space that a study tries before all others, so that what it finds can be
//! compared.

use hemet_spaces::{Architecture, Space};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Trial;

/// Which network of the space the others are compared with. It is trial [`Baseline::TRIAL`] whatever the strategy;
/// strategies know it as tried, so that it comes once. Successive halving never stops it: a first trial has no
/// rivals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Baseline {
    /// The network of mobile blocks, where HEMET's rule starts: [`Space::mobile`].
    Mobile,
}

impl Baseline {
    /// The number of its trial.
    pub const TRIAL: usize = 0;

    /// The network.
    pub fn architecture(self, space: &Space) -> Architecture {
        match self {
            Self::Mobile => space.mobile(),
        }
    }

    /// What it is, in a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mobile => "all-mobile",
        }
    }

    /// Its trial among those of a study; none where it has not ended yet.
    pub fn trial(self, trials: &[Trial]) -> Option<&Trial> {
        trials.get(Self::TRIAL)
    }
}
