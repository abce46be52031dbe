//! The ring of the parameters and the smaller ones, in which vectors are encoded that repeat themselves.
//!
//! Slots of period p, a power of two, are those of a polynomial in X^(N/2p), which is a message of the ring of degree
//! 2p. There it is embedded and transformed; the roots of unity of the smaller ring are powers of those of the larger
//! one, so in bit-reversed order each transformed value stands N/2p times in a row.

use std::sync::OnceLock;

use super::{Context, Embedding};
use crate::ntt::Ntt;

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

impl Ring<'_> {
    /// All slots of the ring, filled with `values` over and over.
    pub(crate) fn slots_of(&self, values: &[f64]) -> Vec<f64> {
        let slots = self.degree / 2;
        values.iter().copied().cycle().take(slots).collect()
    }
}

impl Context {
    /// The ring of the parameters.
    pub(crate) fn ring(&self) -> Ring<'_> {
        Ring {
            degree: self.degree(),
            embedding: &self.embedding,
            ntts: &self.ntts,
        }
    }

    /// The smaller ring that holds `values`, if there is one.
    pub(crate) fn ring_of(&self, values: &[f64]) -> Option<Ring<'_>> {
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
}

/// Writes each value `times` times in a row.
pub(crate) fn repeat(limb: &mut [u64], values: &[u64], times: usize) {
    for (places, &value) in limb.chunks_exact_mut(times).zip(values) {
        places.fill(value);
    }
}
