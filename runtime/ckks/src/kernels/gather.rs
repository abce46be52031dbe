//! How the AVX2 kernels read: packed residues, spread ones, and permuted ones.
#![allow(
    unsafe_code,
    reason = "vector loads, and functions that need detected features"
)]

use std::arch::x86_64::*;

use super::Spread;
use super::doubles::{D, V, load};
use super::packed::mask;
use crate::galois::Automorphism;

/// Bytes ahead of a packed stream that are fetched.
const PREFETCH: usize = 2048;

/// Constants that unpack residues of one number of bits: two in each half of a register, from one load of 16 bytes.
#[derive(Clone, Copy)]
pub(super) struct Unpack {
    /// Where each pair of eight residues starts, in bytes.
    starts: [usize; 4],
    gather: [V; 2],
    shift: [V; 2],
    mask: V,
    bits: usize,
}

impl Unpack {
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn new(bits: u32) -> Self {
        let bits = bits as usize;
        let mut gather = [[0u8; 32]; 2];
        let mut shift = [[0u64; 4]; 2];
        for residue in 0..8 {
            // The first bit, counted from the byte in which its pair starts.
            let bit = residue * bits - residue / 2 * 2 * bits / 8 * 8;
            let (half, lane) = (residue / 4, residue % 4);
            shift[half][lane] = (bit % 8) as u64;
            for byte in 0..8 {
                gather[half][8 * lane + byte] = (bit / 8 + byte) as u8;
            }
        }
        // SAFETY: the arrays have 32 bytes each; the loads have no alignment requirement.
        let (gather, shift) = unsafe {
            (
                gather.map(|x| _mm256_loadu_si256(x.as_ptr().cast())),
                shift.map(|x| _mm256_loadu_si256(x.as_ptr().cast())),
            )
        };
        Self {
            starts: std::array::from_fn(|pair| 2 * pair * bits / 8),
            gather,
            shift,
            mask: _mm256_set1_epi64x(mask(bits as u32) as i64),
            bits,
        }
    }

    /// Residues `i..i + 4` (`half` 0) or `i + 4..i + 8` (`half` 1).
    ///
    /// # Safety
    /// `i` is a multiple of eight below the residues of `src`, which is followed by its padding.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn load(&self, src: &[u64], i: usize, half: usize) -> V {
        let base = src.as_ptr().cast::<u8>().wrapping_add(i / 8 * self.bits);
        // SAFETY: the loads start within the packed residues and end within the padding.
        let pairs = unsafe {
            let low = _mm_loadu_si128(base.add(self.starts[2 * half]).cast());
            let high = _mm_loadu_si128(base.add(self.starts[2 * half + 1]).cast());
            _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(low), high)
        };
        // Streams from memory: the prefetch of the machine stops at each page.
        _mm_prefetch::<_MM_HINT_T0>(base.wrapping_add(PREFETCH).cast());
        let windows = _mm256_shuffle_epi8(pairs, self.gather[half]);
        _mm256_and_si256(_mm256_srlv_epi64(windows, self.shift[half]), self.mask)
    }
}

/// How four residues are spread over four words of each half of a limb.
#[derive(Clone, Copy)]
pub(super) struct Reorder([V; 2]);

impl Reorder {
    /// By the first word's residue modulo 4.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn all(spread: &Spread) -> [Self; 4] {
        let [forwards, backwards] = spread.orders::<4>();
        let index = |order: &[u64; 4]| {
            let pairs: [i32; 8] = std::array::from_fn(|k| order[k / 2] as i32 * 2 + k as i32 % 2);
            // SAFETY: the array has 32 bytes; the load has no alignment requirement.
            unsafe { _mm256_loadu_si256(pairs.as_ptr().cast()) }
        };
        std::array::from_fn(|base| Self([&forwards[base], &backwards[base]].map(index)))
    }

    /// The residues for the first half and for the second.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn apply(self, residues: D) -> [D; 2] {
        let residues = _mm256_castpd_ps(residues);
        self.0
            .map(|order| _mm256_castps_pd(_mm256_permutevar8x32_ps(residues, order)))
    }
}

/// An automorphism by blocks of four: they too come from one block each, as the blocks of eight do.
pub(super) struct Permute<'a> {
    p: &'a Automorphism,
    /// By order and half: the block of four within the block of eight, and the order within it.
    blocks: [[(usize, V); 2]; 8],
}

impl<'a> Permute<'a> {
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn new(p: &'a Automorphism) -> Self {
        let half = |order: &[u64; 8], half: usize| {
            let four = &order[4 * half..4 * half + 4];
            let pairs: [i32; 8] =
                std::array::from_fn(|k| (four[k / 2] & 3) as i32 * 2 + k as i32 % 2);
            // SAFETY: the array has 32 bytes; the load has no alignment requirement.
            let index = unsafe { _mm256_loadu_si256(pairs.as_ptr().cast()) };
            ((four[0] & 4) as usize, index)
        };
        let blocks = p
            .orders
            .each_ref()
            .map(|order| [half(order, 0), half(order, 1)]);
        Self { p, blocks }
    }

    /// Half a block of eight, at `i`, of the permuted `src`.
    ///
    /// # Safety
    /// `src` has the length of the permutation, and `i` is an aligned block in it.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn load(&self, src: &[u64], i: usize, half: usize) -> V {
        let word = self.p.blocks[i / 8] as usize;
        let (offset, index) = self.blocks[word & 7][half];
        // SAFETY: the table holds aligned blocks below its own length.
        let block = unsafe { load(src, (word & !7) + offset) };
        _mm256_permutevar8x32_epi32(block, index)
    }
}
