//! The found network against the baseline of a search: what is compared, and how it is said.

use hemet_reports::number;
use hemet_search::study::Baseline;
use hemet_search::{Outcome, Trial};
use serde::{Deserialize, Serialize};

use crate::common;
use crate::run::folder::{Best, Summary};

/// What the chosen network gains on the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgainstBaseline {
    /// By how many percent of the baseline's its measured latency is lower; negative where it is higher.
    pub latency_percent_lower: f64,
    /// Percentage points of accuracy on the encrypted test images.
    pub accuracy_points: f64,
    /// Percentage points of accuracy on the validation images.
    pub validation_points: f64,
}

impl AgainstBaseline {
    /// Of the chosen network against the baseline.
    pub fn of(chosen: &Best, baseline: &Best) -> Self {
        let latency = chosen.measured_latency_ms / baseline.measured_latency_ms;
        Self {
            latency_percent_lower: 100.0 * (1.0 - latency),
            accuracy_points: 100.0 * (chosen.encrypted_accuracy - baseline.encrypted_accuracy),
            validation_points: 100.0 * (chosen.validation_accuracy - baseline.validation_accuracy),
        }
    }
}

/// Why a baseline has nothing to be compared by; none where it was trained.
pub fn untrained(baseline: Baseline, trials: &[Trial]) -> Option<String> {
    let trial = baseline.trial(trials)?;
    let (how, reason) = match &trial.outcome {
        Outcome::Complete { .. } => return None,
        Outcome::Infeasible { reason } => ("is infeasible", reason),
        Outcome::Failed { reason } => ("failed", reason),
    };
    let (number, name) = (trial.number, baseline.name());
    Some(format!(
        "the baseline (trial {number}, {name}) {how}, nothing is compared with it: {reason}"
    ))
}

/// The comparison in a line; none without a baseline that was measured.
pub fn compared(baseline: Option<Baseline>, summary: &Summary) -> Option<String> {
    let (chosen, reference) = (&summary.best, summary.baseline.as_ref()?);
    let gain = summary.against_baseline?;
    let name = format!("trial {}, {}", reference.trial, baseline?.name());
    if reference.trial == chosen.trial {
        return Some(format!("the chosen network is the baseline ({name})"));
    }
    let (percent, how) = match gain.latency_percent_lower {
        lower if lower < 0.0 => (-lower, "higher"),
        lower => (lower, "lower"),
    };
    Some(format!(
        "against the baseline ({name}): latency {percent:.1} % {how} ({} against {} ms measured), accuracy {:+.2} points ({} against {} \
         of {} encrypted test images)",
        number::milliseconds(chosen.measured_latency_ms),
        number::milliseconds(reference.measured_latency_ms),
        gain.accuracy_points,
        number::percent(chosen.encrypted_accuracy),
        common::percent(reference.encrypted_accuracy),
        chosen.encrypted_images
    ))
}
