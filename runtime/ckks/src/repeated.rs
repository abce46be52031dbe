//! Encoding of vectors that repeat themselves, as the weights of a small layer in a large ring do.
//!
//! Slots of period p, a power of two, are those of a polynomial in X^(N/2p), which is a message of the ring of degree 2p.
//! There it is embedded and transformed; the roots of unity of the smaller ring are powers of those of the larger one, so in
//! bit-reversed order each transformed value stands N/2p times in a row.

use std::sync::OnceLock;

use crate::ciphertext::{Diagonal, PlainData, Plaintext};
use crate::context::Context;
use crate::embedding::Embedding;
use crate::error::Error;
use crate::ntt::Ntt;
use crate::parallel::for_limbs;

/// The least degree that is transformed.
const MIN_LOG_DEGREE: u32 = 9;

/// What encoding in a ring takes.
#[derive(Clone, Copy)]
pub(crate) struct Ring<'a> {
    pub(crate) degree: usize,
    pub(crate) embedding: &'a Embedding,
    /// Of the primes of the chain.
    pub(crate) ntts: &'a [Ntt],
}

/// The rings of lower degrees, made when they are first used.
#[derive(Default)]
pub(crate) struct SmallerRings {
    by_log_degree: [OnceLock<(Embedding, Vec<Ntt>)>; 16],
}

impl Context {
    /// Encodes a real vector that repeats `values` over all slots: slot `i` holds `values[i mod len]`. Faster than
    /// [`Context::encode`] of all slots, in proportion to the length where that is a power of two.
    ///
    /// # Errors
    /// As [`Context::encode`], and `NotEncodable` for no values.
    pub fn encode_repeated(
        &self,
        values: &[f64],
        scale: f64,
        level: usize,
    ) -> Result<Plaintext, Error> {
        let Some(ring) = self.ring_of(values) else {
            return self.encode(&self.all_slots(values)?, scale, level);
        };
        let compact = self.encode_limbs(ring, (&ring.slots_of(values), &[]), scale, level)?;
        let (n, times) = (self.degree(), self.degree() / ring.degree);
        let mut limbs = self.pool.take((level + 1) * n);
        for_limbs(&mut limbs, n, |i, limb| {
            let from = i * ring.degree..(i + 1) * ring.degree;
            repeat(limb, &compact[from], times);
        });
        Ok(Plaintext {
            data: PlainData::Limbs(limbs),
            level,
            scale,
            tag: self.tag(),
        })
    }

    /// [`Context::encode_diagonal`] of a vector that repeats `values`, see [`Context::encode_repeated`].
    ///
    /// # Errors
    /// As [`Context::encode_repeated`].
    pub fn encode_repeated_diagonal(
        &self,
        values: &[f64],
        scale: f64,
        level: usize,
    ) -> Result<Diagonal, Error> {
        if let [one] = values {
            return self.encode_constant_diagonal(*one, scale, level);
        }
        let Some(ring) = self.ring_of(values) else {
            return self.encode_diagonal(&self.all_slots(values)?, scale, level);
        };
        let compact = self.encode_limbs(ring, (&ring.slots_of(values), &[]), scale, level)?;
        Ok(self.diagonal(ring.degree, compact, scale, level))
    }

    /// The ring of the parameters.
    pub(crate) fn ring(&self) -> Ring<'_> {
        Ring {
            degree: self.degree(),
            embedding: &self.embedding,
            ntts: &self.ntts,
        }
    }

    /// The smaller ring that holds `values`, if there is one.
    fn ring_of(&self, values: &[f64]) -> Option<Ring<'_>> {
        let period = values.len();
        let log_degree = period
            .checked_ilog2()?
            .saturating_add(1)
            .max(MIN_LOG_DEGREE);
        if !period.is_power_of_two() || log_degree >= self.parameters.log_n() {
            return None;
        }
        let degree = 1usize << log_degree;
        let ring = self.smaller_rings.by_log_degree.get(log_degree as usize)?;
        let (embedding, ntts) = ring.get_or_init(|| {
            let ntt = |&q: &u64| {
                Ntt::new(degree, q, self.kernels)
                    .expect("a prime that is 1 mod 2N is 1 mod a divisor of that")
            };
            let ntts = self.parameters.moduli().iter().map(ntt).collect();
            (Embedding::new(log_degree), ntts)
        });
        Some(Ring {
            degree,
            embedding,
            ntts,
        })
    }

    fn all_slots(&self, values: &[f64]) -> Result<Vec<f64>, Error> {
        let slots = self.parameters.slots();
        if values.is_empty() {
            return Err(Error::NotEncodable {
                what: "the number of values that are repeated".into(),
                value: 0.0,
            });
        }
        if values.len() > slots {
            let given = values.len();
            return Err(Error::TooManyValues { given, slots });
        }
        Ok(values.iter().copied().cycle().take(slots).collect())
    }
}

impl Ring<'_> {
    fn slots_of(&self, values: &[f64]) -> Vec<f64> {
        let slots = self.degree / 2;
        values.iter().copied().cycle().take(slots).collect()
    }
}

/// Writes each value `times` times in a row.
pub(crate) fn repeat(limb: &mut [u64], values: &[u64], times: usize) {
    for (places, &value) in limb.chunks_exact_mut(times).zip(values) {
        places.fill(value);
    }
}
