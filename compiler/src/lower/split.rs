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

/// What a split does.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    decompositions: u32,
    babies: u32,
    giants: u32,
    finishes: u32,
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
            for (coarse_babies, counts) in counter.counts(unit, unit / 2, diagonals) {
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

fn centre(distance: i64, modulus: u32) -> i64 {
    // The modulus is a power of two.
    let reduced = distance & i64::from(modulus - 1);
    if reduced > i64::from(modulus / 2) {
        reduced - i64::from(modulus)
    } else {
        reduced
    }
}

/// The diagonals of one pair of ciphertexts, and the numbers of operands and results, if all pairs have the same distances, as those
/// of a convolution mostly have. The diagonals ascend.
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

/// Counts distinct steps by marking bits: the tables stay in the cache. One pass serves both directions of a split.
struct Counter {
    modulus: u32,
    /// Remainders and multiples of the unit, each for operands and for results.
    seen: [Vec<u64>; 4],
    /// Operands that some remainder, or some multiple, rotates, and results likewise.
    turned: [Vec<u64>; 4],
}

impl Counter {
    fn new(modulus: u32, diagonals: &[Diagonal]) -> Self {
        let extent = |part: fn(&Diagonal) -> u32| diagonals.iter().map(part).max().unwrap_or(0) + 1;
        let (inputs, outputs) = (extent(|d| d.input), extent(|d| d.output));
        let rows = [inputs, inputs, outputs, outputs].map(|rows| rows as usize);
        Self {
            modulus,
            seen: rows.map(|rows| vec![0; (rows * 2 * modulus as usize).div_ceil(64)]),
            turned: rows.map(|rows| vec![0; rows.div_ceil(64)]),
        }
    }

    /// What both directions do: `(coarse_babies, counts)`.
    fn counts(&mut self, unit: u32, offset: u32, diagonals: &[Diagonal]) -> [(bool, Counts); 2] {
        for table in self.seen.iter_mut().chain(&mut self.turned) {
            table.fill(0);
        }
        let split = Split {
            unit,
            offset,
            coarse_babies: false,
        };
        let row = 2 * self.modulus as usize;
        let middle = i64::from(self.modulus);
        let mut counts = [0u32; 4];
        let mut turned = [0u32; 4];
        for diagonal in diagonals {
            let (coarse, fine) = split.parts(diagonal.distance, self.modulus);
            for (part, by) in [fine, coarse].into_iter().enumerate() {
                if by == 0 {
                    continue;
                }
                let place = (by + middle) as usize;
                for (part, at) in [(part, diagonal.input), (part + 2, diagonal.output)] {
                    let at = at as usize;
                    if fresh(&mut self.seen[part], at * row + place) {
                        counts[part] += 1;
                        turned[part] += u32::from(fresh(&mut self.turned[part], at));
                    }
                }
            }
        }
        let of = |babies: usize, giants: usize| Counts {
            decompositions: turned[babies],
            babies: counts[babies],
            giants: counts[giants + 2],
            finishes: turned[giants + 2],
        };
        [(false, of(0, 1)), (true, of(1, 0))]
    }
}

/// Marks a bit; whether it was not marked before.
fn fresh(table: &mut [u64], at: usize) -> bool {
    let (word, bit) = (&mut table[at / 64], 1 << (at % 64));
    let fresh = *word & bit == 0;
    *word |= bit;
    fresh
}
