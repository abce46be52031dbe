//! Vectors of real or complex numbers to plaintexts, and constant factors to diagonals.

use super::ciphertext::{Diagonal, DiagonalData, PlainData, Plaintext};
use crate::context::{Complexes, Context, Ring, repeat};
use crate::error::Error;
use crate::kernels::{PADDING, packed_words};
use crate::parallel::{for_limbs, for_parts};
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
        let limbs = self.encode_limbs(self.ring(), (re, im), scale, level)?;
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
    fn constant_residues(&self, value: f64, scale: f64, level: usize) -> Result<Vec<u64>, Error> {
        self.check_encoding(&[value], scale, level)?;
        let coefficient = (value * scale).round();
        self.check_fits(coefficient.abs(), level)?;
        let integer = coefficient as i128;
        let limbs = self.moduli[..=level].iter();
        Ok(limbs.map(|m| m.reduce_i128(integer)).collect())
    }

    /// A factor of a linear map with the same number in every slot, for `level` and below: it takes a word for each
    /// limb, and products with it no transform.
    ///
    /// # Errors
    /// As [`Context::encode_constant`].
    pub fn encode_constant_diagonal(
        &self,
        value: f64,
        scale: f64,
        level: usize,
    ) -> Result<Diagonal, Error> {
        let mut residues = self.constant_residues(value, scale, level)?;
        for (residue, m) in residues.iter_mut().zip(&self.moduli) {
            *residue = m.mont_mul(*residue, m.r2);
        }
        Ok(Diagonal {
            data: DiagonalData::Constant(residues),
            level,
            scale,
            tag: self.tag(),
        })
    }

    /// Encodes a factor of a linear map (real values, one per slot) for `level` and below.
    ///
    /// # Errors
    /// As [`Context::encode`].
    pub fn encode_diagonal(
        &self,
        values: &[f64],
        scale: f64,
        level: usize,
    ) -> Result<Diagonal, Error> {
        let limbs = self.encode_limbs(self.ring(), (values, &[]), scale, level)?;
        Ok(self.diagonal(self.degree(), limbs, scale, level))
    }

    /// Packs transformed limbs of a ring of `degree`, of which each value stands for several in a row.
    pub(crate) fn diagonal(
        &self,
        degree: usize,
        mut limbs: Buf,
        scale: f64,
        level: usize,
    ) -> Diagonal {
        let n = self.degree();
        let lengths: Vec<usize> = self.moduli[..=level]
            .iter()
            .map(|m| packed_words(n, m.bits()))
            .collect();
        let mut starts = vec![0];
        for length in &lengths {
            starts.push(starts[starts.len() - 1] + length);
        }
        let end = starts[level + 1];
        let mut words = self.pool.take(end + PADDING);
        words[end..].fill(0);
        for_limbs(&mut limbs, degree, |i, limb| {
            let m = &self.moduli[i];
            self.kernels.scale(m, limb, m.r2);
        });
        for_parts(&mut words, &lengths, |i, part| {
            let limb = &limbs[i * degree..(i + 1) * degree];
            let bits = self.moduli[i].bits();
            if degree == n {
                self.kernels.pack(part, limb, bits);
                return;
            }
            let mut whole = self.pool.take(n);
            repeat(&mut whole, limb, n / degree);
            self.kernels.pack(part, &whole, bits);
        });
        Diagonal {
            data: DiagonalData::Packed { words, starts },
            level,
            scale,
            tag: self.tag(),
        }
    }

    /// Memory of a diagonal for a level, in bytes.
    ///
    /// # Errors
    /// `Level` when it is outside the chain.
    pub fn diagonal_bytes(&self, level: usize) -> Result<usize, Error> {
        self.check_level("a diagonal", level)?;
        let limbs = self.moduli[..=level].iter();
        let words: usize = limbs.map(|m| packed_words(self.degree(), m.bits())).sum();
        Ok(8 * (words + PADDING))
    }

    /// Memory of a diagonal that repeats `period` values, see [`Context::encode_repeated_diagonal`], in bytes.
    ///
    /// # Errors
    /// As [`Context::diagonal_bytes`].
    pub fn repeated_diagonal_bytes(&self, period: usize, level: usize) -> Result<usize, Error> {
        let whole = self.diagonal_bytes(level)?;
        Ok(if period == 1 { 8 * (level + 1) } else { whole })
    }

    /// Memory of a plaintext for a level that is not a constant, in bytes.
    ///
    /// # Errors
    /// `Level` when it is outside the chain.
    pub fn plaintext_bytes(&self, level: usize) -> Result<usize, Error> {
        self.check_level("a plaintext", level)?;
        Ok(8 * (level + 1) * self.degree())
    }

    /// The limbs of a message of a ring.
    pub(crate) fn encode_limbs(
        &self,
        ring: Ring<'_>,
        (re, im): (&[f64], &[f64]),
        scale: f64,
        level: usize,
    ) -> Result<Buf, Error> {
        self.check_encoding(re, scale, level)?;
        self.check_encoding(im, scale, level)?;
        let coefficients = ring.embedding.coefficients(re, im, scale);
        let largest = coefficients
            .re
            .iter()
            .chain(&coefficients.im)
            .fold(0.0f64, |max, c| {
                if c.is_finite() {
                    max.max(c.abs())
                } else {
                    f64::INFINITY
                }
            });
        self.check_fits(largest, level)?;
        let n = ring.degree;
        let mut limbs = self.pool.take((level + 1) * n);
        if largest < 62f64.exp2() {
            let integers: Vec<i64> = rounded(&coefficients).map(|c| c as i64).collect();
            for_limbs(&mut limbs, n, |i, limb| {
                self.kernels.reduce_signed(&self.moduli[i], limb, &integers);
                ring.ntts[i].forward(limb);
            });
        } else {
            let integers: Vec<i128> = rounded(&coefficients).map(|c| c as i128).collect();
            for_limbs(&mut limbs, n, |i, limb| {
                for (residue, &integer) in limb.iter_mut().zip(&integers) {
                    *residue = self.moduli[i].reduce_i128(integer);
                }
                ring.ntts[i].forward(limb);
            });
        }
        Ok(limbs)
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

fn rounded(x: &Complexes) -> impl Iterator<Item = f64> + '_ {
    x.re.iter().chain(&x.im).map(|c| c.round())
}
