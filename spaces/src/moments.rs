//! Moments: what training saw of a layer's output.

use std::collections::BTreeMap;

/// Mean and standard deviation of each channel of a layer's output on the training data, as a batch norm keeps them.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// By channel.
    pub mean: Vec<f64>,
    /// By channel, at least 0.
    pub deviation: Vec<f64>,
}

/// Those of some layers, by name.
pub type LayerMoments = BTreeMap<String, Moments>;

impl Moments {
    /// Those of values `[channels][height·width]` of several inputs, one after the other.
    pub fn of(channels: usize, inputs: &[Vec<f64>]) -> Self {
        let len = inputs.first().map_or(0, Vec::len) / channels.max(1);
        let count = (len * inputs.len()) as f64;
        let (mut mean, mut deviation) =
            (Vec::with_capacity(channels), Vec::with_capacity(channels));
        for channel in 0..channels {
            let values = || {
                inputs
                    .iter()
                    .flat_map(|x| &x[channel * len..(channel + 1) * len])
            };
            let center = values().sum::<f64>() / count;
            let squares: f64 = values().map(|v| (v - center).powi(2)).sum();
            mean.push(center);
            deviation.push((squares / count).sqrt());
        }
        Self { mean, deviation }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_channel_has_its_mean_and_deviation_over_places_and_inputs() {
        let found = Moments::of(2, &[vec![1.0, 3.0, 5.0, 5.0], vec![1.0, 3.0, 7.0, 7.0]]);
        assert_eq!(found.mean, [2.0, 6.0]);
        assert_eq!(found.deviation, [1.0, 1.0]);
    }
}
