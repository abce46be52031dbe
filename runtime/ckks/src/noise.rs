//! Predicted noise: the deviation of a slot's error, and a bound on the largest error over all slots.
//!
//! Analysis in the canonical embedding with independent coefficients (Costache et al., "On the Precision Loss
//! in Approximate Homomorphic Encryption", SAC 2023): a polynomial with coefficient variance V has slots of
//! variance N·V; products of polynomials multiply slot by slot; a sum is nearly Gaussian. A [`Noise`] is
//! the deviation of the complex error of a slot in absolute units: divided by the scale it is the error of
//! the slot's value. The part from rounding in f64 (relative 2^-50 of the largest value) is not counted.
//!
//! | operation | its noise |
//! |---|---|
//! | encode, encode_constant | [`encode`] |
//! | encrypt_secret, encrypt_seeded; encrypt_public | [`fresh_secret`]; [`fresh_public`] |
//! | add, sub; add_plain | [`Noise::plus`] of both; with [`encode`] |
//! | negate, level_drop | the same |
//! | mul_plain, mul_plain_add | [`Noise::mul_plain`], summed by [`Noise::plus`] |
//! | multiply, square | [`Noise::multiply`] (of a square √2 times that: both errors are the same one) |
//! | relinearize, rotate, rotate_many, conjugate | [`Noise::key_switch`] |
//! | rescale; relinearize_rescale | [`Noise::rescale`]; after [`Noise::key_switch`] |
//! | linear; linear_rescale | [`Noise::linear`]; then [`Noise::rescale`] |
//! | inner_sum, replicate | [`Noise::inner_sum`] |
//! | decrypt_flooded | that of [`crate::Flooding::deviation`] more, in units of the values |
//!
//! `tests/noise.rs` and `examples/noise.rs` measure each of them: no error above its bound, and on average less than
//! four bits below.

use hemet_ckks_params::Parameters;

use crate::sampling::ERROR_DEVIATION;

/// Largest over all slots is bounded by this many deviations. The errors of key switching and rounding are
/// products of two nearly Gaussian slots (digit and error, remainder and secret), whose tail is
/// P(|x·y| > t) = 2t·K1(2t) < sqrt(πt)·e^-2t·1.1: below 4·10^-11 for t = 13, 10^-6 over the 2^15 slots of degree 2^16.
const TAIL: f64 = 13.0;

/// The deviation of a slot's complex error, in absolute units.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Noise(pub f64);

impl Noise {
    /// No error at all.
    pub const ZERO: Self = Self(0.0);

    /// A bound on the largest error of the real parts of the slots at `scale`, in units of the values.
    pub fn bound(self, scale: f64) -> f64 {
        TAIL * self.0 / scale
    }

    /// log2 of the deviation.
    pub fn bits(self) -> f64 {
        self.0.log2()
    }

    /// The error of a sum or difference.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.hypot(other.0))
    }

    /// The error of a product with a plaintext whose values times its scale are at most `plain`, when the
    /// ciphertext's values times its scale are at most `message`.
    #[must_use]
    pub fn mul_plain(self, parameters: &Parameters, message: f64, plain: f64) -> Self {
        let rounding = encode(parameters);
        Self(self.0 * plain).plus(Self(rounding.0 * (message + self.0)))
    }

    /// The error of a product of ciphertexts, whose values times their scales are at most `left` and
    /// `right`.
    #[must_use]
    pub fn multiply(self, other: Self, left: f64, right: f64) -> Self {
        Self(self.0 * right)
            .plus(Self(other.0 * left))
            .plus(Self(self.0 * other.0))
    }

    /// The error after a rescale from `level`, of a ciphertext of degree 1.
    #[must_use]
    pub fn rescale(self, parameters: &Parameters, level: usize) -> Self {
        let q = parameters.moduli().get(level).map_or(1.0, |&q| q as f64);
        Self(self.0 / q).plus(rounding(parameters))
    }

    /// The error of one output of a linear map at `level`.
    #[must_use]
    pub fn linear(self, parameters: &Parameters, level: usize, map: LinearNoise) -> Self {
        let products = (map.products as f64).sqrt();
        let one = self
            .key_switch(parameters, level)
            .mul_plain(parameters, map.message, map.plain);
        // The giant steps share one division by P.
        let giants = switched(parameters, level).0 * (map.giants as f64).sqrt();
        let division = if map.giants > 0 {
            rounding(parameters)
        } else {
            Self::ZERO
        };
        Self(one.0 * products).plus(Self(giants)).plus(division)
    }

    /// The error of a sum of `count` strided slots (a power of two) at `level`: in rounds of four, or two, of which all
    /// but one are rotated, with one division by P a round.
    #[must_use]
    pub fn inner_sum(self, parameters: &Parameters, level: usize, count: usize) -> Self {
        let (mut error, mut joined) = (self, 1);
        while joined < count {
            let times = if count / joined >= 4 { 4.0 } else { 2.0f64 };
            let switches = switched(parameters, level).0 * (times - 1.0).sqrt();
            error = Self(error.0 * times.sqrt())
                .plus(Self(switches))
                .plus(rounding(parameters));
            joined *= times as usize;
        }
        error
    }

    /// The error after a key switch (rotation, conjugation, relinearization) at `level`.
    #[must_use]
    pub fn key_switch(self, parameters: &Parameters, level: usize) -> Self {
        self.plus(key_switch(parameters, level))
    }
}

/// What the noise of one output of a linear map depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearNoise {
    /// Bound on the inputs' values times their scale.
    pub message: f64,
    /// Bound on the diagonals' values times their scale.
    pub plain: f64,
    /// Products that are summed.
    pub products: usize,
    /// Giant steps other than 0.
    pub giants: usize,
}

/// Variance of a slot of the secret key: 2N/3.
fn secret_variance(parameters: &Parameters) -> f64 {
    parameters.degree() as f64 * 2.0 / 3.0
}

/// The error of encoding: each coefficient rounded, variance 1/12.
pub fn encode(parameters: &Parameters) -> Noise {
    Noise((parameters.degree() as f64 / 12.0).sqrt())
}

/// The error of a fresh encryption with the secret key, with that of its encoding.
pub fn fresh_secret(parameters: &Parameters) -> Noise {
    let error = ERROR_DEVIATION * (parameters.degree() as f64).sqrt();
    Noise(error).plus(encode(parameters))
}

/// The error of a fresh encryption with the public key, with that of its encoding: e·u + e0 + e1·s.
///
/// Where there are special primes, divided by the first one, with rounding: four bits less.
pub fn fresh_public(parameters: &Parameters) -> Noise {
    let error = ERROR_DEVIATION * ERROR_DEVIATION * parameters.degree() as f64;
    let whole = (error * (1.0 + 2.0 * secret_variance(parameters))).sqrt();
    let noise = match parameters.special().first() {
        Some(&p) => Noise(whole / p as f64).plus(rounding(parameters)),
        None => Noise(whole),
    };
    noise.plus(encode(parameters))
}

/// The error of dividing both parts with rounding: variance 1/12 per coefficient of each part.
pub fn rounding(parameters: &Parameters) -> Noise {
    Noise((parameters.degree() as f64 / 12.0 * (1.0 + secret_variance(parameters))).sqrt())
}

/// The error that one key switch adds at `level`, with the rounding of the division by P.
pub fn key_switch(parameters: &Parameters, level: usize) -> Noise {
    switched(parameters, level).plus(rounding(parameters))
}

/// Σ digit·error / P.
///
/// A digit D of an even number of limbs is a sum of as many uniform terms of width D, centered; of an odd
/// number, one such term.
fn switched(parameters: &Parameters, level: usize) -> Noise {
    let n = parameters.degree() as f64;
    let special: f64 = parameters
        .special()
        .iter()
        .map(|&p| (p as f64).log2())
        .sum();
    let moduli = parameters.moduli();
    let ranges = parameters
        .digit_ranges()
        .filter(|range| range.start <= level);
    let variance: f64 = ranges
        .map(|range| {
            let limbs = &moduli[range.start..range.end.min(level + 1)];
            let bits: f64 = limbs.iter().map(|&q| (q as f64).log2()).sum();
            let terms = if limbs.len().is_multiple_of(2) {
                limbs.len() as f64
            } else {
                1.0
            };
            let ratio = (bits - special).exp2();
            n * terms / 12.0 * ratio * ratio * n * ERROR_DEVIATION * ERROR_DEVIATION
        })
        .sum();
    Noise(variance.sqrt())
}
