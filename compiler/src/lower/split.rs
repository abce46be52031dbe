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
    /// Finishing one result.
    pub finish: f64,
}

/// A choice of steps; see the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// The unit `n`.
    pub unit: u32,
    /// Remainders lie in `−offset .. n − offset`.
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
        let quotient = (centred + i64::from(self.offset)).div_euclid(unit);
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
        let mut units: Vec<u32> = (0..=modulus.ilog2()).map(|bit| 1 << bit).collect();
        units.extend(strides.iter().filter(|s| **s > 1 && **s < modulus));
        units.sort_unstable();
        units.dedup();
        let mut counter = Counter::new(modulus, diagonals);
        let mut best = (Self::ALL_BABIES, f64::INFINITY);
        for unit in units {
            let offsets = if unit > 1 {
                &[0, unit / 2][..]
            } else {
                &[0][..]
            };
            for &offset in offsets {
                for coarse_babies in [true, false] {
                    let split = Split {
                        unit,
                        offset,
                        coarse_babies,
                    };
                    let cost = counter.cost(split, diagonals, costs);
                    if cost < best.1 {
                        best = (split, cost);
                    }
                }
            }
        }
        best
    }
}

fn centre(distance: i64, modulus: u32) -> i64 {
    let modulus = i64::from(modulus);
    let reduced = distance.rem_euclid(modulus);
    if reduced > modulus / 2 {
        reduced - modulus
    } else {
        reduced
    }
}

/// Counts distinct steps by stamping a table, so that nothing is cleared between splits.
struct Counter {
    modulus: u32,
    babies: Vec<u32>,
    giants: Vec<u32>,
    decomposed: Vec<u32>,
    outputs: usize,
    stamp: u32,
}

impl Counter {
    fn new(modulus: u32, diagonals: &[Diagonal]) -> Self {
        let extent = |part: fn(&Diagonal) -> u32| diagonals.iter().map(part).max().unwrap_or(0) + 1;
        let (inputs, outputs) = (extent(|d| d.input), extent(|d| d.output));
        let table = |rows: u32| vec![0; rows as usize * 2 * modulus as usize];
        Self {
            modulus,
            babies: table(inputs),
            giants: table(outputs),
            decomposed: vec![0; inputs as usize],
            outputs: outputs as usize,
            stamp: 0,
        }
    }

    fn cost(&mut self, split: Split, diagonals: &[Diagonal], costs: &StepCosts) -> f64 {
        self.stamp += 1;
        let stamp = self.stamp;
        let (mut decompositions, mut babies, mut giants) = (0u32, 0u32, 0u32);
        let row = 2 * self.modulus as usize;
        let place =
            |index: u32, by: i64| index as usize * row + (by + i64::from(self.modulus)) as usize;
        let fresh = |cell: &mut u32| u32::from(std::mem::replace(cell, stamp) != stamp);
        for diagonal in diagonals {
            let (giant, baby) = split.parts(diagonal.distance, self.modulus);
            if baby != 0 {
                let new = fresh(&mut self.babies[place(diagonal.input, baby)]);
                babies += new;
                if new > 0 {
                    decompositions += fresh(&mut self.decomposed[diagonal.input as usize]);
                }
            }
            if giant != 0 {
                giants += fresh(&mut self.giants[place(diagonal.output, giant)]);
            }
        }
        f64::from(decompositions) * costs.decompose
            + f64::from(babies) * costs.baby
            + f64::from(giants) * costs.giant
            + diagonals.len() as f64 * costs.diagonal
            + self.outputs as f64 * costs.finish
    }
}
