//! Windows that slide over a map: the geometry that convolutions and pools share.
//!
//! In texts a pair of equal numbers is written as one (`3`), others as rows x columns (`1x7`); padding of one width
//! on all sides as one number, otherwise as rows x columns (`0x3`) or, where the sides differ, above x left x below x
//! right (`0x0x1x1`).

use super::check_knobs;
use crate::Shape;

/// Where a window stands on a map, rows first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Places of the window: rows, columns.
    pub kernel: [usize; 2],
    /// Steps from window to window: rows, columns.
    pub stride: [usize; 2],
    /// Places around the map that hold no element: above, left, below, right.
    pub padding: [usize; 4],
    /// Distance between neighboring places of the window, 1 where they touch: rows, columns.
    pub dilation: [usize; 2],
}

/// A window with one side, one stride and one padding, without dilation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SquareWindow {
    /// Side.
    pub kernel: usize,
    /// Step in both directions.
    pub stride: usize,
    /// Places on each side of the map that hold no element.
    pub padding: usize,
}

/// A place of a window that holds an element of the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tap {
    /// Position of the place in the window, row by row.
    pub place: usize,
    /// Row of the element in the map.
    pub row: usize,
    /// Column of the element in the map.
    pub column: usize,
}

impl Window {
    /// A square window with one stride and one padding, without dilation.
    pub const fn square(kernel: usize, stride: usize, padding: usize) -> Self {
        Self {
            kernel: [kernel; 2],
            stride: [stride; 2],
            padding: [padding; 4],
            dilation: [1; 2],
        }
    }

    /// A window of `height` x `width` that tiles a map.
    pub const fn tile(height: usize, width: usize) -> Self {
        Self {
            kernel: [height, width],
            stride: [height, width],
            padding: [0; 4],
            dilation: [1; 2],
        }
    }

    /// The window as a square one; none where it has two sides, two strides, unequal paddings or a dilation.
    pub fn as_square(&self) -> Option<SquareWindow> {
        let ([kernel, _], [stride, _], [padding, ..]) = (self.kernel, self.stride, self.padding);
        (*self == Self::square(kernel, stride, padding)).then_some(SquareWindow {
            kernel,
            stride,
            padding,
        })
    }

    /// Number of places of the window.
    pub fn area(&self) -> usize {
        self.kernel[0].saturating_mul(self.kernel[1])
    }

    /// Whether places may lie beside the map.
    pub fn is_padded(&self) -> bool {
        self.padding != [0; 4]
    }

    /// Rows and columns from the first place to the last, both counted.
    pub fn span(&self) -> [usize; 2] {
        [0, 1].map(|axis| {
            (self.kernel[axis].saturating_sub(1))
                .saturating_mul(self.dilation[axis])
                .saturating_add(1)
        })
    }

    /// Rows and columns of windows on a map of `height` x `width`, or why there is none.
    pub(super) fn outputs(&self, height: usize, width: usize) -> Result<[usize; 2], String> {
        let [above, left, below, right] = self.padding;
        for axis in 0..2 {
            check_knobs(&[
                ("kernel", self.kernel[axis]),
                ("stride", self.stride[axis]),
                ("dilation", self.dilation[axis]),
            ])?;
        }
        for padding in self.padding {
            check_knobs(&[("padding plus 1", padding.saturating_add(1))])?;
        }
        let span = self.span();
        let side = |len: usize, padding: usize, axis: usize| {
            let space = (len + padding).checked_sub(span[axis])?;
            Some(space / self.stride[axis] + 1)
        };
        match (side(height, above + below, 0), side(width, left + right, 1)) {
            (Some(rows), Some(columns)) => Ok([rows, columns]),
            _ => Err(format!(
                "a window of {} does not fit {height}x{width} with padding {}; use a smaller window, pool less, or pad more",
                pair_text(span),
                padding_text(self.padding)
            )),
        }
    }

    /// The places of the window at output row `y` and column `x` that hold elements of `input`, in order.
    pub fn taps(&self, input: Shape, y: usize, x: usize) -> impl Iterator<Item = Tap> + '_ {
        let [top, left, ..] = self.padding;
        let at = move |start: usize, place: usize, dilation: usize, padding: usize, len: usize| {
            let position = (start + place * dilation).wrapping_sub(padding);
            (position < len).then_some(position)
        };
        let rows = (0..self.kernel[0]).filter_map(move |ky| {
            let row = at(y * self.stride[0], ky, self.dilation[0], top, input.height)?;
            Some((ky, row))
        });
        rows.flat_map(move |(ky, row)| {
            (0..self.kernel[1]).filter_map(move |kx| {
                let column = at(x * self.stride[1], kx, self.dilation[1], left, input.width)?;
                let place = ky * self.kernel[1] + kx;
                Some(Tap { place, row, column })
            })
        })
    }
}

/// `3`, or `1x7`.
pub(crate) fn pair_text(pair: [usize; 2]) -> String {
    match pair {
        [rows, columns] if rows == columns => rows.to_string(),
        [rows, columns] => format!("{rows}x{columns}"),
    }
}

/// `1`, `0x3` or `0x0x1x1`.
pub(crate) fn padding_text(padding: [usize; 4]) -> String {
    match padding {
        [above, left, below, right] if (above, left) == (below, right) => pair_text([above, left]),
        [above, left, below, right] => format!("{above}x{left}x{below}x{right}"),
    }
}

/// The numbers of a text of the form `3` or `1x7`; none for another.
fn numbers(text: &str) -> Option<Vec<usize>> {
    text.split('x').map(|number| number.parse().ok()).collect()
}

/// Reads what [`pair_text`] writes.
pub(crate) fn parse_pair(text: &str) -> Option<[usize; 2]> {
    match numbers(text)?[..] {
        [both] => Some([both; 2]),
        [rows, columns] => Some([rows, columns]),
        _ => None,
    }
}

/// Reads what [`padding_text`] writes.
pub(crate) fn parse_padding(text: &str) -> Option<[usize; 4]> {
    match numbers(text)?[..] {
        [all] => Some([all; 4]),
        [rows, columns] => Some([rows, columns, rows, columns]),
        [above, left, below, right] => Some([above, left, below, right]),
        _ => None,
    }
}
