//! Noise on decrypted numbers before they are shown to others.
//!
//! Why, and how much: [`hemet_ckks_params::flooding_ratio`]. The noise is Gaussian and is added to the numbers that are
//! shown, not to all coefficients, which would take √N times as much. Sums are then rounded to a grid much finer than
//! the noise and much coarser than a float's last bit: the last bits of a float would tell of the number beneath
//! (Mironov, "On Significance of the Least Significant Bits for Differential Privacy", CCS 2012).

use std::f64::consts::TAU;

use hemet_ckks_params::flooding_ratio;
use rand::rand_core::CryptoRng;

use crate::error::Error;

/// Bits by which the grid is finer than the deviation of the errors.
const GRID_BITS: i32 = 4;

/// The noise for numbers with errors of a known size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flooding {
    error: f64,
    deviation: f64,
}

impl Flooding {
    /// Noise for numbers whose errors have at most the deviation `error`, above 0, where `results` of `numbers` numbers
    /// each may be shown over the life of a key.
    ///
    /// # Errors
    /// `NotEncodable` for an error that is not finite or not above 0.
    pub fn new(error: f64, results: u64, numbers: usize) -> Result<Self, Error> {
        if !(error.is_finite() && error > 0.0) {
            return Err(Error::NotEncodable {
                what: "the size of errors that noise is to hide".into(),
                value: error,
            });
        }
        let deviation = error * flooding_ratio(results, numbers);
        Ok(Self { error, deviation })
    }

    /// The deviation of the noise.
    pub fn deviation(&self) -> f64 {
        self.deviation
    }

    /// The distance of the values that a flooded number can have, a power of two.
    pub fn step(&self) -> f64 {
        f64::from(self.error.log2().floor() as i32 - GRID_BITS).exp2()
    }

    /// Adds noise to numbers that are shown.
    pub fn flood(&self, values: &mut [f64], rng: &mut impl CryptoRng) {
        let step = self.step();
        for value in values {
            let noisy = *value + self.deviation * gaussian(rng);
            *value = (noisy / step).round() * step;
        }
    }
}

/// A Gaussian number of deviation 1 (Box and Muller 1958), up to 9 deviations.
fn gaussian(rng: &mut impl CryptoRng) -> f64 {
    let mut uniform = || (rng.next_u64() as f64 + 0.5) / 2f64.powi(64);
    let (radius, angle) = ((-2.0 * uniform().ln()).sqrt(), TAU * uniform());
    radius * angle.cos()
}

#[cfg(test)]
mod tests {
    use rand::rand_core::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    use super::*;

    #[test]
    fn the_noise_has_the_deviation_that_is_said_and_lies_on_the_grid() {
        let mut rng = ChaCha20Rng::from_seed([3; 32]);
        for (error, results, size) in [(0.01, 1, 0.0), (3e-7, 1 << 20, 1.0), (1e-9, 1000, 200.0)] {
            let flooding = Flooding::new(error, results, 10).unwrap();
            let deviation = flooding.deviation();
            assert_eq!(deviation, 16.0 * error * (10.0 * results as f64).sqrt());
            let mut values = vec![size; 1 << 16];
            flooding.flood(&mut values, &mut rng);
            let n = values.len() as f64;
            let mean = values.iter().map(|x| (x - size) / deviation).sum::<f64>() / n;
            let square = values.iter().map(|x| ((x - size) / deviation).powi(2));
            let square = square.sum::<f64>() / n;
            // Five deviations of the mean and of the mean square of n Gaussian numbers.
            assert!(mean.abs() < 5.0 / n.sqrt(), "{mean}");
            assert!((square - 1.0).abs() < 5.0 * (2.0 / n).sqrt(), "{square}");
            let on_grid = |x: &f64| (x / flooding.step()).fract() == 0.0;
            assert!(values.iter().all(on_grid));
            assert!(flooding.step() <= error / 16.0 && flooding.step() > error / 64.0);
        }
    }

    #[test]
    fn errors_without_a_size_are_refused() {
        for error in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Flooding::new(error, 1, 1).is_err(), "{error}");
        }
    }
}
