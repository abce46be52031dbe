//! Unfold: the patches of a convolution as rows (im2col), and its gradient, the sum back into the image (col2im).

use super::Kernel;

/// Geometry of a convolution on `images` images of `height`×`width` pixels with `channels` channels each.
#[derive(Clone, Debug)]
pub(in crate::train) struct Unfold {
    pub images: usize,
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
}

impl Unfold {
    /// Height and width of the convolution's output.
    pub fn output_side(&self) -> (usize, usize) {
        let side = |len: usize| (len + 2 * self.padding - self.kernel) / self.stride + 1;
        (side(self.height), side(self.width))
    }

    /// Columns of the output: a patch is `[kernel row][kernel column][channel]`.
    pub fn patch(&self) -> usize {
        self.kernel * self.kernel * self.channels
    }

    /// Calls `copy(start in the image matrix, start in the patch matrix, length)` for each contiguous run that both share.
    fn runs(&self, mut copy: impl FnMut(usize, usize, usize)) {
        let (out_height, out_width) = self.output_side();
        let (c, k) = (self.channels, self.kernel);
        for image in 0..self.images {
            for y in 0..out_height {
                for x in 0..out_width {
                    let row = ((image * out_height + y) * out_width + x) * self.patch();
                    // Kernel columns whose pixel lies inside: ix = x·stride + kx − padding in 0..width.
                    let left = (self.padding).saturating_sub(x * self.stride);
                    let right = (self.width + self.padding - x * self.stride).min(k);
                    for ky in 0..k {
                        let iy = (y * self.stride + ky).wrapping_sub(self.padding);
                        if iy >= self.height || left >= right {
                            continue;
                        }
                        let ix = x * self.stride + left - self.padding;
                        let from = ((image * self.height + iy) * self.width + ix) * c;
                        copy(from, row + (ky * k + left) * c, (right - left) * c);
                    }
                }
            }
        }
    }
}

impl Kernel for Unfold {
    fn output(&self) -> [usize; 2] {
        let (height, width) = self.output_side();
        [self.images * height * width, self.patch()]
    }

    fn forward(&self, inputs: &[&[f32]]) -> Vec<f32> {
        let [rows, columns] = self.output();
        let mut output = vec![0.0; rows * columns];
        self.runs(|from, to, len| {
            output[to..to + len].copy_from_slice(&inputs[0][from..from + len]);
        });
        output
    }

    fn backward(&self, inputs: &[&[f32]], gradient: &[f32], _: &[bool]) -> Vec<Vec<f32>> {
        let mut result = vec![0.0; inputs[0].len()];
        self.runs(|from, to, len| {
            let target = &mut result[from..from + len];
            for (r, g) in target.iter_mut().zip(&gradient[to..to + len]) {
                *r += g;
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
        for (kernel, stride, padding) in [(3, 1, 1), (3, 2, 1), (2, 2, 0), (5, 1, 2), (1, 2, 0)] {
            let unfold = Unfold {
                images: 2,
                height: 5,
                width: 4,
                channels: 3,
                kernel,
                stride,
                padding,
            };
            let make = || unfold.clone();
            if kernel <= 4 + 2 * padding {
                check_gradients(make, &[2 * 5 * 4 * 3]);
            }
        }
    }

    #[test]
    fn padding_outside_the_image_is_zero() {
        let unfold = Unfold {
            images: 1,
            height: 2,
            width: 2,
            channels: 1,
            kernel: 3,
            stride: 1,
            padding: 1,
        };
        let patches = unfold.forward(&[&[1.0, 2.0, 3.0, 4.0]]);
        assert_eq!(patches[..9], [0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 0.0, 3.0, 4.0]);
    }
}
