//! Switching keys: their form, how they are made, and how long they are when they serve up to a level.
//!
//! A switching key from s' to s has, per digit j, a pair (b, a) over the extended chain with
//! b = -a·s + e + P·g_j·s' mod QP, where g_j is 1 modulo the limbs of digit j and 0 modulo the others (Han and
//! Ki 2020). Stored are P⁻¹·b and P⁻¹·a modulo the chain, and b, a modulo the special primes, all times 2^52: so the
//! division by P at the end of a key switch is a subtraction. The a are uniform and come from a seed.
//!
//! At level l a key switch reads the special limbs, limbs 0..=l and the digits that start there; the boundaries of
//! digits are those of the whole chain, the last is cut short. As each residue of a key stands for itself, a key that
//! serves up to level l is a whole one without its higher limbs and digits.

use rand::rand_core::CryptoRng;

use super::list::Entry;
use super::words::KeyWords;
use crate::bytes::{Kind, check_residues};
use crate::context::Context;
use crate::error::{BytesError, Error};
use crate::kernels::{PADDING, Packed, packed_words};
use crate::parallel::for_parts;
use crate::sampling::{expand_uniform, gaussian};
use crate::secret::{SecretBuf, SecretKey};

/// One switching key in the order of use: for each extended limb up to its level, each digit, (b, a), packed.
#[derive(Clone)]
pub(crate) struct SwitchingKey {
    pub(crate) words: KeyWords,
    /// The highest level at which it can be used.
    pub(crate) level: usize,
    /// Digits at that level.
    pub(crate) digits: usize,
}

impl SwitchingKey {
    /// Whether the words are those that were written: asked of mapped keys before their first use.
    pub(crate) fn verify(&self, context: &Context) -> Result<(), Error> {
        match &self.words {
            KeyWords::Owned(_) => Ok(()),
            KeyWords::Mapped(words) => words.verify(|head| self.check_residues(context, head.kind)),
        }
    }

    fn check_residues(&self, context: &Context, kind: Kind) -> Result<(), BytesError> {
        let mut limb = context.pool.take(context.degree());
        for u in 0..context.extended_limbs(self.level) {
            let m = context.extended(u).0;
            for j in 0..self.digits {
                let (b, a) = self.pair(context, u, j);
                for packed in [b, a] {
                    context.kernels.unpack(&mut limb, packed);
                    check_residues(kind, u, m, &limb)?;
                }
            }
        }
        Ok(())
    }

    /// (b, a) of extended limb `u` and digit `j`.
    pub(crate) fn pair(&self, context: &Context, u: usize, j: usize) -> (Packed<'_>, Packed<'_>) {
        let bits = context.extended(u).0.bits();
        let length = packed_words(context.degree(), bits);
        let start = context.key_start(u) * self.digits + 2 * j * length;
        let limb = |at: usize| Packed {
            words: &self.words[at..at + length + PADDING],
            bits,
        };
        (limb(start), limb(start + length))
    }
}

/// The seed stream of one limb of a switching key.
pub(crate) fn key_stream(element: u64, u: usize, digit: usize) -> u64 {
    element << 16 | (u as u64) << 8 | digit as u64
}

impl Context {
    /// The switching key from `source` (transformed, extended) to the secret key.
    pub(crate) fn switching_key(
        &self,
        seed: &[u8; 32],
        entry: Entry,
        source: &SecretBuf,
        secret: &SecretKey,
        rng: &mut impl CryptoRng,
    ) -> SwitchingKey {
        let n = self.degree();
        let level = entry.level;
        let digits = self.digits(level);
        let errors: Vec<_> = (0..digits).map(|_| gaussian(rng, n)).collect();
        let length = self.key_words(level);
        let mut words = self.pool.take(length);
        words[length - PADDING..].fill(0);
        let ranges: Vec<_> = self.parameters.digit_ranges().collect();
        for_parts(&mut words, &self.key_parts(level), |u, block| {
            let (m, ntt) = self.extended(u);
            let factor = self.key_factor(u);
            let length = packed_words(n, m.bits());
            let (s, source) = (secret.extended_limb(self, u), &source.0[u * n..(u + 1) * n]);
            let mut pair = self.pool.take(2 * n);
            let (b, a) = pair.split_at_mut(n);
            let mut product = SecretBuf(self.pool.take(n));
            for (j, packed) in block.chunks_mut(2 * length).enumerate() {
                expand_uniform(seed, key_stream(entry.element, u, j), m.q, a);
                self.kernels.reduce_signed(m, b, &errors[j]);
                ntt.forward(b);
                self.kernels.scale(m, b, m.to_mont(factor));
                self.kernels.mul(m, &mut product.0, a, s);
                self.kernels.sub_assign(m, b, &product.0);
                let limb = u.checked_sub(self.special.len());
                if limb.is_some_and(|i| ranges[j].contains(&i)) {
                    product.0.copy_from_slice(source);
                    let one = m.to_mont(m.to_mont(1));
                    self.kernels.scale(m, &mut product.0, one);
                    self.kernels.add_assign(m, b, &product.0);
                }
                let (first, second) = packed.split_at_mut(length);
                self.kernels.pack(first, b, m.bits());
                self.kernels.pack(second, a, m.bits());
            }
        });
        SwitchingKey {
            words: KeyWords::Owned(words),
            level,
            digits,
        }
    }

    /// Words of a pair of limbs before extended limb `u`, for one digit.
    fn key_start(&self, u: usize) -> usize {
        self.key_starts[u]
    }

    /// Digits of a ciphertext's part at a level.
    pub(crate) fn digits(&self, level: usize) -> usize {
        self.levels[level].digits.len()
    }

    /// Extended limbs of a level.
    pub(crate) fn extended_limbs(&self, level: usize) -> usize {
        self.special.len() + level + 1
    }

    /// Words of each extended limb of a switching key for a level.
    fn key_parts(&self, level: usize) -> Vec<usize> {
        let digits = self.digits(level);
        self.key_starts[..=self.extended_limbs(level)]
            .windows(2)
            .map(|pair| (pair[1] - pair[0]) * digits)
            .collect()
    }

    /// Words of a switching key for a level, with its padding.
    pub(crate) fn key_words(&self, level: usize) -> usize {
        self.key_starts[self.extended_limbs(level)] * self.digits(level) + PADDING
    }

    /// What the errors of extended limb `u` of a key are multiplied by: 2^52, and P⁻¹ in the chain.
    fn key_factor(&self, u: usize) -> u64 {
        let m = self.extended(u).0;
        if u < self.special.len() {
            return m.to_mont(1);
        }
        let product = self
            .special
            .iter()
            .fold(1, |product, p| m.mul(product, p.q % m.q));
        m.to_mont(m.inv(product))
    }
}
