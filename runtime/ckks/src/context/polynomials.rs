//! Limbs of signed polynomials and of uniform ones that a seed stands for.

use super::Context;
use crate::parallel::for_limbs;
use crate::pool::Buf;
use crate::sampling::{Purpose, expand_uniform};

impl Context {
    /// Signed coefficients to transformed limbs of a level.
    pub(crate) fn transform(&self, coefficients: &[i64], level: usize) -> Buf {
        let n = self.degree();
        let mut limbs = self.pool.take((level + 1) * n);
        for_limbs(&mut limbs, n, |i, limb| {
            self.kernels
                .reduce_signed(&self.moduli[i], limb, coefficients);
            self.ntts[i].forward(limb);
        });
        limbs
    }

    /// Signed coefficients to transformed extended limbs, all of them.
    pub(crate) fn transform_extended(&self, coefficients: &[i64]) -> Buf {
        let n = self.degree();
        let mut limbs = self.pool.take((self.special.len() + self.moduli.len()) * n);
        for_limbs(&mut limbs, n, |u, limb| {
            let (m, ntt) = self.extended(u);
            self.kernels.reduce_signed(m, limb, coefficients);
            ntt.forward(limb);
        });
        limbs
    }

    /// How many limbs a public key has.
    pub(crate) fn public_limbs(&self) -> usize {
        self.moduli.len() + self.special.len().min(1)
    }

    /// Which extended limb is limb `i` of a public key: the chain comes first, then the first special prime.
    pub(crate) fn public_limb(&self, i: usize) -> usize {
        if i < self.moduli.len() {
            self.special.len() + i
        } else {
            0
        }
    }

    /// The uniform part of a public key.
    pub(crate) fn expand_public(&self, seed: &[u8; 32]) -> Buf {
        let n = self.degree();
        let seed = Purpose::PublicKey.of(seed);
        let mut limbs = self.pool.take(self.public_limbs() * n);
        for_limbs(&mut limbs, n, |i, limb| {
            let m = self.extended(self.public_limb(i)).0;
            expand_uniform(&seed, i as u64, m.q, limb);
        });
        limbs
    }

    /// The uniform part of a seeded ciphertext.
    pub(crate) fn expand_chain(&self, seed: &[u8; 32], level: usize) -> Buf {
        let n = self.degree();
        let seed = Purpose::Ciphertext.of(seed);
        let mut limbs = self.pool.take((level + 1) * n);
        for_limbs(&mut limbs, n, |i, limb| {
            expand_uniform(&seed, i as u64, self.moduli[i].q, limb)
        });
        limbs
    }
}
