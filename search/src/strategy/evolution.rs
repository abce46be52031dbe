//! What evolutionary strategies share: non-dominated fronts, and children by mutation and crossover that are new and,
//! where possible, feasible.

use hemet_spaces::{Architecture, Space};
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};

use super::Context;
use super::random::untried;
use crate::Seed;
use crate::objective::Objectives;
use crate::trial::Point;

/// Children drawn before the feasible are given up for any new one, and that for an even draw.
const DRAWS: usize = 64;

/// The points that none dominates, then those that none of the rest dominates, and so on, each front in the order
/// given.
pub(super) fn fronts(
    points: Vec<Point>,
    objectives: &Objectives,
) -> impl Iterator<Item = Vec<Point>> {
    let mut rest = points;
    std::iter::from_fn(move || {
        let (front, dominated) = rest
            .iter()
            .partition(|p| !rest.iter().any(|other| objectives.dominates(other, p)));
        rest = dominated;
        Some(front).filter(|front: &Vec<Point>| !front.is_empty())
    })
}

/// A child of `parent()` that is not tried yet, preferably feasible; when breeding yields nothing new, an even draw.
pub(super) fn breed(
    context: &Context<'_>,
    seed: Seed,
    mut child: impl FnMut(&mut dyn Rng) -> Option<Architecture>,
) -> Option<Architecture> {
    let mut rng = seed.derive("breed").rng();
    let mut fallback = None;
    for _ in 0..DRAWS {
        let Some(child) = child(&mut rng).filter(|c| !context.is_tried(c)) else {
            continue;
        };
        if (context.cost)(&child).is_ok() {
            return Some(child);
        }
        fallback.get_or_insert(child);
    }
    // Infeasible children cost nothing but their place in the table.
    fallback.or_else(|| untried(context, seed.derive("draw")))
}

/// The same architecture with one gene, evenly drawn, set to another option; none where nothing varies.
pub(super) fn mutate(
    space: &Space,
    parent: &Architecture,
    rng: &mut (impl Rng + ?Sized),
) -> Option<Architecture> {
    let genes: Vec<usize> = (0..space.genes().len()).collect();
    let mut child = parent.clone();
    change(space, &mut child, *genes.choose(rng)?, rng);
    Some(child)
}

/// Each gene from one of the parents, then each changed with probability one in the number of genes.
pub(super) fn cross(
    space: &Space,
    parents: [&Architecture; 2],
    rng: &mut (impl Rng + ?Sized),
) -> Architecture {
    let mut child = parents[0].clone();
    let count = space.genes().len();
    for gene in 0..count {
        if rng.random_bool(0.5) {
            child.genes[gene] = parents[1].genes[gene];
        }
    }
    for gene in 0..count {
        if rng.random_range(0..count) == 0 {
            change(space, &mut child, gene, rng);
        }
    }
    child
}

/// Sets one gene to another of its options, evenly drawn.
fn change(
    space: &Space,
    architecture: &mut Architecture,
    gene: usize,
    rng: &mut (impl Rng + ?Sized),
) {
    let count = space.genes()[gene].options.len() as u32;
    let own = u32::from(architecture.genes[gene]);
    let step = rng.random_range(1..count.max(2));
    architecture.genes[gene] = ((own + step) % count) as u16;
}
