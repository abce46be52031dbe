//! Average pooling.

use super::Window;
use crate::{Coefficient, LinearMap, Shape};

/// The mean over each window; windows that do not fit are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AveragePool {
    /// The windows.
    pub window: Window,
    /// Whether places beside the map count as zeros; otherwise the mean is that of the elements in the window.
    pub counts_padding: bool,
}

impl AveragePool {
    /// Square windows of this side and stride, without padding.
    pub const fn square(kernel: usize, stride: usize) -> Self {
        Self {
            window: Window::square(kernel, stride, 0),
            counts_padding: false,
        }
    }

    /// The mean of each channel of a map of `height` x `width`.
    pub const fn global(height: usize, width: usize) -> Self {
        Self {
            window: Window::tile(height, width),
            counts_padding: false,
        }
    }

    pub(super) fn output_shape(&self, input: Shape) -> Result<Shape, String> {
        let [height, width] = self.window.outputs(input.height, input.width)?;
        let [above, left, below, right] = self.window.padding;
        let [rows, columns] = self.window.span();
        // Where padding does not count, a window of padding alone would have no mean.
        if self.counts_padding {
            return Ok(Shape::new(input.channels, height, width));
        }
        if above.max(below) >= rows && above.max(below) > 0
            || left.max(right) >= columns && left.max(right) > 0
        {
            return Err(format!(
                "padding {} is no smaller than the window of {rows}x{columns}; pad less",
                super::window::padding_text(self.window.padding)
            ));
        }
        Ok(Shape::new(input.channels, height, width))
    }

    pub(super) fn map(&self, input: Shape) -> LinearMap {
        let output = self
            .output_shape(input)
            .expect("the graph accepted this shape");
        LinearMap::from_rows(input.len(), output.len(), |row, entries| {
            let (channel, y, x) = output.place(row);
            let taps = self.window.taps(input, y, x);
            let columns = taps.map(|tap| input.index(channel, tap.row, tap.column) as u32);
            entries.extend(columns.map(|column| (column, Coefficient::Fixed(0.0))));
            let count = match self.counts_padding {
                true => self.window.area(),
                // A dilated window may pass over all elements; its mean is 0.
                false => entries.len().max(1),
            };
            let share = Coefficient::Fixed(1.0 / count as f64);
            entries.iter_mut().for_each(|entry| entry.1 = share);
            Coefficient::Fixed(0.0)
        })
    }
}
