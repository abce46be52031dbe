//! Factors of linear maps: vectors of real numbers that repeat themselves or not, kept as compactly as they are.
//!
//! Of a vector of period p, a power of two, each limb is p residues (at least [`MIN_RESIDUES`]), packed; see
//! `context/rings.rs` for why these stand for all N. The products spread them (`kernels/spread.rs`).

use hemet_ckks_params::Parameters;

use super::ciphertext::{Diagonal, DiagonalData, DiagonalWords};
use crate::context::Context;
use crate::error::Error;
use crate::kernels::{MIN_RESIDUES, PADDING, packed_words};
use crate::parallel::{for_limbs, for_parts};

impl Context {
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

    /// Encodes a factor of a linear map (real values, one per slot; the rest are 0) for `level` and below.
    ///
    /// # Errors
    /// As [`Context::encode`].
    pub fn encode_diagonal(
        &self,
        values: &[f64],
        scale: f64,
        level: usize,
    ) -> Result<Diagonal, Error> {
        self.packed_diagonal(self.parameters.slots(), values, scale, level)
    }

    /// [`Context::encode_diagonal`] of a vector that repeats `values`, see [`Context::encode_repeated`].
    ///
    /// # Errors
    /// As [`Context::encode_repeated`].
    pub fn encode_repeated_diagonal(
        &self,
        values: &[f64],
        scale: f64,
        level: usize,
    ) -> Result<Diagonal, Error> {
        if let [one] = values {
            return self.encode_constant_diagonal(*one, scale, level);
        }
        let slots = self.slots_of(values)?;
        self.packed_diagonal(values.len(), &slots, scale, level)
    }

    /// A diagonal whose slots are `values`, those of the smallest ring for vectors of the period.
    fn packed_diagonal(
        &self,
        period: usize,
        values: &[f64],
        scale: f64,
        level: usize,
    ) -> Result<Diagonal, Error> {
        let ring = self.real_ring(period);
        let mut halves = self.encode_halves(ring, values, scale, level)?;
        let kept = residues(&self.parameters, period);
        let starts = self.diagonal_starts(level, kept);
        let lengths: Vec<usize> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let end = starts[level + 1];
        let mut words = self.pool.take(end + PADDING);
        words[end..].fill(0);
        for_limbs(&mut halves, ring.slots, |i, half| {
            // Equal values stand in a row.
            let times = ring.slots / kept;
            if times > 1 {
                (1..kept).for_each(|k| half[k] = half[k * times]);
            }
            let m = &self.moduli[i];
            self.kernels.scale(m, &mut half[..kept], m.r2);
        });
        for_parts(&mut words, &lengths, |i, part| {
            let residues = &halves[i * ring.slots..i * ring.slots + kept];
            self.kernels.pack(part, residues, self.moduli[i].bits());
        });
        Ok(Diagonal {
            data: DiagonalData::Packed {
                words: DiagonalWords::Owned(words),
                starts,
                residues: kept,
            },
            level,
            scale,
            tag: self.tag(),
        })
    }

    /// Where the limbs of a diagonal for a level start, of so many residues each, in words, and where they end.
    pub(super) fn diagonal_starts(&self, level: usize, residues: usize) -> Vec<usize> {
        let mut starts = vec![0];
        for m in &self.moduli[..=level] {
            starts.push(starts[starts.len() - 1] + packed_words(residues, m.bits()));
        }
        starts
    }

    /// Memory of a diagonal for a level, in bytes.
    ///
    /// # Errors
    /// `Level` when it is outside the chain.
    pub fn diagonal_bytes(&self, level: usize) -> Result<usize, Error> {
        self.repeated_diagonal_bytes(self.parameters.slots(), level)
    }

    /// Memory of a diagonal that repeats `period` values, see [`Context::encode_repeated_diagonal`], in bytes.
    ///
    /// # Errors
    /// As [`Context::diagonal_bytes`].
    pub fn repeated_diagonal_bytes(&self, period: usize, level: usize) -> Result<usize, Error> {
        self.check_level("a diagonal", level)?;
        Ok(diagonal_bytes(&self.parameters, period, level))
    }
}

/// Memory of a diagonal that repeats `period` values, in bytes, for a level (the last one, where there are fewer): in
/// proportion to the period where that is a power of two from 64 on.
pub fn diagonal_bytes(parameters: &Parameters, period: usize, level: usize) -> usize {
    let limbs = parameters.moduli().iter().take(level.saturating_add(1));
    if period == 1 {
        return 8 * limbs.count();
    }
    let kept = residues(parameters, period);
    let words: usize = limbs
        .map(|&q| packed_words(kept, u64::BITS - q.leading_zeros()))
        .sum();
    8 * (words + PADDING)
}

/// Residues that are kept of each limb of a diagonal of a period.
fn residues(parameters: &Parameters, period: usize) -> usize {
    match period.is_power_of_two() {
        true => period.clamp(MIN_RESIDUES, parameters.slots()),
        false => parameters.slots(),
    }
}
