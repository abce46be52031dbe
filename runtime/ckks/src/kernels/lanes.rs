//! What the IFMA kernels are made of: loads, reductions, sums of products, unpacking.
#![allow(
    unsafe_code,
    reason = "vector loads and stores, and functions that need detected features"
)]

use std::arch::x86_64::*;

use super::packed::{TABLES, mask};
use super::{MAX_TERMS, Place};
use crate::modulus::Modulus;

pub(super) type V = __m512i;

/// Broadcast constants of a modulus.
#[derive(Clone, Copy)]
pub(super) struct Consts {
    pub(super) q: V,
    pub(super) q2: V,
    pub(super) q4: V,
    pub(super) q_inv: V,
    pub(super) r2: V,
}

/// Loads words `i..i + 8`.
///
/// # Safety
/// `i + 8 <= s.len()`.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn load(s: &[u64], i: usize) -> V {
    debug_assert!(i + 8 <= s.len());
    // SAFETY: in bounds by the caller's promise; the load has no alignment requirement.
    unsafe { _mm512_loadu_si512(s.as_ptr().add(i).cast()) }
}

/// Stores words `i..i + 8`.
///
/// # Safety
/// `i + 8 <= s.len()`.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn store(s: &mut [u64], i: usize, v: V) {
    debug_assert!(i + 8 <= s.len());
    // SAFETY: in bounds by the caller's promise; the store has no alignment requirement.
    unsafe { _mm512_storeu_si512(s.as_mut_ptr().add(i).cast(), v) }
}

/// Bytes ahead of a packed stream that are fetched.
const PREFETCH: usize = 2048;
/// The same where many streams take turns.
const PREFETCH_BY_TURNS: usize = 512;

/// Constants that unpack residues of one number of bits.
#[derive(Clone, Copy)]
pub(super) struct Unpack {
    gather: V,
    shift: V,
    mask: V,
    bits: usize,
    ahead: usize,
}

impl Unpack {
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
    pub(super) fn new(bits: u32) -> Self {
        let table = &TABLES[bits as usize];
        // SAFETY: the arrays have 64 bytes each; the loads have no alignment requirement.
        let (gather, shift) = unsafe {
            (
                _mm512_loadu_si512(table.gather.as_ptr().cast()),
                load(&table.shift, 0),
            )
        };
        Self {
            gather,
            shift,
            mask: splat(mask(bits)),
            bits: bits as usize,
            ahead: PREFETCH,
        }
    }

    /// The same for streams that take turns, so that each is read slowly and not for long.
    pub(super) fn by_turns(self) -> Self {
        Self {
            ahead: PREFETCH_BY_TURNS,
            ..self
        }
    }

    /// Residues `i..i + 8`.
    ///
    /// # Safety
    /// `i` is a multiple of eight below the residues of `src`, which is followed by its padding.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
    pub(super) unsafe fn load(self, src: &[u64], i: usize) -> V {
        // SAFETY: the load starts at a byte of the packed residues and ends within the padding.
        let bytes =
            unsafe { _mm512_loadu_si512(src.as_ptr().cast::<u8>().add(i / 8 * self.bits).cast()) };
        // Streams from memory, used once: the prefetch of the machine stops at each page, and would leave the stream
        // in the third-level cache.
        let ahead = src
            .as_ptr()
            .cast::<u8>()
            .wrapping_add(i / 8 * self.bits + self.ahead);
        _mm_prefetch::<_MM_HINT_NTA>(ahead.cast());
        let windows = _mm512_permutexvar_epi8(self.gather, bytes);
        _mm512_and_si512(_mm512_srlv_epi64(windows, self.shift), self.mask)
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) fn splat(x: u64) -> V {
    _mm512_set1_epi64(x as i64)
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) fn consts(m: &Modulus) -> Consts {
    Consts {
        q: splat(m.q),
        q2: splat(2 * m.q),
        q4: splat(4 * m.q),
        q_inv: splat(m.q_inv),
        r2: splat(m.r2),
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) fn min_sub(t: V, q: V) -> V {
    _mm512_min_epu64(t, _mm512_sub_epi64(t, q))
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) fn add_mod(c: Consts, a: V, b: V) -> V {
    min_sub(_mm512_add_epi64(a, b), c.q)
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) fn sub_mod(c: Consts, a: V, b: V) -> V {
    let d = _mm512_sub_epi64(a, b);
    _mm512_min_epu64(d, _mm512_add_epi64(d, c.q))
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) fn redc(c: Consts, lo: V, hi: V) -> V {
    let hi = _mm512_add_epi64(hi, _mm512_srli_epi64::<52>(lo));
    let k = _mm512_madd52lo_epu64(_mm512_setzero_si512(), lo, c.q_inv);
    let carry = _mm512_madd52hi_epu64(_mm512_setzero_si512(), k, c.q);
    _mm512_sub_epi64(_mm512_add_epi64(hi, c.q), carry)
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) fn canonical4(c: Consts, t: V) -> V {
    min_sub(min_sub(t, c.q2), c.q)
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) fn canonical8(c: Consts, t: V) -> V {
    canonical4(c, min_sub(t, c.q4))
}

// The product is below 2^52·q.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) fn mont_mul(c: Consts, a: V, b: V) -> V {
    min_sub(mont_mul_add(c, c.q, a, b), c.q)
}

// base + a·b·2^-52, more than base - q and less than base + q.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) fn mont_mul_add(c: Consts, base: V, a: V, b: V) -> V {
    let zero = _mm512_setzero_si512();
    let k = _mm512_madd52lo_epu64(zero, _mm512_madd52lo_epu64(zero, a, b), c.q_inv);
    let carry = _mm512_madd52hi_epu64(zero, k, c.q);
    _mm512_sub_epi64(_mm512_madd52hi_epu64(base, a, b), carry)
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) fn product(c: Consts, a: V, b: V) -> V {
    mont_mul(c, mont_mul(c, a, b), c.r2)
}

/// The aligned block of eight that block `i` at `place` comes from, and its order.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn origin(place: Place<'_>, i: usize) -> (usize, Option<V>) {
    let at = place.start + i;
    let Some(p) = place.permutation else {
        return (at, None);
    };
    let word = p.blocks[at / 8];
    // SAFETY: eight orders of eight words.
    let order = unsafe { load(&p.orders[(word & 7) as usize], 0) };
    ((word & !7) as usize, Some(order))
}

/// Fetches a line of what the next block comes from: in order there, which a permutation hides from the machine.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn fetch(src: &[u64], place: Place<'_>, i: usize) {
    _mm_prefetch::<_MM_HINT_T1>(src.as_ptr().wrapping_add(place.ahead + i).cast());
}

/// Eight residues of a limb for block `i` at `place`.
///
/// # Safety
/// The block lies in `src`, whose length is that of the permutation.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn gathered(src: &[u64], place: Place<'_>, i: usize) -> V {
    let (from, order) = origin(place, i);
    // SAFETY: the caller's promise; a permutation holds aligned blocks below its own length.
    let block = unsafe { load(src, from) };
    order.map_or(block, |o| _mm512_permutexvar_epi64(o, block))
}

/// Two running sums of products sharing one factor.
#[derive(Clone, Copy)]
pub(super) struct Sums {
    c: Consts,
    lo: [V; 2],
    hi: [V; 2],
}

impl Sums {
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
    pub(super) fn new(c: Consts) -> Self {
        let zero = _mm512_setzero_si512();
        Self {
            c,
            lo: [zero; 2],
            hi: [zero; 2],
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
    pub(super) fn add(&mut self, shared: V, first: V, second: V) {
        self.lo[0] = _mm512_madd52lo_epu64(self.lo[0], shared, first);
        self.hi[0] = _mm512_madd52hi_epu64(self.hi[0], shared, first);
        self.lo[1] = _mm512_madd52lo_epu64(self.lo[1], shared, second);
        self.hi[1] = _mm512_madd52hi_epu64(self.hi[1], shared, second);
    }

    /// Reduces and stores both sums at block `i`.
    ///
    /// # Safety
    /// `i + 8` is within both slices.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
    pub(super) unsafe fn finish(&self, out0: &mut [u64], out1: &mut [u64], i: usize, add: bool) {
        const { assert!(MAX_TERMS <= 24) }
        let mut r0 = canonical8(self.c, redc(self.c, self.lo[0], self.hi[0]));
        let mut r1 = canonical8(self.c, redc(self.c, self.lo[1], self.hi[1]));
        // SAFETY: the caller's promise.
        unsafe {
            if add {
                r0 = add_mod(self.c, r0, load(out0, i));
                r1 = add_mod(self.c, r1, load(out1, i));
            }
            store(out0, i, r0);
            store(out1, i, r1);
        }
    }

    /// [`Sums::finish`] for up to four terms.
    ///
    /// # Safety
    /// As for [`Sums::finish`].
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
    pub(super) unsafe fn finish_few(
        &self,
        out0: &mut [u64],
        out1: &mut [u64],
        i: usize,
        add: bool,
    ) {
        // At most q, plus 4·q/4 from the products.
        let (mut r0, mut r1) = (
            redc(self.c, self.lo[0], self.hi[0]),
            redc(self.c, self.lo[1], self.hi[1]),
        );
        // SAFETY: the caller's promise.
        unsafe {
            if add {
                r0 = min_sub(_mm512_add_epi64(r0, load(out0, i)), self.c.q2);
                r1 = min_sub(_mm512_add_epi64(r1, load(out1, i)), self.c.q2);
            }
            store(out0, i, min_sub(r0, self.c.q));
            store(out1, i, min_sub(r1, self.c.q));
        }
    }
}
