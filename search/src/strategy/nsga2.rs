//! `nsga2`: the front of accuracy against latency by non-dominated sorting and crowding, one child at a time.
//!
//! K. Deb, A. Pratap, S. Agarwal, T. Meyarivan, A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II, IEEE
//! Transactions on Evolutionary Computation 6(2), 2002; steady state as in J. Durillo et al., On the Effect of the Steady-State
//! Selection Scheme in Multi-Objective Genetic Algorithms, EMO 2009. The population is computed anew from the trial table:
//! the best completed trials by rank, then crowding. Infeasible and failed trials have no place in it.

use std::cmp::Ordering;

use hemet_spaces::Architecture;
use rand::{Rng, RngExt};

use super::evolution::{breed, cross};
use super::random::untried;
use super::{Context, Strategy};
use crate::Seed;
use crate::pareto::Point;

/// Trials that survive to be parents. A search tries hundreds, not the tens of thousands of the paper's 100 survivors: in the
/// test below 16 reach 96.1 % of the bound, 50 reach 94.1 %, random search 89.6 %.
const POPULATION: usize = 16;

pub(super) struct Nsga2;

impl Strategy for Nsga2 {
    fn name(&self) -> &'static str {
        "nsga2"
    }

    fn about(&self) -> &'static str {
        "children of the best trials by non-dominated rank and crowding in accuracy and latency (NSGA-II, Deb et al. 2002, steady state)"
    }

    fn propose(&self, context: &Context<'_>, seed: Seed) -> Option<Architecture> {
        let points: Vec<Point> = context.history.iter().filter_map(Point::of).collect();
        if context.trials() < POPULATION || points.is_empty() {
            return untried(context, seed);
        }
        let parents = survivors(&points);
        let architecture = |p: &Standing| &context.history[p.point.trial].architecture;
        breed(context, seed, |rng| {
            let (a, b) = (tournament(&parents, rng), tournament(&parents, rng));
            Some(cross(
                context.space,
                [architecture(a), architecture(b)],
                rng,
            ))
        })
    }
}

/// A trial with its place among the others.
#[derive(Clone, Debug)]
struct Standing {
    point: Point,
    /// Fronts that must go before it stands in one, from 0.
    rank: usize,
    /// How far its neighbours in the front are from each other; infinite at the ends.
    crowding: f64,
}

impl Standing {
    /// Less is better.
    fn order(&self, other: &Self) -> Ordering {
        let roomier = other.crowding.total_cmp(&self.crowding);
        self.rank.cmp(&other.rank).then(roomier)
    }
}

/// The best [`POPULATION`] of the points.
fn survivors(points: &[Point]) -> Vec<Standing> {
    let mut rest = points.to_vec();
    let mut standings = Vec::new();
    let mut rank = 0;
    while !rest.is_empty() && standings.len() < POPULATION {
        let (front, dominated): (Vec<Point>, Vec<Point>) = rest
            .iter()
            .partition(|p| !rest.iter().any(|other| other.dominates(p)));
        standings.extend(crowded(front, rank));
        rest = dominated;
        rank += 1;
    }
    // Stable: equals stay in the order of their trials within a front.
    standings.sort_by(Standing::order);
    standings.truncate(POPULATION);
    standings
}

/// A front with the crowding of its members, in units of the front's extent.
fn crowded(mut front: Vec<Point>, rank: usize) -> Vec<Standing> {
    front.sort_by(|a, b| {
        let latency = a.latency_ms.total_cmp(&b.latency_ms);
        latency.then(a.trial.cmp(&b.trial))
    });
    let last = front.len() - 1;
    let extent = |f: fn(&Point) -> f64| (f(&front[last]) - f(&front[0])).abs().max(1e-12);
    let (latencies, accuracies) = (extent(|p| p.latency_ms), extent(|p| p.accuracy));
    let crowding = |index: usize| match index == 0 || index == last {
        true => f64::INFINITY,
        false => {
            let (before, after) = (&front[index - 1], &front[index + 1]);
            (after.latency_ms - before.latency_ms) / latencies
                + (after.accuracy - before.accuracy).abs() / accuracies
        }
    };
    let standing = |(index, point): (usize, &Point)| Standing {
        point: *point,
        rank,
        crowding: crowding(index),
    };
    front.iter().enumerate().map(standing).collect()
}

/// The better of two drawn evenly.
fn tournament<'a>(parents: &'a [Standing], rng: &mut (impl Rng + ?Sized)) -> &'a Standing {
    let a = &parents[rng.random_range(0..parents.len())];
    let b = &parents[rng.random_range(0..parents.len())];
    match a.order(b) {
        Ordering::Less | Ordering::Equal => a,
        Ordering::Greater => b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::benchmark;

    fn point(trial: usize, latency_ms: f64, accuracy: f64) -> Point {
        Point {
            trial,
            accuracy,
            latency_ms,
            depth: 1,
        }
    }

    #[test]
    fn ranks_count_fronts_and_ends_of_a_front_stand_alone() {
        let points = [
            point(0, 1.0, 0.1),
            point(1, 2.0, 0.6),
            point(2, 3.0, 0.7),
            point(3, 2.5, 0.5),
            point(4, 4.0, 0.4),
        ];
        let found = survivors(&points);
        let place = |trial: usize| {
            let standing = found.iter().find(|s| s.point.trial == trial);
            standing.map(|s| (s.rank, s.crowding))
        };
        assert_eq!(place(0), Some((0, f64::INFINITY)));
        assert_eq!(place(1), Some((0, 2.0)));
        assert_eq!(place(3), Some((1, f64::INFINITY)));
        assert_eq!(place(4), Some((2, f64::INFINITY)));
    }

    #[test]
    fn four_hundred_trials_of_sixteen_million_reach_95_percent_of_the_hypervolume_and_more_than_random()
     {
        let mean = |strategy: &dyn Strategy| -> f64 {
            let volumes = (0..10).map(|seed| benchmark::hypervolume(strategy, seed, 400));
            volumes.sum::<f64>() / 10.0
        };
        let (nsga2, random) = (mean(&Nsga2), mean(&crate::strategy::random::Random));
        let bound = benchmark::bound();
        assert!(nsga2 > random, "{nsga2} against {random}");
        assert!(
            nsga2 >= 0.95 * bound && nsga2 <= bound,
            "{nsga2} of {bound}, random {random}"
        );
    }
}
