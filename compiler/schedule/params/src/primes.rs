//! Primes for the negacyclic transform: search and a deterministic primality test.

use crate::error::ParamError;

/// Smallest supported log2 of the ring degree.
pub(crate) const MIN_LOG_N: u32 = 10;
/// Largest supported log2 of the ring degree.
pub(crate) const MAX_LOG_N: u32 = 16;

/// Every prime is below 2^50, the limit of the engine's 52-bit multiply-accumulate kernels.
pub const MAX_PRIME_BITS: u32 = 50;

/// Bases that make Miller-Rabin exact below 2^64 (Sinclair 2011, verified by exhaustive search there).
const WITNESSES: [u64; 7] = [2, 325, 9375, 28178, 450_775, 9_780_504, 1_795_265_022];

/// Whether `n` is a prime; deterministic for every `u64`.
pub fn is_prime(n: u64) -> bool {
    if n < 4 {
        return n >= 2;
    }
    if n.is_multiple_of(2) {
        return false;
    }
    let twos = (n - 1).trailing_zeros();
    let odd = (n - 1) >> twos;
    WITNESSES
        .iter()
        .all(|&base| is_strong_probable_prime(n, base % n, odd, twos))
}

fn is_strong_probable_prime(n: u64, base: u64, odd: u64, twos: u32) -> bool {
    if base == 0 {
        return true;
    }
    let mut x = pow_mod(base, odd, n);
    if x == 1 || x == n - 1 {
        return true;
    }
    for _ in 1..twos {
        x = mul_mod(x, x, n);
        if x == n - 1 {
            return true;
        }
    }
    false
}

fn mul_mod(a: u64, b: u64, n: u64) -> u64 {
    ((u128::from(a) * u128::from(b)) % u128::from(n)) as u64
}

fn pow_mod(mut base: u64, mut exponent: u64, n: u64) -> u64 {
    let mut result = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = mul_mod(result, base, n);
        }
        base = mul_mod(base, base, n);
        exponent >>= 1;
    }
    result
}

/// Distinct primes = 1 mod 2N, the i-th the nearest to 2^`bits[i]` that no earlier position has taken.
///
/// Of two equally near primes the lower one is taken, so the result is deterministic, and near primes come
/// alternately from above and below, which keeps products close to the wanted power of two. At 50 bits
/// only primes below 2^50 are taken. Sizes from `log_n + 3` (at least 20) to 50 bits are accepted; a prime
/// further than a factor of sqrt(2) from its size is refused.
///
/// # Errors
/// `LogN` and `PrimeBits` for sizes outside the range, `NoPrime` when the primes of a size run out.
pub fn ntt_primes(log_n: u32, bits: &[u32]) -> Result<Vec<u64>, ParamError> {
    if !(MIN_LOG_N..=MAX_LOG_N).contains(&log_n) {
        return Err(ParamError::LogN {
            log_n,
            min: MIN_LOG_N,
            max: MAX_LOG_N,
        });
    }
    let mut taken = Vec::with_capacity(bits.len());
    for (index, &size) in bits.iter().enumerate() {
        let prime = nearest_unused(log_n, index, size, &taken)?;
        taken.push(prime);
    }
    Ok(taken)
}

fn nearest_unused(log_n: u32, index: usize, bits: u32, taken: &[u64]) -> Result<u64, ParamError> {
    let min = (log_n + 3).max(20);
    if !(min..=MAX_PRIME_BITS).contains(&bits) {
        return Err(ParamError::PrimeBits {
            index,
            bits,
            log_n,
            min,
            max: MAX_PRIME_BITS,
        });
    }
    let order = 1u64 << (log_n + 1);
    let target = 1u64 << bits;
    let (low, high) = (
        f64::from(bits) - 0.5,
        (f64::from(bits) + 0.5).min(f64::from(MAX_PRIME_BITS)),
    );
    let (low_limit, high_limit) = (low.exp2() as u64, high.exp2() as u64);
    // The target is a multiple of the order, so candidates lie 1 above its neighbors: k steps below is
    // nearer than k steps above.
    for step in 0u64.. {
        let below = target.saturating_sub(step * order) + 1;
        let above = target + step * order + 1;
        if below < low_limit && above >= high_limit {
            break;
        }
        for candidate in [below, above] {
            let usable = candidate >= low_limit && candidate < high_limit;
            if usable && !taken.contains(&candidate) && is_prime(candidate) {
                return Ok(candidate);
            }
        }
    }
    Err(ParamError::NoPrime {
        index,
        bits,
        order,
        low,
        high,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_primality_test_agrees_with_trial_division_and_known_hard_cases() {
        let trial = |n: u64| {
            n >= 2
                && (2..)
                    .take_while(|d| d * d <= n)
                    .all(|d| !n.is_multiple_of(d))
        };
        for n in 0..20_000 {
            assert_eq!(is_prime(n), trial(n), "{n}");
        }
        // Strong pseudoprimes to the bases 2, 3, 5, 7 and Carmichael numbers.
        for n in [
            3_215_031_751,
            3_825_123_056_546_413_051,
            561,
            9_746_347_772_161,
        ] {
            assert!(!is_prime(n), "{n}");
        }
        assert!(is_prime((1 << 61) - 1));
        assert!(is_prime(18_446_744_073_709_551_557));
        assert!(!is_prime(u64::MAX));
    }

    #[test]
    fn primes_are_distinct_friendly_near_and_below_the_limit() {
        for log_n in MIN_LOG_N..=MAX_LOG_N {
            let sizes = [50, 40, 40, 40, 30, 50, 40, 50];
            let primes = ntt_primes(log_n, &sizes).unwrap();
            for (i, (&p, &bits)) in primes.iter().zip(&sizes).enumerate() {
                assert!(is_prime(p) && p < 1 << MAX_PRIME_BITS);
                assert_eq!(p % (2 << log_n), 1);
                assert!(!primes[..i].contains(&p));
                assert!(
                    ((p as f64).log2() - f64::from(bits)).abs() < 0.1,
                    "{p} at {bits} bits"
                );
            }
            assert_eq!(primes, ntt_primes(log_n, &sizes).unwrap());
        }
    }

    #[test]
    fn equal_sizes_come_from_both_sides() {
        let primes = ntt_primes(15, &[40; 12]).unwrap();
        let above = primes.iter().filter(|&&p| p > 1 << 40).count();
        assert!((3..=9).contains(&above), "{above} of 12 lie above");
    }

    #[test]
    fn impossible_sizes_are_refused() {
        assert!(matches!(
            ntt_primes(13, &[51]),
            Err(ParamError::PrimeBits { bits: 51, .. })
        ));
        assert!(matches!(
            ntt_primes(13, &[19]),
            Err(ParamError::PrimeBits { bits: 19, .. })
        ));
        assert!(matches!(
            ntt_primes(5, &[40]),
            Err(ParamError::LogN { log_n: 5, .. })
        ));
        assert!(matches!(
            ntt_primes(16, &[20; 9]),
            Err(ParamError::NoPrime { .. }) | Err(ParamError::PrimeBits { .. })
        ));
        assert!(matches!(
            ntt_primes(15, &[20; 9]),
            Err(ParamError::NoPrime { .. })
        ));
    }
}
