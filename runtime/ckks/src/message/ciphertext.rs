//! Plaintexts and ciphertexts: limbs in transformed form with their level and scale.

use std::ops::Deref;

use crate::kernels::{PADDING, Packed};
use crate::mapping::MappedRange;
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
    pub(crate) data: DiagonalData,
    pub(crate) level: usize,
    pub(crate) scale: f64,
    pub(crate) tag: u64,
}

/// What a diagonal holds, times 2^52.
#[derive(Clone)]
pub(crate) enum DiagonalData {
    /// Limb-major values, packed, each of which stands for several.
    Packed {
        words: DiagonalWords,
        /// Where each limb starts in `words`.
        starts: Vec<usize>,
        /// Values that are kept of each limb.
        residues: usize,
    },
    /// The same number in every slot: one residue per limb.
    Constant(Vec<u64>),
}

/// The words of a diagonal, in memory or in a file.
#[derive(Clone)]
pub(crate) enum DiagonalWords {
    Owned(Buf),
    Mapped(MappedRange),
}

impl Deref for DiagonalWords {
    type Target = [u64];

    fn deref(&self) -> &[u64] {
        match self {
            Self::Owned(words) => words,
            Self::Mapped(words) => words,
        }
    }
}

/// A limb of a diagonal.
pub(crate) enum DiagonalLimb<'a> {
    /// So many residues, to be spread.
    Packed(Packed<'a>, usize),
    /// All residues are this one.
    Constant(u64),
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

    /// Whether it is the same number in every slot.
    pub(crate) fn is_constant(&self) -> bool {
        matches!(self.data, DiagonalData::Constant(_))
    }

    /// Its residue on limb `i` where it is the same number in every slot.
    pub(crate) fn constant(&self, i: usize) -> Option<u64> {
        match &self.data {
            DiagonalData::Packed { .. } => None,
            DiagonalData::Constant(residues) => residues.get(i).copied(),
        }
    }

    /// Limb `i`, whose modulus has so many bits.
    pub(crate) fn limb(&self, i: usize, bits: u32) -> DiagonalLimb<'_> {
        match &self.data {
            DiagonalData::Packed {
                words,
                starts,
                residues,
            } => {
                let words = &words[starts[i]..starts[i + 1] + PADDING];
                DiagonalLimb::Packed(Packed { words, bits }, *residues)
            }
            DiagonalData::Constant(residues) => DiagonalLimb::Constant(residues[i]),
        }
    }

    /// Memory that it holds, in bytes; of a mapped one what it takes in its file.
    pub fn size_bytes(&self) -> usize {
        8 * match &self.data {
            DiagonalData::Packed { words, .. } => words.len(),
            DiagonalData::Constant(residues) => residues.len(),
        }
    }
}

/// A fresh ciphertext whose uniform part is a seed: half the bytes, for upload.
#[derive(Clone)]
pub struct SeededCiphertext {
    pub(crate) seed: [u8; 32],
    pub(crate) first: Buf,
    pub(crate) level: usize,
    pub(crate) scale: f64,
    pub(crate) tag: u64,
}

impl SeededCiphertext {
    /// The level.
    pub fn level(&self) -> usize {
        self.level
    }

    /// The scale.
    pub fn scale(&self) -> f64 {
        self.scale
    }
}
