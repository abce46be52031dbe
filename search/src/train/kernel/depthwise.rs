//! Depthwise convolution: each channel with its own filter, without unfolding.

use hemet_spaces::layer;

use super::Kernel;
use super::lanes::vectorized;
use super::window::Window;

/// Inputs: pixels `[images·height·width][channels]` and filters `[kernel row·kernel column][channels]`.
#[derive(Clone, Debug)]
pub(in crate::train) struct Depthwise(pub Window);

/// A run of output pixels of one row that one filter tap reaches, all indices in elements.
struct Run {
    /// Start in the input, and in the output.
    from: usize,
    to: usize,
    /// Which tap of the filter.
    tap: usize,
    /// Elements: pixels times channels.
    len: usize,
}

impl Depthwise {
    /// Calls `visit` for each run. With stride 1 a run is as long as the row allows, else one pixel.
    #[inline(always)]
    fn runs(&self, mut visit: impl FnMut(Run)) {
        let window = &self.0;
        let layer::Window {
            kernel: [_, columns],
            stride: [down, across],
            padding: [above, before, ..],
            dilation: [row_step, column_step],
        } = window.geometry;
        let (height, width, c) = (window.height, window.width, window.channels);
        let (out_height, out_width) = window.output_side();
        let step = if across == 1 { out_width } else { 1 };
        for row in 0..window.images * out_height {
            let (image, y) = (row / out_height, row % out_height);
            for tap in 0..window.geometry.area() {
                let (ky, kx) = (tap / columns, tap % columns);
                let iy = (y * down + ky * row_step).wrapping_sub(above);
                if iy >= height {
                    continue;
                }
                for x in (0..out_width).step_by(step) {
                    // Output pixels x + i whose input pixel at + i − before lies inside, i below step.
                    let at = x * across + kx * column_step;
                    let skip = before.saturating_sub(at);
                    let end = (width + before).saturating_sub(at).min(step);
                    if skip < end {
                        let ix = at + skip - before;
                        visit(Run {
                            from: ((image * height + iy) * width + ix) * c,
                            to: (row * out_width + x + skip) * c,
                            tap,
                            len: (end - skip) * c,
                        });
                    }
                }
            }
        }
    }

    /// Elements of the longest run.
    fn longest(&self) -> usize {
        match self.0.geometry.stride[1] {
            1 => self.0.output_side().1 * self.0.channels,
            _ => self.0.channels,
        }
    }

    /// Each tap's filter repeated over the longest run; `[tap][element]`.
    fn spread(&self, filters: &[f32]) -> Vec<Vec<f32>> {
        let taps = filters.chunks_exact(self.0.channels);
        taps.map(|tap| tap.iter().copied().cycle().take(self.longest()).collect())
            .collect()
    }
}

impl Kernel for Depthwise {
    fn output(&self) -> [usize; 2] {
        let (height, width) = self.0.output_side();
        [self.0.images * height * width, self.0.channels]
    }

    fn forward(&self, inputs: &[&[f32]]) -> Vec<f32> {
        let [rows, channels] = self.output();
        let filters = self.spread(inputs[1]);
        let mut output = vec![0.0; rows * channels];
        vectorized(|| {
            self.runs(|run| {
                let target = &mut output[run.to..run.to + run.len];
                let x = &inputs[0][run.from..run.from + run.len];
                for ((o, x), w) in target.iter_mut().zip(x).zip(&filters[run.tap]) {
                    *o += x * w;
                }
            });
        });
        output
    }

    fn backward(&self, inputs: &[&[f32]], gradient: &[f32], _: &[bool]) -> Vec<Vec<f32>> {
        let (x, filters) = (inputs[0], self.spread(inputs[1]));
        let mut dx = vec![0.0; x.len()];
        // Sums for each element of a run; a run adds at most one term to each, so they stay short.
        let mut sums = vec![vec![0.0f32; self.longest()]; filters.len()];
        vectorized(|| {
            self.runs(|run| {
                let g = &gradient[run.to..run.to + run.len];
                let x = &x[run.from..run.from + run.len];
                let target = &mut dx[run.from..run.from + run.len];
                for ((d, w), g) in target.iter_mut().zip(&filters[run.tap]).zip(g) {
                    *d += w * g;
                }
                for ((s, x), g) in sums[run.tap].iter_mut().zip(x).zip(g) {
                    *s += x * g;
                }
            });
        });
        let channels = self.0.channels;
        let mut dw = vec![0.0; inputs[1].len()];
        for (dw, sums) in dw.chunks_exact_mut(channels).zip(&sums) {
            for row in sums.chunks_exact(channels) {
                dw.iter_mut().zip(row).for_each(|(d, s)| *d += s);
            }
        }
        vec![dx, dw]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::kernel::check::check_gradients;
    use crate::train::kernel::window::odd_geometries;
    use hemet_spaces::Shape;

    #[test]
    fn gradients_agree_with_finite_differences() {
        let squares = [(3, 1, 1), (3, 2, 1), (2, 1, 0), (5, 1, 2), (3, 1, 3)];
        let squares = squares.map(|(k, s, p)| layer::Window::square(k, s, p));
        for geometry in odd_geometries().into_iter().chain(squares) {
            let window = Window::new(2, Shape::new(3, 5, 5), geometry);
            let make = || Depthwise(window.clone());
            check_gradients(make, &[2 * 5 * 5 * 3, geometry.area() * 3]);
        }
    }
}
