//! Why a search has nothing to choose from: the commonest reason with its numbers, and how near the networks came.

use std::collections::BTreeMap;

use hemet_search::Trial;
use hemet_search::constraint::Constraints;

use crate::run::counts::Counts;

/// What a person must know of trials of which none was trained to the end.
pub fn nothing_trained(trials: &[Trial], constraints: &Constraints) -> String {
    let counts = Counts::of(trials);
    let mut told = format!(
        "of {} networks none was trained to the end: {} infeasible, {} failed, {} stopped early",
        trials.len(),
        counts.infeasible,
        counts.failed,
        counts.stopped
    );
    if let Some((reason, count)) = commonest(trials) {
        told += &format!("; the commonest reason, of {count}, is the like of: {reason}");
    }
    let costs = || trials.iter().filter_map(|trial| trial.cost.as_ref());
    let fastest = costs().map(|cost| cost.latency_ms).reduce(f64::min);
    if let (Some(fastest), Some(limit)) = (fastest, constraints.max_latency_ms) {
        let ms = hemet_reports::number::milliseconds;
        told += &format!(
            "; the fastest is predicted at {} ms, max_latency_ms is {limit}",
            ms(fastest)
        );
    }
    let least = costs().map(|cost| cost.depth).min();
    if let (Some(least), Some(limit)) = (least, constraints.max_depth) {
        told += &format!("; the least depth is {least}, max_depth is {limit}");
    }
    told + "; loosen the constraints or mend the training, and search again: the same folder is taken over"
}

/// The commonest reason, as it is of the first trial that has it, and how many have it but for its numbers.
fn commonest(trials: &[Trial]) -> Option<(&str, usize)> {
    let mut counts: BTreeMap<String, (&str, usize)> = BTreeMap::new();
    for reason in trials.iter().filter_map(|trial| trial.outcome.reason()) {
        let kind: String = reason.chars().filter(|c| !c.is_ascii_digit()).collect();
        counts.entry(kind).or_insert((reason, 0)).1 += 1;
    }
    counts.into_values().max_by_key(|(_, count)| *count)
}

#[cfg(test)]
mod tests {
    use hemet_search::Outcome;
    use hemet_search::constraint::CostEstimate;
    use hemet_spaces::Architecture;

    use super::*;

    #[test]
    fn the_commonest_reason_is_told_with_its_numbers_and_what_was_nearest() {
        let trial = |number: usize, latency_ms: f64, reason: &str| Trial {
            leak: None,
            number,
            architecture: Architecture { genes: vec![] },
            cost: Some(CostEstimate {
                depth: 3 + number,
                latency_ms,
                log_n: 13,
                log_qp_bits: 200.0,
                key_bytes: 1,
            }),
            outcome: Outcome::Infeasible {
                reason: reason.into(),
            },
            rungs: vec![],
            stopped_at: None,
        };
        let trials = [
            trial(0, 40.0, "too deep"),
            trial(1, 21.7, "latency 21.7 exceeds 0.001"),
            trial(2, 30.0, "latency 30.0 exceeds 0.001"),
        ];
        let limits = Constraints {
            max_latency_ms: Some(0.001),
            max_depth: Some(2),
            ..Constraints::default()
        };
        let told = nothing_trained(&trials, &limits);
        for what in [
            "of 3 networks none",
            "3 infeasible",
            "of 2, is the like of: latency 21.7 exceeds 0.001",
            "the fastest is predicted at 21.7 ms, max_latency_ms is 0.001",
            "the least depth is 3, max_depth is 2",
        ] {
            assert!(told.contains(what), "{what}: {told}");
        }
    }
}
