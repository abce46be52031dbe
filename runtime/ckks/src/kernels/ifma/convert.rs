//! Conversion of residues to another modulus.
#![allow(
    unsafe_code,
    reason = "vector loads, and functions that need detected features"
)]

use std::arch::x86_64::*;

use super::super::Rows;
use super::super::lanes::*;

/// Conversion for a number of rows that is known while compiling: their weights stay in registers.
///
/// # Safety
/// Every row has the length of `dst`, a multiple of eight.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) unsafe fn convert_rows<const K: usize>(
    c: Consts,
    dst: &mut [u64],
    rows: Rows<'_>,
    weights: [u64; K],
    offset: V,
) {
    let zero = _mm512_setzero_si512();
    let mut w = [zero; K];
    for (w, weight) in w.iter_mut().zip(weights) {
        *w = splat(weight);
    }
    for i in (0..dst.len()).step_by(8) {
        let (mut lo, mut hi) = (zero, zero);
        for (k, w) in w.iter().enumerate() {
            // SAFETY: the caller's promise.
            let x = unsafe { load(rows.data, k * rows.stride + i) };
            lo = _mm512_madd52lo_epu64(lo, x, *w);
            hi = _mm512_madd52hi_epu64(hi, x, *w);
        }
        let t = _mm512_add_epi64(min_sub(redc(c, lo, hi), c.q2), offset);
        // SAFETY: the caller's promise.
        unsafe { store(dst, i, t) }
    }
}

/// Conversion for any number of rows.
///
/// # Safety
/// As for [`convert_rows`].
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) unsafe fn convert_many(
    c: Consts,
    dst: &mut [u64],
    rows: Rows<'_>,
    weights: &[u64],
    offset: V,
) {
    let zero = _mm512_setzero_si512();
    for i in (0..dst.len()).step_by(8) {
        let (mut lo, mut hi) = (zero, zero);
        for (k, &w) in weights.iter().enumerate() {
            // SAFETY: the caller's promise.
            let (x, w) = (unsafe { load(rows.data, k * rows.stride + i) }, splat(w));
            lo = _mm512_madd52lo_epu64(lo, x, w);
            hi = _mm512_madd52hi_epu64(hi, x, w);
        }
        let t = _mm512_add_epi64(min_sub(redc(c, lo, hi), c.q2), offset);
        // SAFETY: the caller's promise.
        unsafe { store(dst, i, t) }
    }
}
