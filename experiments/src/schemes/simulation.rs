//! What classifying a data set encrypted would give, without encrypting all of it: for sets of thousands of images.

use std::collections::BTreeMap;

use hemet_search::Seed;
use hemet_search::data::Dataset;
use rand::{Rng, RngExt};

use super::evaluation::{Figures, How};
use super::session::{Many, Prediction, Session};
use crate::cli::progress::Progress;
use crate::error::Error;

/// Images that are encrypted to measure the errors that a simulation draws.
pub const MEASURED: usize = 12;
/// The seed of what a simulation draws: equal evaluations give equal figures.
const SIMULATION_SEED: u64 = 1;

/// Classifies images of `test` as encryption would, without encrypting them: the first few are encrypted, and the clear
/// outputs of all others get errors as large as those had, drawn from a normal distribution.
///
/// # Errors
/// As [`evaluate`].
pub fn simulate(session: &Session, test: &Dataset, how: &How<'_>) -> Result<Figures, Error> {
    let count = how.count(test);
    let image =
        |index: usize| -> Vec<f64> { test.image(index).iter().map(|v| f64::from(*v)).collect() };
    let work = Many {
        count: count.min(MEASURED.max(session.images())),
        threads: how.threads,
        image: &image,
        known: &BTreeMap::new(),
    };
    let mut predictions = session.predict_all(&work, &mut |_, _| Ok(()))?;
    let deviation = deviation(&predictions);
    let mean_ms =
        predictions.iter().map(|p| p.latency_ms).sum::<f64>() / predictions.len().max(1) as f64;
    let mut progress = Progress::new("simulated", count as u64, how.quiet);
    let mut rng = Seed::new(SIMULATION_SEED).derive("simulation").rng();
    for first in (predictions.len()..count).step_by(session.images()) {
        let images: Vec<Vec<f64>> = (first..count.min(first + session.images()))
            .map(image)
            .collect();
        let images: Vec<&[f64]> = images.iter().map(Vec::as_slice).collect();
        for clear in session.clear(&images)? {
            let mut error = || deviation * normal(&mut rng);
            predictions.push(Prediction {
                encrypted: clear.iter().map(|value| value + error()).collect(),
                clear,
                images: images.len(),
                latency_ms: mean_ms,
                computed_ms: mean_ms,
                request_bytes: 0,
                answer_bytes: 0,
            });
        }
        progress.set(predictions.len() as u64, "images classified");
    }
    progress.finish();
    Ok(Figures {
        simulated_from: Some(work.count),
        ..Figures::read(session, test, &predictions, how)
    })
}

/// The deviation of the errors of outputs; 0 for an exact scheme.
fn deviation(predictions: &[Prediction]) -> f64 {
    let errors = predictions
        .iter()
        .flat_map(|p| p.encrypted.iter().zip(&p.clear))
        .map(|(a, b)| a - b);
    let (count, sum) = errors.fold((0, 0.0), |(count, sum), error| {
        (count + 1, sum + error * error)
    });
    (sum / f64::from(count.max(1))).sqrt()
}

/// A number with mean 0 and deviation 1 (G. E. P. Box and M. E. Muller, A Note on the Generation of Random Normal
/// Deviates, Annals of Mathematical Statistics 29, 1958).
fn normal(rng: &mut impl Rng) -> f64 {
    // From above 0, so that the logarithm is finite.
    let (u, v) = (1.0 - rng.random::<f64>(), rng.random::<f64>());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_errors_have_mean_0_and_deviation_1() {
        let mut rng = Seed::new(3).rng();
        let drawn: Vec<f64> = (0..20_000).map(|_| normal(&mut rng)).collect();
        let mean = drawn.iter().sum::<f64>() / 2e4;
        let square = drawn.iter().map(|x| x * x).sum::<f64>() / 2e4;
        // Five deviations of a mean of 20,000.
        assert!(mean.abs() < 5.0 / 2e4_f64.sqrt(), "{mean}");
        assert!(
            (square - 1.0).abs() < 5.0 * (2.0 / 2e4_f64).sqrt(),
            "{square}"
        );
    }
}
