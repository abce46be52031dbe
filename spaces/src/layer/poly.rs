//! Polynomial activation.

use super::Parameter;
use crate::{Coefficient, PolyMap, Shape};

/// `y = Σ_k coefficients[·][k] · x^k`. Parameter: `coefficients` `[channels or 1][degree + 1]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poly {
    /// Degree, 1 to [`Poly::MAX_DEGREE`].
    pub degree: usize,
    /// One polynomial a channel, or one for the layer.
    pub per_channel: bool,
}

impl Poly {
    /// A learnable quadratic of each channel.
    pub const QUADRATIC: Poly = Poly {
        degree: 2,
        per_channel: true,
    };

    /// The largest degree; powers beyond it leave the range of any scale.
    pub const MAX_DEGREE: usize = 255;

    pub(super) fn output_shape(&self, input: Shape) -> Result<Shape, String> {
        match self.degree {
            1..=Self::MAX_DEGREE => Ok(input),
            degree => Err(format!(
                "degree must be 1 to {}, {degree} given",
                Self::MAX_DEGREE
            )),
        }
    }

    pub(super) fn parameters(&self, input: Shape) -> Vec<Parameter> {
        let rows = if self.per_channel { input.channels } else { 1 };
        vec![Parameter {
            name: "coefficients",
            shape: vec![rows, self.degree + 1],
        }]
    }

    pub(super) fn map(&self, input: Shape) -> PolyMap {
        let terms = self.degree + 1;
        let coefficients = (0..input.channels)
            .map(|channel| {
                let row = if self.per_channel { channel } else { 0 };
                (0..terms)
                    .map(|k| Coefficient::Parameter {
                        tensor: 0,
                        index: (row * terms + k) as u32,
                    })
                    .collect()
            })
            .collect();
        PolyMap {
            degree: self.degree,
            channel_len: input.height * input.width,
            coefficients,
        }
    }
}
