//! How images become integers.

use serde::{Deserialize, Serialize};

use crate::error::{Result, RuntimeError};

/// How an image becomes the integers that the network takes, and its integers logits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Encoding {
    /// Channels, height and width of an image.
    pub shape: [u32; 3],
    /// Levels of a number, 2 to 256.
    pub levels: u32,
    /// The number that is level 0.
    pub low: f64,
    /// The number that is the last level; above `low`.
    pub high: f64,
    /// The logit that one unit of an integer logit stands for; above 0.
    pub logit_scale: f64,
}

impl Encoding {
    /// Numbers of an image.
    pub fn len(&self) -> usize {
        self.shape.iter().map(|n| *n as usize).product()
    }

    /// Whether an image has no numbers (never in an artifact).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The integers for an image; numbers outside the range take its nearest end.
    ///
    /// # Errors
    /// Another number of elements, or one that is not finite.
    pub fn integers(&self, image: &[f64]) -> Result<Vec<i64>> {
        if image.len() != self.len() {
            let [c, h, w] = self.shape;
            return Err(RuntimeError::ImageLength {
                expected: self.len(),
                shape: format!("{c}x{h}x{w}"),
                got: image.len(),
            });
        }
        if let Some(index) = image.iter().position(|x| !x.is_finite()) {
            return Err(RuntimeError::NotFinite {
                index,
                value: image[index],
            });
        }
        let top = f64::from(self.levels - 1);
        let level = |x: &f64| {
            let share = (x - self.low) / (self.high - self.low);
            (share * top).round().clamp(0.0, top) as i64
        };
        Ok(image.iter().map(level).collect())
    }

    pub(super) fn check(&self) -> Result<()> {
        let finite = self.low.is_finite() && self.high.is_finite() && self.logit_scale.is_finite();
        let small = self.shape.iter().all(|n| (1..=1 << 16).contains(n));
        let sound = finite && small && self.low < self.high && self.logit_scale > 0.0;
        match sound && (2..=256).contains(&self.levels) {
            true => Ok(()),
            false => Err(RuntimeError::Malformed {
                what: "the way to encode images",
                reason: format!("{self:?} is none"),
            }),
        }
    }
}
