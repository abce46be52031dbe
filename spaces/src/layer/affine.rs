//! Scale and shift of each channel: what a trained batch norm is at inference.

use super::Parameter;
use crate::{Coefficient, LinearMap, Shape};

/// `y = scale[channel] · x + shift[channel]`. Training treats it as batch norm and exports
/// `scale = γ/√(v+ε)`, `shift = β − scale·mean`. Parameters: `scale` `[channels]`, `shift` `[channels]`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Affine;

impl Affine {
    pub(super) fn parameters(&self, input: Shape) -> Vec<Parameter> {
        let shape = vec![input.channels];
        vec![
            Parameter {
                name: "scale",
                shape: shape.clone(),
            },
            Parameter {
                name: "shift",
                shape,
            },
        ]
    }

    pub(super) fn map(&self, input: Shape) -> LinearMap {
        let channel_len = input.height * input.width;
        LinearMap::from_rows(input.len(), input.len(), |row, entries| {
            let index = (row / channel_len) as u32;
            entries.push((row as u32, Coefficient::Parameter { tensor: 0, index }));
            Coefficient::Parameter { tensor: 1, index }
        })
    }
}
