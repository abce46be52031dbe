//! Which trial comes next: depends on numbers and outcomes alone, never on time or threads.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use hemet_spaces::Architecture;

use super::{Baseline, Study, StudyOptions};
use crate::Trial;
use crate::constraint::CostEstimate;
use crate::strategy::Context;

/// How many outcomes trial `number` may be proposed from.
pub(super) fn known(number: usize, lag: usize) -> usize {
    (number + 1).saturating_sub(lag)
}

/// The architecture of the trial after those of `earlier`, of which `history` may be used with outcomes.
pub(super) fn propose(
    study: &Study<'_>,
    options: &StudyOptions,
    costs: &Costs<'_>,
    history: &[Trial],
    earlier: &[Architecture],
) -> Option<Architecture> {
    if let (Some(baseline), true) = (options.baseline, earlier.len() == Baseline::TRIAL) {
        return Some(baseline.architecture(study.space));
    }
    let context = Context {
        space: study.space,
        history,
        pending: &earlier[history.len()..],
        objectives: study.objectives,
        cost: &|architecture| costs.feasible(architecture),
    };
    let proposal = study
        .strategy
        .propose(&context, options.seed.proposal(earlier.len()));
    proposal.filter(|architecture| study.space.contains(architecture))
}

/// What an architecture costs, or why there is no telling.
type Cost = Result<CostEstimate, String>;

/// The costs of architectures, each estimated once.
pub(super) struct Costs<'a> {
    study: &'a Study<'a>,
    known: Mutex<HashMap<Architecture, Cost>>,
}

impl<'a> Costs<'a> {
    pub fn new(study: &'a Study<'a>) -> Self {
        Self {
            study,
            known: Mutex::new(HashMap::new()),
        }
    }

    /// The cost as the journal holds it, whatever the constraints say.
    pub fn estimate(&self, architecture: &Architecture) -> Cost {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cost) = known().get(architecture) {
            return cost.clone();
        }
        let cost = self
            .study
            .space
            .graph(architecture)
            .map_err(|error| error.to_string())
            .and_then(|graph| {
                let placement = self.study.space.placement(architecture);
                self.study.cost.estimate_at(placement, &graph)
            })
            .map(CostEstimate::rounded)
            .and_then(|cost| match cost.latency_ms.is_finite() {
                true => Ok(cost),
                false => Err(format!("its predicted latency is {} ms", cost.latency_ms)),
            });
        known().insert(architecture.clone(), cost.clone());
        cost
    }

    /// The cost of a feasible architecture, or the reason why it is none.
    pub fn feasible(&self, architecture: &Architecture) -> Cost {
        let cost = self.estimate(architecture)?;
        self.study.constraints.check(&cost)?;
        Ok(cost)
    }
}
