//! Where the elements of a tensor lie in the slots of ciphertexts.

/// One digit of a mixed-radix decomposition of an index: it takes `extent` values, each `stride` slots apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digit {
    /// How many values the digit takes, at least 1.
    pub extent: u32,
    /// Distance in slots between neighbouring values.
    pub stride: u32,
}

/// The layout of a tensor `[channels][height][width]`: the index of each axis is written in mixed radix, most significant
/// digit first, and the position of an element is the sum of digit × stride over the three axes.
///
/// A position `p` below `period ≤ slots` lies in every slot `p + k·period` of one ciphertext: the tensor is replicated, so
/// rotations act modulo the period. With `period > slots` (a multiple of it) position `p` lies in slot `p mod slots` of
/// ciphertext `p / slots`. Slots that hold no element hold zero.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Layout {
    /// `[channels, height, width]`.
    pub shape: [u32; 3],
    /// Digits of the channel, row and column index; the product of the extents is at least the axis length.
    pub axes: [Vec<Digit>; 3],
    /// Power of two; see above.
    pub period: u32,
}

impl Layout {
    /// Channel-major, without gaps; `period` is the smallest power of two that holds the tensor.
    pub fn raster(shape: [u32; 3]) -> Self {
        let [channels, height, width] = shape;
        let digit = |extent, stride| vec![Digit { extent, stride }];
        Self {
            shape,
            axes: [
                digit(channels, height * width),
                digit(height, width),
                digit(width, 1),
            ],
            period: (channels * height * width).next_power_of_two(),
        }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().map(|n| *n as usize).product()
    }

    /// Whether the tensor has no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Position (below `period`) of each element, in channel-major order.
    pub fn positions(&self) -> Vec<u32> {
        let axis = |a: usize| -> Vec<u32> {
            (0..self.shape[a])
                .map(|index| {
                    let (mut rest, mut position) = (index, 0);
                    for digit in self.axes[a].iter().rev() {
                        position += rest % digit.extent * digit.stride;
                        rest /= digit.extent;
                    }
                    position
                })
                .collect()
        };
        let [channels, rows, columns] = [axis(0), axis(1), axis(2)];
        let mut positions = Vec::with_capacity(self.len());
        for c in &channels {
            for y in &rows {
                positions.extend(columns.iter().map(|x| c + y + x));
            }
        }
        positions
    }

    /// How many ciphertexts of `slots` slots the tensor takes.
    pub fn ciphertexts(&self, slots: usize) -> usize {
        (self.period as usize).div_ceil(slots).max(1)
    }
}
