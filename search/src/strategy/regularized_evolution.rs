//! `regularized_evolution`: tournament, mutation, and death by age.
//!
//! E. Real, A. Aggarwal, Y. Huang, Q. V. Le, Regularized Evolution for Image Classifier Architecture Search, AAAI
//! 2019: the population is the youngest trials; the best of a random sample of them becomes the parent of the next,
//! which differs in one gene. Infeasible and failed trials have no place in it. The best has the lowest non-dominated
//! rank in the population, in all objectives of the search: with accuracy alone that is the paper's tournament. On
//! the benchmark of [`super::benchmark`] (mean of 10 seeds) ranks reach 94.0 % of the bound; taking the most
//! accurate, or ranking within the sample and then by accuracy, 86.6 %.

use hemet_spaces::Architecture;
use rand::Rng;
use rand::seq::SliceRandom;

use super::evolution::{breed, fronts, mutate};
use super::random::untried;
use super::{Context, Strategy};
use crate::Seed;
use crate::objective::Objectives;
use crate::trial::Point;

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
        "children of the best of a sample of the youngest trials by non-dominated rank in the objectives, one gene changed (Real et al. 2019)"
    }

    fn propose(&self, context: &Context<'_>, seed: Seed) -> Option<Architecture> {
        let completed = context.history.iter().rev().filter_map(Point::of);
        let living: Vec<Point> = completed.take(POPULATION).collect();
        let drawn_evenly = context.history.len() < POPULATION && living.len() < POPULATION;
        if living.is_empty() || drawn_evenly {
            return untried(context, seed);
        }
        let ranked = ranked(living, context.objectives);
        breed(context, seed, |rng| {
            let parent = tournament(&ranked, rng)?;
            mutate(
                context.space,
                &context.history[parent.trial].architecture,
                rng,
            )
        })
    }
}

/// With the number of fronts that must go before a point stands in one.
fn ranked(living: Vec<Point>, objectives: &Objectives) -> Vec<(usize, Point)> {
    let fronts = fronts(living, objectives).enumerate();
    fronts
        .flat_map(|(rank, front)| front.into_iter().map(move |point| (rank, point)))
        .collect()
}

/// The one of the lowest rank in a sample; of equals the first drawn.
fn tournament(ranked: &[(usize, Point)], rng: &mut (impl Rng + ?Sized)) -> Option<Point> {
    let mut sample = ranked.to_vec();
    sample.shuffle(rng);
    sample.truncate(SAMPLE);
    let best = sample.into_iter().min_by_key(|(rank, _)| *rank)?;
    Some(best.1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::constraint::Constraints;
    use crate::strategy::benchmark;

    /// The trials that ever become parents in a population of equal accuracy, whose depth rises and whose latency
    /// falls from trial to trial.
    fn parents(objectives: &[&str]) -> BTreeSet<usize> {
        let point = |trial: usize| Point {
            leak: 0.0,
            trial,
            accuracy: 0.9,
            latency_ms: 100.0 - trial as f64,
            depth: trial,
            key_bytes: 1,
        };
        let objectives = Objectives::new(objectives, &Constraints::default()).expect("sound");
        let ranked = ranked((0..POPULATION).map(point).collect(), &objectives);
        let mut rng = Seed::new(5).rng();
        let parent = |_| tournament(&ranked, &mut rng).expect("a parent").trial;
        (0..2000).map(parent).collect()
    }

    #[test]
    fn the_tournament_follows_the_objectives_of_the_search() {
        // The worst five of all are never the best of six.
        let last = POPULATION - 1;
        let shallow = parents(&["accuracy", "depth"]);
        assert!(shallow.contains(&0) && shallow.iter().all(|trial| *trial <= last - 5));
        let fast = parents(&["accuracy", "latency"]);
        assert!(fast.contains(&last) && fast.iter().all(|trial| *trial >= 5));
        let both = parents(&["accuracy", "latency", "depth"]);
        assert_eq!(both, (0..POPULATION).collect(), "none dominates another");
    }

    #[test]
    fn with_accuracy_alone_it_is_the_most_accurate_of_a_sample() {
        let point = |trial: usize| Point {
            leak: 0.0,
            trial,
            accuracy: trial as f64 / 100.0,
            latency_ms: 1.0 + trial as f64,
            depth: 1,
            key_bytes: 1,
        };
        let living: Vec<Point> = (0..POPULATION).map(point).collect();
        let objectives = Objectives::new(&["accuracy"], &Constraints::default()).expect("sound");
        let ranked = ranked(living.clone(), &objectives);
        for seed in 0..20 {
            let found = tournament(&ranked, &mut Seed::new(seed).rng());
            let mut sample = ranked.clone();
            sample.shuffle(&mut Seed::new(seed).rng());
            let sample = sample[..SAMPLE].iter().map(|(_, point)| *point);
            let best = sample.max_by(|a, b| a.accuracy.total_cmp(&b.accuracy));
            assert_eq!(found, best);
        }
    }

    #[test]
    fn four_hundred_trials_of_sixteen_million_reach_92_percent_of_the_hypervolume_and_more_than_random()
     {
        let mean = |strategy: &dyn Strategy| -> f64 {
            let volumes = (0..10).map(|seed| benchmark::hypervolume(strategy, seed, 400));
            volumes.sum::<f64>() / 10.0
        };
        let found = mean(&RegularizedEvolution);
        let random = mean(&crate::strategy::random::Random);
        let bound = benchmark::bound();
        assert!(found > random, "{found} against {random}");
        assert!(found >= 0.92 * bound && found <= bound, "{}", found / bound);
    }
}
