//! How noise grows: variances in turns², for native 64-bit moduli and binary keys.
//!
//! Source: the formulas of tfhe 1.8 (`core_crypto::commons::noise_formulas`, Gaussian, 132 bits), which follow
//! I. Chillotti, D. Ligier, J.-B. Orfila and S. Tap, "Improved Programmable Bootstrapping with Larger Precision and
//! Efficient Arithmetic Circuits for TFHE", ASIACRYPT 2021, and the correction terms of its Fourier transform in double
//! precision. The modulus switch is the centered one, whose variance is half that of plain rounding.
//! A test of the runtime compares every formula with the library's own.

use crate::tfhe::ParameterSet;

/// log2 of the modulus of ciphertexts.
const MODULUS_LOG: f64 = 64.0;
/// Bits of a double's mantissa in the transform.
const MANTISSA: f64 = 53.0;

/// Variance of fresh encryptions under a key of dimension `dimension` with 132 bits of security.
pub fn secure_variance(dimension: usize) -> f64 {
    (4.0 - 2.0 * MODULUS_LOG).exp2()
        + (5.31469187675068 - 0.0497829131652661 * dimension as f64).exp2()
}

/// Variance that a key switch from the big key of `from` to the small key of `to` adds.
pub fn keyswitch_variance(from: &ParameterSet, to: &ParameterSet) -> f64 {
    let dimension = from.big_dimension() as f64;
    let base = (to.ks_base_log as f64).exp2();
    let levels = to.ks_level as f64;
    let q2 = (-2.0 * MODULUS_LOG).exp2();
    levels * dimension * secure_variance(to.lwe_dimension) * (base * base / 12.0 + 1.0 / 6.0)
        + dimension * (q2 / 48.0 + base.powf(-2.0 * levels) / 24.0)
        + q2 / 12.0
}

/// Variance of what a bootstrap with `set` gives.
pub fn bootstrap_variance(set: &ParameterSet) -> f64 {
    let n = set.lwe_dimension as f64;
    let k = set.glwe_dimension as f64;
    let size = set.polynomial_size as f64;
    let base_log = set.pbs_base_log as f64;
    let levels = set.pbs_level as f64;
    let q2 = (-2.0 * MODULUS_LOG).exp2();
    let lost_bits = (MODULUS_LOG - MANTISSA).max(0.0);
    let transform = 0.00705
        * (2.0 * lost_bits + 2.0 * base_log - 2.0 * MODULUS_LOG).exp2()
        * levels.powf(1.01827)
        * k.powf(1.22003)
        * size.powf(2.22003)
        * (k + 1.0).powf(1.01827);
    let base = base_log.exp2();
    let key = levels
        * size
        * secure_variance(set.big_dimension())
        * (base * base / 12.0 + 1.0 / 6.0)
        * (k + 1.0);
    let rounding = base.powf(-2.0 * levels) / 24.0;
    n * (transform + key + 0.5 * k * size * (q2 / 48.0 + rounding) + rounding)
}

/// Variance that the centered modulus switch to `2N` adds, with the rounding of the body.
pub fn modulus_switch_variance(set: &ParameterSet) -> f64 {
    let positions = 2.0 * set.polynomial_size as f64;
    (set.lwe_dimension as f64 / 48.0 + 1.0 / 12.0) / (positions * positions)
}

/// Variance of rounding every number of a ciphertext of dimension `dimension` under a binary key to its top `bits`
/// bits.
pub fn truncation_variance(dimension: usize, bits: u32) -> f64 {
    // A key bit is 0 or 1 with half a chance: the mean of the rounding errors does not vanish with them, hence /2 of
    // all.
    (dimension as f64 / 2.0 + 1.0) / 12.0 * (-2.0 * f64::from(bits)).exp2()
}

/// log2 of an upper bound on the probability that Gaussian noise of this variance leaves `±margin`:
/// `erfc(z/√2) ≤ √(2/π)·exp(−z²/2)/z`.
pub fn failure_log2(margin: f64, variance: f64) -> f64 {
    if margin <= 0.0 {
        return 0.0;
    }
    let z = margin / variance.sqrt();
    if !z.is_finite() {
        return f64::NEG_INFINITY;
    }
    let tail = 0.5 * (2.0 / std::f64::consts::PI).log2()
        - 0.5 * z * z * std::f64::consts::LOG2_E
        - z.log2();
    tail.min(0.0)
}

/// Half the width of a box of a bootstrap with `set`, in turns, when `turn` boxes share a turn: boxes end between
/// positions, and one whose width is no even number of positions is off centre by up to half a position.
pub fn box_margin(set: &ParameterSet, turn: u32) -> f64 {
    let positions = 2.0 * set.polynomial_size as f64;
    let width = positions / f64::from(turn);
    let off_centre = if width % 2.0 == 0.0 { 0.0 } else { 0.5 };
    (width / 2.0 - off_centre) / positions
}
