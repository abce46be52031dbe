//! Fully connected layer over all elements of its input, in channel-major order.

use super::{Parameter, check_circulant, check_knobs, circulant_index};
use crate::{Coefficient, LinearMap, Shape};

/// A matrix product; the output has shape `[out_features][1][1]`. Parameters: `weight` `[stored][in]` and, with `bias`,
/// `bias` `[out_features]`. Stored are all rows or, block-circulant, those of the first block of outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dense {
    /// Number of outputs.
    pub out_features: usize,
    /// Whether a constant is added to each output.
    pub bias: bool,
    /// Side of the blocks of channels whose weights are circulant, a power of two that divides the channels of input
    /// and output; 1 where each weight stands for itself.
    pub circulant: usize,
}

impl Dense {
    pub(super) fn output_shape(&self, input: Shape) -> Result<Shape, String> {
        check_knobs(&[("out_features", self.out_features)])?;
        check_circulant(self.circulant, input.channels, self.out_features)?;
        Ok(Shape::new(self.out_features, 1, 1))
    }

    pub(super) fn parameters(&self, input: Shape) -> Vec<Parameter> {
        let mut parameters = vec![Parameter {
            name: "weight",
            shape: vec![self.out_features / self.circulant, input.len()],
        }];
        if self.bias {
            parameters.push(Parameter {
                name: "bias",
                shape: vec![self.out_features],
            });
        }
        parameters
    }

    /// Position in `weight` of the number that joins an output with an element of the input, in channel-major order.
    pub fn weight_index(&self, input: Shape, output: usize, element: usize) -> usize {
        let extents = [self.out_features, input.len()];
        let [row, column] = circulant_index(self.circulant, extents, [output, element]);
        row * input.len() + column
    }

    pub(super) fn map(&self, input: Shape) -> LinearMap {
        LinearMap::from_rows(input.len(), self.out_features, |row, entries| {
            entries.extend((0..input.len()).map(|column| {
                let index = self.weight_index(input, row, column) as u32;
                (column as u32, Coefficient::Parameter { tensor: 0, index })
            }));
            match self.bias {
                true => Coefficient::Parameter {
                    tensor: 1,
                    index: row as u32,
                },
                false => Coefficient::Fixed(0.0),
            }
        })
    }
}
