//! The kernels of polynomial networks from burn's own operators, for devices that our kernels do not run on.

use burn::tensor::ops::PadMode;
use burn::tensor::{Tensor, s};
use hemet_spaces::layer;

use super::Kernel;
use super::batch_norm::{BatchNorm, EPSILON, Statistics};
use super::conv::Conv;
use super::depthwise::Depthwise;
use super::poly::Poly;
use super::pool::Pool;
use super::range::RangePenalty;
use super::window::Window;

/// A kernel that burn's operators can do too.
pub(in crate::train) trait Plain: Kernel {
    /// As [`Kernel::forward`], with burn's gradients.
    fn plain(&self, inputs: &[Tensor<2>]) -> Tensor<2>;
}

/// For each place in a window the pixels that stand there, `[images·output height·output width][channels]`.
fn taps(window: &Window, x: &Tensor<2>) -> Vec<Tensor<2>> {
    let (images, channels) = (window.images, window.channels);
    let layer::Window {
        kernel: [rows, columns],
        stride: [down, across],
        padding: [above, left, below, right],
        dilation: [row_step, column_step],
    } = window.geometry;
    let (out_height, out_width) = window.output_side();
    let size = [images, window.height, window.width, channels];
    let mut image: Tensor<4> = x.clone().reshape(size);
    if window.geometry.is_padded() {
        let around = [(0, 0), (above, below), (left, right), (0, 0)];
        image = image.pad(around, PadMode::Constant(0.0));
    }
    let places = (0..rows).flat_map(|ky| (0..columns).map(move |kx| (ky, kx)));
    places
        .map(|(ky, kx)| {
            let (top, start) = (ky * row_step, kx * column_step);
            let bottom = top + (out_height - 1) * down;
            let end = start + (out_width - 1) * across;
            let (down, across) = (down as isize, across as isize);
            let part = image
                .clone()
                .slice(s![.., top..=bottom; down, start..=end; across, ..]);
            part.reshape([images * out_height * out_width, channels])
        })
        .collect()
}

impl Plain for Conv {
    fn plain(&self, inputs: &[Tensor<2>]) -> Tensor<2> {
        let patches = match self.window.is_pixel() {
            true => inputs[0].clone(),
            false => Tensor::cat(taps(&self.window, &inputs[0]), 1),
        };
        patches.matmul(inputs[1].clone())
    }
}

impl Plain for Depthwise {
    fn plain(&self, inputs: &[Tensor<2>]) -> Tensor<2> {
        let filters = &inputs[1];
        let weighted = taps(&self.0, &inputs[0])
            .into_iter()
            .enumerate()
            .map(|(tap, pixels)| pixels * filters.clone().narrow(0, tap, 1));
        sum(weighted)
    }
}

impl Plain for Pool {
    fn plain(&self, inputs: &[Tensor<2>]) -> Tensor<2> {
        let pooled = taps(&self.window, &inputs[0]);
        let count = pooled.len() as f32;
        if self.counts_padding || !self.window.geometry.is_padded() {
            return sum(pooled).div_scalar(count);
        }
        // Ones count the places that hold pixels.
        let ones = taps(&self.window, &inputs[0].ones_like());
        sum(pooled) / sum(ones).clamp_min(1.0)
    }
}

impl Plain for Poly {
    fn plain(&self, inputs: &[Tensor<2>]) -> Tensor<2> {
        debug_assert!(self.penalty.is_none(), "here it stands on the tape");
        let (x, coefficients) = (&inputs[0], inputs[1].clone().transpose());
        let term = |k: usize| coefficients.clone().narrow(0, k, 1);
        // Horner; a row of one coefficient stands for all channels.
        let highest = x.zeros_like() + term(self.degree);
        (0..self.degree)
            .rev()
            .fold(highest, |value, k| value * x.clone() + term(k))
    }
}

impl Plain for RangePenalty {
    fn plain(&self, inputs: &[Tensor<2>]) -> Tensor<2> {
        let x = inputs[0].clone();
        let excess = x.clone() - x.clamp(-self.bound, self.bound);
        (excess.clone() * excess).mean().reshape([1, 1])
    }
}

impl Plain for BatchNorm {
    fn plain(&self, inputs: &[Tensor<2>]) -> Tensor<2> {
        let [x, scale, shift] = [0, 1, 2].map(|i| inputs[i].clone());
        let mean = x.clone().mean_dim(0);
        let away = x - mean.clone();
        let variance = (away.clone() * away.clone()).mean_dim(0);
        let numbers = |tensor: &Tensor<2>| crate::train::tensor::values(tensor.clone().detach());
        self.keep(Statistics {
            mean: numbers(&mean),
            variance: numbers(&variance),
        });
        away / variance.add_scalar(EPSILON).sqrt() * scale + shift
    }
}

/// The sum of at least one tensor.
fn sum(tensors: impl IntoIterator<Item = Tensor<2>>) -> Tensor<2> {
    let sum = tensors.into_iter().reduce(|a, b| a + b);
    sum.expect("a window has at least one place")
}

#[cfg(test)]
mod tests {
    //! On the CPU, where both ways run: they must agree in values and gradients.

    use std::sync::Arc;

    use burn::tensor::Device;
    use rand::RngExt;

    use super::super::{binary, ternary, unary};
    use super::*;
    use crate::Seed;
    use crate::train::kernel::window::odd_geometries;
    use crate::train::tensor::matrix;
    use crate::train::tensor::values;
    use hemet_spaces::Shape;

    /// Values, then the gradient for each input, of a loss that is a random linear form of the output.
    fn both(shapes: &[[usize; 2]], run: &dyn Fn(&[Tensor<2>]) -> Tensor<2>) -> Vec<Vec<f32>> {
        let device = Device::flex().autodiff();
        let mut rng = Seed::new(5).rng();
        let mut random = |[rows, columns]: [usize; 2]| {
            let numbers = (0..rows * columns).map(|_| rng.random_range(-1.0..1.0f32));
            matrix(numbers.collect(), rows, columns, &device)
        };
        let inputs: Vec<Tensor<2>> = shapes.iter().map(|s| random(*s).require_grad()).collect();
        let output = run(&inputs);
        let form = random(output.dims());
        let gradients = (output.clone() * form).sum().backward();
        let gradient = |input: &Tensor<2>| values(input.grad(&gradients).expect("is used"));
        std::iter::once(values(output))
            .chain(inputs.iter().map(gradient))
            .collect()
    }

    /// Both ways sum some hundred terms of order one in 32 bits, in other orders: 2^-24 times that, with room.
    fn agree(own: Vec<Vec<f32>>, plain: Vec<Vec<f32>>) {
        for (which, (own, plain)) in own.iter().zip(&plain).enumerate() {
            assert_eq!(own.len(), plain.len());
            let scale = own.iter().fold(1.0f32, |m, v| m.max(v.abs()));
            for (a, b) in own.iter().zip(plain) {
                assert!((a - b).abs() <= 2e-5 * scale, "{which}: {a} against {b}");
            }
        }
    }

    fn window(geometry: layer::Window) -> Window {
        Window::new(2, Shape::new(3, 6, 5), geometry)
    }

    #[test]
    fn windows_agree_with_the_kernels() {
        let squares = [(3, 1, 1), (3, 2, 1), (2, 2, 0), (1, 1, 0), (5, 1, 2)];
        let squares = squares.map(|(k, s, p)| layer::Window::square(k, s, p));
        for geometry in odd_geometries().into_iter().chain(squares) {
            let area = geometry.area();
            let shapes = [[60, 3], [area, 3]];
            let conv = Conv {
                window: window(geometry),
                outputs: 4,
            };
            let shapes_of_conv = [[60, 3], [area * 3, 4]];
            agree(
                both(&shapes_of_conv, &|i| {
                    binary(conv.clone(), i[0].clone(), i[1].clone())
                }),
                both(&shapes_of_conv, &|i| conv.plain(i)),
            );
            let depthwise = Depthwise(conv.window);
            agree(
                both(&shapes, &|i| {
                    binary(depthwise.clone(), i[0].clone(), i[1].clone())
                }),
                both(&shapes, &|i| depthwise.plain(i)),
            );
        }
        let squares = [(2, 2, 0), (3, 1, 0), (3, 2, 1)];
        let squares = squares.map(|(k, s, p)| layer::Window::square(k, s, p));
        for geometry in odd_geometries().into_iter().chain(squares) {
            for counts_padding in [false, true] {
                let pool = Pool {
                    window: window(geometry),
                    counts_padding,
                };
                agree(
                    both(&[[60, 3]], &|i| unary(pool.clone(), i[0].clone())),
                    both(&[[60, 3]], &|i| pool.plain(i)),
                );
            }
        }
    }

    #[test]
    fn polynomials_norms_and_penalties_agree_with_the_kernels() {
        for (degree, per_channel) in [(1, true), (2, true), (2, false), (4, true)] {
            let poly = Poly {
                rows: 40,
                channels: 3,
                degree,
                per_channel,
                penalty: None,
            };
            let shapes = [[40, 3], [if per_channel { 3 } else { 1 }, degree + 1]];
            agree(
                both(&shapes, &|i| {
                    binary(poly.clone(), i[0].clone(), i[1].clone())
                }),
                both(&shapes, &|i| poly.plain(i)),
            );
        }
        let penalty = RangePenalty { bound: 0.4 };
        agree(
            both(&[[40, 3]], &|i| unary(penalty, i[0].clone())),
            both(&[[40, 3]], &|i| penalty.plain(i)),
        );
        let shapes = [[40, 3], [1, 3], [1, 3]];
        let [own, plain] = [0, 1].map(|_| Arc::new(BatchNorm::new(40, 3)));
        agree(
            both(&shapes, &|i| {
                ternary(own.clone(), i[0].clone(), i[1].clone(), i[2].clone())
            }),
            both(&shapes, &|i| plain.plain(i)),
        );
        let [own, plain] = [&own, &plain].map(|n| n.statistics().expect("it ran").clone());
        agree(
            vec![own.mean, own.variance],
            vec![plain.mean, plain.variance],
        );
    }
}
