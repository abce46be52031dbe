//! The portable implementation of every kernel: the reference that the SIMD one must equal.

use super::packed::mask;
use super::{KeyTerm, Packed, PairTerm, Place, Rows, Spread, WeightTerm};
use crate::galois::Automorphism;
use crate::modulus::{MASK52, Modulus};

pub(super) fn add_assign(m: &Modulus, dst: &mut [u64], src: &[u64]) {
    for (d, &s) in dst.iter_mut().zip(src) {
        *d = m.add(*d, s);
    }
}

pub(super) fn sub_assign(m: &Modulus, dst: &mut [u64], src: &[u64]) {
    for (d, &s) in dst.iter_mut().zip(src) {
        *d = m.sub(*d, s);
    }
}

pub(super) fn negate(m: &Modulus, dst: &mut [u64]) {
    for d in dst {
        *d = m.sub(0, *d);
    }
}

pub(super) fn scale(m: &Modulus, dst: &mut [u64], w_mont: u64) {
    for d in dst {
        *d = m.mont_mul(*d, w_mont);
    }
}

pub(super) fn mul(m: &Modulus, dst: &mut [u64], a: &[u64], b: &[u64]) {
    for ((d, &x), &y) in dst.iter_mut().zip(a).zip(b) {
        *d = m.mont_mul(m.mont_mul(x, y), m.r2);
    }
}

pub(super) fn mul_add(m: &Modulus, dst: &mut [u64], a: &[u64], b: &[u64]) {
    for ((d, &x), &y) in dst.iter_mut().zip(a).zip(b) {
        *d = m.add(*d, m.mont_mul(m.mont_mul(x, y), m.r2));
    }
}

pub(super) fn mul_pair(m: &Modulus, d: [&mut [u64]; 2], a: [&[u64]; 2], b: &[u64], add: bool) {
    for (d, a) in d.into_iter().zip(a) {
        if add {
            mul_add(m, d, a, b);
        } else {
            mul(m, d, a, b);
        }
    }
}

pub(super) fn tensor(m: &Modulus, d: [&mut [u64]; 3], a: [&[u64]; 2], b: [&[u64]; 2]) {
    let [d0, d1, d2] = d;
    for i in 0..d0.len() {
        let b0 = m.mont_mul(b[0][i], m.r2);
        let b1 = m.mont_mul(b[1][i], m.r2);
        d0[i] = m.mont_mul(a[0][i], b0);
        let cross = u128::from(a[0][i]) * u128::from(b1) + u128::from(a[1][i]) * u128::from(b0);
        d1[i] = reduce_sum(m, cross);
        d2[i] = m.mont_mul(a[1][i], b1);
    }
}

/// The residue of a sum of at most `MAX_TERMS` products of residues, times 2^-52.
#[inline(always)]
fn reduce_sum(m: &Modulus, sum: u128) -> u64 {
    m.canonical8(m.redc(sum as u64 & MASK52, (sum >> 52) as u64))
}

pub(super) fn convert(m: &Modulus, dst: &mut [u64], rows: Rows<'_>, weights: &[u64], offset: u64) {
    for (i, d) in dst.iter_mut().enumerate() {
        let mut sum = 0;
        for (k, &w) in weights.iter().enumerate() {
            sum += u128::from(rows.data[k * rows.stride + i]) * u128::from(w);
        }
        let t = m.redc(sum as u64 & MASK52, (sum >> 52) as u64);
        // t <= (1 + 13/4) q < 5q, below 3q after this.
        *d = t.min(t.wrapping_sub(2 * m.q)) + offset;
    }
}

pub(super) fn quotient(dst: &mut [u64], rows: Rows<'_>, inverses: &[f64]) {
    for (i, d) in dst.iter_mut().enumerate() {
        let mut sum = 0.5;
        for (k, inverse) in inverses.iter().enumerate() {
            sum += rows.data[k * rows.stride + i] as f64 * inverse;
        }
        *d = sum as u64;
    }
}

/// The position in the source limb of element `i` of a block.
fn source(place: Place<'_>, i: usize) -> usize {
    let at = place.start + i;
    place.permutation.map_or(at, |p| p.source(at))
}

pub(super) fn inner_product(
    m: &Modulus,
    out: [&mut [u64]; 2],
    place: Place<'_>,
    terms: &[KeyTerm<'_>],
    add: bool,
) {
    let [out0, out1] = out;
    for i in 0..out0.len() {
        let from = source(place, i);
        let (mut s0, mut s1) = (0u128, 0u128);
        for t in terms {
            let digit = u128::from(t.digit[from]);
            s0 += digit * u128::from(t.first.get(i));
            s1 += digit * u128::from(t.second.get(i));
        }
        let (r0, r1) = (reduce_sum(m, s0), reduce_sum(m, s1));
        out0[i] = if add { m.add(out0[i], r0) } else { r0 };
        out1[i] = if add { m.add(out1[i], r1) } else { r1 };
    }
}

pub(super) fn dot_pair(
    m: &Modulus,
    out: [&mut [u64]; 2],
    spread: &Spread,
    terms: &[PairTerm<'_>],
    add: bool,
) {
    let [out0, out1] = out;
    let last = out0.len() - 1;
    for i in spread.block() {
        let from = spread.residue(i);
        for (at, i) in spread.in_operand(i, 1).into_iter().zip([i, last - i]) {
            let (mut s0, mut s1) = (0u128, 0u128);
            for t in terms {
                let factor = u128::from(t.factor.get(from));
                s0 += factor * u128::from(t.first[at]);
                s1 += factor * u128::from(t.second[at]);
            }
            let (r0, r1) = (reduce_sum(m, s0), reduce_sum(m, s1));
            out0[i] = if add { m.add(out0[i], r0) } else { r0 };
            out1[i] = if add { m.add(out1[i], r1) } else { r1 };
        }
    }
}

pub(super) fn weigh_pair(m: &Modulus, out: [&mut [u64]; 2], terms: &[WeightTerm<'_>], add: bool) {
    let [out0, out1] = out;
    for i in 0..out0.len() {
        let (mut s0, mut s1) = (0u128, 0u128);
        for t in terms {
            let weight = u128::from(t.weight);
            s0 += weight * u128::from(t.first[i]);
            s1 += weight * u128::from(t.second[i]);
        }
        let (r0, r1) = (reduce_sum(m, s0), reduce_sum(m, s1));
        out0[i] = if add { m.add(out0[i], r0) } else { r0 };
        out1[i] = if add { m.add(out1[i], r1) } else { r1 };
    }
}

pub(super) fn permute(dst: &mut [u64], src: &[u64], p: &Automorphism) {
    for (i, d) in dst.iter_mut().enumerate() {
        *d = src[p.source(i)];
    }
}

pub(super) fn add_from(m: &Modulus, dst: &mut [u64], place: Place<'_>, src: &[u64]) {
    for (i, d) in dst.iter_mut().enumerate() {
        *d = m.add(*d, src[source(place, i)]);
    }
}

pub(super) fn add_constant(m: &Modulus, dst: &mut [u64], constant: u64) {
    for d in dst {
        *d = m.add(*d, constant);
    }
}

pub(super) fn scale_sub(m: &Modulus, dst: &mut [u64], w_mont: u64, src: &[u64]) {
    for (d, &s) in dst.iter_mut().zip(src) {
        *d = m.sub(m.mont_mul(s, w_mont), *d);
    }
}

pub(super) fn reduce_signed(m: &Modulus, dst: &mut [u64], src: &[i64]) {
    for (d, &s) in dst.iter_mut().zip(src) {
        *d = m.reduce_i64(s);
    }
}

pub(super) fn pack(dst: &mut [u64], src: &[u64], bits: u32) {
    let (mut word, mut filled) = (0u128, 0);
    let mut words = dst.iter_mut();
    for &residue in src {
        word |= u128::from(residue & mask(bits)) << filled;
        filled += bits;
        if filled >= 64 {
            if let Some(next) = words.next() {
                *next = word as u64;
            }
            word >>= 64;
            filled -= 64;
        }
    }
}

pub(super) fn unpack(dst: &mut [u64], src: Packed<'_>) {
    for (i, d) in dst.iter_mut().enumerate() {
        *d = src.get(i);
    }
}
