//! Strategies: which architecture to try next, given the trial table; the list of those that exist.
//!
//! A strategy keeps no state: what it proposes follows from the trials so far and a seed, so a study can be killed and
//! resumed at any point. To add one: a file here, its line in [`strategies`], and the suite in [`conformance`] passes.

pub mod benchmark;
pub mod conformance;
mod evolution;
mod exhaustive;
mod greedy;
mod nsga2;
mod random;
mod regularized_evolution;

use hemet_spaces::{Architecture, Space};

use crate::constraint::CostEstimate;
use crate::objective::Objectives;
use crate::{Error, Seed, Trial};

/// What a strategy sees.
pub struct Context<'a> {
    /// Where to search.
    pub space: &'a Space,
    /// The trials whose outcome may be used, in order of their numbers from 0.
    pub history: &'a [Trial],
    /// The architectures of the trials after those, whose outcome is not to be used yet.
    pub pending: &'a [Architecture],
    /// What the search optimizes.
    pub objectives: &'a Objectives,
    /// What an architecture costs, or why it is infeasible; known without training.
    pub cost: &'a dyn Fn(&Architecture) -> Result<CostEstimate, String>,
}

impl Context<'_> {
    /// Whether a trial of this architecture exists already.
    pub fn is_tried(&self, architecture: &Architecture) -> bool {
        self.pending.contains(architecture)
            || self.history.iter().any(|t| t.architecture == *architecture)
    }

    /// Number of trials so far: the number of the trial to propose.
    pub fn trials(&self) -> usize {
        self.history.len() + self.pending.len()
    }
}

/// A way to search.
pub trait Strategy: Sync {
    /// Its name in experiments.
    fn name(&self) -> &'static str;

    /// How it searches, with its source, in a line or two.
    fn about(&self) -> &'static str;

    /// The architecture to try next, in the space and not tried before; `None` when there is nothing more to try.
    /// `seed` differs from trial to trial.
    fn propose(&self, context: &Context<'_>, seed: Seed) -> Option<Architecture>;
}

/// Every strategy.
pub fn strategies() -> &'static [&'static dyn Strategy] {
    &[
        &random::Random,
        &greedy::Greedy,
        &exhaustive::Exhaustive,
        &regularized_evolution::RegularizedEvolution,
        &nsga2::Nsga2,
    ]
}

/// The strategy of this name, or which names exist.
///
/// # Errors
/// No strategy has this name.
pub fn strategy(name: &str) -> Result<&'static dyn Strategy, Error> {
    strategies()
        .iter()
        .copied()
        .find(|strategy| strategy.name() == name)
        .ok_or_else(|| Error::Unknown {
            kind: "strategy",
            name: name.to_owned(),
            known: strategies()
                .iter()
                .map(|s| s.name())
                .collect::<Vec<_>>()
                .join(", "),
        })
}
