//! Residue arithmetic in doubles, four at a time: what the AVX2 kernels and the AVX2 transform are made of.
//!
//! AVX2 has neither 64-bit products nor 52-bit ones, but fused multiply-adds of doubles. A product of integers below
//! 2^53 is exactly `h + fma(a, b, -h)` with `h = fl(a·b)` (Dekker 1971), and its residue is that less q times the
//! rounded quotient (van der Hoeven, Lecerf and Quintin, "Modular SIMD arithmetic in Mathemagix", 2016). All
//! results are exact integers, so they equal those of the other implementations bit for bit.
#![allow(
    unsafe_code,
    reason = "vector loads and stores, and functions that need detected features"
)]

use std::arch::x86_64::*;

use crate::modulus::{MASK52, Modulus};

/// Four words.
pub(crate) type V = __m256i;
/// Four doubles.
pub(crate) type D = __m256d;

/// 2^52 as a double: a word below 2^52 in its mantissa is that word plus 2^52.
const TWO52: f64 = (1u64 << 52) as f64;
const EXPONENT: i64 = 0x4330_0000_0000_0000;
/// 1.5·2^52: the same for signed numbers of magnitude up to 2^51.
const MIDDLE: f64 = 1.5 * TWO52;
const MIDDLE_BITS: i64 = 0x4338_0000_0000_0000;
const TWO104: f64 = TWO52 * TWO52;
/// Most products in one [`Sum`]: 16 products below 2^100 stay below 2^104.
pub(crate) const MAX_SUM: usize = 16;

/// Whether this machine has every feature that the functions below enable.
pub(crate) fn is_available() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

/// Broadcast constants of a modulus.
#[derive(Clone, Copy)]
pub(crate) struct Consts {
    pub(crate) q: D,
    /// 2q.
    pub(crate) q2: D,
    /// q as words.
    q_words: V,
    /// 1/q, rounded.
    pub(crate) inverse: D,
    /// q⁻¹ mod 2^52.
    q_inv: D,
}

#[inline]
#[target_feature(enable = "avx2,fma")]
pub(crate) fn splat(x: f64) -> D {
    _mm256_set1_pd(x)
}

#[inline]
#[target_feature(enable = "avx2,fma")]
pub(crate) fn consts(m: &Modulus) -> Consts {
    let q = m.q as f64;
    Consts {
        q: splat(q),
        q2: splat(2.0 * q),
        q_words: _mm256_set1_epi64x(m.q as i64),
        inverse: splat(1.0 / q),
        q_inv: splat(m.q_inv as f64),
    }
}

/// Words below 2^52 as doubles.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(crate) fn to_doubles(x: V) -> D {
    let x = _mm256_or_si256(x, _mm256_set1_epi64x(EXPONENT));
    _mm256_sub_pd(_mm256_castsi256_pd(x), splat(TWO52))
}

/// Integers from 0 up to 2^52 as words.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(crate) fn to_words(x: D) -> V {
    let x = _mm256_castpd_si256(_mm256_add_pd(x, splat(TWO52)));
    _mm256_xor_si256(x, _mm256_set1_epi64x(EXPONENT))
}

/// Signed words of magnitude up to 2^51 as doubles.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(crate) fn signed_to_doubles(x: V) -> D {
    let x = _mm256_add_epi64(x, _mm256_set1_epi64x(MIDDLE_BITS));
    _mm256_sub_pd(_mm256_castsi256_pd(x), splat(MIDDLE))
}

#[inline]
#[target_feature(enable = "avx2,fma")]
pub(crate) fn nearest(x: D) -> D {
    _mm256_round_pd::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x)
}

#[inline]
#[target_feature(enable = "avx2,fma")]
pub(crate) fn toward_zero(x: D) -> D {
    _mm256_round_pd::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(x)
}

/// A residue of `a·b` of magnitude below q, for canonical residues: the quotient is wrong by less than 0.4.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(crate) fn multiply(c: Consts, a: D, b: D) -> D {
    let high = _mm256_mul_pd(a, b);
    let low = _mm256_fmsub_pd(a, b, high);
    let quotient = nearest(_mm256_mul_pd(high, c.inverse));
    _mm256_add_pd(_mm256_fnmadd_pd(quotient, c.q, high), low)
}

/// A residue of `x·w`, given `w_over_q`, rounded: of magnitude at most q/2 + |x|·q·1.5·2^-52.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(crate) fn multiply_constant(c: Consts, x: D, w: D, w_over_q: D) -> D {
    let high = _mm256_mul_pd(x, w);
    let low = _mm256_fmsub_pd(x, w, high);
    let quotient = nearest(_mm256_mul_pd(x, w_over_q));
    _mm256_add_pd(_mm256_fnmadd_pd(quotient, c.q, high), low)
}

/// A residue of magnitude at most q/2, or a hair more, for integers up to 2^53.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(crate) fn reduce(c: Consts, x: D) -> D {
    _mm256_fnmadd_pd(nearest(_mm256_mul_pd(x, c.inverse)), c.q, x)
}

/// Adds q to negative numbers.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(crate) fn non_negative(c: Consts, x: D) -> D {
    let is_negative = _mm256_cmp_pd::<_CMP_LT_OQ>(x, _mm256_setzero_pd());
    _mm256_add_pd(x, _mm256_and_pd(is_negative, c.q))
}

/// Integers between -q and q as the words of their canonical residues.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(crate) fn to_canonical_words(c: Consts, x: D) -> V {
    let x = _mm256_castpd_si256(_mm256_add_pd(x, splat(MIDDLE)));
    let x = _mm256_sub_epi64(x, _mm256_set1_epi64x(MIDDLE_BITS));
    let above = _mm256_add_epi64(x, c.q_words);
    let [x, above] = [x, above].map(|x| _mm256_castsi256_pd(x));
    _mm256_castpd_si256(_mm256_blendv_pd(x, above, x))
}

/// Subtracts `limit` from numbers that are not below it.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(crate) fn below(x: D, limit: D) -> D {
    let is_above = _mm256_cmp_pd::<_CMP_GE_OQ>(x, limit);
    _mm256_sub_pd(x, _mm256_and_pd(is_above, limit))
}

/// A running sum of products of integers below 2^50.
///
/// Adding a product to a number between 2^104 and 2^105 rounds the sum to a multiple of 2^52; what was lost is
/// exact again and is summed as an integer.
#[derive(Clone, Copy)]
pub(crate) struct Sum {
    high: D,
    low: V,
}

impl Sum {
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub(crate) fn new() -> Self {
        Self {
            high: splat(TWO104),
            low: _mm256_setzero_si256(),
        }
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub(crate) fn add(&mut self, a: D, b: D) {
        let high = _mm256_fmadd_pd(a, b, self.high);
        let low = _mm256_fmadd_pd(a, b, _mm256_sub_pd(self.high, high));
        let low = _mm256_castpd_si256(_mm256_add_pd(low, splat(MIDDLE)));
        self.low = _mm256_add_epi64(self.low, low);
        self.high = high;
    }
}

/// Montgomery's reduction of a [`Sum`] of a fixed number of products, with R = 2^52.
#[derive(Clone, Copy)]
pub(crate) struct Reduction {
    pub(crate) c: Consts,
    /// Takes the exponents out of the low sums, and makes them positive: plus 2^56 + 2^51.
    offset: V,
}

impl Reduction {
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub(crate) fn new(c: Consts, terms: usize) -> Self {
        let exponents = MIDDLE_BITS.wrapping_mul(terms as i64);
        let offset = ((1i64 << 56) + (1 << 51)).wrapping_sub(exponents);
        Self {
            c,
            offset: _mm256_set1_epi64x(offset),
        }
    }

    /// (t, k): t is the sum times 2^-52 modulo q, between -q/2 and sum/2^52 + q/2; k is the multiple of q/2^52 that was
    /// subtracted, of magnitude at most 2^51.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub(crate) fn run(self, sum: Sum) -> (D, D) {
        let low = _mm256_add_epi64(sum.low, self.offset);
        let exponent = _mm256_set1_epi64x(EXPONENT);
        let carry = _mm256_or_si256(_mm256_srli_epi64::<52>(low), exponent);
        let carry = _mm256_sub_pd(_mm256_castsi256_pd(carry), splat(TWO52 + 16.0));
        let low = _mm256_and_si256(low, _mm256_set1_epi64x(MASK52 as i64));
        let low = _mm256_castsi256_pd(_mm256_or_si256(low, exponent));
        let low = _mm256_sub_pd(low, splat(MIDDLE));
        // k = low·q⁻¹ mod 2^52, signed; low - k·q is a multiple of 2^52 and below 2^102, so it is not rounded.
        let big = splat(1.5 * TWO104);
        let rounded = _mm256_fmadd_pd(low, self.c.q_inv, big);
        let k = _mm256_fmadd_pd(low, self.c.q_inv, _mm256_sub_pd(big, rounded));
        let excess = _mm256_fnmadd_pd(k, self.c.q, low);
        let high = _mm256_add_pd(_mm256_sub_pd(sum.high, splat(TWO104)), excess);
        (_mm256_fmadd_pd(high, splat(1.0 / TWO52), carry), k)
    }

    /// The canonical residue of the sum times 2^-52.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub(crate) fn canonical(self, sum: Sum) -> D {
        non_negative(self.c, reduce(self.c, self.run(sum).0))
    }
}

/// Loads words `i..i + 4`.
///
/// # Safety
/// `i + 4 <= s.len()`.
#[inline]
#[target_feature(enable = "avx2")]
pub(crate) unsafe fn load(s: &[u64], i: usize) -> V {
    debug_assert!(i + 4 <= s.len());
    // SAFETY: in bounds by the caller's promise; the load has no alignment requirement.
    unsafe { _mm256_loadu_si256(s.as_ptr().add(i).cast()) }
}

/// Stores words `i..i + 4`.
///
/// # Safety
/// `i + 4 <= s.len()`.
#[inline]
#[target_feature(enable = "avx2")]
pub(crate) unsafe fn store(s: &mut [u64], i: usize, v: V) {
    debug_assert!(i + 4 <= s.len());
    // SAFETY: in bounds by the caller's promise; the store has no alignment requirement.
    unsafe { _mm256_storeu_si256(s.as_mut_ptr().add(i).cast(), v) }
}

/// Loads words `i..i + 4`, below 2^52, as doubles.
///
/// # Safety
/// `i + 4 <= s.len()`.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(crate) unsafe fn load_doubles(s: &[u64], i: usize) -> D {
    // SAFETY: the caller's promise.
    to_doubles(unsafe { load(s, i) })
}

/// Stores integers from 0 up to 2^52 as words `i..i + 4`.
///
/// # Safety
/// `i + 4 <= s.len()`.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(crate) unsafe fn store_doubles(s: &mut [u64], i: usize, x: D) {
    // SAFETY: the caller's promise.
    unsafe { store(s, i, to_words(x)) }
}
