//! `regularized_evolution`: tournament, mutation, and death by age.
//!
//! E. Real, A. Aggarwal, Y. Huang, Q. V. Le, Regularized Evolution for Image Classifier Architecture Search, AAAI 2019:
//! the population is the youngest trials; the most accurate of a random sample of them becomes the parent of the next,
//! which differs in one gene. Infeasible and failed trials have no place in it.

use hemet_spaces::Architecture;
use rand::seq::SliceRandom;

use super::evolution::{breed, mutate};
use super::random::untried;
use super::{Context, Strategy};
use crate::Seed;

/// Completed trials that live.
const POPULATION: usize = 24;
/// Of which so many compete to be the parent.
const SAMPLE: usize = 6;

pub(super) struct RegularizedEvolution;

impl Strategy for RegularizedEvolution {
    fn name(&self) -> &'static str {
        "regularized_evolution"
    }

    fn about(&self) -> &'static str {
        "children of the most accurate of a sample of the youngest trials, one gene changed (Real et al. 2019)"
    }

    fn propose(&self, context: &Context<'_>, seed: Seed) -> Option<Architecture> {
        let living: Vec<(&Architecture, f64)> = context
            .history
            .iter()
            .rev()
            .filter_map(|t| Some((&t.architecture, t.outcome.accuracy()?)))
            .take(POPULATION)
            .collect();
        let drawn_evenly = context.history.len() < POPULATION && living.len() < POPULATION;
        if living.is_empty() || drawn_evenly {
            return untried(context, seed);
        }
        breed(context, seed, |rng| {
            let mut sample = living.clone();
            sample.shuffle(rng);
            sample.truncate(SAMPLE);
            let parent = sample.into_iter().max_by(|a, b| a.1.total_cmp(&b.1))?.0;
            mutate(context.space, parent, rng)
        })
    }
}
