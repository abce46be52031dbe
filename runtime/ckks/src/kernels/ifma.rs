//! The AVX-512 IFMA implementation: eight residues at a time, equal bit for bit to the scalar one.
#![allow(
    unsafe_code,
    reason = "vector loads and stores, and functions that need detected features"
)]

use std::arch::x86_64::*;

use super::lanes::*;
use super::packed::{TABLES, mask};
use super::{Correction, KeyTerm, Packed, PairTerm};
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

/// A kernel body with the features enabled. Callable only where `is_available` holds.
macro_rules! simd {
    ($(fn $name:ident ( $($arg:ident : $ty:ty),* $(,)? ) $(-> $ret:ty)? $body:block)*) => {
        $(
            #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512ifma,avx512vbmi")]
            pub(super) fn $name($($arg: $ty),*) $(-> $ret)? $body
        )*
    };
}

simd! {
    fn add_assign(m: &Modulus, dst: &mut [u64], src: &[u64]) {
        let c = consts(m);
        for i in (0..dst.len()).step_by(8) {
            // SAFETY: lengths are equal multiples of eight (checked by the callers in the parent module).
            unsafe { store(dst, i, add_mod(c, load(dst, i), load(src, i))) }
        }
    }

    fn sub_assign(m: &Modulus, dst: &mut [u64], src: &[u64]) {
        let c = consts(m);
        for i in (0..dst.len()).step_by(8) {
            // SAFETY: as in `add_assign`.
            unsafe { store(dst, i, sub_mod(c, load(dst, i), load(src, i))) }
        }
    }

    fn negate(m: &Modulus, dst: &mut [u64]) {
        let c = consts(m);
        for i in (0..dst.len()).step_by(8) {
            // SAFETY: as in `add_assign`.
            unsafe { store(dst, i, sub_mod(c, _mm512_setzero_si512(), load(dst, i))) }
        }
    }

    fn scale(m: &Modulus, dst: &mut [u64], w_mont: u64) {
        let (c, w) = (consts(m), splat(w_mont));
        for i in (0..dst.len()).step_by(8) {
            // SAFETY: as in `add_assign`.
            unsafe { store(dst, i, mont_mul(c, load(dst, i), w)) }
        }
    }

    fn mul(m: &Modulus, dst: &mut [u64], a: &[u64], b: &[u64]) {
        let c = consts(m);
        for i in (0..dst.len()).step_by(8) {
            // SAFETY: as in `add_assign`.
            unsafe { store(dst, i, product(c, load(a, i), load(b, i))) }
        }
    }

    fn mul_add(m: &Modulus, dst: &mut [u64], a: &[u64], b: &[u64]) {
        let c = consts(m);
        for i in (0..dst.len()).step_by(8) {
            // SAFETY: as in `add_assign`.
            unsafe { store(dst, i, add_mod(c, load(dst, i), product(c, load(a, i), load(b, i)))) }
        }
    }

    fn tensor(m: &Modulus, d: [&mut [u64]; 3], a: [&[u64]; 2], b: [&[u64]; 2]) {
        let (c, zero) = (consts(m), _mm512_setzero_si512());
        let [d0, d1, d2] = d;
        for i in (0..d0.len()).step_by(8) {
            // SAFETY: as in `add_assign`.
            let (a0, a1, b0, b1) = unsafe { (load(a[0], i), load(a[1], i), load(b[0], i), load(b[1], i)) };
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

    fn convert(m: &Modulus, dst: &mut [u64], sources: &[(&[u64], u64)], correction: Correction<'_>) {
        let (c, zero) = (consts(m), _mm512_setzero_si512());
        for i in (0..dst.len()).step_by(8) {
            let (mut lo, mut hi) = (zero, zero);
            for (x, w) in sources {
                // SAFETY: as in `add_assign`.
                let (x, w) = (unsafe { load(x, i) }, splat(*w));
                lo = _mm512_madd52lo_epu64(lo, x, w);
                hi = _mm512_madd52hi_epu64(hi, x, w);
            }
            let t = min_sub(redc(c, lo, hi), c.q2);
            let t = match correction {
                Correction::Offset(offset) => _mm512_add_epi64(t, splat(offset)),
                // SAFETY: as in `add_assign`.
                Correction::Quotient(v) => {
                    _mm512_sub_epi64(_mm512_add_epi64(t, c.q), unsafe { load(v, i) })
                }
            };
            // SAFETY: as in `add_assign`.
            unsafe { store(dst, i, t) }
        }
    }

    fn quotient(dst: &mut [u64], sources: &[(&[u64], f64)]) {
        for i in (0..dst.len()).step_by(8) {
            let mut sum = _mm512_set1_pd(0.5);
            for (x, inverse) in sources {
                // SAFETY: as in `add_assign`.
                let x = _mm512_cvtepu64_pd(unsafe { load(x, i) });
                // Not fused: the scalar implementation rounds the product as well.
                sum = _mm512_add_pd(sum, _mm512_mul_pd(x, _mm512_set1_pd(*inverse)));
            }
            // SAFETY: as in `add_assign`.
            unsafe { store(dst, i, _mm512_cvttpd_epu64(sum)) }
        }
    }

    fn inner_product(
        m: &Modulus,
        out: [&mut [u64]; 2],
        terms: &[KeyTerm<'_>],
        permutation: Option<&Automorphism>,
        add: bool,
    ) {
        let c = consts(m);
        let [out0, out1] = out;
        let mut sums = Sums::new(c);
        let unpack = Unpack::new(terms.first().map_or(9, |t| t.first.bits));
        for i in (0..out0.len()).step_by(8) {
            sums.clear();
            if let Some(p) = permutation {
                let word = p.blocks[i / 8];
                let from = (word & !7) as usize;
                // SAFETY: eight orders of eight words; `from` is an aligned block below the length.
                let order = unsafe { load(&p.orders[(word & 7) as usize], 0) };
                for t in terms {
                    // SAFETY: lengths checked by the parent module.
                    unsafe {
                        let digit = _mm512_permutexvar_epi64(order, load(t.digit, from));
                        let (b, a) = (unpack.load(t.first.words, i), unpack.load(t.second.words, i));
                        sums.add(digit, b, a);
                    }
                }
            } else {
                for t in terms {
                    // SAFETY: lengths checked by the parent module.
                    unsafe {
                        let (b, a) = (unpack.load(t.first.words, i), unpack.load(t.second.words, i));
                        sums.add(load(t.digit, i), b, a);
                    }
                }
            }
            // SAFETY: lengths checked by the parent module.
            unsafe { sums.finish(out0, out1, i, add) };
        }
    }

    fn dot_pair(m: &Modulus, out: [&mut [u64]; 2], terms: &[PairTerm<'_>], add: bool) {
        let c = consts(m);
        let [out0, out1] = out;
        let mut sums = Sums::new(c);
        let unpack = Unpack::new(terms.first().map_or(9, |t| t.factor.bits));
        for i in (0..out0.len()).step_by(8) {
            sums.clear();
            for t in terms {
                // SAFETY: lengths checked by the parent module.
                unsafe {
                    let factor = unpack.load(t.factor.words, i);
                    sums.add(factor, load(t.first, i), load(t.second, i));
                }
            }
            // SAFETY: lengths checked by the parent module.
            unsafe { sums.finish(out0, out1, i, add) };
        }
    }

    fn pack(dst: &mut [u64], src: &[u64], bits: u32) {
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

    fn unpack(dst: &mut [u64], src: Packed<'_>) {
        let unpack = Unpack::new(src.bits);
        for i in (0..dst.len()).step_by(8) {
            // SAFETY: the parent module checked that `src` holds as many residues, and its padding.
            unsafe { store(dst, i, unpack.load(src.words, i)) }
        }
    }

    fn permute(dst: &mut [u64], src: &[u64], p: &Automorphism) {
        for i in (0..dst.len()).step_by(8) {
            // SAFETY: as in `add_assign`; `permuted` reads an aligned block of `src`.
            unsafe { store(dst, i, permuted(src, p, i)) }
        }
    }

    fn permute_add(m: &Modulus, dst: &mut [u64], src: &[u64], p: &Automorphism) {
        let c = consts(m);
        for i in (0..dst.len()).step_by(8) {
            // SAFETY: as in `permute`.
            unsafe { store(dst, i, add_mod(c, load(dst, i), permuted(src, p, i))) }
        }
    }

    fn scale_sub(m: &Modulus, dst: &mut [u64], w_mont: u64, src: &[u64]) {
        let (c, w) = (consts(m), splat(w_mont));
        for i in (0..dst.len()).step_by(8) {
            // SAFETY: as in `add_assign`.
            unsafe { store(dst, i, sub_mod(c, mont_mul(c, load(dst, i), w), load(src, i))) }
        }
    }

    fn reduce_signed(m: &Modulus, dst: &mut [u64], src: &[i64]) {
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
}
