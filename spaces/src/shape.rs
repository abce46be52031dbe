//! The shape of a tensor between layers.

use std::fmt;

/// A tensor of `[channels][height][width]` elements, stored channel-major (row-major within a channel).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Number of channels (feature maps), at least 1.
    pub channels: usize,
    /// Rows of each channel, at least 1.
    pub height: usize,
    /// Columns of each channel, at least 1.
    pub width: usize,
}

impl Shape {
    /// The shape `[channels][height][width]`.
    pub const fn new(channels: usize, height: usize, width: usize) -> Self {
        Self {
            channels,
            height,
            width,
        }
    }

    /// Number of elements.
    pub const fn len(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Whether the tensor has no element (never true for a shape that a graph accepted).
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Position of element `(channel, row, column)` in channel-major order.
    pub const fn index(&self, channel: usize, row: usize, column: usize) -> usize {
        (channel * self.height + row) * self.width + column
    }

    /// `(channel, row, column)` of the element at `index` in channel-major order.
    pub const fn place(&self, index: usize) -> (usize, usize, usize) {
        let rest = index % (self.height * self.width);
        let channel = index / (self.height * self.width);
        (channel, rest / self.width, rest % self.width)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.channels, self.height, self.width)
    }
}
