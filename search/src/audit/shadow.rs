//! Query-free: whoever neither knows the layers in front of a cut nor can ask for their features trains a stand-in (He,
//! Zhang and Lee 2019, section 6): other layers of the same kinds, so that the layers behind the cut, which are known,
//! classify own pictures rightly.

use hemet_spaces::Shape;

use super::Setting;
use super::place::Place;
use crate::train::{HalvesOptions, HalvesTraining, Part};
use crate::{Error, Seed};

const TRAINING: HalvesOptions = HalvesOptions {
    epochs: 6,
    batch: 64,
    rate: 0.05,
    dropout: 0.0,
    smoothing: 0.0,
};

/// A stand-in for the layers in front of a place; none where it does not learn or the place is the output.
///
/// # Errors
/// Weights of another network.
pub fn stand_in(setting: &Setting<'_>, place: &Place, seed: Seed) -> Result<Option<Part>, Error> {
    let Some(halves) = &place.halves else {
        return Ok(None);
    };
    let training = HalvesTraining {
        halves,
        weights: setting.weights,
        data: setting.own,
        options: TRAINING,
        seed: seed.derive("stand-in"),
    };
    let weights = training.shadow()?;
    weights
        .map(|weights| Part::new(&halves.prefix, &weights))
        .transpose()
}

/// Mean and standard deviation of each channel of features.
pub(super) fn moments(features: &[f32], shape: Shape) -> Vec<(f64, f64)> {
    let places = shape.height * shape.width;
    let of = |channel: usize| {
        let planes = features
            .chunks_exact(places)
            .skip(channel)
            .step_by(shape.channels);
        let numbers = || planes.clone().flatten().map(|x| f64::from(*x));
        let count = numbers().count().max(1) as f64;
        let mean = numbers().sum::<f64>() / count;
        let squares = numbers().map(|x| (x - mean).powi(2)).sum::<f64>();
        (mean, (squares / count).sqrt())
    };
    (0..shape.channels).map(of).collect()
}

/// Features that were seen, each channel shifted and scaled to the mean and deviation that those of a stand-in have.
pub(super) fn fitted(seen: &[f32], own: &[f32], shape: Shape) -> Vec<f32> {
    let (from, to) = (moments(seen, shape), moments(own, shape));
    let places = shape.height * shape.width;
    let moved = |(index, x): (usize, &f32)| {
        let channel = index / places % shape.channels;
        let ((mean, deviation), (new_mean, new_deviation)) = (from[channel], to[channel]);
        let unit = match deviation > 0.0 {
            true => (f64::from(*x) - mean) / deviation,
            false => 0.0,
        };
        (new_mean + new_deviation * unit) as f32
    };
    seen.iter().enumerate().map(moved).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fitted_features_have_the_moments_of_the_others_and_keep_their_order() {
        let shape = Shape::new(2, 1, 3);
        let seen: Vec<f32> = (0..12).map(|i| (i * i % 7) as f32).collect();
        let own: Vec<f32> = (0..18).map(|i| 5.0 - (i * 5 % 11) as f32).collect();
        let found = fitted(&seen, &own, shape);
        for (a, b) in moments(&found, shape).into_iter().zip(moments(&own, shape)) {
            assert!(
                (a.0 - b.0).abs() < 1e-5 && (a.1 - b.1).abs() < 1e-5,
                "{a:?} {b:?}"
            );
        }
        for (i, j) in [(0, 1), (1, 2), (3, 4)] {
            assert_eq!(seen[i] < seen[j], found[i] < found[j]);
        }
        // A channel that never changes tells nothing but its mean.
        let flat = fitted(&[1.0; 6], &own, shape);
        assert!((f64::from(flat[0]) - moments(&own, shape)[0].0).abs() < 1e-5);
    }
}
