//! The AVX2 implementation: four residues at a time in doubles, equal bit for bit to the scalar one.
//!
//! Packing has no vector form here: it runs when keys are made or read and when diagonals are encoded, not when
//! they are used.
#![allow(
    unsafe_code,
    reason = "vector loads and stores, and functions that need detected features"
)]

use std::arch::x86_64::*;

use super::doubles::*;
use super::gather::{Permute, Reorder, Unpack};
use super::{KeyTerm, Packed, PairTerm, Place, Rows, Spread, WeightTerm, scalar};
use crate::galois::Automorphism;
use crate::modulus::Modulus;

/// `t` where it is not negative as a signed number, else `other`.
#[inline]
#[target_feature(enable = "avx2")]
fn unless_negative(t: V, other: V) -> V {
    let [t, other] = [t, other].map(|x| _mm256_castsi256_pd(x));
    _mm256_castpd_si256(_mm256_blendv_pd(t, other, t))
}

#[inline]
#[target_feature(enable = "avx2")]
fn add_mod(q: V, a: V, b: V) -> V {
    let sum = _mm256_add_epi64(a, b);
    unless_negative(_mm256_sub_epi64(sum, q), sum)
}

#[inline]
#[target_feature(enable = "avx2")]
fn sub_mod(q: V, a: V, b: V) -> V {
    let difference = _mm256_sub_epi64(a, b);
    unless_negative(difference, _mm256_add_epi64(difference, q))
}

#[inline]
#[target_feature(enable = "avx2")]
fn words(x: u64) -> V {
    _mm256_set1_epi64x(x as i64)
}

/// A constant factor that comes times 2^52: itself, and over q.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn constant(m: &Modulus, w_mont: u64) -> (D, D) {
    let w = m.mont_mul(w_mont, 1) as f64;
    (splat(w), splat(w / m.q as f64))
}

/// `x·w`, canonical, for `x` below 4q: taken less 2q, so that the quotient is wrong by less than 1.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn scaled(c: Consts, x: D, (w, w_over_q): (D, D)) -> D {
    non_negative(c, multiply_constant(c, _mm256_sub_pd(x, c.q2), w, w_over_q))
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn add_assign(m: &Modulus, dst: &mut [u64], src: &[u64]) {
    let q = words(m.q);
    for i in (0..dst.len()).step_by(4) {
        // SAFETY: lengths are equal multiples of eight (checked by the callers in the parent module).
        unsafe { store(dst, i, add_mod(q, load(dst, i), load(src, i))) }
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn sub_assign(m: &Modulus, dst: &mut [u64], src: &[u64]) {
    let q = words(m.q);
    for i in (0..dst.len()).step_by(4) {
        // SAFETY: as in `add_assign`.
        unsafe { store(dst, i, sub_mod(q, load(dst, i), load(src, i))) }
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn negate(m: &Modulus, dst: &mut [u64]) {
    let q = words(m.q);
    for i in (0..dst.len()).step_by(4) {
        // SAFETY: as in `add_assign`.
        unsafe { store(dst, i, sub_mod(q, _mm256_setzero_si256(), load(dst, i))) }
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn scale(m: &Modulus, dst: &mut [u64], w_mont: u64) {
    let (c, w) = (consts(m), constant(m, w_mont));
    for i in (0..dst.len()).step_by(4) {
        // SAFETY: as in `add_assign`.
        unsafe { store_doubles(dst, i, scaled(c, load_doubles(dst, i), w)) }
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn scale_sub(m: &Modulus, dst: &mut [u64], w_mont: u64, src: &[u64]) {
    let (c, w) = (consts(m), constant(m, w_mont));
    for i in (0..dst.len()).step_by(4) {
        // SAFETY: as in `add_assign`.
        unsafe {
            let x = scaled(c, load_doubles(src, i), w);
            store_doubles(
                dst,
                i,
                non_negative(c, _mm256_sub_pd(x, load_doubles(dst, i))),
            );
        }
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn mul(m: &Modulus, dst: &mut [u64], a: &[u64], b: &[u64]) {
    let c = consts(m);
    for i in (0..dst.len()).step_by(4) {
        // SAFETY: as in `add_assign`.
        unsafe {
            let product = multiply(c, load_doubles(a, i), load_doubles(b, i));
            store_doubles(dst, i, non_negative(c, product));
        }
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn mul_add(m: &Modulus, dst: &mut [u64], a: &[u64], b: &[u64]) {
    let c = consts(m);
    for i in (0..dst.len()).step_by(4) {
        // SAFETY: as in `add_assign`.
        unsafe {
            let product = multiply(c, load_doubles(a, i), load_doubles(b, i));
            let sum = _mm256_add_pd(product, load_doubles(dst, i));
            store_doubles(dst, i, below(non_negative(c, sum), c.q));
        }
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn mul_pair(m: &Modulus, d: [&mut [u64]; 2], a: [&[u64]; 2], b: &[u64], add: bool) {
    for (d, a) in d.into_iter().zip(a) {
        if add {
            mul_add(m, d, a, b);
        } else {
            mul(m, d, a, b);
        }
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn tensor(m: &Modulus, d: [&mut [u64]; 3], a: [&[u64]; 2], b: [&[u64]; 2]) {
    let c = consts(m);
    let [d0, d1, d2] = d;
    for i in (0..d0.len()).step_by(4) {
        // SAFETY: as in `add_assign`.
        unsafe {
            let (a0, a1) = (load_doubles(a[0], i), load_doubles(a[1], i));
            let (b0, b1) = (load_doubles(b[0], i), load_doubles(b[1], i));
            let cross = _mm256_add_pd(multiply(c, a0, b1), multiply(c, a1, b0));
            store_doubles(d0, i, non_negative(c, multiply(c, a0, b0)));
            store_doubles(d1, i, non_negative(c, reduce(c, cross)));
            store_doubles(d2, i, non_negative(c, multiply(c, a1, b1)));
        }
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn convert(m: &Modulus, dst: &mut [u64], rows: Rows<'_>, weights: &[u64], offset: u64) {
    let (c, offset) = (consts(m), splat(offset as f64));
    let reduction = Reduction::new(c, weights.len());
    for i in (0..dst.len()).step_by(4) {
        let mut sum = Sum::new();
        for (k, w) in weights.iter().enumerate() {
            // SAFETY: the parent module checked that there are as many rows of the length as weights.
            let x = unsafe { load_doubles(rows.data, k * rows.stride + i) };
            sum.add(x, splat(*w as f64));
        }
        // The others subtract k·q for k from 0 to 2^52 and add q: the same where k is negative here.
        let (t, k) = reduction.run(sum);
        let is_same = _mm256_cmp_pd::<_CMP_LT_OQ>(k, _mm256_setzero_pd());
        let t = below(_mm256_add_pd(t, _mm256_andnot_pd(is_same, c.q)), c.q2);
        // SAFETY: as in `add_assign`.
        unsafe { store_doubles(dst, i, _mm256_add_pd(t, offset)) }
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn quotient(dst: &mut [u64], rows: Rows<'_>, inverses: &[f64]) {
    for i in (0..dst.len()).step_by(4) {
        let mut sum = splat(0.5);
        for (k, inverse) in inverses.iter().enumerate() {
            // SAFETY: as in `convert`.
            let x = unsafe { load_doubles(rows.data, k * rows.stride + i) };
            // Not fused: the scalar implementation rounds the product as well.
            sum = _mm256_add_pd(sum, _mm256_mul_pd(x, splat(*inverse)));
        }
        // SAFETY: as in `add_assign`.
        unsafe { store_doubles(dst, i, toward_zero(sum)) }
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn pack(dst: &mut [u64], src: &[u64], bits: u32) {
    scalar::pack(dst, src, bits);
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn unpack(dst: &mut [u64], src: Packed<'_>) {
    let unpack = Unpack::new(src.bits);
    for i in (0..dst.len()).step_by(8) {
        for half in 0..2 {
            // SAFETY: the parent module checked that `src` holds as many residues, and its padding.
            unsafe { store(dst, i + 4 * half, unpack.load(src.words, i, half)) }
        }
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn permute(dst: &mut [u64], src: &[u64], p: &Automorphism) {
    let order = Permute::new(p);
    for i in (0..dst.len()).step_by(8) {
        for half in 0..2 {
            // SAFETY: as in `add_assign`; the permutation is of the length of `src`.
            unsafe { store(dst, i + 4 * half, order.load(src, i, half)) }
        }
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn add_from(m: &Modulus, dst: &mut [u64], place: Place<'_>, src: &[u64]) {
    let (q, order) = (words(m.q), place.permutation.map(|p| Permute::new(p)));
    for i in (0..dst.len()).step_by(8) {
        for half in 0..2 {
            let at = i + 4 * half;
            // SAFETY: the parent module checked that the block lies in the limb.
            unsafe {
                let x = gathered(src, order.as_ref(), place.start + i, half);
                store(dst, at, add_mod(q, load(dst, at), x));
            }
        }
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn add_constant(m: &Modulus, dst: &mut [u64], constant: u64) {
    let (q, constant) = (words(m.q), words(constant));
    for i in (0..dst.len()).step_by(4) {
        // SAFETY: as in `add_assign`.
        unsafe { store(dst, i, add_mod(q, load(dst, i), constant)) }
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn reduce_signed(m: &Modulus, dst: &mut [u64], src: &[i64]) {
    let c = consts(m);
    for i in (0..dst.len()).step_by(4) {
        // SAFETY: the parent module checked the lengths; the load has no alignment requirement.
        let x = unsafe { _mm256_loadu_si256(src.as_ptr().add(i).cast()) };
        let shifted = _mm256_srli_epi64::<52>(_mm256_add_epi64(x, words(1 << 51)));
        if _mm256_testz_si256(shifted, shifted) == 0 {
            scalar::reduce_signed(m, &mut dst[i..i + 4], &src[i..i + 4]);
            continue;
        }
        let r = non_negative(c, reduce(c, signed_to_doubles(x)));
        // SAFETY: as in `add_assign`.
        unsafe { store_doubles(dst, i, r) }
    }
}

/// Half a block of eight, at `i`, of the permuted `src`.
///
/// # Safety
/// `src` has the length of the permutation, and `i` is an aligned block in it.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn gathered(src: &[u64], order: Option<&Permute<'_>>, i: usize, half: usize) -> V {
    // SAFETY: the caller's promise.
    unsafe {
        match order {
            Some(order) => order.load(src, i, half),
            None => load(src, i + 4 * half),
        }
    }
}

/// Two running sums that share one factor, of at most `MAX_SUM` products.
#[derive(Clone, Copy)]
struct Sums {
    reduction: Reduction,
    first: Sum,
    second: Sum,
}

impl Sums {
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn add(&mut self, shared: D, first: V, second: V) {
        self.first.add(shared, to_doubles(first));
        self.second.add(shared, to_doubles(second));
    }

    /// Reduces and stores both sums at block `i`.
    ///
    /// # Safety
    /// `i + 4` is within both slices.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn finish(&self, out: &mut [&mut [u64]; 2], i: usize, add: bool) {
        let c = self.reduction.c;
        for (out, sum) in out.iter_mut().zip([self.first, self.second]) {
            let mut r = self.reduction.canonical(sum);
            // SAFETY: the caller's promise.
            unsafe {
                if add {
                    r = below(_mm256_add_pd(r, load_doubles(out, i)), c.q);
                }
                store_doubles(out, i, r);
            }
        }
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn inner_product(
    m: &Modulus,
    out: [&mut [u64]; 2],
    place: Place<'_>,
    terms: &[KeyTerm<'_>],
    add: bool,
) {
    let mut out = out;
    let c = consts(m);
    let unpack = Unpack::new(terms.first().map_or(9, |t| t.first.bits));
    let order = place.permutation.map(|p| Permute::new(p));
    for (at, terms) in terms.chunks(MAX_SUM).enumerate() {
        let reduction = Reduction::new(c, terms.len());
        for i in (0..out[0].len()).step_by(8) {
            for half in 0..2 {
                let mut sums = Sums {
                    reduction,
                    first: Sum::new(),
                    second: Sum::new(),
                };
                for t in terms {
                    // SAFETY: lengths checked by the parent module.
                    unsafe {
                        let digit = gathered(t.digit, order.as_ref(), place.start + i, half);
                        let first = unpack.load(t.first.words, i, half);
                        let second = unpack.load(t.second.words, i, half);
                        sums.add(to_doubles(digit), first, second);
                    }
                }
                // SAFETY: lengths checked by the parent module.
                unsafe { sums.finish(&mut out, i + 4 * half, add || at > 0) };
            }
        }
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn weigh_pair(m: &Modulus, out: [&mut [u64]; 2], terms: &[WeightTerm<'_>], add: bool) {
    let mut out = out;
    let c = consts(m);
    for (at, terms) in terms.chunks(MAX_SUM).enumerate() {
        let reduction = Reduction::new(c, terms.len());
        for i in (0..out[0].len()).step_by(4) {
            let mut sums = Sums {
                reduction,
                first: Sum::new(),
                second: Sum::new(),
            };
            for t in terms {
                let weight = splat(t.weight as f64);
                // SAFETY: lengths checked by the parent module.
                unsafe { sums.add(weight, load(t.first, i), load(t.second, i)) };
            }
            // SAFETY: lengths checked by the parent module.
            unsafe { sums.finish(&mut out, i, add || at > 0) };
        }
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn dot_pair(
    m: &Modulus,
    out: [&mut [u64]; 2],
    spread: &Spread,
    terms: &[PairTerm<'_>],
    add: bool,
) {
    let mut out = out;
    let (c, n) = (consts(m), out[0].len());
    let unpack = Unpack::new(terms.first().map_or(9, |t| t.factor.bits));
    let orders = Reorder::all(spread);
    for (at, terms) in terms.chunks(MAX_SUM).enumerate() {
        let reduction = Reduction::new(c, terms.len());
        for i in spread.block().step_by(4) {
            let (from, mirrored) = (spread.residue(i), n - 4 - i);
            let [near, far] = spread.in_operand(i, 4);
            let order = orders[from % 4];
            let mut sums = [Sums {
                reduction,
                first: Sum::new(),
                second: Sum::new(),
            }; 2];
            for t in terms {
                // SAFETY: the parent module checked that operands hold both blocks and the factor all residues of the
                // first.
                unsafe {
                    let factor = unpack.load(t.factor.words, from / 8 * 8, from / 4 % 2);
                    let [low, high] = order.apply(to_doubles(factor));
                    sums[0].add(low, load(t.first, near), load(t.second, near));
                    sums[1].add(high, load(t.first, far), load(t.second, far));
                }
            }
            for (sums, i) in sums.iter().zip([i, mirrored]) {
                // SAFETY: lengths checked by the parent module.
                unsafe { sums.finish(&mut out, i, add || at > 0) };
            }
        }
    }
}
