//! Trial: an architecture that a study tried, what it costs and how it ended; its line in the journal.

use hemet_spaces::{Architecture, Space};
use serde::{Deserialize, Serialize};

use crate::constraint::CostEstimate;

/// An architecture that was tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Number in the study, from 0.
    pub number: usize,
    /// What was tried.
    pub architecture: Architecture,
    /// What it costs; none where no estimate could be made.
    pub cost: Option<CostEstimate>,
    /// How it ended.
    pub outcome: Outcome,
    /// What its device part reveals, see [`Point::leak`]; none where nobody asked.
    pub leak: Option<f64>,
    /// Validation accuracy at each rung of successive halving that it reached.
    pub rungs: Vec<f64>,
    /// The epoch after which successive halving stopped it; its accuracy is the one that it had then.
    pub stopped_at: Option<usize>,
}

impl Trial {
    /// The word for how it ended: that of its outcome, or `stopped` where successive halving stopped its training.
    pub fn state(&self) -> &'static str {
        match self.is_stopped() {
            true => "stopped",
            false => self.outcome.name(),
        }
    }

    /// Whether successive halving stopped its training: its accuracy is that after fewer epochs than others had.
    pub fn is_stopped(&self) -> bool {
        self.stopped_at.is_some() && self.outcome.accuracy().is_some()
    }
}

/// How a trial ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Trained.
    Complete {
        /// Accuracy on the validation images, 0 to 1.
        accuracy: f64,
    },
    /// Not trained: it cannot be run, or exceeds a constraint.
    Infeasible {
        /// Which, with both numbers.
        reason: String,
    },
    /// The training failed, by divergence for example.
    Failed {
        /// How.
        reason: String,
    },
}

impl Outcome {
    /// Whether the trial was trained, or at least begun to be.
    pub fn was_trained(&self) -> bool {
        match self {
            Self::Complete { .. } | Self::Failed { .. } => true,
            Self::Infeasible { .. } => false,
        }
    }

    /// The word for it in tables and messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Complete { .. } => "complete",
            Self::Infeasible { .. } => "infeasible",
            Self::Failed { .. } => "failed",
        }
    }

    /// Why a trial was not trained, or how its training failed.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Complete { .. } => None,
            Self::Infeasible { reason } | Self::Failed { reason } => Some(reason),
        }
    }

    /// The accuracy of a completed trial.
    pub fn accuracy(&self) -> Option<f64> {
        match self {
            Self::Complete { accuracy } => Some(*accuracy),
            Self::Infeasible { .. } | Self::Failed { .. } => None,
        }
    }
}

/// The figures of a completed trial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Number of the trial.
    pub trial: usize,
    /// Validation accuracy, 0 to 1.
    pub accuracy: f64,
    /// Predicted latency in milliseconds.
    pub latency_ms: f64,
    /// Multiplicative depth in levels.
    pub depth: usize,
    /// Size of the evaluation keys in bytes.
    pub key_bytes: u64,
    /// Structural similarity that the strongest of the cheap attacks reaches from what the device part hands over,
    /// -1 to 1; 0 where nothing runs on the device, or nobody asked.
    pub leak: f64,
}

impl Point {
    /// The point of a completed trial; none for others, and none for figures that are not finite.
    pub fn of(trial: &Trial) -> Option<Self> {
        let (Outcome::Complete { accuracy }, Some(cost)) = (&trial.outcome, &trial.cost) else {
            return None;
        };
        let finite = accuracy.is_finite() && cost.latency_ms.is_finite();
        finite.then(|| Self {
            leak: trial.leak.unwrap_or(0.0),
            ..Self::with(trial.number, *accuracy, cost)
        })
    }

    /// The point of a trial with this number, accuracy and cost.
    pub(crate) fn with(trial: usize, accuracy: f64, cost: &CostEstimate) -> Self {
        Self {
            trial,
            accuracy,
            latency_ms: cost.latency_ms,
            depth: cost.depth,
            key_bytes: cost.key_bytes,
            leak: 0.0,
        }
    }
}

/// A line of the journal. Numbers have at most 6 decimals, which JSON carries to and fro unchanged.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    number: usize,
    architecture: String,
    outcome: OutcomeName,
    accuracy: Option<f64>,
    depth: Option<usize>,
    predicted_latency_ms: Option<f64>,
    log_n: Option<u32>,
    log_qp_bits: Option<f64>,
    evaluation_key_bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    leak: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rungs: Vec<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stopped_at_epoch: Option<usize>,
}

#[derive(Serialize, Deserialize)]
enum OutcomeName {
    Complete,
    Infeasible,
    Failed,
}

/// Rounded to 6 decimals, so that it is the same before and after the journal.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

impl CostEstimate {
    /// With its figures rounded as the journal holds them.
    pub(crate) fn rounded(self) -> Self {
        Self {
            latency_ms: rounded(self.latency_ms),
            log_qp_bits: rounded(self.log_qp_bits),
            ..self
        }
    }
}

impl Trial {
    /// The trial as a line of the journal, without the line break.
    pub fn to_json(&self) -> String {
        let (outcome, accuracy, reason) = match &self.outcome {
            Outcome::Complete { accuracy } => (OutcomeName::Complete, Some(*accuracy), None),
            Outcome::Infeasible { reason } => (OutcomeName::Infeasible, None, Some(reason)),
            Outcome::Failed { reason } => (OutcomeName::Failed, None, Some(reason)),
        };
        let cost = self.cost.as_ref();
        let line = Line {
            number: self.number,
            architecture: self.architecture.text(),
            outcome,
            accuracy,
            depth: cost.map(|c| c.depth),
            predicted_latency_ms: cost.map(|c| c.latency_ms),
            log_n: cost.map(|c| c.log_n),
            log_qp_bits: cost.map(|c| c.log_qp_bits),
            evaluation_key_bytes: cost.map(|c| c.key_bytes),
            leak: self.leak,
            reason: reason.cloned(),
            rungs: self.rungs.clone(),
            stopped_at_epoch: self.stopped_at,
        };
        serde_json::to_string(&line).expect("strings and numbers are always valid JSON")
    }

    /// Reads [`Self::to_json`] back, or says what is wrong.
    pub fn from_json(json: &str, space: &Space) -> Result<Self, String> {
        let line: Line = serde_json::from_str(json).map_err(|e| e.to_string())?;
        let architecture = space
            .parse(&line.architecture)
            .map_err(|error| error.to_string())?;
        let reason = line.reason.unwrap_or_default();
        let outcome = match line.outcome {
            OutcomeName::Complete => Outcome::Complete {
                accuracy: line.accuracy.ok_or("a complete trial without accuracy")?,
            },
            OutcomeName::Infeasible => Outcome::Infeasible { reason },
            OutcomeName::Failed => Outcome::Failed { reason },
        };
        let figures = (
            line.depth,
            line.predicted_latency_ms,
            line.log_n,
            line.log_qp_bits,
            line.evaluation_key_bytes,
        );
        let cost = match figures {
            (Some(depth), Some(latency_ms), Some(log_n), Some(log_qp_bits), Some(key_bytes)) => {
                Some(CostEstimate {
                    depth,
                    latency_ms,
                    log_n,
                    log_qp_bits,
                    key_bytes,
                })
            }
            (None, None, None, None, None) => None,
            _ => return Err("some of the cost figures are missing".into()),
        };
        if matches!(outcome, Outcome::Complete { .. }) && cost.is_none() {
            return Err("a complete trial without depth and latency".into());
        }
        Ok(Self {
            number: line.number,
            architecture,
            cost,
            outcome,
            leak: line.leak,
            rungs: line.rungs,
            stopped_at: line.stopped_at_epoch,
        })
    }
}
