//! The AVX-512 IFMA implementation: eight residues at a time, equal bit for bit to the scalar one.
#![allow(
    unsafe_code,
    reason = "vector loads and stores, and functions that need detected features"
)]

mod convert;
mod inner;

use std::arch::x86_64::*;

use convert::{convert_many, convert_rows};
use inner::{inner_few, inner_many};

use super::lanes::*;
use super::packed::{TABLES, mask};
use super::{KeyTerm, Packed, PairTerm, Place, Rows, Spread, WeightTerm};
use crate::galois::Automorphism;
use crate::modulus::Modulus;

/// Whether this machine has every feature that the functions below enable.
pub(super) fn is_available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("avx512ifma")
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) fn add_assign(m: &Modulus, dst: &mut [u64], src: &[u64]) {
    let c = consts(m);
    for i in (0..dst.len()).step_by(8) {
        // SAFETY: lengths are equal multiples of eight (checked by the callers in the parent module).
        unsafe { store(dst, i, add_mod(c, load(dst, i), load(src, i))) }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) fn sub_assign(m: &Modulus, dst: &mut [u64], src: &[u64]) {
    let c = consts(m);
    for i in (0..dst.len()).step_by(8) {
        // SAFETY: as in `add_assign`.
        unsafe { store(dst, i, sub_mod(c, load(dst, i), load(src, i))) }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) fn negate(m: &Modulus, dst: &mut [u64]) {
    let c = consts(m);
    for i in (0..dst.len()).step_by(8) {
        // SAFETY: as in `add_assign`.
        unsafe { store(dst, i, sub_mod(c, _mm512_setzero_si512(), load(dst, i))) }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) fn scale(m: &Modulus, dst: &mut [u64], w_mont: u64) {
    let (c, w) = (consts(m), splat(w_mont));
    for i in (0..dst.len()).step_by(8) {
        // SAFETY: as in `add_assign`.
        unsafe { store(dst, i, mont_mul(c, load(dst, i), w)) }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) fn mul(m: &Modulus, dst: &mut [u64], a: &[u64], b: &[u64]) {
    let c = consts(m);
    for i in (0..dst.len()).step_by(8) {
        // SAFETY: as in `add_assign`.
        unsafe { store(dst, i, product(c, load(a, i), load(b, i))) }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) fn mul_add(m: &Modulus, dst: &mut [u64], a: &[u64], b: &[u64]) {
    let c = consts(m);
    for i in (0..dst.len()).step_by(8) {
        // SAFETY: as in `add_assign`.
        unsafe {
            store(
                dst,
                i,
                add_mod(c, load(dst, i), product(c, load(a, i), load(b, i))),
            )
        }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) fn mul_pair(m: &Modulus, d: [&mut [u64]; 2], a: [&[u64]; 2], b: &[u64], add: bool) {
    let c = consts(m);
    let [d0, d1] = d;
    for i in (0..d0.len()).step_by(8) {
        // SAFETY: as in `add_assign`.
        unsafe {
            // Below 2q: the products with it are below 2^52·q.
            let b = mont_mul_add(c, c.q, load(b, i), c.r2);
            let (mut base0, mut base1) = (c.q, c.q);
            if add {
                base0 = _mm512_add_epi64(base0, load(d0, i));
                base1 = _mm512_add_epi64(base1, load(d1, i));
            }
            // Below 3q.
            store(
                d0,
                i,
                canonical4(c, mont_mul_add(c, base0, load(a[0], i), b)),
            );
            store(
                d1,
                i,
                canonical4(c, mont_mul_add(c, base1, load(a[1], i), b)),
            );
        }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) fn tensor(m: &Modulus, d: [&mut [u64]; 3], a: [&[u64]; 2], b: [&[u64]; 2]) {
    let (c, zero) = (consts(m), _mm512_setzero_si512());
    let [d0, d1, d2] = d;
    for i in (0..d0.len()).step_by(8) {
        // SAFETY: as in `add_assign`.
        let (a0, a1, b0, b1) =
            unsafe { (load(a[0], i), load(a[1], i), load(b[0], i), load(b[1], i)) };
        let (b0, b1) = (mont_mul(c, b0, c.r2), mont_mul(c, b1, c.r2));
        let lo = _mm512_madd52lo_epu64(_mm512_madd52lo_epu64(zero, a0, b1), a1, b0);
        let hi = _mm512_madd52hi_epu64(_mm512_madd52hi_epu64(zero, a0, b1), a1, b0);
        // SAFETY: as in `add_assign`.
        unsafe {
            store(d0, i, mont_mul(c, a0, b0));
            store(d1, i, canonical8(c, redc(c, lo, hi)));
            store(d2, i, mont_mul(c, a1, b1));
        }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) fn convert(m: &Modulus, dst: &mut [u64], rows: Rows<'_>, weights: &[u64], offset: u64) {
    let (c, offset) = (consts(m), splat(offset));
    // SAFETY: the parent module checked that there are as many rows of the length as weights.
    unsafe {
        match *weights {
            [w0] => convert_rows(c, dst, rows, [w0], offset),
            [w0, w1] => convert_rows(c, dst, rows, [w0, w1], offset),
            [w0, w1, w2] => convert_rows(c, dst, rows, [w0, w1, w2], offset),
            [w0, w1, w2, w3] => convert_rows(c, dst, rows, [w0, w1, w2, w3], offset),
            [w0, w1, w2, w3, w4] => convert_rows(c, dst, rows, [w0, w1, w2, w3, w4], offset),
            [w0, w1, w2, w3, w4, w5] => {
                convert_rows(c, dst, rows, [w0, w1, w2, w3, w4, w5], offset);
            }
            [w0, w1, w2, w3, w4, w5, w6] => {
                convert_rows(c, dst, rows, [w0, w1, w2, w3, w4, w5, w6], offset);
            }
            _ => convert_many(c, dst, rows, weights, offset),
        }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) fn quotient(dst: &mut [u64], rows: Rows<'_>, inverses: &[f64]) {
    for i in (0..dst.len()).step_by(8) {
        let mut sum = _mm512_set1_pd(0.5);
        for (k, inverse) in inverses.iter().enumerate() {
            // SAFETY: as in `convert`.
            let x = _mm512_cvtepu64_pd(unsafe { load(rows.data, k * rows.stride + i) });
            // Not fused: the scalar implementation rounds the product as well.
            sum = _mm512_add_pd(sum, _mm512_mul_pd(x, _mm512_set1_pd(*inverse)));
        }
        // SAFETY: as in `add_assign`.
        unsafe { store(dst, i, _mm512_cvttpd_epu64(sum)) }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) fn inner_product(
    m: &Modulus,
    out: [&mut [u64]; 2],
    place: Place<'_>,
    terms: &[KeyTerm<'_>],
    add: bool,
) {
    let c = consts(m);
    // SAFETY: lengths checked by the parent module.
    unsafe {
        match terms {
            [a] => inner_few(c, out, place, [a], add),
            [a, b] => inner_few(c, out, place, [a, b], add),
            [a, b, d] => inner_few(c, out, place, [a, b, d], add),
            [a, b, d, e] => inner_few(c, out, place, [a, b, d, e], add),
            _ => inner_many(c, out, place, terms, add),
        }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) fn dot_pair(
    m: &Modulus,
    out: [&mut [u64]; 2],
    spread: &Spread,
    terms: &[PairTerm<'_>],
    add: bool,
) {
    let c = consts(m);
    let [out0, out1] = out;
    let unpack = Unpack::new(terms.first().map_or(9, |t| t.factor.bits)).by_turns();
    let [forwards, backwards] = spread.orders::<8>();
    for i in spread.block().step_by(8) {
        let (from, mirrored) = (spread.residue(i), out0.len() - 8 - i);
        let [near, far] = spread.in_operand(i, 8);
        // SAFETY: the arrays have eight orders of eight words.
        let (forwards, backwards) =
            unsafe { (load(&forwards[from % 8], 0), load(&backwards[from % 8], 0)) };
        let mut sums = [Sums::new(c); 2];
        for t in terms {
            // SAFETY: the parent module checked that operands hold both blocks, and the factor all residues of the
            // first.
            unsafe {
                let factor = unpack.load(t.factor.words, from / 8 * 8);
                let [first, second] = [t.first, t.second];
                let low = _mm512_permutexvar_epi64(forwards, factor);
                sums[0].add(low, load(first, near), load(second, near));
                let high = _mm512_permutexvar_epi64(backwards, factor);
                sums[1].add(high, load(first, far), load(second, far));
            }
        }
        for (sum, i) in sums.iter().zip([i, mirrored]) {
            // SAFETY: lengths checked by the parent module.
            unsafe { sum.finish(out0, out1, i, add) };
        }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) fn weigh_pair(m: &Modulus, out: [&mut [u64]; 2], terms: &[WeightTerm<'_>], add: bool) {
    let c = consts(m);
    let [out0, out1] = out;
    // Two vectors at a time: eight chains of products hide each other's latency.
    for i in (0..out0.len()).step_by(16) {
        let mut sums = [Sums::new(c); 2];
        for t in terms {
            let weight = splat(t.weight);
            for (sum, i) in sums.iter_mut().zip([i, i + 8]) {
                // SAFETY: lengths, multiples of 16, checked by the parent module.
                unsafe { sum.add(weight, load(t.first, i), load(t.second, i)) };
            }
        }
        for (sum, i) in sums.iter().zip([i, i + 8]) {
            // SAFETY: lengths checked by the parent module.
            unsafe { sum.finish(out0, out1, i, add) };
        }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) fn pack(dst: &mut [u64], src: &[u64], bits: u32) {
    let table = &TABLES[bits as usize];
    // SAFETY: the arrays have 64 bytes each; the loads have no alignment requirement.
    let (even, odd, shift) = unsafe {
        (
            _mm512_loadu_si512(table.even.0.as_ptr().cast()),
            _mm512_loadu_si512(table.odd.0.as_ptr().cast()),
            load(&table.shift, 0),
        )
    };
    let (mask, written) = (splat(mask(bits)), mask(bits));
    let base = dst.as_mut_ptr().cast::<u8>();
    for i in (0..src.len()).step_by(8) {
        // SAFETY: the parent module checked that `src` is a multiple of eight and that `dst` holds its
        // packed bytes, of which this writes `bits` at a time.
        unsafe {
            let x = _mm512_sllv_epi64(_mm512_and_si512(load(src, i), mask), shift);
            let even = _mm512_maskz_permutexvar_epi8(table.even.1, even, x);
            let odd = _mm512_maskz_permutexvar_epi8(table.odd.1, odd, x);
            let bytes = _mm512_or_si512(even, odd);
            _mm512_mask_storeu_epi8(base.add(i / 8 * bits as usize).cast(), written, bytes);
        }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) fn unpack(dst: &mut [u64], src: Packed<'_>) {
    let unpack = Unpack::new(src.bits);
    for i in (0..dst.len()).step_by(8) {
        // SAFETY: the parent module checked that `src` holds as many residues, and its padding.
        unsafe { store(dst, i, unpack.load(src.words, i)) }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) fn permute(dst: &mut [u64], src: &[u64], p: &Automorphism) {
    let place = Place {
        permutation: Some(p),
        ..Place::default()
    };
    for i in (0..dst.len()).step_by(8) {
        // SAFETY: the parent module checked that all lengths are equal.
        unsafe { store(dst, i, gathered(src, place, i)) }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) fn add_from(m: &Modulus, dst: &mut [u64], place: Place<'_>, src: &[u64]) {
    let c = consts(m);
    for i in (0..dst.len()).step_by(8) {
        fetch(src, place, i);
        // SAFETY: the parent module checked that the block lies in the limb.
        unsafe { store(dst, i, add_mod(c, load(dst, i), gathered(src, place, i))) }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) fn add_constant(m: &Modulus, dst: &mut [u64], constant: u64) {
    let (c, constant) = (consts(m), splat(constant));
    for i in (0..dst.len()).step_by(8) {
        // SAFETY: as in `add_assign`.
        unsafe { store(dst, i, add_mod(c, load(dst, i), constant)) }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) fn scale_sub(m: &Modulus, dst: &mut [u64], w_mont: u64, src: &[u64]) {
    let (c, w) = (consts(m), splat(w_mont));
    for i in (0..dst.len()).step_by(8) {
        // SAFETY: as in `add_assign`.
        unsafe {
            store(
                dst,
                i,
                sub_mod(c, mont_mul(c, load(src, i), w), load(dst, i)),
            )
        }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
pub(super) fn reduce_signed(m: &Modulus, dst: &mut [u64], src: &[i64]) {
    let c = consts(m);
    // floor(2^52/q): for magnitudes below 2^50 the estimate loses at most 1 + 2^-2.
    let barrett = splat((1 << 52) / m.q);
    let limit = splat(1 << 50);
    let zero = _mm512_setzero_si512();
    for i in (0..dst.len()).step_by(8) {
        // SAFETY: the parent module checked the lengths; the load has no alignment requirement.
        let x = unsafe { _mm512_loadu_si512(src.as_ptr().add(i).cast()) };
        let magnitude = _mm512_abs_epi64(x);
        if _mm512_cmpge_epu64_mask(magnitude, limit) != 0 {
            super::scalar::reduce_signed(m, &mut dst[i..i + 8], &src[i..i + 8]);
            continue;
        }
        let estimate = _mm512_madd52hi_epu64(zero, magnitude, barrett);
        let r = _mm512_sub_epi64(magnitude, _mm512_mullo_epi64(estimate, c.q));
        let r = canonical4(c, r);
        let negative = _mm512_movepi64_mask(x);
        let negated = sub_mod(c, zero, r);
        // SAFETY: as in `add_assign`.
        unsafe { store(dst, i, _mm512_mask_blend_epi64(negative, r, negated)) }
    }
}
