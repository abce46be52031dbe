//! How many different baby and giant steps the splits of a map's diagonals have, counted on sets of distances as bits.
//!
//! For a unit that is a power of two, the remainders of a set are its words folded onto one unit, and its multiples
//! are the units that hold anything: some operations for each 64 distances instead of each distance. Other units are
//! counted one by one.

use super::footprint::Diagonal;

/// What a split does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Operands that are decomposed.
    pub decompositions: u32,
    /// Rotations of decomposed operands.
    pub babies: u32,
    /// Rotations of sums.
    pub giants: u32,
    /// Results that have giant steps.
    pub finishes: u32,
}

/// The distances of a map's diagonals, for each operand and for each result.
pub struct Counter {
    modulus: u32,
    operands: Vec<Distances>,
    results: Vec<Distances>,
    /// Room for shifted and folded sets.
    shifted: Vec<u64>,
    folded: Vec<u64>,
}

/// A set of distances `d`, taken between `−D/2` (exclusive) and `D/2`, as bits at `d + D/2`.
type Distances = Vec<u64>;

/// How many steps other than 0 a set has.
#[derive(Clone, Copy)]
struct Steps {
    remainders: u32,
    multiples: u32,
}

impl Counter {
    /// Gathers the distances.
    pub fn new(modulus: u32, diagonals: &[Diagonal]) -> Self {
        let extent = |part: fn(&Diagonal) -> u32| diagonals.iter().map(part).max().unwrap_or(0) + 1;
        let empty = vec![0u64; modulus as usize / 64 + 1];
        let sets = |count: u32| vec![empty.clone(); count as usize];
        let mut counter = Self {
            modulus,
            operands: sets(extent(|d| d.input)),
            results: sets(extent(|d| d.output)),
            shifted: Vec::new(),
            folded: Vec::new(),
        };
        let half = modulus / 2;
        for diagonal in diagonals {
            // From `1..=D/2` and `D/2+1..=D−1` (that is, `−D/2+1..=−1`) to `1..=D`, with 0 in the middle.
            let at = match diagonal.distance > half {
                true => diagonal.distance - half,
                false => diagonal.distance + half,
            } as usize;
            let bit = 1 << (at % 64);
            counter.operands[diagonal.input as usize][at / 64] |= bit;
            counter.results[diagonal.output as usize][at / 64] |= bit;
        }
        counter
    }

    /// What both directions of a split into multiples of `unit` and remainders from `−unit/2` on do: `(whether the
    /// multiples are the baby steps, counts)`.
    pub fn counts(&mut self, unit: u32) -> [(bool, Counts); 2] {
        let (mut fine_first, mut coarse_first) = (Counts::default(), Counts::default());
        for operand in &self.operands {
            let steps = steps(
                operand,
                self.modulus,
                unit,
                [&mut self.shifted, &mut self.folded],
            );
            for (counts, babies) in [
                (&mut fine_first, steps.remainders),
                (&mut coarse_first, steps.multiples),
            ] {
                counts.babies += babies;
                counts.decompositions += u32::from(babies > 0);
            }
        }
        for result in &self.results {
            let steps = steps(
                result,
                self.modulus,
                unit,
                [&mut self.shifted, &mut self.folded],
            );
            for (counts, giants) in [
                (&mut fine_first, steps.multiples),
                (&mut coarse_first, steps.remainders),
            ] {
                counts.giants += giants;
                counts.finishes += u32::from(giants > 0);
            }
        }
        [(false, fine_first), (true, coarse_first)]
    }
}

fn steps(set: &Distances, modulus: u32, unit: u32, room: [&mut Vec<u64>; 2]) -> Steps {
    let half = modulus / 2;
    if unit == modulus {
        // All multiples are 0, and each distance is a remainder of its own.
        let zero = bit(set, half as usize);
        return Steps {
            remainders: ones(set) - zero,
            multiples: 0,
        };
    }
    let [shifted, folded] = room;
    if !unit.is_power_of_two() {
        return one_by_one(set, modulus, unit, folded);
    }
    let offset = (unit / 2) as usize;
    shift(set, offset, shifted);
    // Bit `b` is now distance `b − D/2 − offset`: its multiple is `b / unit − D/2/unit`, its remainder `b % unit −
    // offset`.
    let (multiples, ends) = match unit {
        ..64 => narrow_units(shifted, unit, folded),
        64.. => wide_units(shifted, unit as usize / 64, folded),
    };
    let zero_multiple = (half as usize)..(half + unit) as usize;
    let zero_multiple = u32::from(zero_multiple.into_iter().any(|b| bit(shifted, b) == 1));
    // Multiples −D/2 and D/2 are the same rotation.
    let last = u32::from(ends && has_from(shifted, modulus as usize));
    Steps {
        remainders: ones(folded) - bit(folded, offset),
        multiples: multiples - zero_multiple - last,
    }
}

/// The number of units that hold anything and whether the first does; the fold of all onto one goes to `folded`.
fn wide_units(set: &[u64], words: usize, folded: &mut Vec<u64>) -> (u32, bool) {
    folded.clear();
    folded.resize(words, 0);
    let mut count = 0;
    for chunk in set.chunks(words) {
        let mut any = 0;
        for (sum, word) in folded.iter_mut().zip(chunk) {
            *sum |= word;
            any |= word;
        }
        count += u32::from(any != 0);
    }
    (count, set.iter().take(words).any(|w| *w != 0))
}

/// The same for units within a word.
fn narrow_units(set: &[u64], unit: u32, folded: &mut Vec<u64>) -> (u32, bool) {
    let first_of_each = match unit {
        1 => u64::MAX,
        unit => (0..64 / unit).fold(0, |mask, k| mask | 1 << (k * unit)),
    };
    let (mut all, mut count) = (0, 0);
    for &word in set {
        all |= word;
        // The lowest bit of each unit gathers the others.
        let mut gathered = word;
        let mut by = unit / 2;
        while by > 0 {
            gathered |= gathered >> by;
            by /= 2;
        }
        count += (gathered & first_of_each).count_ones();
    }
    let mut width = 32;
    while width >= unit {
        all |= all >> width;
        width /= 2;
    }
    let one_unit = (1u64 << unit) - 1;
    folded.clear();
    folded.push(all & one_unit);
    (count, set[0] & one_unit != 0)
}

/// Units that are no power of two.
fn one_by_one(set: &Distances, modulus: u32, unit: u32, room: &mut Vec<u64>) -> Steps {
    let (half, unit, offset) = (i64::from(modulus / 2), i64::from(unit), i64::from(unit / 2));
    room.clear();
    room.resize(2 * (modulus as usize / 64 + 2), 0);
    let (remainders, multiples) = room.split_at_mut(modulus as usize / 64 + 2);
    for (index, word) in set.iter().enumerate() {
        let mut rest = *word;
        while rest != 0 {
            let at = index as i64 * 64 + i64::from(rest.trailing_zeros());
            rest &= rest - 1;
            let distance = at - half;
            let multiple = (distance + offset).div_euclid(unit) * unit;
            let remainder = (distance - multiple + offset) as usize;
            remainders[remainder / 64] |= 1 << (remainder % 64);
            let multiple = multiple.rem_euclid(2 * half) as usize;
            multiples[multiple / 64] |= 1 << (multiple % 64);
        }
    }
    Steps {
        remainders: ones(remainders) - bit(remainders, offset as usize),
        multiples: ones(multiples) - bit(multiples, 0),
    }
}

/// `set` moved up by so many bits.
fn shift(set: &[u64], by: usize, out: &mut Vec<u64>) {
    let (words, bits) = (by / 64, by % 64);
    out.clear();
    out.resize(set.len() + words + 1, 0);
    let mut below = 0;
    for (sum, &word) in out[words..].iter_mut().zip(set.iter().chain([&0])) {
        *sum = (word << bits) | (below >> 1 >> (63 - bits));
        below = word;
    }
}

fn ones(set: &[u64]) -> u32 {
    set.iter().map(|word| word.count_ones()).sum()
}

fn bit(set: &[u64], at: usize) -> u32 {
    set.get(at / 64)
        .map_or(0, |word| (word >> (at % 64)) as u32 & 1)
}

/// Whether the set has an element from `at` on.
fn has_from(set: &[u64], at: usize) -> bool {
    let beyond = set.iter().skip(at / 64 + 1).any(|word| *word != 0);
    beyond || set.get(at / 64).is_some_and(|word| word >> (at % 64) != 0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::Split;
    use super::*;

    /// Counted as [`Split::parts`] says.
    fn slowly(split: Split, modulus: u32, diagonals: &[Diagonal]) -> Counts {
        let (mut babies, mut giants) = (BTreeSet::new(), BTreeSet::new());
        for diagonal in diagonals {
            let (giant, baby) = split.parts(diagonal.distance, modulus);
            if baby != 0 {
                babies.insert((diagonal.input, baby));
            }
            if giant != 0 {
                giants.insert((diagonal.output, giant));
            }
        }
        let rows = |set: &BTreeSet<(u32, i64)>| {
            let rows: BTreeSet<u32> = set.iter().map(|(row, _)| *row).collect();
            rows.len() as u32
        };
        Counts {
            decompositions: rows(&babies),
            babies: babies.len() as u32,
            giants: giants.len() as u32,
            finishes: rows(&giants),
        }
    }

    #[test]
    fn counts_are_those_of_the_parts() {
        let mut state = 1u64;
        let mut random = |below: u32| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as u32 % below
        };
        for log in 0..=11 {
            let modulus = 1 << log;
            for round in 0..12 {
                let count = [1, 3, modulus / 3 + 1, 2 * modulus][round % 4];
                let mut diagonals: Vec<Diagonal> = (0..count)
                    .map(|_| Diagonal {
                        output: random(3),
                        input: random(2),
                        distance: [random(modulus), modulus / 2][random(16) as usize / 15],
                    })
                    .collect();
                diagonals.sort_unstable();
                diagonals.dedup();
                let mut counter = Counter::new(modulus, &diagonals);
                let powers = (0..=log).map(|bit| 1 << bit);
                for unit in powers.chain([3, 28, 100, 129].into_iter().filter(|u| *u < modulus)) {
                    for (coarse_babies, counts) in counter.counts(unit) {
                        let split = Split {
                            unit,
                            offset: unit / 2,
                            coarse_babies,
                        };
                        let wanted = slowly(split, modulus, &diagonals);
                        assert_eq!(counts, wanted, "{split:?} of {modulus}: {diagonals:?}");
                    }
                }
            }
        }
    }
}
