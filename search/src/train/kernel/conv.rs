//! A convolution, a block of patches at a time.
//!
//! The patches of a batch (im2col) are some ten times as large as the image, too large for any cache. They are therefore unfolded a
//! few lines of the image at a time into a buffer that stays in the second cache, multiplied there, and unfolded anew in the
//! backward pass: a copy costs less than the memory's way there and back.

use super::Kernel;
use super::product::{Matrix, multiply};
use super::unfold::Unfold;

/// Bytes of a block of patches: half of a usual second cache, so that weights and results find room beside it.
const BLOCK_BYTES: usize = 256 << 10;

/// Inputs: pixels `[images·height·width][channels]`, weights `[kernel row·kernel column·channel][outputs]`. Output:
/// `[images·output height·output width][outputs]`.
#[derive(Clone, Debug)]
pub(in crate::train) struct Conv {
    pub window: Unfold,
    pub outputs: usize,
}

impl Conv {
    /// Calls `work(lines, rows)` for one block of lines after the other, `rows` being theirs in the output.
    fn blocks(&self, mut work: impl FnMut(std::ops::Range<usize>, std::ops::Range<usize>)) {
        let (height, width) = self.window.output_side();
        let line_bytes = width * self.window.patch() * size_of::<f32>();
        let step = (BLOCK_BYTES / line_bytes).max(1);
        let lines = self.window.images * height;
        for start in (0..lines).step_by(step) {
            let end = (start + step).min(lines);
            work(start..end, start * width..end * width);
        }
    }

    /// Room for the patches of a block.
    fn buffer(&self) -> Vec<f32> {
        let mut rows = 0;
        self.blocks(|_, block| rows = rows.max(block.len()));
        vec![0.0; rows * self.window.patch()]
    }

    fn weight_gradient(&self, x: &[f32], gradient: &[f32]) -> Vec<f32> {
        let (patch, outputs) = (self.window.patch(), self.outputs);
        let mut result = vec![0.0; patch * outputs];
        let mut buffer = self.buffer();
        self.blocks(|lines, rows| {
            let patches = self.window.patches(lines, x, &mut buffer);
            let gradient = &gradient[rows.start * outputs..rows.end * outputs];
            let patches = Matrix::new(patches, rows.len(), patch).transposed();
            let gradient = Matrix::new(gradient, rows.len(), outputs);
            multiply(patches, gradient, &mut result, true);
        });
        result
    }

    fn input_gradient(&self, len: usize, weights: &[f32], gradient: &[f32]) -> Vec<f32> {
        let (patch, outputs) = (self.window.patch(), self.outputs);
        let weights = Matrix::new(weights, patch, outputs).transposed();
        let mut result = vec![0.0; len];
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
        let (patch, outputs) = (self.window.patch(), self.outputs);
        let [rows, _] = self.output();
        let weights = Matrix::new(inputs[1], patch, outputs);
        let mut output = vec![0.0; rows * outputs];
        let mut buffer = self.buffer();
        self.blocks(|lines, rows| {
            let patches = self.window.patches(lines, inputs[0], &mut buffer);
            let output = &mut output[rows.start * outputs..rows.end * outputs];
            let patches = Matrix::new(patches, rows.len(), patch);
            multiply(patches, weights, output, false);
        });
        output
    }

    fn backward(&self, inputs: &[&[f32]], gradient: &[f32], wanted: &[bool]) -> Vec<Vec<f32>> {
        let (x, weights) = (inputs[0], inputs[1]);
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
