//! A convolution, a block of patches at a time.
//!
//! The patches of a batch (im2col) are some ten times as large as the image, too large for any cache. They are
//! therefore unfolded a few lines of the image at a time into a buffer that stays in the second cache, multiplied
//! there, and unfolded anew in the backward pass: a copy costs less than the memory's way there and back.

use std::ops::Range;

use super::Kernel;
use super::parts;
use super::product::{Matrix, multiply};
use super::window::Window;
use super::winograd::Winograd;

/// Bytes of a block of patches: half of a usual second cache, so that weights and results find room beside it.
const BLOCK_BYTES: usize = 256 << 10;

/// Rows that a block has at least: the gradient of the weights is read and written once a block.
const ROWS: usize = 128;

/// Products and images that a part has at least, which a thread does alone.
const PART_PRODUCTS: usize = 1 << 26;
const PART_IMAGES: usize = 16;

/// Inputs: pixels `[images·height·width][channels]`, weights `[kernel row·kernel column·channel][outputs]`. Output:
/// `[images·output height·output width][outputs]`.
#[derive(Clone, Debug)]
pub(in crate::train) struct Conv {
    pub window: Window,
    pub outputs: usize,
}

impl Conv {
    /// Lines of a block, at least one; the last block may have fewer.
    fn block_lines(&self) -> usize {
        let (height, width) = self.window.output_side();
        let line_bytes = width * self.window.patch() * size_of::<f32>();
        let lines = (BLOCK_BYTES / line_bytes).max(ROWS / width);
        lines.clamp(1, self.window.images * height)
    }

    /// Calls `work(lines, rows)` for one block of lines after the other, `rows` being theirs in the output.
    fn blocks(&self, mut work: impl FnMut(Range<usize>, Range<usize>)) {
        let (height, width) = self.window.output_side();
        let lines = self.window.images * height;
        let step = self.block_lines();
        for start in (0..lines).step_by(step) {
            let end = (start + step).min(lines);
            work(start..end, start * width..end * width);
        }
    }

    /// The patches of a block, written to `buffer` if they are not the pixels themselves.
    fn patches<'a>(
        &self,
        lines: Range<usize>,
        rows: &Range<usize>,
        x: &'a [f32],
        buffer: &'a mut [f32],
    ) -> &'a [f32] {
        match self.window.is_pixel() {
            true => &x[rows.start * self.window.channels..rows.end * self.window.channels],
            false => self.window.patches(lines, x, buffer),
        }
    }

    /// Room for the patches of a block.
    fn buffer(&self) -> Vec<f32> {
        if self.window.is_pixel() {
            return Vec::new();
        }
        let (_, width) = self.window.output_side();
        vec![0.0; self.block_lines() * width * self.window.patch()]
    }

    /// The outputs, by the products of patches and weights.
    pub(super) fn direct(&self, x: &[f32], weights: &[f32], output: &mut [f32]) {
        let (patch, outputs) = (self.window.patch(), self.outputs);
        let weights = Matrix::new(weights, patch, outputs);
        let mut buffer = self.buffer();
        self.blocks(|lines, rows| {
            let patches = self.patches(lines, &rows, x, &mut buffer);
            let output = &mut output[rows.start * outputs..rows.end * outputs];
            let patches = Matrix::new(patches, rows.len(), patch);
            multiply(patches, weights, output, false);
        });
    }

    pub(super) fn weight_gradient(&self, x: &[f32], gradient: &[f32]) -> Vec<f32> {
        let (patch, outputs) = (self.window.patch(), self.outputs);
        let mut result = vec![0.0; patch * outputs];
        let mut buffer = self.buffer();
        self.blocks(|lines, rows| {
            let patches = self.patches(lines, &rows, x, &mut buffer);
            let gradient = &gradient[rows.start * outputs..rows.end * outputs];
            let patches = Matrix::new(patches, rows.len(), patch).transposed();
            let gradient = Matrix::new(gradient, rows.len(), outputs);
            multiply(patches, gradient, &mut result, true);
        });
        result
    }

    /// Adds the gradient of the pixels to `result`, which is 0.
    pub(super) fn input_gradient(&self, weights: &[f32], gradient: &[f32], result: &mut [f32]) {
        let (patch, outputs) = (self.window.patch(), self.outputs);
        let weights = Matrix::new(weights, patch, outputs).transposed();
        if self.window.is_pixel() {
            let gradient = Matrix::new(gradient, result.len() / patch, outputs);
            multiply(gradient, weights, result, false);
            return;
        }
        let mut buffer = self.buffer();
        self.blocks(|lines, rows| {
            let patches = &mut buffer[..rows.len() * patch];
            let gradient = &gradient[rows.start * outputs..rows.end * outputs];
            let gradient = Matrix::new(gradient, rows.len(), outputs);
            multiply(gradient, weights, patches, false);
            self.window.fold(lines, patches, result);
        });
    }

    /// Images of a part: all of a small convolution, so that its gradients are summed but once. It depends on sizes
    /// alone, so that every number of threads gives the same numbers.
    fn part_images(&self) -> usize {
        let (height, width) = self.window.output_side();
        let products = height * width * self.window.patch() * self.outputs;
        let least = PART_PRODUCTS.div_ceil(products.max(1)).max(PART_IMAGES);
        least.min(self.window.images).max(1)
    }

    /// The same convolution of the images that these pixels are.
    fn part(&self, x: &[f32]) -> Self {
        let window = Window {
            images: x.len() / self.image_pixels(),
            ..self.window.clone()
        };
        Self { window, ..*self }
    }

    /// Numbers of an image.
    fn image_pixels(&self) -> usize {
        self.window.height * self.window.width * self.window.channels
    }

    /// Outputs of an image.
    fn image_outputs(&self) -> usize {
        let (height, width) = self.window.output_side();
        height * width * self.outputs
    }
}

impl Kernel for Conv {
    fn output(&self) -> [usize; 2] {
        let (height, width) = self.window.output_side();
        [self.window.images * height * width, self.outputs]
    }

    fn forward(&self, inputs: &[&[f32]]) -> Vec<f32> {
        let (x, weights) = (inputs[0], inputs[1]);
        let [rows, outputs] = self.output();
        let mut output = vec![0.0; rows * outputs];
        let filters = Winograd::of(&self.window, outputs).map(|w| w.filters(weights));
        let images = self.part_images();
        let pixels = x.chunks(images * self.image_pixels());
        let rooms = output.chunks_mut(images * self.image_outputs());
        parts::map(pixels.zip(rooms).collect(), |(x, output)| {
            let part = self.part(x);
            match (Winograd::of(&part.window, outputs), &filters) {
                (Some(winograd), Some(filters)) => winograd.forward(x, filters, output),
                (_, _) => part.direct(x, weights, output),
            }
        });
        output
    }

    fn backward(&self, inputs: &[&[f32]], gradient: &[f32], wanted: &[bool]) -> Vec<Vec<f32>> {
        let (x, weights) = (inputs[0], inputs[1]);
        let wanted = [wanted[0], wanted[1]];
        let filters = Winograd::of(&self.window, self.outputs).map(|w| w.filters(weights));
        let mut dx = vec![0.0; if wanted[0] { x.len() } else { 0 }];
        let images = self.part_images();
        let pixels = x.chunks(images * self.image_pixels());
        let gradients = gradient.chunks(images * self.image_outputs());
        let mut rooms = dx.chunks_mut(images * self.image_pixels());
        let with_rooms = pixels.zip(gradients);
        let with_rooms = with_rooms.map(|(x, g)| (x, g, rooms.next().unwrap_or_default()));
        let dw = parts::map(with_rooms.collect(), |(x, gradient, dx)| {
            let part = self.part(x);
            if let (Some(winograd), Some(filters)) =
                (Winograd::of(&part.window, part.outputs), &filters)
            {
                return winograd.backward([x, filters, gradient], dx, wanted);
            }
            if wanted[0] {
                part.input_gradient(weights, gradient, dx);
            }
            match wanted[1] {
                true => part.weight_gradient(x, gradient),
                false => Vec::new(),
            }
        });
        vec![dx, parts::sum(dw)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::kernel::check::check_gradients;
    use crate::train::kernel::window::odd_geometries;
    use hemet_spaces::{Shape, layer};

    #[test]
    fn gradients_agree_with_finite_differences() {
        let squares = [
            (3, 1, 1),
            (3, 2, 1),
            (2, 2, 0),
            (5, 1, 2),
            (1, 2, 0),
            (1, 1, 0),
        ];
        let squares = squares.map(|(k, s, p)| layer::Window::square(k, s, p));
        for geometry in odd_geometries().into_iter().chain(squares) {
            let window = Window::new(2, Shape::new(3, 5, 5), geometry);
            let lens = [2 * 5 * 5 * 3, window.patch() * 2];
            let conv = Conv { window, outputs: 2 };
            check_gradients(|| conv.clone(), &lens);
        }
    }

    /// One, two and three parts, by Winograd's way and the direct one; the last part has fewer images.
    #[test]
    fn large_convolutions_are_the_same_on_any_number_of_threads_and_near_those_in_one_part() {
        for (images, [kernel, stride], channels, outputs) in [
            (9, [3, 1], 16, 16),
            (37, [3, 1], 64, 64),
            (33, [4, 2], 96, 128),
            (20, [1, 1], 256, 256),
        ] {
            let geometry = layer::Window::square(kernel, stride, kernel / 2);
            let window = Window::new(images, Shape::new(channels, 16, 16), geometry);
            let conv = Conv { window, outputs };
            let numbers = |len: usize, salt: usize| -> Vec<f32> {
                (0..len)
                    .map(|i| ((i * 7919 + salt) % 2003) as f32 / 1001.0 - 1.0)
                    .collect()
            };
            let x = numbers(images * 256 * channels, 1);
            let weights = numbers(conv.window.patch() * outputs, 2);
            let [rows, _] = conv.output();
            let gradient = numbers(rows * outputs, 3);
            let found = parts::check::on_any_threads(|| {
                let output = conv.forward(&[&x, &weights]);
                let mut all = conv.backward(&[&x, &weights], &gradient, &[true, true]);
                all.push(output);
                all
            });
            let mut expected = vec![vec![0.0; x.len()], Vec::new(), vec![0.0; gradient.len()]];
            conv.input_gradient(&weights, &gradient, &mut expected[0]);
            expected[1] = conv.weight_gradient(&x, &gradient);
            conv.direct(&x, &weights, &mut expected[2]);
            for (found, expected) in found.iter().zip(&expected) {
                let scale = expected.iter().fold(1.0f32, |m, e| m.max(e.abs()));
                assert_eq!(found.len(), expected.len());
                let far = found
                    .iter()
                    .zip(expected)
                    .find(|(f, e)| (*f - *e).abs() > 1e-4 * scale);
                assert!(far.is_none(), "{far:?} of scale {scale}");
            }
        }
    }

    #[test]
    fn blocks_cover_every_line_once() {
        // A line of 40 patches of 9·64 numbers is 92 kB, of which two would do, but a block has at least 120 rows.
        let window = Window::new(3, Shape::new(64, 5, 40), layer::Window::square(3, 1, 1));
        let conv = Conv { window, outputs: 1 };
        let mut next = (0, 0);
        conv.blocks(|lines, rows| {
            assert_eq!((lines.start, rows.start), next);
            assert_eq!(rows.len(), lines.len() * 40);
            assert!(lines.len() <= 3);
            next = (lines.end, rows.end);
        });
        assert_eq!(next, (15, 600));
        // A sum of ones over windows: what each pixel's window holds of the image, whatever block it is in.
        let x = vec![1.0; 3 * 5 * 40 * 64];
        let ones = vec![1.0; 9 * 64];
        let output = conv.forward(&[&x, &ones]);
        let inside = |i: usize, len: usize| if i == 0 || i == len - 1 { 2 } else { 3 };
        for (i, sum) in output.iter().enumerate() {
            let (y, x) = (i / 40 % 5, i % 40);
            assert_eq!(*sum, (64 * inside(y, 5) * inside(x, 40)) as f32);
        }
    }
}
