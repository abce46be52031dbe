//! Defenses: what a device may do to features before it hands them over, which costs accuracy.

use std::fmt;
use std::str::FromStr;

use rand::{Rng, RngExt};

use crate::train::drop_out;

/// What is done against inversion.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Defense {
    /// Nothing.
    #[default]
    None,
    /// Gaussian noise of so many deviations of the features is added; the network stays as it is.
    Noise(f32),
    /// This share of the features, at random each time, is set to 0 (He, Zhang and Lee, IEEE IoT Journal 2020); the
    /// network is trained on with that.
    Dropout(f32),
    /// The network is trained on with this share of each label spread over all classes; features are handed over as
    /// they are.
    Smoothing(f32),
}

impl Defense {
    /// Whether the network is trained on for it.
    pub fn is_trained(self) -> bool {
        match self {
            Self::None | Self::Noise(_) => false,
            Self::Dropout(_) | Self::Smoothing(_) => true,
        }
    }

    /// Makes of features what is handed over, and says which of the numbers still tell something.
    pub(super) fn disturb(
        self,
        features: &mut [f32],
        deviation: f32,
        rng: &mut impl Rng,
    ) -> Vec<bool> {
        match self {
            Self::None | Self::Smoothing(_) => {}
            Self::Noise(share) => {
                let noisy = |f: &mut f32| *f += share * deviation * normal(rng);
                features.iter_mut().for_each(noisy);
            }
            Self::Dropout(share) => {
                drop_out(features, share, rng);
                return features.iter().map(|f| *f != 0.0).collect();
            }
        }
        vec![true; features.len()]
    }

    /// The factor that brings a number that was handed over back to the size of the feature.
    pub(super) fn undo(self) -> f32 {
        match self {
            Self::None | Self::Noise(_) | Self::Smoothing(_) => 1.0,
            Self::Dropout(share) => 1.0 - share,
        }
    }
}

/// A number of the standard normal distribution (Box and Muller 1958).
fn normal(rng: &mut impl Rng) -> f32 {
    let (radius, turn) = (1.0 - rng.random::<f32>(), rng.random::<f32>());
    (-2.0 * radius.ln()).sqrt() * (std::f32::consts::TAU * turn).cos()
}

impl fmt::Display for Defense {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => write!(f, "none"),
            Self::Noise(share) => write!(f, "noise={share}"),
            Self::Dropout(share) => write!(f, "dropout={share}"),
            Self::Smoothing(share) => write!(f, "smoothing={share}"),
        }
    }
}

impl FromStr for Defense {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is no defense; write dropout=SHARE or smoothing=SHARE with a share above 0 and below 1, or \
                 noise=DEVIATIONS with a number above 0 and up to 100"
            )
        };
        let (name, number) = text.split_once('=').ok_or_else(wrong)?;
        let number: f32 = number.parse().map_err(|_| wrong())?;
        let is_share = number > 0.0 && number < 1.0;
        match name {
            "noise" if number > 0.0 && number <= 100.0 => Ok(Self::Noise(number)),
            "dropout" if is_share => Ok(Self::Dropout(number)),
            "smoothing" if is_share => Ok(Self::Smoothing(number)),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    #[test]
    fn defenses_are_read_as_they_are_written_and_others_refused() {
        for text in ["noise=0.5", "noise=100", "dropout=0.6", "smoothing=0.25"] {
            assert_eq!(text.parse::<Defense>().unwrap().to_string(), text);
        }
        for text in [
            "dropout",
            "dropout=1",
            "dropout=0",
            "dropout=NaN",
            "noise=-1",
            "noise=101",
            "blur=2",
        ] {
            let error = text.parse::<Defense>().unwrap_err();
            assert!(
                error.contains(text) && error.contains("dropout=SHARE"),
                "{error}"
            );
        }
    }

    #[test]
    fn noise_has_its_deviation_and_dropout_its_share_and_keeps_the_sum() {
        let mut rng = Seed::new(3).rng();
        let mut noisy = vec![0.0; 10_000];
        Defense::Noise(0.5).disturb(&mut noisy, 3.0, &mut rng);
        let square = noisy.iter().map(|x| f64::from(x * x)).sum::<f64>() / 1e4;
        // Five deviations of a mean of 10,000 squares: 5·√(2/10,000) of it.
        assert!((square / 2.25 - 1.0).abs() < 0.071, "{square}");
        let mut left = vec![2.0; 10_000];
        let seen = Defense::Dropout(0.6).disturb(&mut left, 1.0, &mut rng);
        let kept = seen.iter().filter(|seen| **seen).count() as f32;
        assert!((kept / 1e4 - 0.4).abs() < 0.025, "{kept}");
        let back = left.iter().map(|x| x * Defense::Dropout(0.6).undo());
        assert!(
            back.zip(seen)
                .all(|(x, seen)| seen == (x > 1.0) && (!seen || (x - 2.0).abs() < 1e-5))
        );
    }
}
