//! A convolution, a block of patches at a time.
//!
//! The patches of a batch (im2col) are some ten times as large as the image, too large for any cache. They are
//! therefore unfolded a few lines of the image at a time into a buffer that stays in the second cache, multiplied
//! there, and unfolded anew in the backward pass: a copy costs less than the memory's way there and back.

use std::ops::Range;

use super::Kernel;
use super::product::{Matrix, multiply};
use super::window::Window;
use super::winograd::Winograd;

/// Bytes of a block of patches: half of a usual second cache, so that weights and results find room beside it.
const BLOCK_BYTES: usize = 256 << 10;

/// Rows that a block has at least: the gradient of the weights is read and written once a block.
const ROWS: usize = 128;

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
    pub(super) fn direct(&self, x: &[f32], weights: &[f32]) -> Vec<f32> {
        let (patch, outputs) = (self.window.patch(), self.outputs);
        let [rows, _] = self.output();
        let weights = Matrix::new(weights, patch, outputs);
        let mut output = vec![0.0; rows * outputs];
        let mut buffer = self.buffer();
        self.blocks(|lines, rows| {
            let patches = self.patches(lines, &rows, x, &mut buffer);
            let output = &mut output[rows.start * outputs..rows.end * outputs];
            let patches = Matrix::new(patches, rows.len(), patch);
            multiply(patches, weights, output, false);
        });
        output
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

    pub(super) fn input_gradient(&self, len: usize, weights: &[f32], gradient: &[f32]) -> Vec<f32> {
        let (patch, outputs) = (self.window.patch(), self.outputs);
        let weights = Matrix::new(weights, patch, outputs).transposed();
        let mut result = vec![0.0; len];
        if self.window.is_pixel() {
            let gradient = Matrix::new(gradient, len / patch, outputs);
            multiply(gradient, weights, &mut result, false);
            return result;
        }
        let mut buffer = self.buffer();
        self.blocks(|lines, rows| {
            let patches = &mut buffer[..rows.len() * patch];
            let gradient = &gradient[rows.start * outputs..rows.end * outputs];
            let gradient = Matrix::new(gradient, rows.len(), outputs);
            multiply(gradient, weights, patches, false);
            self.window.fold(lines, patches, &mut result);
        });
        result
    }
}

impl Kernel for Conv {
    fn output(&self) -> [usize; 2] {
        let (height, width) = self.window.output_side();
        [self.window.images * height * width, self.outputs]
    }

    fn forward(&self, inputs: &[&[f32]]) -> Vec<f32> {
        let Some(winograd) = Winograd::of(&self.window, self.outputs) else {
            return self.direct(inputs[0], inputs[1]);
        };
        let [rows, outputs] = self.output();
        let mut output = vec![0.0; rows * outputs];
        winograd.forward(inputs[0], inputs[1], &mut output);
        output
    }

    fn backward(&self, inputs: &[&[f32]], gradient: &[f32], wanted: &[bool]) -> Vec<Vec<f32>> {
        let (x, weights) = (inputs[0], inputs[1]);
        if let Some(winograd) = Winograd::of(&self.window, self.outputs) {
            let wanted = [wanted[0], wanted[1]];
            return winograd.backward([x, weights, gradient], wanted).into();
        }
        let dx = match wanted[0] {
            true => self.input_gradient(x.len(), weights, gradient),
            false => Vec::new(),
        };
        let dw = match wanted[1] {
            true => self.weight_gradient(x, gradient),
            false => Vec::new(),
        };
        vec![dx, dw]
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
