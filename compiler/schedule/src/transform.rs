//! Input transform: what a client does to each element of an input before it encrypts it.
//!
//! All elements of a tensor share one scale under encryption. Features of very different size would lose the digits of
//! the small ones, so the client brings them to one size; the first map of the schedule undoes it.

/// `(x − center) · scale`, element by element.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputTransform {
    /// Subtracted from each element.
    pub center: Vec<f64>,
    /// What each difference is multiplied by.
    pub scale: Vec<f64>,
}

impl InputTransform {
    /// The transformed input; elements beyond those of the transform are left out.
    pub fn apply(&self, input: &[f64]) -> Vec<f64> {
        let own = self.center.iter().zip(&self.scale);
        let pairs = input.iter().zip(own);
        pairs
            .map(|(x, (center, scale))| (x - center) * scale)
            .collect()
    }

    /// Refuses a transform for another number of elements than `len`, and numbers that no input survives.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self, len: usize) -> Result<(), String> {
        let Self { center, scale } = self;
        if center.len() != len || scale.len() != len {
            return Err(format!(
                "the input transform has {} centers and {} scales, the input has {len} elements",
                center.len(),
                scale.len()
            ));
        }
        let usable = |(c, s): (&f64, &f64)| c.is_finite() && s.is_finite() && *s > 0.0;
        match center.iter().zip(scale).position(|pair| !usable(pair)) {
            Some(index) => Err(format!(
                "the input transform has center {} and scale {} for element {index}; both must be finite, the scale above 0",
                center[index], scale[index]
            )),
            None => Ok(()),
        }
    }
}
