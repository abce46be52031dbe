//! The windows of a convolution: their geometry, their patches as rows (im2col), and the sum of patches back into the
//! image (col2im).

use std::ops::Range;

use hemet_spaces::{Shape, layer};

/// Windows on `images` images of `height`x`width` pixels with `channels` channels each.
#[derive(Clone, Debug)]
pub(in crate::train) struct Window {
    pub images: usize,
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    /// Kernel, stride, padding and dilation.
    pub geometry: layer::Window,
}

impl Window {
    /// On `images` images of this shape.
    pub fn new(images: usize, image: Shape, geometry: layer::Window) -> Self {
        Self {
            images,
            height: image.height,
            width: image.width,
            channels: image.channels,
            geometry,
        }
    }

    /// Height and width of the output.
    pub fn output_side(&self) -> (usize, usize) {
        let [above, left, below, right] = self.geometry.padding;
        let (span, stride) = (self.geometry.span(), self.geometry.stride);
        let side = |len: usize, axis: usize| (len - span[axis]) / stride[axis] + 1;
        (
            side(self.height + above + below, 0),
            side(self.width + left + right, 1),
        )
    }

    /// Numbers in a patch, `[kernel row][kernel column][channel]`.
    pub fn patch(&self) -> usize {
        self.geometry.area() * self.channels
    }

    /// Whether the patches are the pixels themselves.
    pub fn is_pixel(&self) -> bool {
        self.geometry == layer::Window::square(1, 1, 0)
    }

    /// The patches of some lines of the output (line `image·output height + y`), a row each, written to the start of
    /// `buffer`.
    pub fn patches<'a>(&self, lines: Range<usize>, x: &[f32], buffer: &'a mut [f32]) -> &'a [f32] {
        let len = lines.len() * self.output_side().1 * self.patch();
        let patches = &mut buffer[..len];
        if self.geometry.is_padded() {
            patches.fill(0.0);
        }
        self.runs(lines, |from, to, len| {
            patches[to..to + len].copy_from_slice(&x[from..from + len]);
        });
        patches
    }

    /// Adds the patches of some lines of the output to the pixels that they stand for.
    pub fn fold(&self, lines: Range<usize>, patches: &[f32], x: &mut [f32]) {
        self.runs(lines, |from, to, len| {
            let pixels = x[from..from + len].iter_mut();
            pixels
                .zip(&patches[to..to + len])
                .for_each(|(x, p)| *x += p);
        });
    }

    /// Calls `visit(start in the image matrix, start in the patch matrix of these lines, length)` for each contiguous
    /// run that both share.
    #[inline(always)]
    fn runs(&self, lines: Range<usize>, mut visit: impl FnMut(usize, usize, usize)) {
        let (out_height, out_width) = self.output_side();
        let c = self.channels;
        let layer::Window {
            kernel: [rows, columns],
            stride: [down, across],
            padding: [above, before, ..],
            dilation: [row_step, column_step],
        } = self.geometry;
        let mut row = 0;
        for line in lines {
            let (image, y) = (line / out_height, line % out_height);
            for x in 0..out_width {
                // Kernel columns whose pixel lies inside: ix = x·across + kx·column_step − before in 0..width.
                let start = x * across;
                let left = before.saturating_sub(start).div_ceil(column_step);
                let end = (self.width + before).saturating_sub(start);
                let right = end.div_ceil(column_step).min(columns);
                for ky in 0..rows {
                    let iy = (y * down + ky * row_step).wrapping_sub(above);
                    if iy >= self.height || left >= right {
                        continue;
                    }
                    let pixel = (image * self.height + iy) * self.width + start;
                    let from = |kx: usize| (pixel + kx * column_step - before) * c;
                    let to = |kx: usize| row + (ky * columns + kx) * c;
                    if column_step == 1 {
                        visit(from(left), to(left), (right - left) * c);
                    } else {
                        (left..right).for_each(|kx| visit(from(kx), to(kx), c));
                    }
                }
                row += self.patch();
            }
        }
    }
}

/// Windows of two sides, strides, paddings and dilations, for the tests of all kernels; on 7x6 pixels all fit.
#[cfg(test)]
pub(in crate::train) fn odd_geometries() -> Vec<layer::Window> {
    let of = |kernel, stride, padding, dilation| layer::Window {
        kernel,
        stride,
        padding,
        dilation,
    };
    vec![
        of([1, 3], [1, 1], [0, 1, 0, 1], [1, 1]),
        of([3, 1], [2, 1], [1, 0, 1, 0], [1, 1]),
        of([2, 4], [1, 2], [0, 0, 0, 0], [1, 1]),
        of([3, 3], [1, 1], [2, 2, 2, 2], [2, 2]),
        of([2, 3], [2, 3], [0, 1, 1, 0], [1, 2]),
        of([3, 2], [1, 1], [0, 3, 0, 0], [2, 3]),
        of([1, 1], [2, 2], [0, 0, 0, 0], [1, 1]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_outside_the_image_is_zero() {
        let window = Window::new(1, Shape::new(1, 2, 2), layer::Window::square(3, 1, 1));
        let mut buffer = [f32::NAN; 36];
        let patches = window.patches(0..2, &[1.0, 2.0, 3.0, 4.0], &mut buffer);
        assert_eq!(patches[..9], [0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 0.0, 3.0, 4.0]);
        assert_eq!(patches[27..], [1.0, 2.0, 0.0, 3.0, 4.0, 0.0, 0.0, 0.0, 0.0]);
        // The second line alone is the second half.
        let whole = patches[18..].to_vec();
        let second = window.patches(1..2, &[1.0, 2.0, 3.0, 4.0], &mut buffer);
        assert_eq!(second, whole);
    }

    #[test]
    fn folding_counts_the_patches_that_a_pixel_stands_in() {
        let window = Window::new(1, Shape::new(1, 3, 3), layer::Window::square(2, 1, 0));
        let mut pixels = [0.0; 9];
        window.fold(0..2, &[1.0; 16], &mut pixels);
        assert_eq!(pixels, [1.0, 2.0, 1.0, 2.0, 4.0, 2.0, 1.0, 2.0, 1.0]);
    }

    /// Every geometry's patches hold what the layer's own definition says of its taps, and nothing else.
    #[test]
    fn patches_hold_the_taps_of_the_layer() {
        for geometry in odd_geometries() {
            let shape = Shape::new(2, 7, 6);
            let window = Window::new(2, shape, geometry);
            let x: Vec<f32> = (0..2 * 7 * 6 * 2).map(|i| i as f32 + 1.0).collect();
            let (height, width) = window.output_side();
            let mut buffer = vec![f32::NAN; 2 * height * width * window.patch()];
            let patches = window.patches(0..2 * height, &x, &mut buffer).to_vec();
            for (row, patch) in patches.chunks_exact(window.patch()).enumerate() {
                let (image, y, x_at) = (row / (height * width), row / width % height, row % width);
                let mut expected = vec![0.0; window.patch()];
                for tap in geometry.taps(shape, y, x_at) {
                    for channel in 0..2 {
                        let pixel = (image * 7 + tap.row) * 6 + tap.column;
                        expected[tap.place * 2 + channel] = x[pixel * 2 + channel];
                    }
                }
                assert_eq!(patch, expected, "{geometry:?} row {row}");
            }
        }
    }
}
