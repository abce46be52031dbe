//! Inner products of digits with a key.
#![allow(
    unsafe_code,
    reason = "vector loads, and functions that need detected features"
)]

use std::arch::x86_64::*;

use super::super::lanes::*;
use super::super::{KeyTerm, Place};

/// An inner product of up to four terms: the loop over them is unrolled and the sum needs one reduction less.
///
/// # Safety
/// Digits hold the block at `place`, keys as many residues as `out`, all lengths are multiples of eight.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) unsafe fn inner_few<const T: usize>(
    c: Consts,
    out: [&mut [u64]; 2],
    place: Place<'_>,
    terms: [&KeyTerm<'_>; T],
    add: bool,
) {
    const { assert!(T <= 4) }
    let [out0, out1] = out;
    let unpack = Unpack::new(terms[0].first.bits);
    for i in (0..out0.len()).step_by(8) {
        // SAFETY: the caller's promise.
        unsafe { sums_at(c, unpack, place, i, terms).finish_few(out0, out1, i, add) };
    }
}

/// An inner product of any number of terms.
///
/// # Safety
/// As for [`inner_few`].
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) unsafe fn inner_many(
    c: Consts,
    out: [&mut [u64]; 2],
    place: Place<'_>,
    terms: &[KeyTerm<'_>],
    add: bool,
) {
    let [out0, out1] = out;
    let unpack = Unpack::new(terms.first().map_or(9, |t| t.first.bits));
    for i in (0..out0.len()).step_by(8) {
        // SAFETY: the caller's promise.
        unsafe { sums_at(c, unpack, place, i, terms).finish(out0, out1, i, add) };
    }
}

/// The unreduced sums of eight residues from residue `i` of the block on.
///
/// # Safety
/// As for [`inner_few`], and eight residues follow.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
unsafe fn sums_at<'a>(
    c: Consts,
    unpack: Unpack,
    place: Place<'_>,
    i: usize,
    terms: impl IntoIterator<Item = &'a KeyTerm<'a>>,
) -> Sums {
    let mut sums = Sums::new(c);
    let (from, order) = origin(place, i);
    for t in terms {
        // SAFETY: the caller's promise.
        unsafe {
            let (b, a) = (
                unpack.load(t.first.words, i),
                unpack.load(t.second.words, i),
            );
            fetch(t.digit, place, i);
            let digit = load(t.digit, from);
            let digit = order.map_or(digit, |o| _mm512_permutexvar_epi64(o, digit));
            sums.add(digit, b, a);
        }
    }
    sums
}
