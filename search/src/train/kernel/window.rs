//! The windows of a convolution: their geometry, their patches as rows (im2col), and the sum of patches back into the
//! image (col2im).

use std::ops::Range;

/// Geometry of a convolution on `images` images of `height`×`width` pixels with `channels` channels each.
#[derive(Clone, Debug)]
pub(in crate::train) struct Window {
    pub images: usize,
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
}

impl Window {
    /// Height and width of the convolution's output.
    pub fn output_side(&self) -> (usize, usize) {
        let side = |len: usize| (len + 2 * self.padding - self.kernel) / self.stride + 1;
        (side(self.height), side(self.width))
    }

    /// Numbers in a patch, `[kernel row][kernel column][channel]`.
    pub fn patch(&self) -> usize {
        self.kernel * self.kernel * self.channels
    }

    /// Whether the patches are the pixels themselves.
    pub fn is_pixel(&self) -> bool {
        (self.kernel, self.stride, self.padding) == (1, 1, 0)
    }

    /// The patches of some lines of the output (line `image·output height + y`), a row each, written to the start of
    /// `buffer`.
    pub fn patches<'a>(&self, lines: Range<usize>, x: &[f32], buffer: &'a mut [f32]) -> &'a [f32] {
        let len = lines.len() * self.output_side().1 * self.patch();
        let patches = &mut buffer[..len];
        if self.padding > 0 {
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
        let (c, k) = (self.channels, self.kernel);
        let mut row = 0;
        for line in lines {
            let (image, y) = (line / out_height, line % out_height);
            for x in 0..out_width {
                // Kernel columns whose pixel lies inside: ix = x·stride + kx − padding in 0..width.
                let left = self.padding.saturating_sub(x * self.stride);
                let right = (self.width + self.padding - x * self.stride).min(k);
                for ky in 0..k {
                    let iy = (y * self.stride + ky).wrapping_sub(self.padding);
                    if iy >= self.height || left >= right {
                        continue;
                    }
                    let ix = x * self.stride + left - self.padding;
                    let from = ((image * self.height + iy) * self.width + ix) * c;
                    visit(from, row + (ky * k + left) * c, (right - left) * c);
                }
                row += self.patch();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_outside_the_image_is_zero() {
        let window = Window {
            images: 1,
            height: 2,
            width: 2,
            channels: 1,
            kernel: 3,
            stride: 1,
            padding: 1,
        };
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
        let window = Window {
            images: 1,
            height: 3,
            width: 3,
            channels: 1,
            kernel: 2,
            stride: 1,
            padding: 0,
        };
        let mut pixels = [0.0; 9];
        window.fold(0..2, &[1.0; 16], &mut pixels);
        assert_eq!(pixels, [1.0, 2.0, 1.0, 2.0, 4.0, 2.0, 1.0, 2.0, 1.0]);
    }
}
