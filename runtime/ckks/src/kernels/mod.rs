//! Residue arithmetic on limbs: one scalar and one AVX-512 IFMA implementation of each loop, equal bit for
//! bit, chosen at run time.
//!
//! Products are summed as two 52-bit halves (`lo`, `hi`) and reduced once per sum by Montgomery's method
//! with R = 2^52 (Montgomery 1985): for `x = hi·2^52 + lo`, `hi - ((lo·q⁻¹ mod 2^52)·q >> 52) + q` equals
//! `x·2^-52 mod q` and is at most `hi + q`. With factors below 2^50 a sum of `n` products has
//! `hi < q·n/4`, so up to 12 products need no further reduction before a transform, which takes inputs
//! below `4q`. Constant factors (keys, diagonals, base-conversion weights) are stored times 2^52.

mod aligned;
#[cfg(target_arch = "x86_64")]
mod ifma;
#[cfg(target_arch = "x86_64")]
mod lanes;
mod packed;
mod scalar;
#[cfg(test)]
mod tests;

pub(crate) use aligned::AlignedBuf;
pub(crate) use packed::{PADDING, Packed, packed_words};

use crate::galois::Automorphism;
use crate::modulus::Modulus;

/// Most factors in one sum of products before it must be reduced: keeps `hi + q` below `8q`.
pub(crate) const MAX_TERMS: usize = 24;

/// Which implementation runs. Made only by [`Kernels::detect`] and [`Kernels::scalar`], so the IFMA variant
/// exists only on a machine that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kernels {
    isa: Isa,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Isa {
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Ifma,
}

/// Dispatches one kernel; the arms are the two implementations of the same signature.
macro_rules! dispatch {
    ($self:ident, $name:ident ( $($arg:expr),* )) => {
        match $self.isa {
            Isa::Scalar => scalar::$name($($arg),*),
            // SAFETY: the variant exists only if `detect` found every feature that the module enables.
            #[cfg(target_arch = "x86_64")]
            Isa::Ifma => unsafe { ifma::$name($($arg),*) },
        }
    };
}

/// One term of [`Kernels::dot_pair`]: two ciphertext limbs and the plaintext limb (times 2^52) for both.
#[derive(Clone, Copy)]
pub(crate) struct PairTerm<'a> {
    pub(crate) first: &'a [u64],
    pub(crate) second: &'a [u64],
    pub(crate) factor: Packed<'a>,
}

/// One term of [`Kernels::inner_product`]: a digit limb and the two key limbs (times 2^52).
#[derive(Clone, Copy)]
pub(crate) struct KeyTerm<'a> {
    pub(crate) digit: &'a [u64],
    pub(crate) first: Packed<'a>,
    pub(crate) second: Packed<'a>,
}

#[allow(
    unsafe_code,
    reason = "the IFMA implementation may be called only where it was detected"
)]
impl Kernels {
    /// The fastest implementation that this machine has.
    pub(crate) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if ifma::is_available() {
            return Self { isa: Isa::Ifma };
        }
        Self::scalar()
    }

    /// The portable implementation.
    pub(crate) fn scalar() -> Self {
        Self { isa: Isa::Scalar }
    }

    /// The name of the implementation, for reports.
    pub(crate) fn name(self) -> &'static str {
        match self.isa {
            Isa::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Isa::Ifma => "avx512-ifma",
        }
    }

    /// `dst += src`, canonical residues.
    pub(crate) fn add_assign(self, m: &Modulus, dst: &mut [u64], src: &[u64]) {
        assert_eq!(dst.len(), src.len());
        dispatch!(self, add_assign(m, dst, src));
    }

    /// `dst -= src`, canonical residues.
    pub(crate) fn sub_assign(self, m: &Modulus, dst: &mut [u64], src: &[u64]) {
        assert_eq!(dst.len(), src.len());
        dispatch!(self, sub_assign(m, dst, src));
    }

    /// `dst = -dst`, canonical residues.
    pub(crate) fn negate(self, m: &Modulus, dst: &mut [u64]) {
        dispatch!(self, negate(m, dst));
    }

    /// `dst = dst·w`, with `w` times 2^52; `dst` below 4q on entry, canonical after.
    pub(crate) fn scale(self, m: &Modulus, dst: &mut [u64], w_mont: u64) {
        dispatch!(self, scale(m, dst, w_mont));
    }

    /// `dst = a·b`, canonical residues.
    pub(crate) fn mul(self, m: &Modulus, dst: &mut [u64], a: &[u64], b: &[u64]) {
        assert!(dst.len() == a.len() && dst.len() == b.len());
        dispatch!(self, mul(m, dst, a, b));
    }

    /// `dst += a·b`, canonical residues.
    pub(crate) fn mul_add(self, m: &Modulus, dst: &mut [u64], a: &[u64], b: &[u64]) {
        assert!(dst.len() == a.len() && dst.len() == b.len());
        dispatch!(self, mul_add(m, dst, a, b));
    }

    /// `(d0, d1, d2) = (a0 b0, a0 b1 + a1 b0, a1 b1)`, canonical residues.
    pub(crate) fn tensor(self, m: &Modulus, d: [&mut [u64]; 3], a: [&[u64]; 2], b: [&[u64]; 2]) {
        let n = d[0].len();
        assert!(d.iter().all(|x| x.len() == n) && a.iter().chain(&b).all(|x| x.len() == n));
        dispatch!(self, tensor(m, d, a, b));
    }

    /// `dst = sum of sources·weights + offset - quotient`, below 4q.
    ///
    /// Sources are below 2^50 (any modulus), at most 12; weights are times 2^52 mod q; `offset` and the
    /// quotients are below q.
    pub(crate) fn convert(
        self,
        m: &Modulus,
        dst: &mut [u64],
        sources: &[(&[u64], u64)],
        correction: Correction<'_>,
    ) {
        assert!(!sources.is_empty() && sources.len() <= 13);
        assert!(sources.iter().all(|(x, _)| x.len() == dst.len()));
        if let Correction::Quotient(v) = correction {
            assert_eq!(v.len(), dst.len());
        }
        dispatch!(self, convert(m, dst, sources, correction));
    }

    /// `dst = round(sum of sources·inverse)` in f64, terms added in order.
    pub(crate) fn quotient(self, dst: &mut [u64], sources: &[(&[u64], f64)]) {
        assert!(sources.iter().all(|(x, _)| x.len() == dst.len()));
        dispatch!(self, quotient(dst, sources));
    }

    /// `(out0, out1) (+)= sum over terms of permuted(digit)·(first, second)`, canonical residues.
    ///
    /// Key limbs are times 2^52. `add` keeps what `out` holds. At most [`MAX_TERMS`] terms.
    pub(crate) fn inner_product(
        self,
        m: &Modulus,
        out: [&mut [u64]; 2],
        terms: &[KeyTerm<'_>],
        permutation: Option<&Automorphism>,
        add: bool,
    ) {
        let n = out[0].len();
        assert!(out[1].len() == n && terms.len() <= MAX_TERMS && n.is_multiple_of(8));
        for t in terms {
            assert!(t.digit.len() == n && t.first.holds(n) && t.second.holds(n));
            assert!(t.first.bits == terms[0].first.bits && t.second.bits == terms[0].first.bits);
        }
        if let Some(p) = permutation {
            assert_eq!(p.len(), n);
        }
        dispatch!(self, inner_product(m, out, terms, permutation, add));
    }

    /// `(out0, out1) (+)= sum over terms of (first, second)·factor`, canonical residues; at most
    /// [`MAX_TERMS`] terms, factors times 2^52.
    pub(crate) fn dot_pair(
        self,
        m: &Modulus,
        out: [&mut [u64]; 2],
        terms: &[PairTerm<'_>],
        add: bool,
    ) {
        let n = out[0].len();
        assert!(out[1].len() == n && terms.len() <= MAX_TERMS && n.is_multiple_of(8));
        for t in terms {
            assert!(t.first.len() == n && t.second.len() == n);
            assert!(t.factor.holds(n) && t.factor.bits == terms[0].factor.bits);
        }
        dispatch!(self, dot_pair(m, out, terms, add));
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
        assert!(dst.len() == src.len() && p.len() == src.len());
        dispatch!(self, permute(dst, src, p));
    }

    /// `dst += permuted(src)`, canonical residues.
    pub(crate) fn permute_add(self, m: &Modulus, dst: &mut [u64], src: &[u64], p: &Automorphism) {
        assert!(dst.len() == src.len() && p.len() == src.len());
        dispatch!(self, permute_add(m, dst, src, p));
    }

    /// `dst = dst·w - src`, with `w` times 2^52, canonical residues.
    pub(crate) fn scale_sub(self, m: &Modulus, dst: &mut [u64], w_mont: u64, src: &[u64]) {
        assert_eq!(dst.len(), src.len());
        dispatch!(self, scale_sub(m, dst, w_mont, src));
    }

    /// `dst = src mod q` for signed integers of magnitude below 2^62, canonical residues.
    pub(crate) fn reduce_signed(self, m: &Modulus, dst: &mut [u64], src: &[i64]) {
        assert_eq!(dst.len(), src.len());
        dispatch!(self, reduce_signed(m, dst, src));
    }
}

/// What [`Kernels::convert`] adds to each sum.
#[derive(Clone, Copy)]
pub(crate) enum Correction<'a> {
    /// The same residue below q for each element.
    Offset(u64),
    /// Minus a small integer (below q) per element.
    Quotient(&'a [u64]),
}
