//! Layers that are computed in the clear alone: comparisons, which no polynomial of low degree is.
//!
//! They may stand among the layers that a device runs before it encrypts, and nowhere else.

use std::fmt;

use super::pool::AveragePool;
use super::window::Window;
use crate::{ClearMap, Shape};

/// A layer that is computed in the clear alone.
#[derive(Clone, Debug, PartialEq)]
pub enum Clear {
    /// `slope · x` below 0, `x` up to `cap`, `cap` above: ReLU with slope 0 and an infinite cap.
    Relu {
        /// Slope below 0.
        slope: f32,
        /// The greatest result, above 0.
        cap: f32,
    },
    /// The greatest element of each window; places beside the map hold none.
    MaxPool(Window),
}

impl Clear {
    /// ReLU.
    pub const RELU: Self = Self::Relu {
        slope: 0.0,
        cap: f32::INFINITY,
    };

    pub(super) fn output_shape(&self, input: Shape) -> Result<Shape, String> {
        match self {
            Self::Relu { slope, cap } => match slope.is_finite() && *cap > 0.0 {
                true => Ok(input),
                false => Err(format!(
                    "a slope of {slope} and a cap of {cap}; the slope must be a number, the cap above 0"
                )),
            },
            Self::MaxPool(window) => {
                let means = AveragePool {
                    window: *window,
                    counts_padding: false,
                };
                means.output_shape(input)
            }
        }
    }

    /// Elements that are looked at for each of the output.
    pub(super) fn area(&self) -> usize {
        match self {
            Self::Relu { .. } => 1,
            Self::MaxPool(window) => window.area(),
        }
    }

    /// The word for the layer's kind in texts and errors.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Relu { .. } => "relu",
            Self::MaxPool(_) => "max_pool",
        }
    }

    pub(super) fn map(&self, input: Shape) -> ClearMap {
        match self {
            Self::Relu { slope, cap } => ClearMap::Relu {
                slope: f64::from(*slope),
                cap: f64::from(*cap),
            },
            Self::MaxPool(window) => {
                let output = self
                    .output_shape(input)
                    .expect("the graph accepted this shape");
                let (mut row_starts, mut columns) = (vec![0], Vec::new());
                for element in 0..output.len() {
                    let (channel, row, column) = output.place(element);
                    let taps = window.taps(input, row, column);
                    columns
                        .extend(taps.map(|tap| input.index(channel, tap.row, tap.column) as u32));
                    row_starts.push(columns.len() as u32);
                }
                ClearMap::Greatest {
                    row_starts,
                    columns,
                }
            }
        }
    }
}

impl fmt::Display for Clear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Relu { slope, cap } => match (*slope, *cap) {
                (0.0, f32::INFINITY) => write!(f, "ReLU"),
                (slope, f32::INFINITY) => write!(f, "leaky ReLU of slope {slope}"),
                (0.0, cap) => write!(f, "ReLU up to {cap}"),
                (slope, cap) => write!(f, "leaky ReLU of slope {slope}, up to {cap}"),
            },
            Self::MaxPool(_) => write!(f, "max pool"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relu_is_cut_at_both_ends_and_keeps_what_is_no_number() {
        let shape = Shape::new(1, 1, 5);
        let x = [-2.0, -0.5, 0.0, 3.0, 7.0];
        assert_eq!(Clear::RELU.map(shape).run(&x), [0.0, 0.0, 0.0, 3.0, 7.0]);
        let leaky = Clear::Relu {
            slope: 0.25,
            cap: 6.0,
        };
        assert_eq!(leaky.map(shape).run(&x), [-0.5, -0.125, 0.0, 3.0, 6.0]);
        let odd = Clear::Relu {
            slope: 0.0,
            cap: 0.0,
        };
        assert!(odd.output_shape(shape).is_err());
    }

    #[test]
    fn padding_is_never_the_greatest() {
        let x: Vec<f64> = (0..9).map(|i| -1.0 - f64::from(i)).collect();
        let pool = Clear::MaxPool(Window::square(2, 2, 1));
        let shape = Shape::new(1, 3, 3);
        assert_eq!(pool.output_shape(shape), Ok(Shape::new(1, 2, 2)));
        assert_eq!(pool.map(shape).run(&x), [-1.0, -2.0, -4.0, -5.0]);
        assert!(
            Clear::MaxPool(Window::square(2, 2, 2))
                .output_shape(shape)
                .is_err()
        );
    }
}
