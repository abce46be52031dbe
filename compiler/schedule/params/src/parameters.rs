//! A checked parameter set.

use std::ops::Range;

use crate::error::ParamError;
use crate::primes::{MAX_LOG_N, MAX_PRIME_BITS, MIN_LOG_N, is_prime};
use crate::security::{Attacks, Security, SecurityLevel, SecurityRow, TABLE_LOG_N, max_log_qp};

/// Smallest log2 of a modulus.
const MIN_PRIME_BITS: u32 = 17;
/// Most primes in either list: the sums of the kernels stay below 2^64 with a wide margin.
const MAX_PRIMES: usize = 64;
/// Most special primes: with one more prime and a quotient they are the terms of one conversion.
pub(crate) const MAX_SPECIAL: usize = 11;
/// A digit may exceed the special primes by this many bits (primes of one size differ a little).
const DIGIT_TOLERANCE_BITS: f64 = 0.5;
/// Most limbs in one digit: the bound of the base-conversion kernels.
pub(crate) const MAX_DIGIT_LIMBS: usize = 12;

/// A checked set of parameters: ring degree, prime chain, special primes, security.
///
/// `moduli()[0]` is the base prime; the last one is dropped first by a rescale. The special primes are used
/// by key switching only and may be absent, in which case no switching key can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    log_n: u32,
    moduli: Vec<u64>,
    special: Vec<u64>,
    security: Security,
    digits: Vec<Range<usize>>,
}

impl Parameters {
    /// Checks and makes a parameter set at a security level of the table.
    ///
    /// # Errors
    /// Any [`ParamError`]: a degree, prime or combination that the engine cannot use, or a modulus above
    /// the table.
    pub fn new(
        log_n: u32,
        moduli: Vec<u64>,
        special: Vec<u64>,
        level: SecurityLevel,
    ) -> Result<Self, ParamError> {
        let parameters = Self::checked(log_n, moduli, special, Security::Level(level))?;
        let limit = max_log_qp(log_n, level).ok_or(ParamError::NoTableEntry {
            log_n,
            level_bits: level.bits(),
            min: TABLE_LOG_N.0,
            max: TABLE_LOG_N.1,
        })?;
        let log_qp = parameters.log_qp_bits().ceil() as u32;
        if log_qp > limit {
            return Err(ParamError::Insecure {
                log_qp,
                log_n,
                level_bits: level.bits(),
                limit,
            });
        }
        Ok(parameters)
    }

    /// As [`Parameters::new`], and within a row of the table.
    ///
    /// # Errors
    /// As [`Parameters::new`].
    pub fn within(
        log_n: u32,
        moduli: Vec<u64>,
        special: Vec<u64>,
        row: SecurityRow,
    ) -> Result<Self, ParamError> {
        let parameters = Self::new(log_n, moduli, special, row.level)?;
        let log_qp = parameters.log_qp_bits().ceil() as u32;
        let limit = row.max_log_qp(log_n).unwrap_or(0);
        match log_qp <= limit {
            true => Ok(parameters),
            false => Err(ParamError::Insecure {
                log_qp,
                log_n,
                level_bits: row.level.bits(),
                limit,
            }),
        }
    }

    /// The highest level at which they withstand quantum attacks too; `None` where they do at none, or promise no
    /// security at all.
    pub fn quantum_level(&self) -> Option<SecurityLevel> {
        let log_qp = self.log_qp_bits().ceil() as u32;
        let attacks = Attacks::Quantum;
        let limit = |level| SecurityRow { level, attacks }.max_log_qp(self.log_n);
        let holds = |level: &SecurityLevel| limit(*level).is_some_and(|limit| log_qp <= limit);
        match self.security {
            Security::Level(_) => SecurityLevel::ALL.into_iter().rev().find(holds),
            Security::Insecure => None,
        }
    }

    /// The same without the security check: for tests and measurements only, **never for real data**.
    ///
    /// # Errors
    /// As [`Parameters::new`], except for the security table.
    pub fn new_insecure(
        log_n: u32,
        moduli: Vec<u64>,
        special: Vec<u64>,
    ) -> Result<Self, ParamError> {
        Self::checked(log_n, moduli, special, Security::Insecure)
    }

    fn checked(
        log_n: u32,
        moduli: Vec<u64>,
        special: Vec<u64>,
        security: Security,
    ) -> Result<Self, ParamError> {
        if !(MIN_LOG_N..=MAX_LOG_N).contains(&log_n) {
            return Err(ParamError::LogN {
                log_n,
                min: MIN_LOG_N,
                max: MAX_LOG_N,
            });
        }
        if moduli.is_empty() {
            return Err(ParamError::EmptyChain);
        }
        check_list(log_n, "moduli", &moduli)?;
        check_list(log_n, "special", &special)?;
        let mut sorted: Vec<u64> = moduli.iter().chain(&special).copied().collect();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(ParamError::Repeated { modulus: pair[0] });
        }
        let bits: Vec<f64> = moduli.iter().map(|&q| (q as f64).log2()).collect();
        let special_bits = log2_product(&special);
        let digits =
            digit_ranges(&bits, special_bits).map_err(|index| ParamError::SpecialTooSmall {
                special_bits,
                index,
                modulus_bits: bits[index],
            })?;
        Ok(Self {
            log_n,
            moduli,
            special,
            security,
            digits,
        })
    }

    /// log2 of the ring degree, 10 to 16.
    pub fn log_n(&self) -> u32 {
        self.log_n
    }

    /// The ring degree N.
    pub fn degree(&self) -> usize {
        1 << self.log_n
    }

    /// Slots of a plaintext: N/2 complex (or real) numbers.
    pub fn slots(&self) -> usize {
        self.degree() / 2
    }

    /// The prime chain, base prime first.
    pub fn moduli(&self) -> &[u64] {
        &self.moduli
    }

    /// The special primes of key switching, possibly none.
    pub fn special(&self) -> &[u64] {
        &self.special
    }

    /// The level of a fresh ciphertext: one less than the primes of the chain.
    pub fn max_level(&self) -> usize {
        self.moduli.len() - 1
    }

    /// log2 of the product of the chain.
    pub fn log_q_bits(&self) -> f64 {
        log2_product(&self.moduli)
    }

    /// log2 of the product of chain and special primes: what security is counted on.
    pub fn log_qp_bits(&self) -> f64 {
        self.log_q_bits() + log2_product(&self.special)
    }

    /// What the set promises.
    pub fn security(&self) -> Security {
        self.security
    }

    /// The number of digits (dnum) of key switching; 0 without special primes.
    ///
    /// It is the smallest number for which every digit is at most the product of the special primes (up to
    /// half a bit).
    pub fn digits(&self) -> usize {
        self.digits.len()
    }

    /// The limbs of each digit: consecutive, disjoint, together the whole chain.
    pub fn digit_ranges(&self) -> impl ExactSizeIterator<Item = Range<usize>> + '_ {
        self.digits.iter().cloned()
    }
}

fn log2_product(primes: &[u64]) -> f64 {
    primes.iter().map(|&p| (p as f64).log2()).sum()
}

fn check_list(log_n: u32, what: &'static str, primes: &[u64]) -> Result<(), ParamError> {
    let max = if what == "special" {
        MAX_SPECIAL
    } else {
        MAX_PRIMES
    };
    if primes.len() > max {
        return Err(ParamError::TooMany {
            what,
            count: primes.len(),
            max,
        });
    }
    let order = 2u64 << log_n;
    for (index, &modulus) in primes.iter().enumerate() {
        if modulus >> MAX_PRIME_BITS != 0 || modulus >> MIN_PRIME_BITS == 0 {
            let (min_bits, max_bits) = (MIN_PRIME_BITS, MAX_PRIME_BITS);
            return Err(ParamError::OutOfRange {
                what,
                index,
                modulus,
                min_bits,
                max_bits,
            });
        }
        let residue = modulus % order;
        if residue != 1 {
            return Err(ParamError::NotNttFriendly {
                what,
                index,
                modulus,
                residue,
                order,
                log_n,
            });
        }
        if !is_prime(modulus) {
            return Err(ParamError::NotPrime {
                what,
                index,
                modulus,
            });
        }
    }
    Ok(())
}

/// The digits of key switching for primes of `bits` and special primes of `special_bits` together: consecutive limbs,
/// the fewest digits that fit the special primes, evened out. None without special primes.
///
/// # Errors
/// The position of a prime that is larger than the special primes together.
pub fn digit_ranges(bits: &[f64], special_bits: f64) -> Result<Vec<Range<usize>>, usize> {
    if bits.is_empty() || special_bits == 0.0 {
        return Ok(Vec::new());
    }
    let limit = special_bits + DIGIT_TOLERANCE_BITS;
    if let Some(index) = bits.iter().position(|&b| b > limit) {
        return Err(index);
    }
    let fewest = greedy(bits, limit).len();
    // The smallest limit that still gives the fewest digits evens the digits out: less noise for free.
    let (mut low, mut high) = (0.0, limit);
    for _ in 0..30 {
        let middle = 0.5 * (low + high);
        let fits = bits.iter().all(|&b| b <= middle) && greedy(bits, middle).len() == fewest;
        if fits {
            high = middle;
        } else {
            low = middle;
        }
    }
    Ok(greedy(bits, high))
}

pub(crate) fn greedy(bits: &[f64], limit: f64) -> Vec<Range<usize>> {
    let mut digits = Vec::new();
    let (mut start, mut sum) = (0, 0.0);
    for (i, &b) in bits.iter().enumerate() {
        if i > start && (sum + b > limit || i - start == MAX_DIGIT_LIMBS) {
            digits.push(start..i);
            (start, sum) = (i, 0.0);
        }
        sum += b;
    }
    digits.push(start..bits.len());
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primes::ntt_primes;

    fn chain(log_n: u32, bits: &[u32], special: usize) -> (Vec<u64>, Vec<u64>) {
        let all: Vec<u32> = bits
            .iter()
            .copied()
            .chain(std::iter::repeat_n(50, special))
            .collect();
        let mut primes = ntt_primes(log_n, &all).unwrap();
        let tail = primes.split_off(bits.len());
        (primes, tail)
    }

    #[test]
    fn the_reference_set_has_three_digits_of_four_limbs() {
        let (q, p) = chain(15, &[40; 12], 4);
        let set = Parameters::new(15, q, p, SecurityLevel::Bits128).unwrap();
        assert_eq!(set.digits(), 3);
        assert_eq!(set.digit_ranges().collect::<Vec<_>>(), [0..4, 4..8, 8..12]);
        assert_eq!(set.max_level(), 11);
        assert!((set.log_qp_bits() - 680.0).abs() < 0.1);
    }

    #[test]
    fn a_modulus_above_the_table_is_refused_with_both_numbers() {
        let (q, p) = chain(13, &[50, 40, 40, 40], 1);
        let error = Parameters::new(13, q.clone(), p.clone(), SecurityLevel::Bits128).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("221 bits") && text.contains("214"), "{text}");
        let set = Parameters::new_insecure(13, q, p).unwrap();
        assert_eq!(set.security(), Security::Insecure);
        assert_eq!(set.security().bits(), 0);
    }

    #[test]
    fn special_primes_smaller_than_a_limb_are_refused_and_none_are_allowed() {
        let q = ntt_primes(13, &[50, 40]).unwrap();
        let p = ntt_primes(13, &[38]).unwrap();
        let error = Parameters::new(13, q.clone(), p, SecurityLevel::Bits128).unwrap_err();
        assert!(matches!(
            error,
            ParamError::SpecialTooSmall { index: 0, .. }
        ));
        let set = Parameters::new(13, q, vec![], SecurityLevel::Bits128).unwrap();
        assert_eq!(set.digits(), 0);
    }

    #[test]
    fn bad_moduli_are_refused() {
        let make = |q: Vec<u64>| Parameters::new_insecure(11, q, vec![]).unwrap_err();
        let good = ntt_primes(11, &[40]).unwrap()[0];
        assert!(matches!(make(vec![]), ParamError::EmptyChain));
        assert!(matches!(
            make(vec![good, good]),
            ParamError::Repeated { .. }
        ));
        assert!(matches!(
            make(vec![good + 2]),
            ParamError::NotNttFriendly { .. }
        ));
        assert!(matches!(
            make(vec![(1 << 40) + 4096 * 4096 * 4096 + 1]),
            ParamError::NotPrime { .. }
        ));
        assert!(matches!(
            make(vec![u64::MAX]),
            ParamError::OutOfRange { .. }
        ));
        assert!(matches!(make(vec![0]), ParamError::OutOfRange { .. }));
        let error = Parameters::new_insecure(17, vec![good], vec![]).unwrap_err();
        assert!(matches!(error, ParamError::LogN { log_n: 17, .. }));
        let error = Parameters::new(
            10,
            ntt_primes(10, &[25]).unwrap(),
            vec![],
            SecurityLevel::Bits128,
        );
        assert!(matches!(
            error,
            Err(ParamError::NoTableEntry { log_n: 10, .. })
        ));
    }
}
