//! Average pooling without padding.

use super::Kernel;
use super::window::Window;

/// Mean over the windows, which have no padding, of `[images·height·width][channels]`.
#[derive(Clone, Debug)]
pub(in crate::train) struct Pool(pub Window);

impl Pool {
    /// Calls `visit(start of input pixel, start of output pixel)` for each pair.
    fn pairs(&self, mut visit: impl FnMut(usize, usize)) {
        let window = &self.0;
        let (out_height, out_width) = window.output_side();
        for image in 0..window.images {
            for y in 0..out_height {
                for x in 0..out_width {
                    let to = (image * out_height + y) * out_width + x;
                    for ky in 0..window.kernel {
                        for kx in 0..window.kernel {
                            let row = image * window.height + y * window.stride + ky;
                            let from = row * window.width + x * window.stride + kx;
                            visit(from * window.channels, to * window.channels);
                        }
                    }
                }
            }
        }
    }

    fn share(&self) -> f32 {
        1.0 / (self.0.kernel * self.0.kernel) as f32
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

    #[test]
    fn gradients_agree_with_finite_differences() {
        for (kernel, stride) in [(2, 2), (3, 2), (4, 1)] {
            let pool = Pool(Window {
                images: 2,
                height: 5,
                width: 4,
                channels: 3,
                kernel,
                stride,
                padding: 0,
            });
            check_gradients(|| pool.clone(), &[2 * 5 * 4 * 3]);
        }
    }
}
