//! What the IFMA transform is made of: butterflies on registers, transposition, loads.
#![allow(
    unsafe_code,
    reason = "vector loads and stores, and functions that need detected features"
)]

use std::arch::x86_64::*;

use crate::modulus::Modulus;

pub(super) type V = __m512i;

/// Broadcast constants.
#[derive(Clone, Copy)]
pub(super) struct Consts {
    pub(super) q: V,
    pub(super) q2: V,
    pub(super) q_inv: V,
    pub(super) barrett: V,
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn splat(x: u64) -> V {
    _mm512_set1_epi64(x as i64)
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn consts(m: &Modulus) -> Consts {
    Consts {
        q: splat(m.q),
        q2: splat(2 * m.q),
        q_inv: splat(m.q_inv),
        barrett: splat((1 << 52) / m.q),
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn min_sub(x: V, q: V) -> V {
    _mm512_min_epu64(x, _mm512_sub_epi64(x, q))
}

// The quotient of z·w by q, for the product.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn quotient(c: Consts, z: V, w: V) -> V {
    let zero = _mm512_setzero_si512();
    _mm512_madd52lo_epu64(zero, _mm512_madd52lo_epu64(zero, z, w), c.q_inv)
}

// (u + z·w, u - z·w) plus q, given the quotient k; u is brought below 2q unless the prime leaves room.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn cross<const ROOM: bool>(c: Consts, u: V, z: V, w: V, k: V) -> (V, V) {
    let u = if ROOM { u } else { min_sub(u, c.q2) };
    let u = _mm512_add_epi64(u, c.q);
    let excess = _mm512_madd52hi_epu64(_mm512_setzero_si512(), k, c.q);
    let sum = _mm512_sub_epi64(_mm512_madd52hi_epu64(u, z, w), excess);
    (sum, _mm512_sub_epi64(_mm512_add_epi64(u, u), sum))
}

// z·w·2^-52 plus q, between 0 and 2q, given the quotient k.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn product(c: Consts, z: V, w: V, k: V) -> V {
    let excess = _mm512_madd52hi_epu64(_mm512_setzero_si512(), k, c.q);
    _mm512_sub_epi64(_mm512_madd52hi_epu64(c.q, z, w), excess)
}

// (z0 + z1 below 2q, z0 - z1 + 2q) for inputs below 2q.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn cross_inverse(c: Consts, z0: V, z1: V) -> (V, V) {
    let sum = min_sub(_mm512_add_epi64(z0, z1), c.q2);
    (sum, _mm512_add_epi64(_mm512_sub_epi64(z0, z1), c.q2))
}

// Rows to columns.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn transpose(r: [V; 8]) -> [V; 8] {
    let pair = |a: V, b: V| (_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
    let ((a0, a1), (a2, a3)) = (pair(r[0], r[1]), pair(r[2], r[3]));
    let ((a4, a5), (a6, a7)) = (pair(r[4], r[5]), pair(r[6], r[7]));
    let low = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
    let high = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
    let quad = |a: V, b: V| {
        (
            _mm512_permutex2var_epi64(a, low, b),
            _mm512_permutex2var_epi64(a, high, b),
        )
    };
    let ((b0, b2), (b1, b3)) = (quad(a0, a2), quad(a1, a3));
    let ((b4, b6), (b5, b7)) = (quad(a4, a6), quad(a5, a7));
    let join = |a: V, b: V| {
        (
            _mm512_shuffle_i64x2::<0x44>(a, b),
            _mm512_shuffle_i64x2::<0xee>(a, b),
        )
    };
    let ((c0, c4), (c1, c5)) = (join(b0, b4), join(b1, b5));
    let ((c2, c6), (c3, c7)) = (join(b2, b6), join(b3, b7));
    [c0, c1, c2, c3, c4, c5, c6, c7]
}

// A lazily reduced value below 2^52 to its residue.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn canonical(c: Consts, x: V) -> V {
    let zero = _mm512_setzero_si512();
    let estimate = _mm512_madd52hi_epu64(zero, x, c.barrett);
    let r = _mm512_sub_epi64(x, _mm512_madd52lo_epu64(zero, estimate, c.q));
    min_sub(r, c.q)
}

/// One forward butterfly between registers `$i` and `$j`, with a factor and its quotient factor.
macro_rules! butterfly {
    ($c:ident, $x:ident, $i:expr, $j:expr, $w:expr, $wq:expr) => {
        let k = _mm512_madd52lo_epu64(_mm512_setzero_si512(), $x[$j], $wq);
        ($x[$i], $x[$j]) = cross::<ROOM>($c, $x[$i], $x[$j], $w, k);
    };
}

/// The same with the quotient factor computed.
macro_rules! butterfly_tail {
    ($c:ident, $x:ident, $i:expr, $j:expr, $w:expr) => {
        let k = quotient($c, $x[$j], $w);
        ($x[$i], $x[$j]) = cross::<ROOM>($c, $x[$i], $x[$j], $w, k);
    };
}

/// One inverse butterfly.
macro_rules! butterfly_inverse {
    ($c:ident, $x:ident, $i:expr, $j:expr, $w:expr, $wq:expr) => {
        let (sum, z) = cross_inverse($c, $x[$i], $x[$j]);
        let k = _mm512_madd52lo_epu64(_mm512_setzero_si512(), z, $wq);
        ($x[$i], $x[$j]) = (sum, product($c, z, $w, k));
    };
}

/// One inverse butterfly of the last stage of all: residues, the sum times `$s`.
macro_rules! butterfly_last {
    ($c:ident, $x:ident, $i:expr, $j:expr, $w:expr, $wq:expr, $s:expr, $sq:expr) => {
        let sum = _mm512_add_epi64($x[$i], $x[$j]);
        let z = _mm512_add_epi64(_mm512_sub_epi64($x[$i], $x[$j]), $c.q2);
        let zero = _mm512_setzero_si512();
        let (k, l) = (
            _mm512_madd52lo_epu64(zero, sum, $sq),
            _mm512_madd52lo_epu64(zero, z, $wq),
        );
        $x[$i] = min_sub(product($c, sum, $s, k), $c.q);
        $x[$j] = min_sub(product($c, z, $w, l), $c.q);
    };
}

/// The same with the quotient factor computed.
macro_rules! butterfly_inverse_tail {
    ($c:ident, $x:ident, $i:expr, $j:expr, $w:expr) => {
        let (sum, z) = cross_inverse($c, $x[$i], $x[$j]);
        let k = quotient($c, z, $w);
        ($x[$i], $x[$j]) = (sum, product($c, z, $w, k));
    };
}

/// Butterflies of both columns with factor vector `$n`: written out, because a loop over the columns is
/// kept as a loop and goes through memory.
macro_rules! pairs {
    ($butterfly:ident, $c:ident, $x:ident, $y:ident, $f:ident, $n:expr, $([$i:literal $j:literal])*) => {
        let (a, b) = ($f(0, $n), $f(1, $n));
        $(
            $butterfly!($c, $x, $i, $j, a);
            $butterfly!($c, $y, $i, $j, b);
        )*
    };
}

/// Broadcasts the factors of a node.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn broadcast<const F: usize>(words: &[u64; F]) -> [V; F] {
    let mut out = [_mm512_setzero_si512(); F];
    for (v, &w) in out.iter_mut().zip(words) {
        *v = _mm512_set1_epi64(w as i64);
    }
    out
}

/// # Safety
/// `p` points to eight readable words.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn load(p: *const u64) -> V {
    // SAFETY: the caller's promise; no alignment is required.
    unsafe { _mm512_loadu_si512(p.cast()) }
}

/// # Safety
/// `p` points to 64 readable words.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn load8(p: *const u64) -> [V; 8] {
    // SAFETY: the caller's promise.
    std::array::from_fn(|i| unsafe { load(p.add(8 * i)) })
}

/// # Safety
/// `p` points to eight writable words.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn store(p: *mut u64, v: V) {
    // SAFETY: the caller's promise; no alignment is required.
    unsafe { _mm512_storeu_si512(p.cast(), v) }
}

pub(super) use butterfly;
pub(super) use butterfly_inverse;
pub(super) use butterfly_inverse_tail;
pub(super) use butterfly_last;
pub(super) use butterfly_tail;
pub(super) use pairs;
