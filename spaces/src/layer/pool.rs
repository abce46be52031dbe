//! Average pooling.

use super::check_knobs;
use crate::{Coefficient, LinearMap, Shape};

/// The mean over a square window, without padding; windows that do not fit are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AveragePool {
    /// Side of the square window.
    pub kernel: usize,
    /// Step in both directions.
    pub stride: usize,
}

impl AveragePool {
    pub(super) fn output_shape(&self, input: Shape) -> Result<Shape, String> {
        let AveragePool { kernel, stride } = *self;
        check_knobs(&[("kernel", kernel), ("stride", stride)])?;
        if kernel > input.height || kernel > input.width {
            return Err(format!(
                "a window of {kernel} does not fit {}x{}; pool less or drop the layer",
                input.height, input.width
            ));
        }
        let side = |len: usize| (len - kernel) / stride + 1;
        Ok(Shape::new(
            input.channels,
            side(input.height),
            side(input.width),
        ))
    }

    pub(super) fn map(&self, input: Shape) -> LinearMap {
        let output = self
            .output_shape(input)
            .expect("the graph accepted this shape");
        let share = Coefficient::Fixed(1.0 / (self.kernel * self.kernel) as f64);
        LinearMap::from_rows(input.len(), output.len(), |row, entries| {
            let (channel, rest) = (
                row / (output.height * output.width),
                row % (output.height * output.width),
            );
            let (y, x) = (rest / output.width, rest % output.width);
            for ky in 0..self.kernel {
                for kx in 0..self.kernel {
                    let column = input.index(channel, y * self.stride + ky, x * self.stride + kx);
                    entries.push((column as u32, share));
                }
            }
            Coefficient::Fixed(0.0)
        })
    }
}
