//! The rings in which real vectors are encoded: that of the parameters, and smaller ones for vectors that repeat
//! themselves.
//!
//! Slots of period p, a power of two, are those of a polynomial in X^(N/2p), which is a message of the ring of degree
//! 2p. There it is embedded and transformed; the roots of unity of the smaller ring are powers of those of the larger
//! one, so in bit-reversed order each transformed value stands N/2p times in a row. And real slots are those of a
//! polynomial that is the same in 1/X: the second half of its transform is the first half backwards
//! (`ntt/real.rs`). So p values stand for all N.

use std::sync::OnceLock;

use super::{Context, Embedding};
use crate::ntt::RealNtt;

/// The least degree whose half is transformed.
const MIN_LOG_DEGREE: u32 = 10;

/// What encoding real vectors in a ring takes.
#[derive(Clone, Copy)]
pub(crate) struct RealRing<'a> {
    /// Slots of the ring: half its degree, and the values of a transform that are different.
    pub(crate) slots: usize,
    pub(crate) embedding: &'a Embedding,
    /// Of the primes of the chain.
    pub(crate) ntts: &'a [RealNtt],
}

/// The rings for real vectors by degree, made when they are first used.
#[derive(Default)]
pub(crate) struct RealRings {
    by_log_degree: [OnceLock<(Embedding, Vec<RealNtt>)>; 20],
}

impl Context {
    /// The smallest ring for vectors that repeat `period` values.
    pub(crate) fn real_ring(&self, period: usize) -> RealRing<'_> {
        let whole = self.parameters.log_n();
        let log_degree = match period.is_power_of_two() {
            true => (period.ilog2() + 1).clamp(MIN_LOG_DEGREE, whole),
            false => whole,
        };
        let degree = 1usize << log_degree;
        let (embedding, ntts) =
            self.real_rings.by_log_degree[log_degree as usize].get_or_init(|| {
                let ntt = |&q: &u64| {
                    RealNtt::new(degree, q, self.kernels)
                        .expect("a prime that is 1 mod 2N is 1 mod a divisor of that")
                };
                let ntts = self.parameters.moduli().iter().map(ntt).collect();
                (Embedding::new(log_degree), ntts)
            });
        RealRing {
            slots: degree / 2,
            embedding,
            ntts,
        }
    }
}
