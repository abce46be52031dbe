//! Split: how the distances of a map's diagonals are made up of baby and giant steps.
//!
//! A distance `d`, taken between `−D/2` and `D/2`, becomes `q·n + r`. Either part may be the baby step: with hoisting,
//! baby steps are cheap and giant steps dear (Bossuat et al., "Efficient Bootstrapping for Approximate Homomorphic
//! Encryption with Non-sparse Keys", EUROCRYPT 2021, section 4), so a split with many babies and few giants mostly
//! wins. All `n` that are powers of two or strides of the layouts are tried with the costs of the machine.

use super::footprint::Diagonal;
use super::steps::{Counter, Counts};

/// Times of the parts of a linear map, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepCosts {
    /// Decomposing one operand.
    pub decompose: f64,
    /// One rotation of a decomposed operand.
    pub baby: f64,
    /// One diagonal.
    pub diagonal: f64,
    /// One giant step.
    pub giant: f64,
    /// Finishing one result that has giant steps.
    pub finish: f64,
    /// One link of a chain of giant steps: a rotation on its own and a sum.
    pub link: f64,
}

/// A choice of steps; see the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// The unit `n`.
    pub unit: u32,
    /// Remainders lie in `−offset .. n − offset`; half the unit.
    pub offset: u32,
    /// Whether the multiples of the unit are the baby steps (otherwise the remainders are).
    pub coarse_babies: bool,
}

impl Split {
    /// Every distance a baby step of its own.
    pub const ALL_BABIES: Split = Split {
        unit: 1,
        offset: 0,
        coarse_babies: true,
    };

    /// `(giant, baby)` of a distance modulo `modulus`.
    pub fn parts(self, distance: u32, modulus: u32) -> (i64, i64) {
        let unit = i64::from(self.unit);
        let centered = center(i64::from(distance), modulus);
        let shifted = centered + i64::from(self.offset);
        let quotient = match self.unit.is_power_of_two() {
            true => shifted >> self.unit.trailing_zeros(),
            false => shifted.div_euclid(unit),
        };
        let remainder = centered - quotient * unit;
        let coarse = center(quotient * unit, modulus);
        match self.coarse_babies {
            true => (remainder, coarse),
            false => (coarse, remainder),
        }
    }

    /// The cheapest split of these diagonals and its cost in microseconds, decompositions, products and finishing
    /// included.
    pub fn cheapest(
        diagonals: &[Diagonal],
        modulus: u32,
        strides: &[u32],
        costs: &StepCosts,
    ) -> (Self, f64) {
        Tally::new(diagonals, modulus, strides).cheapest(costs)
    }
}

/// What every split of a map's diagonals does, whatever that costs.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Number of diagonals.
    pub diagonals: usize,
    /// Per split.
    splits: Vec<(Split, Counts)>,
}

impl Tally {
    /// Tries all splits.
    pub fn new(diagonals: &[Diagonal], modulus: u32, strides: &[u32]) -> Self {
        if let Some((block, inputs, outputs)) = repeated(diagonals) {
            return Self::new(&block, modulus, strides).times(inputs, outputs);
        }
        let mut counter = Counter::new(modulus, diagonals);
        let mut splits = Vec::new();
        for unit in units(modulus, strides) {
            for (coarse_babies, counts) in counter.counts(unit) {
                let split = Split {
                    unit,
                    offset: unit / 2,
                    coarse_babies,
                };
                splits.push((split, counts));
            }
        }
        Self {
            diagonals: diagonals.len(),
            splits,
        }
    }

    /// The tally where each pair of so many operands and results has these diagonals.
    fn times(mut self, inputs: u32, outputs: u32) -> Self {
        self.diagonals *= (inputs * outputs) as usize;
        for (_, counts) in &mut self.splits {
            counts.decompositions *= inputs;
            counts.babies *= inputs;
            counts.giants *= outputs;
            counts.finishes *= outputs;
        }
        self
    }

    /// The cheapest split and its cost in microseconds.
    pub fn cheapest(&self, costs: &StepCosts) -> (Split, f64) {
        let mut best = (Split::ALL_BABIES, f64::INFINITY);
        for (split, counts) in &self.splits {
            let cost = self.diagonals as f64 * costs.diagonal
                + f64::from(counts.decompositions) * costs.decompose
                + f64::from(counts.babies) * costs.baby
                + f64::from(counts.giants) * costs.giant
                + f64::from(counts.finishes) * costs.finish;
            if cost < best.1 {
                best = (*split, cost);
            }
        }
        best
    }
}

/// The units that are tried, ascending.
pub(super) fn units(modulus: u32, strides: &[u32]) -> Vec<u32> {
    let mut units: Vec<u32> = (0..=modulus.ilog2()).map(|bit| 1 << bit).collect();
    units.extend(strides.iter().filter(|s| **s > 1 && **s < modulus));
    units.sort_unstable();
    units.dedup();
    units
}

fn center(distance: i64, modulus: u32) -> i64 {
    // The modulus is a power of two.
    let reduced = distance & i64::from(modulus - 1);
    if reduced > i64::from(modulus / 2) {
        reduced - i64::from(modulus)
    } else {
        reduced
    }
}

/// The diagonals of one pair of ciphertexts, and the numbers of operands and results, if all pairs have the same
/// distances, as those of a convolution mostly have. The diagonals ascend.
fn repeated(diagonals: &[Diagonal]) -> Option<(Vec<Diagonal>, u32, u32)> {
    let last = diagonals.last()?;
    let (inputs, outputs) = (last.input + 1, last.output + 1);
    let pairs = (inputs * outputs) as usize;
    if pairs == 1 || !diagonals.len().is_multiple_of(pairs) {
        return None;
    }
    let (first, _) = diagonals.split_at(diagonals.len() / pairs);
    let mut blocks = (0u32..).zip(diagonals.chunks(first.len()));
    let same = blocks.all(|(pair, block)| {
        block.iter().zip(first).all(|(d, f)| {
            (d.output, d.input, d.distance) == (pair / inputs, pair % inputs, f.distance)
        })
    });
    same.then(|| (first.to_vec(), inputs, outputs))
}
