//! Sliding windows: padding as ONNX writes it, and windows of any shape as the square ones with one stride and equal
//! padding that layers have.
//!
//! A window that is not square, or padded unequally, becomes a larger square one with zeros in the new places. With
//! padding `P`, kernel `K` and stride `S` for both axes, the row `y·S − P + f + k` must be the row `y·s − begin + k`
//! that was meant, so `f = P − begin` zeros stand before the window and `K − kernel − f` behind it; and `K` must give
//! the same number of outputs. The price is a larger kernel: with "same" padding of an even size and stride 2, 3x3
//! becomes 4x4.

use crate::limits::MAX_SIDE;

/// One axis of a window sliding over `len` elements with zeros before and behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    pub(crate) len: usize,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) begin: usize,
    pub(crate) end: usize,
}

/// A square window that does the same, and where the original lies in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Square {
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
    /// Zeros before the original window: rows, columns.
    pub(crate) front: [usize; 2],
}

/// How ONNX says that padding is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AutoPad {
    /// As written in `pads`.
    Explicit,
    /// None.
    Valid,
    /// So that there are `len / stride` outputs, rounded up; an odd zero goes behind.
    SameUpper,
    /// The same, an odd zero goes before.
    SameLower,
}

impl Axis {
    /// Number of outputs; none if the window does not fit.
    pub(crate) fn outputs(&self) -> Option<usize> {
        let space = (self.len + self.begin + self.end).checked_sub(self.kernel)?;
        Some(space / self.stride + 1)
    }

    /// Number of outputs when a last window that hangs over the edge counts.
    pub(crate) fn outputs_rounded_up(&self) -> Option<usize> {
        let space = (self.len + self.begin + self.end).checked_sub(self.kernel)?;
        Some(space.div_ceil(self.stride) + 1)
    }

    /// Sets begin and end as `auto` says; `Explicit` leaves them.
    pub(crate) fn pad(&mut self, auto: AutoPad) {
        let outputs = self.len.div_ceil(self.stride);
        let total =
            ((outputs.saturating_sub(1)) * self.stride + self.kernel).saturating_sub(self.len);
        let (small, large) = (total / 2, total - total / 2);
        (self.begin, self.end) = match auto {
            AutoPad::Explicit => return,
            AutoPad::Valid => (0, 0),
            AutoPad::SameUpper => (small, large),
            AutoPad::SameLower => (large, small),
        };
    }

    pub(crate) fn is_padded(&self) -> bool {
        self.begin > 0 || self.end > 0
    }

    /// The least square kernel side for this axis with padding and stride, and the largest.
    fn sides(&self, padding: usize, stride: usize, outputs: usize) -> Option<(usize, usize)> {
        let padded = self.len + 2 * padding;
        let most = padded.checked_sub((outputs - 1) * stride)?;
        let fitting = (padded + 1).saturating_sub(outputs * stride);
        let covering = self.kernel + padding.checked_sub(self.begin)?;
        Some((fitting.max(covering), most))
    }
}

/// The smallest square window with one stride and equal padding that computes the same; none if there is none.
pub(crate) fn square(rows: Axis, columns: Axis) -> Option<Square> {
    let outputs = [rows.outputs()?, columns.outputs()?];
    let common = (rows.stride == columns.stride).then_some(rows.stride);
    // Where an axis has a single output, its stride does not matter.
    let stride = match outputs {
        [1, 1] => common,
        [1, _] => Some(columns.stride),
        [_, 1] => Some(rows.stride),
        [_, _] => Some(common?),
    };
    let found = stride.and_then(|stride| square_with_stride(rows, columns, outputs, stride));
    if found.is_some() || outputs != [1, 1] {
        return found;
    }
    // A stride as long as the longer axis leaves one output whatever the padding below.
    let stride = rows.len.max(columns.len) + 2 * MAX_SIDE;
    square_with_stride(rows, columns, outputs, stride)
}

fn square_with_stride(
    rows: Axis,
    columns: Axis,
    outputs: [usize; 2],
    stride: usize,
) -> Option<Square> {
    let least = rows.begin.max(columns.begin);
    let most = least.max(rows.end).max(columns.end) + rows.kernel.max(columns.kernel);
    (least..=most).find_map(|padding| {
        let (low_r, high_r) = rows.sides(padding, stride, outputs[0])?;
        let (low_c, high_c) = columns.sides(padding, stride, outputs[1])?;
        let kernel = low_r.max(low_c);
        (kernel <= high_r.min(high_c) && kernel <= MAX_SIDE).then_some(Square {
            kernel,
            stride,
            padding,
            front: [padding - rows.begin, padding - columns.begin],
        })
    })
}

impl Square {
    /// `weights` `[maps][rows.kernel][columns.kernel]` with zeros around, as `[maps][kernel][kernel]`.
    pub(crate) fn embed(&self, weights: Vec<f32>, rows: Axis, columns: Axis) -> Vec<f32> {
        if (rows.kernel, columns.kernel) == (self.kernel, self.kernel) {
            return weights;
        }
        let area = rows.kernel * columns.kernel;
        let mut square = vec![0.0; weights.len() / area * self.kernel * self.kernel];
        for (index, row) in weights.chunks_exact(columns.kernel).enumerate() {
            let (map, y) = (index / rows.kernel, index % rows.kernel);
            let start = (map * self.kernel + y + self.front[0]) * self.kernel + self.front[1];
            square[start..start + columns.kernel].copy_from_slice(row);
        }
        square
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(len: usize, kernel: usize, stride: usize, begin: usize, end: usize) -> Axis {
        Axis {
            len,
            kernel,
            stride,
            begin,
            end,
        }
    }

    #[test]
    fn an_ordinary_window_stays_as_it_is() {
        let plain = axis(28, 5, 2, 1, 1);
        assert_eq!(
            square(plain, plain),
            Some(Square {
                kernel: 5,
                stride: 2,
                padding: 1,
                front: [0, 0]
            })
        );
    }

    /// Slides both windows over a row and compares which element meets which kernel position.
    #[test]
    fn every_square_window_reads_what_the_original_reads() {
        for (len, kernel, stride, begin, end) in cases() {
            let (rows, columns) = (
                axis(len, kernel, stride, begin, end),
                axis(8, 3, stride, 0, 1),
            );
            let (Some(outputs), Some(square)) = (rows.outputs(), square(rows, columns)) else {
                continue;
            };
            assert_eq!(
                (len + 2 * square.padding - square.kernel) / square.stride + 1,
                outputs
            );
            for y in 0..outputs {
                for k in 0..kernel {
                    assert_eq!(
                        (y * stride + k) as i64 - begin as i64,
                        (y * square.stride + k + square.front[0]) as i64 - square.padding as i64,
                        "{rows:?} {square:?}"
                    );
                }
            }
            assert!(square.front[0] + kernel <= square.kernel);
        }
    }

    fn cases() -> impl Iterator<Item = (usize, usize, usize, usize, usize)> {
        (0..10 * 5 * 3 * 4 * 4).map(|i| {
            let (len, rest) = (i % 10 + 1, i / 10);
            let (kernel, rest) = (rest % 5 + 1, rest / 5);
            (len, kernel, rest % 3 + 1, rest / 3 % 4, rest / 12)
        })
    }
}
