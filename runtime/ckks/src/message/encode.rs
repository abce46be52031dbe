//! Vectors of real or complex numbers to plaintexts.

use super::ciphertext::{PlainData, Plaintext};
use super::integers::Integers;
use crate::context::{Complexes, Context, RealRing};
use crate::error::Error;
use crate::parallel::for_limbs;
use crate::pool::Buf;

/// log2 of the largest coefficient that is encoded: leaves room in 128 bits.
const MAX_COEFFICIENT_BITS: f64 = 119.0;

impl Context {
    /// Encodes real values (at most [`slots`](hemet_ckks_params::Parameters::slots), the rest are 0), each
    /// times `scale`, for `level`.
    ///
    /// The result differs from the values by at most [`crate::noise::encode`] divided by the scale.
    ///
    /// # Errors
    /// Too many values, a value or scale that is not finite, a level outside the chain, or a result that
    /// does not fit the level's modulus.
    pub fn encode(&self, values: &[f64], scale: f64, level: usize) -> Result<Plaintext, Error> {
        self.encode_complex(values, &[], scale, level)
    }

    /// As [`Context::encode`] for complex values given as real and imaginary parts; either may be shorter.
    ///
    /// # Errors
    /// As [`Context::encode`].
    pub fn encode_complex(
        &self,
        re: &[f64],
        im: &[f64],
        scale: f64,
        level: usize,
    ) -> Result<Plaintext, Error> {
        let limbs = self.encode_limbs((re, im), scale, level)?;
        Ok(Plaintext {
            data: PlainData::Limbs(limbs),
            level,
            scale,
            tag: self.tag(),
        })
    }

    /// Encodes the same real value in every slot: cheap, without a transform.
    ///
    /// # Errors
    /// As [`Context::encode`].
    pub fn encode_constant(
        &self,
        value: f64,
        scale: f64,
        level: usize,
    ) -> Result<Plaintext, Error> {
        Ok(Plaintext {
            data: PlainData::Constant(self.constant_residues(value, scale, level)?),
            level,
            scale,
            tag: self.tag(),
        })
    }

    /// The residues of a number times `scale`, one for each limb of `level`.
    pub(super) fn constant_residues(
        &self,
        value: f64,
        scale: f64,
        level: usize,
    ) -> Result<Vec<u64>, Error> {
        self.check_encoding(&[value], scale, level)?;
        let coefficient = (value * scale).round();
        self.check_fits(coefficient.abs(), level)?;
        let integer = coefficient as i128;
        let limbs = self.moduli[..=level].iter();
        Ok(limbs.map(|m| m.reduce_i128(integer)).collect())
    }

    /// Memory of a plaintext for a level that is not a constant, in bytes.
    ///
    /// # Errors
    /// `Level` when it is outside the chain.
    pub fn plaintext_bytes(&self, level: usize) -> Result<usize, Error> {
        self.check_level("a plaintext", level)?;
        Ok(8 * (level + 1) * self.degree())
    }

    /// The limbs of a message.
    fn encode_limbs(
        &self,
        (re, im): (&[f64], &[f64]),
        scale: f64,
        level: usize,
    ) -> Result<Buf, Error> {
        self.check_encoding(re, scale, level)?;
        self.check_encoding(im, scale, level)?;
        let Complexes { re, im } = self.embedding.coefficients(re, im, scale);
        let all = || re.iter().chain(&im).copied();
        let largest = largest(all());
        self.check_fits(largest, level)?;
        let integers = Integers::nearest(all(), largest);
        let n = self.degree();
        let mut limbs = self.pool.take((level + 1) * n);
        for_limbs(&mut limbs, n, |i, limb| {
            integers.reduce(self.kernels, &self.moduli[i], limb);
            self.ntts[i].forward(limb);
        });
        Ok(limbs)
    }

    /// The first halves of the limbs of a message with real slots in a ring; the second halves are the first ones
    /// backwards.
    pub(super) fn encode_halves(
        &self,
        ring: RealRing<'_>,
        values: &[f64],
        scale: f64,
        level: usize,
    ) -> Result<Buf, Error> {
        self.check_encoding(values, scale, level)?;
        let coefficients = ring.embedding.real_coefficients(values, scale);
        let largest = largest(coefficients.iter().copied());
        self.check_fits(largest, level)?;
        let integers = Integers::nearest(coefficients.into_iter(), largest);
        let mirrored = integers.mirrored();
        let mut halves = self.pool.take((level + 1) * ring.slots);
        for_limbs(&mut halves, ring.slots, |i, half| {
            let m = &self.moduli[i];
            let mut other = self.pool.take(ring.slots);
            integers.reduce(self.kernels, m, half);
            mirrored.reduce(self.kernels, m, &mut other);
            ring.ntts[i].forward(half, &mut other);
        });
        Ok(halves)
    }

    fn check_encoding(&self, values: &[f64], scale: f64, level: usize) -> Result<(), Error> {
        let slots = self.parameters.slots();
        if values.len() > slots {
            return Err(Error::TooManyValues {
                given: values.len(),
                slots,
            });
        }
        if !(scale.is_finite() && scale > 0.0) {
            return Err(Error::NotEncodable {
                what: "the scale".into(),
                value: scale,
            });
        }
        if let Some(i) = values.iter().position(|v| !v.is_finite()) {
            return Err(Error::NotEncodable {
                what: format!("value {i}"),
                value: values[i],
            });
        }
        self.check_level("encode", level)
    }

    fn check_fits(&self, largest: f64, level: usize) -> Result<(), Error> {
        let modulus_bits: f64 = self.moduli[..=level]
            .iter()
            .map(|m| (m.q as f64).log2())
            .sum();
        let limit = (modulus_bits - 1.0).min(MAX_COEFFICIENT_BITS);
        if largest.log2() < limit {
            return Ok(());
        }
        Err(Error::EncodingOverflow {
            bits: largest.log2(),
            level,
            limit,
        })
    }
}

/// The largest magnitude, infinite where a number is not finite.
fn largest(coefficients: impl Iterator<Item = f64>) -> f64 {
    coefficients.fold(0.0, |max, c| match c.is_finite() {
        true => max.max(c.abs()),
        false => f64::INFINITY,
    })
}
