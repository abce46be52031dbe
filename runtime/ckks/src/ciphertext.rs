//! Plaintexts and ciphertexts: limbs in transformed form with their level and scale.

use crate::kernels::{PADDING, Packed, packed_words};
use crate::pool::Buf;

/// A message encoded for one level: a polynomial, or the same number in every slot.
#[derive(Clone)]
pub struct Plaintext {
    pub(crate) data: PlainData,
    pub(crate) level: usize,
    pub(crate) scale: f64,
    pub(crate) tag: u64,
}

/// What a plaintext holds.
#[derive(Clone)]
pub(crate) enum PlainData {
    /// Limb-major values.
    Limbs(Buf),
    /// One residue per limb.
    Constant(Vec<u64>),
}

impl Plaintext {
    /// The level that it was encoded for.
    pub fn level(&self) -> usize {
        self.level
    }

    /// The scale that it was encoded with.
    pub fn scale(&self) -> f64 {
        self.scale
    }
}

/// An encrypted vector: two parts (degree 1), or three after a product (degree 2).
#[derive(Clone)]
pub struct Ciphertext {
    pub(crate) parts: Vec<Buf>,
    pub(crate) level: usize,
    pub(crate) scale: f64,
    pub(crate) tag: u64,
}

impl Ciphertext {
    /// Primes of the chain left, less one.
    pub fn level(&self) -> usize {
        self.level
    }

    /// What a slot's value is multiplied by.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// 1, or 2 after a product that was not relinearized.
    pub fn degree(&self) -> usize {
        self.parts.len() - 1
    }

    /// Declares that the slots are to be read at another scale, which multiplies their values by
    /// `old scale / scale` for free. The caller answers for the value being finite and above 0.
    pub fn set_scale(&mut self, scale: f64) {
        self.scale = scale;
    }
}

/// A plaintext factor of a linear map, prepared for [`crate::Context::linear`].
#[derive(Clone)]
pub struct Diagonal {
    /// Limb-major values times 2^52, packed.
    pub(crate) words: Buf,
    /// Where each limb starts in `words`.
    pub(crate) starts: Vec<usize>,
    pub(crate) level: usize,
    pub(crate) scale: f64,
    pub(crate) tag: u64,
}

impl Diagonal {
    /// The level that it was encoded for; it serves every lower level too.
    pub fn level(&self) -> usize {
        self.level
    }

    /// The scale that it was encoded with.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// Limb `i` from residue `from` (a multiple of 64) on.
    pub(crate) fn part(&self, i: usize, from: usize, bits: u32) -> Packed<'_> {
        let start = self.starts[i] + packed_words(from, bits);
        Packed {
            words: &self.words[start..self.starts[i + 1] + PADDING],
            bits,
        }
    }

    /// Memory that it holds, in bytes.
    pub fn size_bytes(&self) -> usize {
        8 * self.words.len()
    }
}
