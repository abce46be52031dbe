//! Fully connected layer.

use super::{Parameter, check_knobs};
use crate::{Coefficient, LinearMap, Shape};

/// A fully connected layer over all elements of its input in channel-major order; its output has shape
/// `[features][1][1]`. Parameters: `weight` `[out_features][in_features]` and, with `bias`, `bias` `[out_features]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dense {
    /// Number of outputs.
    pub out_features: usize,
    /// Whether a constant is added to each output.
    pub bias: bool,
}

impl Dense {
    pub(super) fn output_shape(&self, _input: Shape) -> Result<Shape, String> {
        check_knobs(&[("out_features", self.out_features)])?;
        Ok(Shape::new(self.out_features, 1, 1))
    }

    pub(super) fn parameters(&self, input: Shape) -> Vec<Parameter> {
        let mut parameters = vec![Parameter {
            name: "weight",
            shape: vec![self.out_features, input.len()],
        }];
        if self.bias {
            parameters.push(Parameter {
                name: "bias",
                shape: vec![self.out_features],
            });
        }
        parameters
    }

    pub(super) fn map(&self, input: Shape) -> LinearMap {
        let columns = input.len();
        LinearMap::from_rows(columns, self.out_features, |row, entries| {
            entries.extend((0..columns).map(|column| {
                let index = (row * columns + column) as u32;
                (column as u32, Coefficient::Parameter { tensor: 0, index })
            }));
            if self.bias {
                Coefficient::Parameter {
                    tensor: 1,
                    index: row as u32,
                }
            } else {
                Coefficient::Fixed(0.0)
            }
        })
    }
}
