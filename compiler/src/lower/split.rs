//! Split: how the distances of a map's diagonals are made up of baby and giant steps.
//!
//! A distance `d`, taken between `−D/2` and `D/2`, becomes `q·n + r`. Either part may be the baby step: with hoisting, baby steps are cheap and
//! giant steps dear (Bossuat et al., "Efficient Bootstrapping for Approximate Homomorphic Encryption with
//! Non-sparse Keys", EUROCRYPT 2021, section 4), so a split with many babies and few giants mostly wins. All `n` that are powers
//! of two or strides of the layouts are tried with the costs of the machine.

use super::footprint::Diagonal;

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
        let centred = centre(i64::from(distance), modulus);
        let shifted = centred + i64::from(self.offset);
        let quotient = match self.unit.is_power_of_two() {
            true => shifted >> self.unit.trailing_zeros(),
            false => shifted.div_euclid(unit),
        };
        let remainder = centred - quotient * unit;
        let coarse = centre(quotient * unit, modulus);
        match self.coarse_babies {
            true => (remainder, coarse),
            false => (coarse, remainder),
        }
    }

    /// The cheapest split of these diagonals and its cost in microseconds, decompositions, products and finishing included.
    pub fn cheapest(
        diagonals: &[Diagonal],
        modulus: u32,
        strides: &[u32],
        costs: &StepCosts,
    ) -> (Self, f64) {
        let mut counter = Counter::new(modulus, diagonals);
        let mut best = (Self::ALL_BABIES, f64::INFINITY);
        for unit in units(modulus, strides) {
            let offset = unit / 2;
            for (coarse_babies, cost) in counter.costs(unit, offset, diagonals, costs) {
                if cost < best.1 {
                    let split = Split {
                        unit,
                        offset,
                        coarse_babies,
                    };
                    best = (split, cost);
                }
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

fn centre(distance: i64, modulus: u32) -> i64 {
    // The modulus is a power of two.
    let reduced = distance & i64::from(modulus - 1);
    if reduced > i64::from(modulus / 2) {
        reduced - i64::from(modulus)
    } else {
        reduced
    }
}

/// Counts distinct steps by stamping tables, so that nothing is cleared between splits. One pass serves both
/// directions of a split.
struct Counter {
    modulus: u32,
    /// Remainders and multiples of the unit, each for operands and for results.
    seen: [Vec<u32>; 4],
    /// Operands that some remainder, or some multiple, rotates.
    rotated: [Vec<u32>; 2],
    /// Results that some remainder, or some multiple, rotates.
    turned: [Vec<u32>; 2],
    stamp: u32,
}

impl Counter {
    fn new(modulus: u32, diagonals: &[Diagonal]) -> Self {
        let extent = |part: fn(&Diagonal) -> u32| diagonals.iter().map(part).max().unwrap_or(0) + 1;
        let (inputs, outputs) = (extent(|d| d.input), extent(|d| d.output));
        let table = |rows: u32| vec![0; rows as usize * 2 * modulus as usize];
        Self {
            modulus,
            seen: [table(inputs), table(inputs), table(outputs), table(outputs)],
            rotated: [vec![0; inputs as usize], vec![0; inputs as usize]],
            turned: [vec![0; outputs as usize], vec![0; outputs as usize]],
            stamp: 0,
        }
    }

    /// The costs of both directions: `(coarse_babies, microseconds)`.
    fn costs(
        &mut self,
        unit: u32,
        offset: u32,
        diagonals: &[Diagonal],
        costs: &StepCosts,
    ) -> [(bool, f64); 2] {
        self.stamp += 1;
        let stamp = self.stamp;
        let split = Split {
            unit,
            offset,
            coarse_babies: false,
        };
        let row = 2 * self.modulus as usize;
        let middle = i64::from(self.modulus);
        let fresh = |cell: &mut u32| std::mem::replace(cell, stamp) != stamp;
        let mut counts = [0u32; 4];
        let mut decompositions = [0u32; 2];
        let mut finishes = [0u32; 2];
        for diagonal in diagonals {
            let (coarse, fine) = split.parts(diagonal.distance, self.modulus);
            for (part, by) in [fine, coarse].into_iter().enumerate() {
                if by == 0 {
                    continue;
                }
                let place = (by + middle) as usize;
                let input = diagonal.input as usize;
                if fresh(&mut self.seen[part][input * row + place]) {
                    counts[part] += 1;
                    decompositions[part] += u32::from(fresh(&mut self.rotated[part][input]));
                }
                let output = diagonal.output as usize;
                if fresh(&mut self.seen[part + 2][output * row + place]) {
                    counts[part + 2] += 1;
                    finishes[part] += u32::from(fresh(&mut self.turned[part][output]));
                }
            }
        }
        let common = diagonals.len() as f64 * costs.diagonal;
        let cost = |babies: usize, giants: usize| {
            common
                + f64::from(decompositions[babies]) * costs.decompose
                + f64::from(counts[babies]) * costs.baby
                + f64::from(counts[giants + 2]) * costs.giant
                + f64::from(finishes[giants]) * costs.finish
        };
        [(false, cost(0, 1)), (true, cost(1, 0))]
    }
}
