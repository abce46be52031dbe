//! Residue arithmetic on limbs: a portable, an AVX2 and an AVX-512 IFMA implementation of each loop, equal bit for
//! bit, chosen at run time.
//!
//! Products are summed as two 52-bit halves (`lo`, `hi`) and reduced once per sum by Montgomery's method
//! with R = 2^52 (Montgomery 1985): for `x = hi·2^52 + lo`, `hi - ((lo·q⁻¹ mod 2^52)·q >> 52) + q` equals
//! `x·2^-52 mod q` and is at most `hi + q`. With factors below 2^50 a sum of `n` products has
//! `hi < q·n/4`, so up to 12 products need no further reduction before a transform, which takes inputs
//! below `4q`. Constant factors (keys, diagonals, base-conversion weights) are stored times 2^52.

mod aligned;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod doubles;
#[cfg(target_arch = "x86_64")]
mod gather;
#[cfg(target_arch = "x86_64")]
mod ifma;
mod instructions;
#[cfg(target_arch = "x86_64")]
mod lanes;
mod packed;
mod scalar;
mod spread;
#[cfg(test)]
mod tests;

pub(crate) use aligned::AlignedBuf;
pub use instructions::Instructions;
pub(crate) use packed::{PADDING, Packed, packed_words};
pub(crate) use spread::{MIN_RESIDUES, Spread};

use crate::galois::Automorphism;
use crate::modulus::Modulus;

/// Most factors in one sum of products before it must be reduced: keeps `hi + q` below `8q`.
pub(crate) const MAX_TERMS: usize = 24;

/// Which implementation runs. Made only by [`Kernels::new`], so that instructions are chosen only on a machine that
/// has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kernels {
    instructions: Instructions,
}

/// Dispatches one kernel; the arms are the implementations of the same signature.
macro_rules! dispatch {
    ($self:ident, $name:ident ( $($arg:expr),* )) => {
        match $self.instructions {
            Instructions::Portable => scalar::$name($($arg),*),
            // SAFETY: `new` found every feature that the module enables.
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => unsafe { avx2::$name($($arg),*) },
            // SAFETY: `new` found every feature that the module enables.
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512Ifma => unsafe { ifma::$name($($arg),*) },
            #[cfg(not(target_arch = "x86_64"))]
            Instructions::Avx2 | Instructions::Avx512Ifma => scalar::$name($($arg),*),
        }
    };
}

/// One term of [`Kernels::dot_pair`]: two ciphertext limbs and the diagonal's residues (times 2^52) for both.
#[derive(Clone, Copy)]
pub(crate) struct PairTerm<'a> {
    pub(crate) first: &'a [u64],
    pub(crate) second: &'a [u64],
    pub(crate) factor: Packed<'a>,
}

/// One term of [`Kernels::weigh_pair`]: two ciphertext limbs and the number (times 2^52) that multiplies both.
#[derive(Clone, Copy)]
pub(crate) struct WeightTerm<'a> {
    pub(crate) first: &'a [u64],
    pub(crate) second: &'a [u64],
    pub(crate) weight: u64,
}

/// Rows of words that stand at equal distances; a kernel takes as many as it has factors for them.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) data: &'a [u64],
    pub(crate) stride: usize,
}

/// Where a block of a result lies in its limb, and which automorphism the limb that it comes from undergoes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Place<'a> {
    pub(crate) start: usize,
    /// Where the block starts that the next block of the result comes from, for prefetching only.
    pub(crate) ahead: usize,
    pub(crate) permutation: Option<&'a Automorphism>,
}

impl Place<'_> {
    fn holds(&self, len: usize, limb: usize) -> bool {
        self.start + len <= limb && self.permutation.is_none_or(|p| p.len() == limb)
    }
}

/// One term of [`Kernels::inner_product`]: a whole digit limb, and the two key limbs (times 2^52) from the
/// block's start on.
#[derive(Clone, Copy, Default)]
pub(crate) struct KeyTerm<'a> {
    pub(crate) digit: &'a [u64],
    pub(crate) first: Packed<'a>,
    pub(crate) second: Packed<'a>,
}

#[allow(
    unsafe_code,
    reason = "the vector implementations may be called only where they were detected"
)]
impl Kernels {
    /// The implementation with these instructions; `None` where the machine lacks them.
    pub(crate) fn new(instructions: Instructions) -> Option<Self> {
        instructions.is_available().then_some(Self { instructions })
    }

    /// The instructions that run.
    pub(crate) fn instructions(self) -> Instructions {
        self.instructions
    }

    /// `dst += src`, canonical residues.
    pub(crate) fn add_assign(self, m: &Modulus, dst: &mut [u64], src: &[u64]) {
        check_lengths(dst, &[src]);
        dispatch!(self, add_assign(m, dst, src));
    }

    /// `dst -= src`, canonical residues.
    pub(crate) fn sub_assign(self, m: &Modulus, dst: &mut [u64], src: &[u64]) {
        check_lengths(dst, &[src]);
        dispatch!(self, sub_assign(m, dst, src));
    }

    /// `dst = -dst`, canonical residues.
    pub(crate) fn negate(self, m: &Modulus, dst: &mut [u64]) {
        check_lengths(dst, &[]);
        dispatch!(self, negate(m, dst));
    }

    /// `dst = dst·w`, with `w` times 2^52; `dst` below 4q on entry, canonical after.
    pub(crate) fn scale(self, m: &Modulus, dst: &mut [u64], w_mont: u64) {
        check_lengths(dst, &[]);
        dispatch!(self, scale(m, dst, w_mont));
    }

    /// `dst = a·b`, canonical residues.
    pub(crate) fn mul(self, m: &Modulus, dst: &mut [u64], a: &[u64], b: &[u64]) {
        check_lengths(dst, &[a, b]);
        dispatch!(self, mul(m, dst, a, b));
    }

    /// `dst += a·b`, canonical residues.
    pub(crate) fn mul_add(self, m: &Modulus, dst: &mut [u64], a: &[u64], b: &[u64]) {
        check_lengths(dst, &[a, b]);
        dispatch!(self, mul_add(m, dst, a, b));
    }

    /// `(d0, d1) (+)= (a0·b, a1·b)`, canonical residues; `add` keeps what `d` holds.
    pub(crate) fn mul_pair(
        self,
        m: &Modulus,
        d: [&mut [u64]; 2],
        a: [&[u64]; 2],
        b: &[u64],
        add: bool,
    ) {
        check_lengths(d[0], &[&*d[1], a[0], a[1], b]);
        dispatch!(self, mul_pair(m, d, a, b, add));
    }

    /// `(d0, d1, d2) = (a0 b0, a0 b1 + a1 b0, a1 b1)`, canonical residues.
    pub(crate) fn tensor(self, m: &Modulus, d: [&mut [u64]; 3], a: [&[u64]; 2], b: [&[u64]; 2]) {
        check_lengths(d[0], &[&*d[1], &*d[2], a[0], a[1], b[0], b[1]]);
        dispatch!(self, tensor(m, d, a, b));
    }

    /// `dst = sum of rows·weights + offset`, below 4q.
    ///
    /// There is a row for each weight, at most 13, of which at most 12 hold numbers up to 2^50 (residues of any
    /// modulus) and the rest numbers up to 13; weights are times 2^52 mod q; `offset` is below q.
    pub(crate) fn convert(
        self,
        m: &Modulus,
        dst: &mut [u64],
        rows: Rows<'_>,
        weights: &[u64],
        offset: u64,
    ) {
        assert!((1..=13).contains(&weights.len()));
        check_rows(dst, rows, weights.len());
        dispatch!(self, convert(m, dst, rows, weights, offset));
    }

    /// `dst = round(sum of rows·inverses)` in f64, terms added in order.
    pub(crate) fn quotient(self, dst: &mut [u64], rows: Rows<'_>, inverses: &[f64]) {
        check_rows(dst, rows, inverses.len());
        dispatch!(self, quotient(dst, rows, inverses));
    }

    /// `(out0, out1) (+)= sum over terms of permuted(digit)·(first, second)`, canonical residues, on a block of
    /// the limb.
    ///
    /// Key limbs are times 2^52. `add` keeps what `out` holds. At most [`MAX_TERMS`] terms.
    pub(crate) fn inner_product(
        self,
        m: &Modulus,
        out: [&mut [u64]; 2],
        place: Place<'_>,
        terms: &[KeyTerm<'_>],
        add: bool,
    ) {
        let n = out[0].len();
        assert!(out[1].len() == n && terms.len() <= MAX_TERMS && n.is_multiple_of(8));
        assert!(place.start.is_multiple_of(8));
        for t in terms {
            assert!(place.holds(n, t.digit.len()) && t.first.holds(n) && t.second.holds(n));
            assert!(t.first.bits == terms[0].first.bits && t.second.bits == terms[0].first.bits);
        }
        dispatch!(self, inner_product(m, out, place, terms, add));
    }

    /// `(out0, out1) (+)= sum over terms of (first, second)·spread(factor)`, canonical residues, on two blocks of the
    /// limbs; at most [`MAX_TERMS`] terms, factors times 2^52.
    pub(crate) fn dot_pair(
        self,
        m: &Modulus,
        out: [&mut [u64]; 2],
        spread: &Spread,
        terms: &[PairTerm<'_>],
        add: bool,
    ) {
        assert!(terms.len() <= MAX_TERMS && spread.holds_results(&out));
        for t in terms {
            assert!(spread.holds(t.first, &t.factor) && spread.holds(t.second, &t.factor));
            assert!(t.factor.bits == terms[0].factor.bits);
        }
        dispatch!(self, dot_pair(m, out, spread, terms, add));
    }

    /// `(out0, out1) (+)= sum over terms of (first, second)·weight`, canonical residues; at most
    /// [`MAX_TERMS`] terms, weights times 2^52 and below q.
    pub(crate) fn weigh_pair(
        self,
        m: &Modulus,
        out: [&mut [u64]; 2],
        terms: &[WeightTerm<'_>],
        add: bool,
    ) {
        let n = out[0].len();
        assert!(out[1].len() == n && terms.len() <= MAX_TERMS && n.is_multiple_of(16));
        for t in terms {
            assert!(t.first.len() == n && t.second.len() == n && t.weight < m.q);
        }
        dispatch!(self, weigh_pair(m, out, terms, add));
    }

    /// Packs `src` (below 2^bits) into the words at the start of `dst`.
    pub(crate) fn pack(self, dst: &mut [u64], src: &[u64], bits: u32) {
        let words = packed_words(src.len(), bits);
        assert!(src.len().is_multiple_of(64) && dst.len() >= words && (9..=56).contains(&bits));
        dispatch!(self, pack(&mut dst[..words], src, bits));
    }

    /// Unpacks as many residues as `dst` has.
    pub(crate) fn unpack(self, dst: &mut [u64], src: Packed<'_>) {
        assert!(src.holds(dst.len()) && dst.len().is_multiple_of(64));
        dispatch!(self, unpack(dst, src));
    }

    /// `dst = permuted(src)`.
    pub(crate) fn permute(self, dst: &mut [u64], src: &[u64], p: &Automorphism) {
        check_lengths(dst, &[src]);
        assert_eq!(p.len(), src.len());
        dispatch!(self, permute(dst, src, p));
    }

    /// `dst += permuted(src)` on a block of the limb `src`, canonical residues.
    pub(crate) fn add_from(self, m: &Modulus, dst: &mut [u64], place: Place<'_>, src: &[u64]) {
        assert!(place.holds(dst.len(), src.len()) && dst.len().is_multiple_of(8));
        assert!(place.start.is_multiple_of(8));
        dispatch!(self, add_from(m, dst, place, src));
    }

    /// `dst += constant`, canonical residues.
    pub(crate) fn add_constant(self, m: &Modulus, dst: &mut [u64], constant: u64) {
        check_lengths(dst, &[]);
        dispatch!(self, add_constant(m, dst, constant));
    }

    /// `dst = src·w - dst`, with `w` times 2^52, canonical residues.
    pub(crate) fn scale_sub(self, m: &Modulus, dst: &mut [u64], w_mont: u64, src: &[u64]) {
        check_lengths(dst, &[src]);
        dispatch!(self, scale_sub(m, dst, w_mont, src));
    }

    /// `dst = src mod q` for signed integers of magnitude below 2^62, canonical residues.
    pub(crate) fn reduce_signed(self, m: &Modulus, dst: &mut [u64], src: &[i64]) {
        assert!(dst.len() == src.len() && dst.len().is_multiple_of(8));
        dispatch!(self, reduce_signed(m, dst, src));
    }
}

/// Checks what the vector implementations rely on: limbs of one length, a multiple of eight.
fn check_lengths(dst: &[u64], sources: &[&[u64]]) {
    assert!(dst.len().is_multiple_of(8));
    assert!(sources.iter().all(|x| x.len() == dst.len()));
}

/// The same for rows.
fn check_rows(dst: &[u64], rows: Rows<'_>, count: usize) {
    assert!(count > 0 && dst.len().is_multiple_of(8));
    assert!((count - 1) * rows.stride + dst.len() <= rows.data.len());
}
