//! Exact scales: a power of two times integer powers of the chain's primes.
//!
//! A rescale divides by a prime and a product multiplies scales, so every scale of a schedule is such a product;
//! comparing them is exact, and floats appear only where a number is encoded.

use std::collections::BTreeMap;
use std::fmt;

/// `2^log2 · Π q_i^e_i` over primes `q_i` of the chain. Text form: `2^40*q5^-1`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Scale {
    log2: i64,
    /// Exponents by position in the chain; none is zero.
    primes: BTreeMap<u32, i64>,
}

impl Scale {
    /// `2^log2`.
    pub fn pow2(log2: i64) -> Self {
        Self {
            log2,
            primes: BTreeMap::new(),
        }
    }

    /// The prime at position `index` of the chain.
    pub fn prime(index: u32) -> Self {
        Self {
            log2: 0,
            primes: BTreeMap::from([(index, 1)]),
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
        product.log2 += other.log2;
        for (index, exponent) in &other.primes {
            let e = product.primes.entry(*index).or_insert(0);
            *e += exponent;
            if *e == 0 {
                product.primes.remove(index);
            }
        }
        product
    }

    /// `1 / self`.
    pub fn inverse(&self) -> Self {
        Self {
            log2: -self.log2,
            primes: self.primes.iter().map(|(i, e)| (*i, -e)).collect(),
        }
    }

    /// `self / other`.
    pub fn over(&self, other: &Self) -> Self {
        self.times(&other.inverse())
    }

    /// log2 of the scale for these primes; `None` if a position lies outside the chain.
    pub fn bits(&self, moduli: &[u64]) -> Option<f64> {
        let mut bits = self.log2 as f64;
        for (index, exponent) in &self.primes {
            bits += (*moduli.get(*index as usize)? as f64).log2() * *exponent as f64;
        }
        Some(bits)
    }

    /// The scale as a float for these primes (relative error below 2^-45); `None` if a position lies outside
    /// the chain or the number outside the range of floats.
    pub fn to_f64(&self, moduli: &[u64]) -> Option<f64> {
        // Factors are multiplied as 2^k·m with m near 1, so large exponents neither overflow nor lose digits.
        let (mut mantissa, mut exponent) = (1.0f64, self.log2);
        for (index, e) in &self.primes {
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
        for (index, exponent) in &self.primes {
            write!(f, "*q{index}^{exponent}")?;
        }
        Ok(())
    }
}
