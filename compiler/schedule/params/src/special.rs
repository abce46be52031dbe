//! The choice of special primes: into how many digits key switching is cut, and how large the special primes are.
//!
//! A digit must not exceed the special primes, so more of them make fewer digits: fewer transforms, products and bytes
//! of keys for a switch, but limbs more to carry. Which number is best depends on what runs and on the machine, so
//! [`special_choices`] lists what is worth costing: the compiler costs it by a measured table, [`special_sizes`] by the
//! counts of one switch at the top level.

use crate::parameters::{MAX_DIGIT_LIMBS, MAX_SPECIAL};
use crate::primes::MAX_PRIME_BITS;
use crate::security::{SecurityLevel, max_log_qp};

/// A product of a digit with a key limb, in transforms of a limb.
const PRODUCT: f64 = 0.7;
/// One source limb of a base conversion, in transforms of a limb.
const SOURCE: f64 = 0.06;
/// The digits' share of a switch's error at a margin of no bits, in the variance of the division's rounding, for each
/// limb of the chain: `0.42·N²` and `N²/36` of the noise table in `hemet_compiler::noise`.
const OF_A_LIMB: f64 = 0.42 * 36.0;
/// That share at a full margin.
const FULL_MARGIN_SHARE: f64 = 0.25;
/// Bits below the next larger digit at which special primes stay, so that primes that differ a little from their sizes
/// do not make digits of those.
const APART_BITS: u32 = 1;

/// Special primes of one size, and what they cut a chain into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpecialChoice {
    /// How many.
    pub count: u32,
    /// Bits of each.
    pub bits: u32,
    /// Digits of the whole chain.
    pub digits: u32,
    /// Bits by which they exceed the widest digit together.
    pub margin_bits: u32,
}

impl SpecialChoice {
    /// Bits of all of them together.
    pub fn total_bits(&self) -> u32 {
        self.count * self.bits
    }
}

/// Bits by which special primes should exceed the digits of a chain of `limbs` primes: the digits then add at most a
/// quarter to the variance of a key switch's rounding.
pub fn full_margin_bits(limbs: usize) -> u32 {
    let share = OF_A_LIMB * limbs as f64 / FULL_MARGIN_SHARE;
    (share.log2() / 2.0).ceil().max(0.0) as u32
}

/// The variance that a key switch's digits add, in that of its rounding, at a margin of so many bits.
pub fn digits_share(limbs: usize, margin_bits: f64) -> f64 {
    OF_A_LIMB * limbs as f64 * (-2.0 * margin_bits).exp2()
}

/// For each number of special primes those that cut a chain of these sizes into the fewest digits, of at least
/// `least_bits` each, within `room_bits` together and by at least `least_margin` bits above the widest digit; by a full
/// margin ([`full_margin_bits`]) where that takes no further prime. Empty where nothing fits.
pub fn special_choices(
    chain_bits: &[u32],
    room_bits: u32,
    least_bits: u32,
    least_margin: u32,
) -> Vec<SpecialChoice> {
    let full = full_margin_bits(chain_bits.len()).max(least_margin);
    let mut choices: Vec<SpecialChoice> = Vec::new();
    // Bits of the widest digit where there is one digit fewer; special primes that large would make so many.
    let mut wider = u32::MAX;
    for digits in 1..=chain_bits.len() {
        let Some(widest) = narrowest_digit(chain_bits, digits).filter(|bits| *bits < wider) else {
            continue;
        };
        let most = room_bits.min(wider - APART_BITS);
        wider = widest;
        let count = (widest + least_margin).div_ceil(MAX_PRIME_BITS);
        let bits_of = |total: u32| total.div_ceil(count).max(least_bits);
        let bits = bits_of(widest + full).min(most / count).min(MAX_PRIME_BITS);
        let fits = count as usize <= MAX_SPECIAL && bits >= bits_of(widest + least_margin);
        // Fewer digits with as many primes came first.
        if fits && choices.iter().all(|c| c.count > count) {
            choices.push(SpecialChoice {
                count,
                bits,
                digits: digits as u32,
                margin_bits: count * bits - widest,
            });
        }
    }
    choices
}

/// Bits of the widest of at most so many digits of consecutive primes, cut so that it is as narrow as can be; `None`
/// where digits would hold more limbs than the engine takes.
fn narrowest_digit(chain_bits: &[u32], digits: usize) -> Option<u32> {
    let fits = |limit: u32| greedy_digits(chain_bits, limit) <= digits;
    let (mut low, mut high) = (*chain_bits.iter().max()?, chain_bits.iter().sum());
    if !fits(high) {
        return None;
    }
    while low < high {
        let middle = (low + high) / 2;
        match fits(middle) {
            true => high = middle,
            false => low = middle + 1,
        }
    }
    Some(high)
}

/// How many digits [`greedy`](crate::parameters::greedy) makes.
fn greedy_digits(chain_bits: &[u32], limit: u32) -> usize {
    let (mut digits, mut limbs, mut sum) = (1, 0, 0);
    for bits in chain_bits {
        if limbs > 0 && (sum + bits > limit || limbs == MAX_DIGIT_LIMBS) {
            digits += 1;
            (limbs, sum) = (0, 0);
        }
        limbs += 1;
        sum += bits;
    }
    digits
}

/// Sizes in bits of the special primes for a chain of the given sizes that make key switching at the top level
/// cheapest, as counted in transforms and products, within the security table; `None` if none fit.
pub fn special_sizes(log_n: u32, chain_bits: &[u32], level: SecurityLevel) -> Option<Vec<u32>> {
    let room = max_log_qp(log_n, level)?.checked_sub(chain_bits.iter().sum())?;
    let full = full_margin_bits(chain_bits.len());
    let choices = [full, 0].map(|margin| special_choices(chain_bits, room, 1, margin));
    let cost = |c: &SpecialChoice| cost(chain_bits.len(), c.count as usize, c.digits as usize);
    let found = choices.into_iter().find(|choices| !choices.is_empty())?;
    let best = found
        .into_iter()
        .min_by(|a, b| cost(a).total_cmp(&cost(b)))?;
    Some(vec![best.bits; best.count as usize])
}

/// The cost of a key switch of `limbs` limbs with `special` special primes in `digits` digits, in transforms.
fn cost(limbs: usize, special: usize, digits: usize) -> f64 {
    let products = digits * (limbs + special);
    let transforms = 2 * limbs + 2 * special + products;
    let per_digit = limbs.div_ceil(digits).min(MAX_DIGIT_LIMBS);
    let sources = (products - limbs) * per_digit + 2 * limbs * (special + 1);
    transforms as f64 + PRODUCT * products as f64 + SOURCE * sources as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::{digit_ranges, greedy};

    #[test]
    fn digits_are_counted_as_they_are_cut() {
        let chain = [30, 50, 20, 41, 41, 41, 50, 20, 20, 20, 20, 35, 28];
        for limbs in 1..=chain.len() {
            for limit in 50..=500 {
                let sizes: Vec<f64> = chain[..limbs].iter().map(|b| f64::from(*b)).collect();
                let cut = greedy(&sizes, f64::from(limit)).len();
                assert_eq!(
                    greedy_digits(&chain[..limbs], limit),
                    cut,
                    "{limbs} {limit}"
                );
            }
        }
    }

    #[test]
    fn two_digits_are_chosen_where_they_are_secure_and_three_where_not() {
        let sizes = |primes: usize| special_sizes(15, &vec![40; primes], SecurityLevel::Bits128);
        assert_eq!(sizes(12), Some(vec![49; 5]));
        // 640 bits leave 228: too few for a half.
        assert_eq!(sizes(16), Some(vec![42; 4]));
        assert_eq!(sizes(22), None);
    }

    #[test]
    fn small_chains_take_one_digit() {
        let sizes = special_sizes(14, &[45, 34, 34], SecurityLevel::Bits128);
        assert_eq!(sizes, Some(vec![39; 3]));
    }

    /// Chains of like and of unlike primes.
    fn chains() -> Vec<Vec<u32>> {
        let mut chains = vec![vec![50], vec![20, 50], vec![50, 21, 21, 21], vec![22; 40]];
        for length in [2, 5, 9, 14, 20, 31, 41] {
            chains.push(vec![36; length]);
            chains.push((0..length as u32).map(|i| 24 + i * 7 % 26).collect());
        }
        chains
    }

    #[test]
    fn every_choice_cuts_the_chain_as_it_says_within_the_room() {
        for chain in chains() {
            let sizes: Vec<f64> = chain.iter().map(|&b| f64::from(b)).collect();
            for room in [30, 60, 120, 250, 600] {
                for least_margin in [0, full_margin_bits(chain.len())] {
                    let choices = special_choices(&chain, room, 20, least_margin);
                    for choice in &choices {
                        assert!(choice.total_bits() <= room, "{chain:?} {choice:?}");
                        assert!(choice.bits <= MAX_PRIME_BITS && choice.bits >= 20);
                        assert!(choice.count as usize <= MAX_SPECIAL);
                        assert!(choice.margin_bits >= least_margin);
                        let total = f64::from(choice.total_bits());
                        let ranges = digit_ranges(&sizes, total).unwrap();
                        assert_eq!(ranges.len(), choice.digits as usize, "{chain:?} {choice:?}");
                        let widest = ranges.into_iter().map(|r| chain[r].iter().sum::<u32>());
                        assert_eq!(
                            widest.max().unwrap() + choice.margin_bits,
                            choice.total_bits()
                        );
                    }
                    let more = choices.windows(2);
                    for pair in more {
                        assert!(pair[0].count > pair[1].count && pair[0].digits < pair[1].digits);
                    }
                }
            }
        }
    }

    #[test]
    fn more_room_never_takes_a_choice_away() {
        for chain in chains() {
            let counts = |room: u32| {
                let choices = special_choices(&chain, room, 20, 0);
                choices
                    .iter()
                    .map(|c| (c.count, c.digits))
                    .collect::<Vec<_>>()
            };
            for room in (20..600).step_by(7) {
                let (few, many) = (counts(room), counts(room + 7));
                for (count, digits) in few {
                    let kept = many.iter().any(|(c, d)| *c <= count && *d <= digits);
                    assert!(kept, "{chain:?}: {count} primes at {room} bits of room");
                }
            }
        }
    }
}
