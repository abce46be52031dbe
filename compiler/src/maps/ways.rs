//! Ways: how one map from one operand may be split, with the time and the rotations of each way.
//!
//! Giant steps are finished together, or *chained* by Horner's rule: `Σ rot(s_k, k·n) = s_0 + rot(s_1 + rot(s_2 + …,
//! n), n)` needs one key for all multiples of `n` (Halevi and Shoup, "Faster Homomorphic Linear Transformations in
//! HElib", CRYPTO 2018, section 4.3) for rotations that are not finished together.

use std::collections::BTreeSet;

use super::split::units;
use super::{Diagonal, Split, StepCosts, step};

/// One map from one operand.
pub struct TermDiagonals {
    /// Its diagonals.
    pub diagonals: Vec<Diagonal>,
    /// What distances are taken modulo.
    pub modulus: u32,
    /// Distances between neighbours in both layouts.
    pub strides: Vec<u32>,
}

/// A way to split one map.
#[derive(Clone)]
pub(super) struct Way {
    pub split: Split,
    pub chained: bool,
    pub us: f64,
    /// The steps that it rotates by, distinct.
    pub steps: Vec<u32>,
}

/// Ways slower than the quickest by more than this factor are not looked at.
const SLOWEST: f64 = 6.0;

/// The ways to split a map that are not far too slow.
pub(super) fn ways(site: &TermDiagonals, costs: &StepCosts, slots: usize) -> Vec<Way> {
    let mut found = Vec::new();
    for unit in units(site.modulus, &site.strides) {
        for coarse_babies in [false, true] {
            let split = Split {
                unit,
                offset: unit / 2,
                coarse_babies,
            };
            let sets = Sets::of(site, split);
            found.extend([false, true].map(|chained| sets.way(costs, slots, chained)));
        }
    }
    let least = found.iter().map(|way| way.us).fold(f64::INFINITY, f64::min);
    found.retain(|way| way.us <= SLOWEST * least);
    found
}

/// The quickest way to split a map.
pub(super) fn quickest(site: &TermDiagonals, costs: &StepCosts, slots: usize) -> Way {
    let (split, _) = Split::cheapest(&site.diagonals, site.modulus, &site.strides, costs);
    Sets::of(site, split).way(costs, slots, false)
}

/// The steps of a map under a split.
struct Sets {
    split: Split,
    diagonals: usize,
    /// `(operand, baby step)` other than 0, ascending.
    babies: Vec<(u32, i64)>,
    /// `(result, giant step)`, ascending.
    giants: Vec<(u32, i64)>,
}

impl Sets {
    fn of(site: &TermDiagonals, split: Split) -> Self {
        let (mut babies, mut giants) = (Vec::new(), Vec::new());
        for diagonal in &site.diagonals {
            let (giant, baby) = split.parts(diagonal.distance, site.modulus);
            if baby != 0 {
                babies.push((diagonal.input, baby));
            }
            giants.push((diagonal.output, giant));
        }
        for pairs in [&mut babies, &mut giants] {
            pairs.sort_unstable();
            pairs.dedup();
        }
        Self {
            split,
            diagonals: site.diagonals.len(),
            babies,
            giants,
        }
    }

    fn way(&self, costs: &StepCosts, slots: usize, chained: bool) -> Way {
        let operands = self.babies.chunk_by(|a, b| a.0 == b.0).count();
        let mut us = self.diagonals as f64 * costs.diagonal
            + operands as f64 * costs.decompose
            + self.babies.len() as f64 * costs.baby;
        let mut steps: BTreeSet<u32> = self.babies.iter().map(|(_, b)| step(*b, slots)).collect();
        for giants in self.giants.chunk_by(|a, b| a.0 == b.0) {
            let giants = giants.iter().map(|(_, giant)| *giant);
            let by: Vec<i64> = match chained {
                true => links(giants),
                false => giants.filter(|giant| *giant != 0).collect(),
            };
            us += match chained {
                true => by.len() as f64 * costs.link,
                false if by.is_empty() => 0.0,
                false => by.len() as f64 * costs.giant + costs.finish,
            };
            steps.extend(by.into_iter().map(|by| step(by, slots)));
        }
        Way {
            split: self.split,
            chained,
            us,
            steps: steps.into_iter().collect(),
        }
    }
}

/// The rotations of a chain through ascending giant steps: from the largest down by the differences, at last by the
/// smallest itself.
pub fn links(giants: impl DoubleEndedIterator<Item = i64>) -> Vec<i64> {
    let mut links = Vec::new();
    let mut last = None;
    for giant in giants.rev() {
        if let Some(last) = last {
            links.push(last - giant);
        }
        last = Some(giant);
    }
    links.extend(last.filter(|giant| *giant != 0));
    links
}
