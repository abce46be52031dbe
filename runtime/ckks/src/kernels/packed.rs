//! Limbs packed to the bits of their modulus: what is streamed from memory (keys, diagonals) is a third
//! shorter, and the stream is the same as that of the serialized form.
//!
//! Eight residues of `b` bits are `b` bytes, so a vector of eight is one unaligned load, one byte
//! permutation, one shift and one mask.

/// Words after the end of a packed limb that a vector load may touch.
pub(crate) const PADDING: usize = 8;

/// A packed limb (or a part of it that starts at a multiple of 64 residues), followed by [`PADDING`] words.
#[derive(Clone, Copy, Default)]
pub(crate) struct Packed<'a> {
    pub(crate) words: &'a [u64],
    pub(crate) bits: u32,
}

impl Packed<'_> {
    /// What follows the first `residues` (a multiple of 64).
    pub(crate) fn from(self, residues: usize) -> Self {
        Self {
            words: &self.words[packed_words(residues, self.bits)..],
            bits: self.bits,
        }
    }

    /// Whether the first `n` residues and the padding are there.
    pub(super) fn holds(&self, n: usize) -> bool {
        self.words.len() >= packed_words(n, self.bits) + PADDING && self.bits <= 56 && self.bits > 8
    }

    /// Residue `i`.
    #[inline(always)]
    pub(super) fn get(&self, i: usize) -> u64 {
        let at = i * self.bits as usize;
        let (word, shift) = (at / 64, at % 64);
        let pair = u128::from(self.words[word + 1]) << 64 | u128::from(self.words[word]);
        (pair >> shift) as u64 & mask(self.bits)
    }
}

/// Words of `n` packed residues (a multiple of 64), without padding.
pub(crate) fn packed_words(n: usize, bits: u32) -> usize {
    n / 64 * bits as usize
}

/// The low `bits` bits.
pub(super) const fn mask(bits: u32) -> u64 {
    (1 << bits) - 1
}

/// Byte permutations for one number of bits.
#[cfg(target_arch = "x86_64")]
pub(super) struct Table {
    /// Source byte of each byte of the eight windows.
    pub(super) gather: [u8; 64],
    /// Bits before the residue in its window.
    pub(super) shift: [u64; 8],
    /// Source byte of each packed byte, among the even residues, and which bytes have one.
    pub(super) even: ([u8; 64], u64),
    /// The same among the odd residues.
    pub(super) odd: ([u8; 64], u64),
}

/// Tables for 0 to 56 bits.
#[cfg(target_arch = "x86_64")]
pub(super) static TABLES: [Table; 57] = tables();

#[cfg(target_arch = "x86_64")]
const fn tables() -> [Table; 57] {
    let mut all = [const {
        Table {
            gather: [0; 64],
            shift: [0; 8],
            even: ([0; 64], 0),
            odd: ([0; 64], 0),
        }
    }; 57];
    let mut bits = 9;
    while bits <= 56 {
        let mut lane = 0;
        while lane < 8 {
            let start = bits * lane;
            all[bits].shift[lane] = (start % 8) as u64;
            let first = start / 8;
            // Bytes that the shifted residue covers.
            let covered = (start % 8 + bits).div_ceil(8);
            let mut byte = 0;
            while byte < 8 {
                all[bits].gather[8 * lane + byte] = (first + byte) as u8 & 63;
                if byte < covered && first + byte < 64 {
                    let (to, from) = (first + byte, (8 * lane + byte) as u8);
                    if lane % 2 == 0 {
                        all[bits].even.0[to] = from;
                        all[bits].even.1 |= 1 << to;
                    } else {
                        all[bits].odd.0[to] = from;
                        all[bits].odd.1 |= 1 << to;
                    }
                }
                byte += 1;
            }
            lane += 1;
        }
        bits += 1;
    }
    all
}
