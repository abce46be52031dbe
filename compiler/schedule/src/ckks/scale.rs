//! Exact scales: a power of two times integer powers of the chain's primes.
//!
//! A rescale divides by a prime and a product multiplies scales, so every scale of a schedule is such a product;
//! comparing them is exact, and floats appear only where a number is encoded. Exponents saturate at the ends of `i64`;
//! [`crate::ckks::infer`] refuses them long before.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// `2^log2 · Π q_i^e_i` over primes `q_i` of the chain. Text form: `2^40*q5^-1`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Scale {
    log2: i64,
    /// Exponents by position in the chain; none is zero. Shared: many values have one scale.
    primes: Arc<BTreeMap<u32, i64>>,
}

impl Scale {
    /// `2^log2`.
    pub fn pow2(log2: i64) -> Self {
        Self {
            log2,
            ..Self::default()
        }
    }

    /// The prime at position `index` of the chain.
    pub fn prime(index: u32) -> Self {
        Self::prime_power(index, 1)
    }

    /// The prime at position `index` of the chain, to a power.
    pub fn prime_power(index: u32, exponent: i64) -> Self {
        let primes = match exponent {
            0 => BTreeMap::new(),
            exponent => BTreeMap::from([(index, exponent)]),
        };
        Self {
            log2: 0,
            primes: Arc::new(primes),
        }
    }

    /// The exponent of two.
    pub fn log2_exponent(&self) -> i64 {
        self.log2
    }

    /// The exponents of primes, by position in the chain.
    pub fn prime_exponents(&self) -> impl Iterator<Item = (u32, i64)> + '_ {
        self.primes.iter().map(|(index, e)| (*index, *e))
    }

    /// The product of two scales.
    pub fn times(&self, other: &Self) -> Self {
        let mut product = self.clone();
        product.log2 = product.log2.saturating_add(other.log2);
        if !other.primes.is_empty() {
            let primes = Arc::make_mut(&mut product.primes);
            for (index, exponent) in other.primes.iter() {
                let e = primes.entry(*index).or_insert(0);
                *e = e.saturating_add(*exponent);
                if *e == 0 {
                    primes.remove(index);
                }
            }
        }
        product
    }

    /// `1 / self`.
    pub fn inverse(&self) -> Self {
        Self {
            log2: self.log2.saturating_neg(),
            primes: Arc::new(
                (self.primes.iter())
                    .map(|(i, e)| (*i, e.saturating_neg()))
                    .collect(),
            ),
        }
    }

    /// `self / other`.
    pub fn over(&self, other: &Self) -> Self {
        self.times(&other.inverse())
    }

    /// log2 of the scale for these primes; `None` if a position lies outside the chain.
    pub fn bits(&self, moduli: &[u64]) -> Option<f64> {
        let mut bits = self.log2 as f64;
        for (index, exponent) in self.primes.iter() {
            bits += (*moduli.get(*index as usize)? as f64).log2() * *exponent as f64;
        }
        Some(bits)
    }

    /// The scale as a float for these primes (relative error below 2^-45); `None` if a position lies outside
    /// the chain or the number outside the range of floats.
    pub fn to_f64(&self, moduli: &[u64]) -> Option<f64> {
        // Factors are multiplied as 2^k·m with m near 1, so large exponents neither overflow nor lose digits.
        let (mut mantissa, mut exponent) = (1.0f64, self.log2);
        for (index, e) in self.primes.iter() {
            let prime = *moduli.get(*index as usize)? as f64;
            let k = prime.log2().round();
            let unit = (prime / k.exp2()).powi(i32::try_from(*e).ok()?);
            mantissa *= unit;
            exponent = exponent.checked_add((k as i64).checked_mul(*e)?)?;
        }
        let value = mantissa * (i32::try_from(exponent).ok()? as f64).exp2();
        (value.is_finite() && value > 0.0).then_some(value)
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "2^{}", self.log2)?;
        for (index, exponent) in self.primes.iter() {
            write!(f, "*q{index}^{exponent}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three primes near 2^30.
    const MODULI: [u64; 3] = [1_073_643_521, 1_073_872_897, 1_073_479_681];

    #[test]
    fn products_and_quotients_are_exact_and_cancel() {
        let x = Scale::pow2(40).times(&Scale::prime(2));
        assert_eq!(x.to_string(), "2^40*q2^1");
        assert_eq!(x.over(&x), Scale::default());
        assert_eq!(x.times(&x).over(&x), x);
        assert_eq!(Scale::prime_power(1, 0), Scale::default());
    }

    #[test]
    fn the_float_agrees_with_the_bits_to_its_stated_error() {
        for e in [-30, -1, 0, 1, 7, 30] {
            let x = Scale::pow2(40).times(&Scale::prime_power(0, e));
            let value = x.to_f64(&MODULI).unwrap();
            assert!((value.log2() - x.bits(&MODULI).unwrap()).abs() < 1e-10);
        }
        // Exactly representable: the product of two primes below 2^53 has an error of rounding only.
        let y = Scale::prime(0).over(&Scale::prime(1));
        let exact = MODULI[0] as f64 / MODULI[1] as f64;
        assert!((y.to_f64(&MODULI).unwrap() / exact - 1.0).abs() < (-45f64).exp2());
    }

    #[test]
    fn absurd_exponents_neither_panic_nor_give_a_number() {
        let huge = Scale::pow2(i64::MIN)
            .inverse()
            .times(&Scale::pow2(i64::MAX));
        assert_eq!(huge.to_f64(&MODULI), None);
        let huge = Scale::prime_power(0, i64::MIN).inverse();
        assert_eq!(huge.to_f64(&MODULI), None);
        assert_eq!(Scale::prime(3).bits(&MODULI), None);
    }
}
