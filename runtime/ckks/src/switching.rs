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

use std::ops::Deref;

use rand::rand_core::CryptoRng;

use crate::context::Context;
use crate::error::Error;
use crate::galois::Automorphism;
use crate::kernels::{PADDING, Packed, packed_words};
use crate::keys::{SecretBuf, SecretKey};
use crate::mapped_keys::MappedWords;
use crate::parallel::{for_limbs, for_parts};
use crate::pool::Buf;
use crate::sampling::{expand_uniform, gaussian};

/// The words of a switching key, in memory or in a file.
#[derive(Clone)]
pub(crate) enum KeyWords {
    Owned(Buf),
    Mapped(MappedWords),
}

impl Deref for KeyWords {
    type Target = [u64];

    fn deref(&self) -> &[u64] {
        match self {
            Self::Owned(words) => words,
            Self::Mapped(words) => words.words(),
        }
    }
}

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
            KeyWords::Mapped(words) => words.verify(context, self),
        }
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

/// The seed stream of the relinearization key; Galois elements are odd.
pub(crate) const RELINEARIZATION: u64 = 0;

/// The seed stream of one limb of a switching key.
pub(crate) fn key_stream(element: u64, u: usize, digit: usize) -> u64 {
    element << 16 | (u as u64) << 8 | digit as u64
}

impl Context {
    pub(crate) fn secret_square(&self, secret: &SecretKey) -> SecretBuf {
        let n = self.degree();
        let mut square = SecretBuf(self.pool.take(secret.limbs.0.len()));
        for_limbs(&mut square.0, n, |u, limb| {
            let s = &secret.limbs.0[u * n..(u + 1) * n];
            self.kernels.mul(self.extended(u).0, limb, s, s);
        });
        square
    }

    pub(crate) fn secret_image(
        &self,
        secret: &SecretKey,
        automorphism: &Automorphism,
    ) -> SecretBuf {
        let n = self.degree();
        let mut image = SecretBuf(self.pool.take(secret.limbs.0.len()));
        for_limbs(&mut image.0, n, |u, limb| {
            self.kernels
                .permute(limb, &secret.limbs.0[u * n..(u + 1) * n], automorphism);
        });
        image
    }

    /// The switching key from `source` (transformed, extended) to the secret key, for levels up to `level`.
    pub(crate) fn switching_key(
        &self,
        seed: &[u8; 32],
        (element, level): (u64, usize),
        source: &SecretBuf,
        secret: &SecretKey,
        rng: &mut impl CryptoRng,
    ) -> SwitchingKey {
        let n = self.degree();
        let digits = self.digits(level);
        let errors: Vec<_> = (0..digits).map(|_| gaussian(rng, n)).collect();
        let length = self.key_words(level);
        let mut words = self.pool.take(length);
        words[length - PADDING..].fill(0);
        let ranges: Vec<_> = self.parameters.digit_ranges().collect();
        for_parts(&mut words, &self.key_parts(level), |u, block| {
            let (m, ntt) = self.extended(u);
            let factor = self.key_factor(u);
            let limb = u * n..(u + 1) * n;
            let mut pair = self.pool.take(2 * n);
            let (b, a) = pair.split_at_mut(n);
            let mut product = SecretBuf(self.pool.take(n));
            for (j, packed) in block.chunks_mut(2 * packed_words(n, m.bits())).enumerate() {
                expand_uniform(seed, key_stream(element, u, j), m.q, a);
                self.kernels.reduce_signed(m, b, &errors[j]);
                ntt.forward(b);
                self.kernels.scale(m, b, m.to_mont(factor));
                self.kernels
                    .mul(m, &mut product.0, a, &secret.limbs.0[limb.clone()]);
                self.kernels.sub_assign(m, b, &product.0);
                if u.checked_sub(self.special.len())
                    .is_some_and(|i| ranges[j].contains(&i))
                {
                    product.0.copy_from_slice(&source.0[limb.clone()]);
                    self.kernels
                        .scale(m, &mut product.0, m.to_mont(m.to_mont(1)));
                    self.kernels.add_assign(m, b, &product.0);
                }
                let (first, second) = packed.split_at_mut(packed_words(n, m.bits()));
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
