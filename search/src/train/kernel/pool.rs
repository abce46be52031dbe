//! Average pooling without padding.

use hemet_spaces::layer;

use super::Kernel;
use super::window::Window;

/// Mean over the windows, which have no padding, of `[images·height·width][channels]`.
#[derive(Clone, Debug)]
pub(in crate::train) struct Pool(pub Window);

impl Pool {
    /// Calls `visit(start of input pixel, start of output pixel)` for each pair.
    fn pairs(&self, mut visit: impl FnMut(usize, usize)) {
        let window = &self.0;
        let layer::Window {
            kernel: [rows, columns],
            stride: [down, across],
            dilation: [row_step, column_step],
            ..
        } = window.geometry;
        let (out_height, out_width) = window.output_side();
        for image in 0..window.images {
            for y in 0..out_height {
                for x in 0..out_width {
                    let to = (image * out_height + y) * out_width + x;
                    for ky in 0..rows {
                        for kx in 0..columns {
                            let row = image * window.height + y * down + ky * row_step;
                            let from = row * window.width + x * across + kx * column_step;
                            visit(from * window.channels, to * window.channels);
                        }
                    }
                }
            }
        }
    }

    fn share(&self) -> f32 {
        1.0 / self.0.geometry.area() as f32
    }
}

impl Kernel for Pool {
    fn output(&self) -> [usize; 2] {
        let (height, width) = self.0.output_side();
        [self.0.images * height * width, self.0.channels]
    }

    fn forward(&self, inputs: &[&[f32]]) -> Vec<f32> {
        let [rows, c] = self.output();
        let mut output = vec![0.0; rows * c];
        self.pairs(|from, to| {
            let target = &mut output[to..to + c];
            for (o, x) in target.iter_mut().zip(&inputs[0][from..from + c]) {
                *o += x;
            }
        });
        let share = self.share();
        output.iter_mut().for_each(|o| *o *= share);
        output
    }

    fn backward(&self, inputs: &[&[f32]], gradient: &[f32], _: &[bool]) -> Vec<Vec<f32>> {
        let (c, share) = (self.0.channels, self.share());
        let mut result = vec![0.0; inputs[0].len()];
        self.pairs(|from, to| {
            let target = &mut result[from..from + c];
            for (r, g) in target.iter_mut().zip(&gradient[to..to + c]) {
                *r += share * g;
            }
        });
        vec![result]
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
        let squares = [(2, 2), (3, 2), (4, 1)].map(|(k, s)| layer::Window::square(k, s, 0));
        let odd = odd_geometries().into_iter().filter(|g| !g.is_padded());
        for geometry in odd.chain(squares) {
            let pool = Pool(Window::new(2, Shape::new(3, 5, 4), geometry));
            check_gradients(|| pool.clone(), &[2 * 5 * 4 * 3]);
        }
    }
}
