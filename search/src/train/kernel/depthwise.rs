//! Depthwise convolution: each channel with its own filter, without unfolding.

use super::Kernel;
use super::unfold::Unfold;

/// Inputs: pixels `[images·height·width][channels]` and filters `[kernel²][channels]`.
#[derive(Clone, Debug)]
pub(in crate::train) struct Depthwise(pub Unfold);

impl Depthwise {
    /// Calls `visit(start of input pixel, start of output pixel, start of filter row)` for each triple that meets.
    fn taps(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let u = &self.0;
        let (out_height, out_width) = u.output_side();
        let c = u.channels;
        for image in 0..u.images {
            for y in 0..out_height {
                for x in 0..out_width {
                    let to = ((image * out_height + y) * out_width + x) * c;
                    for ky in 0..u.kernel {
                        let iy = (y * u.stride + ky).wrapping_sub(u.padding);
                        if iy >= u.height {
                            continue;
                        }
                        for kx in 0..u.kernel {
                            let ix = (x * u.stride + kx).wrapping_sub(u.padding);
                            if ix < u.width {
                                let from = ((image * u.height + iy) * u.width + ix) * c;
                                visit(from, to, (ky * u.kernel + kx) * c);
                            }
                        }
                    }
                }
            }
        }
    }
}

impl Kernel for Depthwise {
    fn output(&self) -> [usize; 2] {
        let (height, width) = self.0.output_side();
        [self.0.images * height * width, self.0.channels]
    }

    fn forward(&self, inputs: &[&[f32]]) -> Vec<f32> {
        let [rows, c] = self.output();
        let (x, w) = (inputs[0], inputs[1]);
        let mut output = vec![0.0; rows * c];
        self.taps(|from, to, filter| {
            let target = &mut output[to..to + c];
            for ((o, x), w) in target
                .iter_mut()
                .zip(&x[from..from + c])
                .zip(&w[filter..filter + c])
            {
                *o += x * w;
            }
        });
        output
    }

    fn backward(&self, inputs: &[&[f32]], gradient: &[f32], _: &[bool]) -> Vec<Vec<f32>> {
        let c = self.0.channels;
        let (x, w) = (inputs[0], inputs[1]);
        let (mut dx, mut dw) = (vec![0.0; x.len()], vec![0.0; w.len()]);
        self.taps(|from, to, filter| {
            let g = &gradient[to..to + c];
            let pixel = dx[from..from + c].iter_mut().zip(&w[filter..filter + c]);
            for ((dx, w), g) in pixel.zip(g) {
                *dx += w * g;
            }
            let row = dw[filter..filter + c].iter_mut().zip(&x[from..from + c]);
            for ((dw, x), g) in row.zip(g) {
                *dw += x * g;
            }
        });
        vec![dx, dw]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::kernel::check::check_gradients;

    #[test]
    fn gradients_agree_with_finite_differences() {
        for (kernel, stride, padding) in [(3, 1, 1), (3, 2, 1), (2, 1, 0)] {
            let geometry = Unfold {
                images: 2,
                height: 4,
                width: 5,
                channels: 3,
                kernel,
                stride,
                padding,
            };
            let make = || Depthwise(geometry.clone());
            check_gradients(make, &[2 * 4 * 5 * 3, kernel * kernel * 3]);
        }
    }
}
