//! Average pooling without padding.

use super::Kernel;

/// Mean over `kernel`×`kernel` windows of `[images·height·width][channels]`.
#[derive(Clone, Debug)]
pub(in crate::train) struct Pool {
    pub images: usize,
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    pub kernel: usize,
    pub stride: usize,
}

impl Pool {
    fn output_side(&self) -> (usize, usize) {
        let side = |len: usize| (len - self.kernel) / self.stride + 1;
        (side(self.height), side(self.width))
    }

    /// Calls `visit(start of input pixel, start of output pixel)` for each pair.
    fn pairs(&self, mut visit: impl FnMut(usize, usize)) {
        let (out_height, out_width) = self.output_side();
        for image in 0..self.images {
            for y in 0..out_height {
                for x in 0..out_width {
                    let to = (image * out_height + y) * out_width + x;
                    for ky in 0..self.kernel {
                        for kx in 0..self.kernel {
                            let row = image * self.height + y * self.stride + ky;
                            let from = row * self.width + x * self.stride + kx;
                            visit(from * self.channels, to * self.channels);
                        }
                    }
                }
            }
        }
    }

    fn share(&self) -> f32 {
        1.0 / (self.kernel * self.kernel) as f32
    }
}

impl Kernel for Pool {
    fn output(&self) -> [usize; 2] {
        let (height, width) = self.output_side();
        [self.images * height * width, self.channels]
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
        let (c, share) = (self.channels, self.share());
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
            let pool = Pool {
                images: 2,
                height: 5,
                width: 4,
                channels: 3,
                kernel,
                stride,
            };
            check_gradients(|| pool.clone(), &[2 * 5 * 4 * 3]);
        }
    }
}
