//! The found network against the baseline of a search: what is compared, and how it is said.

use hemet_reports::number;
use hemet_search::study::Baseline;
use hemet_search::{Outcome, Trial};

use crate::run::accuracy::Gain;
use crate::run::summary::Summary;

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
        "against the baseline ({name}): latency {percent:.1} % {how} ({} against {} ms measured), {} {}: {} against {}, encrypted",
        number::milliseconds(chosen.measured_latency_ms),
        number::milliseconds(reference.measured_latency_ms),
        chosen.quality.name(),
        Gain::of(chosen.encrypted(), reference.encrypted()),
        chosen.encrypted(),
        reference.encrypted(),
    ))
}
