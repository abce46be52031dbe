//! Objectives: the figures of a trial that a search optimises.

use serde::{Deserialize, Serialize};

use crate::{Outcome, Trial};

/// A figure of a completed trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Objective {
    /// Validation accuracy, 0 to 1; more is better.
    Accuracy,
    /// Predicted latency in milliseconds; less is better.
    LatencyMs,
    /// Multiplicative depth in levels; less is better.
    Depth,
}

impl Objective {
    /// Every objective.
    pub const ALL: [Self; 3] = [Self::Accuracy, Self::LatencyMs, Self::Depth];

    /// Its name in experiments.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::LatencyMs => "latency_ms",
            Self::Depth => "depth",
        }
    }

    /// Whether more is better.
    pub fn maximised(self) -> bool {
        match self {
            Self::Accuracy => true,
            Self::LatencyMs | Self::Depth => false,
        }
    }

    /// Its value in a completed trial; none in others.
    pub fn value(self, trial: &Trial) -> Option<f64> {
        let Outcome::Complete { accuracy } = trial.outcome else {
            return None;
        };
        let cost = trial.cost.as_ref()?;
        Some(match self {
            Self::Accuracy => accuracy,
            Self::LatencyMs => cost.latency_ms,
            Self::Depth => cost.depth as f64,
        })
    }

    /// Its value turned so that less is better.
    pub fn loss(self, trial: &Trial) -> Option<f64> {
        let sign = if self.maximised() { -1.0 } else { 1.0 };
        self.value(trial).map(|value| sign * value)
    }
}
