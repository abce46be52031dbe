//! The choice of special primes: into how many digits key switching is best cut.

use crate::parameters::{MAX_DIGIT_LIMBS, MAX_SPECIAL, greedy};
use crate::primes::MAX_PRIME_BITS;
use crate::security::{SecurityLevel, max_log_qp};

/// Bits by which the special primes exceed a digit: the noise of a key switch is then below that of a rescale.
const MARGIN_BITS: u32 = 8;

/// A product of a digit with a key limb, in transforms of a limb.
const PRODUCT: f64 = 0.7;
/// One source limb of a base conversion, in transforms of a limb.
const SOURCE: f64 = 0.06;

/// Sizes in bits of the special primes for a chain of the given sizes that make key switching at the top level
/// cheapest, as counted in transforms and products, within the security table; `None` if none fit.
pub fn special_sizes(log_n: u32, chain_bits: &[u32], level: SecurityLevel) -> Option<Vec<u32>> {
    let room = max_log_qp(log_n, level)?.checked_sub(chain_bits.iter().sum())?;
    let sizes: Vec<f64> = chain_bits.iter().map(|&b| f64::from(b)).collect();
    let largest = *chain_bits.iter().max()?;
    let mut best: Option<(f64, Vec<u32>)> = None;
    for digit in largest..=chain_bits.iter().sum() {
        let count = (digit + MARGIN_BITS).div_ceil(MAX_PRIME_BITS);
        let size = (digit + MARGIN_BITS).div_ceil(count);
        if count as usize > MAX_SPECIAL || count * size > room {
            break;
        }
        let digits = greedy(&sizes, f64::from(digit)).len();
        let cost = cost(sizes.len(), count as usize, digits);
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, vec![size; count as usize]));
        }
    }
    best.map(|(_, sizes)| sizes)
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

    #[test]
    fn two_digits_are_chosen_where_they_are_secure_and_three_where_not() {
        let sizes = |primes: usize| special_sizes(15, &vec![40; primes], SecurityLevel::Bits128);
        assert_eq!(sizes(12), Some(vec![50; 5]));
        // 640 bits leave 228: too few for a half.
        assert_eq!(sizes(16), Some(vec![42; 4]));
        assert_eq!(sizes(22), None);
    }

    #[test]
    fn small_chains_take_one_digit() {
        let sizes = special_sizes(14, &[45, 34, 34], SecurityLevel::Bits128);
        assert_eq!(sizes, Some(vec![41; 3]));
    }
}
