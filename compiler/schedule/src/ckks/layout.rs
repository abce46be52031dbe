//! Where the elements of a tensor lie in the slots of ciphertexts.

use std::fmt;

use super::marks::Marks;

/// Largest period of a layout, in slots: 2^24, which is 512 ciphertexts of the largest ring.
pub const MAX_PERIOD: u32 = 1 << 24;

/// Most digits of one axis.
const MAX_DIGITS: usize = 32;

/// One digit of a mixed-radix decomposition of an index: it takes `extent` values, each `stride` slots apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digit {
    /// How many values the digit takes, at least 1.
    pub extent: u32,
    /// Distance in slots between neighboring values.
    pub stride: u32,
}

/// The layout of a tensor `[channels][height][width]`: the index of each axis is written in mixed radix, most
/// significant digit first, and the position of an element is the sum of digit × stride over the three axes.
///
/// A position `p` below `period ≤ slots` lies in every slot `p + k·period` of one ciphertext: the tensor is replicated,
/// so rotations act modulo the period. With `period > slots` (a multiple of it) position `p` lies in slot `p mod slots`
/// of ciphertext `p / slots`. Slots that hold no element hold zero.
///
/// **Batches.** A [batched](Layout::batched) layout gives every element a ciphertext of its own, at slot 0; slot `b` of
/// it holds the same element of image `b`, so that one schedule runs for as many images as there are slots
/// (Gilad-Bachrach et al., "CryptoNets", ICML 2016, section 3).
///
/// The text form is `16x8x8 c[16*64] h[8*8] w[8*1] period 1024`; digits of one axis are separated by commas.
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
    /// Channel-major, without gaps; `period` is the smallest power of two that holds the tensor. (For a tensor of more
    /// than [`MAX_PERIOD`] elements [`Layout::check`] refuses the layout.)
    pub fn raster(shape: [u32; 3]) -> Self {
        Self::multiplexed(shape, 1)
    }

    /// The multiplexed layout of Lee et al., "Low-Complexity Deep Convolutional Neural Networks on Fully Homomorphic
    /// Encryption Using Multiplexed Parallel Convolutions" (ICML 2022), section 4: rows and columns lie `gap` apart, as
    /// strides of `gap` in total leave them, and `gap²` channels fill each square of `gap × gap` slots. With a gap of 1
    /// it is the raster. A gap of 0 counts as 1.
    pub fn multiplexed(shape: [u32; 3], gap: u32) -> Self {
        let gap = u64::from(gap.max(1));
        let [channels, height, width] = shape.map(u64::from);
        // Saturating: what does not fit has a period that `check` refuses.
        let row = gap.saturating_mul(width);
        let plane = row.saturating_mul(gap).saturating_mul(height);
        let blocks = channels.div_ceil(gap.saturating_mul(gap)).max(1);
        let clamp = |x: u64| u32::try_from(x).unwrap_or(u32::MAX);
        let digit = |extent: u64, stride: u64| Digit {
            extent: clamp(extent),
            stride: clamp(stride),
        };
        let channel = if gap == 1 {
            vec![digit(blocks, plane)]
        } else {
            vec![digit(blocks, plane), digit(gap, row), digit(gap, 1)]
        };
        let end = blocks.saturating_mul(plane).max(1);
        Self {
            shape,
            axes: [
                channel,
                vec![digit(height.max(1), gap.saturating_mul(row))],
                vec![digit(width.max(1), gap)],
            ],
            period: clamp(end.min(1 << 31).next_power_of_two()),
        }
    }

    /// An element a ciphertext of `slots` slots, channel-major: the layout of batches. (Where there are more elements
    /// than [`MAX_PERIOD`] holds, [`Layout::check`] refuses the layout.)
    pub fn batched(shape: [u32; 3], slots: usize) -> Self {
        let slots = u32::try_from(slots).unwrap_or(u32::MAX);
        let mut layout = Self::raster(shape);
        for digit in layout.axes.iter_mut().flatten() {
            digit.stride = digit.stride.saturating_mul(slots);
        }
        layout.period = layout.period.saturating_mul(slots);
        layout
    }

    /// Whether this is the layout of batches in ciphertexts of `slots` slots.
    pub fn is_batched(&self, slots: usize) -> bool {
        slots > 1 && *self == Self::batched(self.shape, slots)
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape
            .iter()
            .fold(1usize, |product, n| product.saturating_mul(*n as usize))
    }

    /// Whether the tensor has no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the layout is sound: what [`crate::ckks::verify()`] asks of one. Costs one pass over the elements, and a
    /// bit for each slot of the period.
    ///
    /// # Errors
    /// What is wrong, with both numbers.
    pub fn check(&self) -> Result<(), String> {
        if !self.period.is_power_of_two() || self.period > MAX_PERIOD {
            return Err(format!(
                "period {} must be a power of two up to {MAX_PERIOD}",
                self.period
            ));
        }
        if self.is_empty() || self.len() > self.period as usize {
            let [channels, height, width] = self.shape;
            return Err(format!(
                "shape {channels}x{height}x{width} has {} elements, a period of {} holds 1 to that many",
                self.len(),
                self.period
            ));
        }
        for (axis, name) in ["channel", "row", "column"].into_iter().enumerate() {
            self.check_axis(axis, name)?;
        }
        let mut taken = Marks::new(self.period as usize);
        for position in self.elements() {
            if position >= self.period {
                return Err(format!(
                    "an element lies at position {position}, the period is {}",
                    self.period
                ));
            }
            if taken.set(position as usize) {
                return Err(format!("two elements lie at position {position}"));
            }
        }
        Ok(())
    }

    fn check_axis(&self, axis: usize, name: &str) -> Result<(), String> {
        let digits = &self.axes[axis];
        if digits.len() > MAX_DIGITS {
            return Err(format!(
                "the {name} index has {} digits, at most {MAX_DIGITS} are allowed",
                digits.len()
            ));
        }
        if let Some(digit) = digits.iter().find(|d| d.extent == 0) {
            return Err(format!(
                "a digit of the {name} index with stride {} has extent 0, it must be at least 1",
                digit.stride
            ));
        }
        let reach = digits.iter().fold(1u64, |product, d| {
            product.saturating_mul(u64::from(d.extent))
        });
        if reach < u64::from(self.shape[axis]) {
            return Err(format!(
                "the digits of the {name} index reach {reach} values, the axis has {}",
                self.shape[axis]
            ));
        }
        Ok(())
    }

    /// Position (below `period`) of each element, in channel-major order. Sensible only for a layout that
    /// [`Layout::check`] accepts.
    pub fn positions(&self) -> Vec<u32> {
        let mut positions = Vec::with_capacity(self.len());
        positions.extend(self.elements());
        positions
    }

    /// The positions one by one.
    fn elements(&self) -> impl Iterator<Item = u32> + '_ {
        let along = |axis: usize| Along::new(&self.axes[axis], self.shape[axis]);
        along(0).flat_map(move |c| {
            along(1).flat_map(move |y| {
                let base = c.saturating_add(y);
                along(2).map(move |x| base.saturating_add(x))
            })
        })
    }

    /// How many ciphertexts of `slots` slots the tensor takes.
    pub fn ciphertexts(&self, slots: usize) -> usize {
        if self.is_batched(slots) {
            return self.len();
        }
        (self.period as usize).div_ceil(slots.max(1)).max(1)
    }

    /// The slots of each ciphertext for a tensor of values `[channels][height][width]`, replicated.
    ///
    /// `values` should hold [`Layout::len`] numbers: missing ones count as zero, further ones are left out, so a caller
    /// with foreign data compares the lengths first.
    pub fn pack(&self, values: &[f64], slots: usize) -> Vec<Vec<f64>> {
        let mut packed = vec![vec![0.0; slots]; self.ciphertexts(slots)];
        for (position, value) in self.positions().into_iter().zip(values) {
            let position = position as usize;
            if let Some(slot) = packed
                .get_mut(position / slots.max(1))
                .and_then(|ciphertext| ciphertext.get_mut(position % slots.max(1)))
            {
                *slot = *value;
            }
        }
        let period = self.period.max(1) as usize;
        for ciphertext in &mut packed {
            for slot in period..slots {
                ciphertext[slot] = ciphertext[slot - period];
            }
        }
        packed
    }

    /// The tensor's values `[channels][height][width]` from the slots of its ciphertexts; the inverse of
    /// [`Layout::pack`]. An element whose slot is not there is NaN.
    pub fn unpack(&self, packed: &[Vec<f64>]) -> Vec<f64> {
        let slots = packed.first().map_or(1, |first| first.len().max(1));
        let element = |position: u32| {
            let position = position as usize;
            let ciphertext = packed.get(position / slots)?;
            ciphertext.get(position % slots).copied()
        };
        self.positions()
            .into_iter()
            .map(|position| element(position).unwrap_or(f64::NAN))
            .collect()
    }
}

/// The positions along one axis: its index counted up digit by digit, so that a step costs two digits on average.
struct Along {
    /// Value, extent and stride of each digit that counts, the least significant first.
    digits: Vec<[u32; 3]>,
    position: u64,
    left: u32,
}

impl Along {
    fn new(digits: &[Digit], count: u32) -> Self {
        let counting = digits.iter().rev().filter(|digit| digit.extent > 1);
        Self {
            digits: counting.map(|d| [0, d.extent, d.stride]).collect(),
            position: 0,
            left: count,
        }
    }
}

impl Iterator for Along {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        self.left = self.left.checked_sub(1)?;
        let position = u32::try_from(self.position).unwrap_or(u32::MAX);
        for [value, extent, stride] in &mut self.digits {
            *value += 1;
            if value < extent {
                // The values sum to at most the index, so this stays below 2^64.
                self.position += u64::from(*stride);
                break;
            }
            self.position -= u64::from(*extent - 1) * u64::from(*stride);
            *value = 0;
        }
        Some(position)
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [channels, height, width] = self.shape;
        write!(f, "{channels}x{height}x{width}")?;
        for (name, digits) in ["c", "h", "w"].into_iter().zip(&self.axes) {
            write!(f, " {name}[")?;
            for (i, digit) in digits.iter().enumerate() {
                let comma = if i == 0 { "" } else { "," };
                write!(f, "{comma}{}*{}", digit.extent, digit.stride)?;
            }
            write!(f, "]")?;
        }
        write!(f, " period {}", self.period)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_multiplexed_layout_fills_the_gaps_with_channels() {
        let layout = Layout::multiplexed([5, 2, 2], 2);
        layout.check().unwrap();
        assert_eq!(
            layout.to_string(),
            "5x2x2 c[2*16,2*4,2*1] h[2*8] w[2*2] period 32"
        );
        // Channels 0 to 3 in the first square, channel 4 in the next plane.
        let first_of_each: Vec<u32> = layout.positions().into_iter().step_by(4).collect();
        assert_eq!(first_of_each, [0, 1, 4, 5, 16]);
    }

    #[test]
    fn a_batched_layout_takes_a_ciphertext_an_element() {
        let layout = Layout::batched([2, 3, 5], 64);
        layout.check().unwrap();
        assert_eq!(layout.ciphertexts(64), 30);
        assert!(layout.is_batched(64) && !layout.is_batched(32));
        let positions = layout.positions();
        assert!(positions.iter().zip(0..).all(|(p, i)| *p == i * 64));
        for other in [Layout::raster([2, 3, 5]), Layout::raster([1, 1, 1])] {
            assert!(!other.is_batched(1) && !other.is_batched(64), "{other}");
        }
        assert!(Layout::batched([1, 1, 1], 64).is_batched(64));
        assert!(Layout::batched([u32::MAX; 3], 64).check().is_err());
    }

    #[test]
    fn unsound_layouts_are_refused() {
        let good = Layout::raster([2, 3, 4]);
        let change = |f: fn(&mut Layout)| {
            let mut layout = good.clone();
            f(&mut layout);
            layout.check().unwrap_err()
        };
        for (message, wanted) in [
            (change(|l| l.period = 24), "power of two"),
            (change(|l| l.period = 1 << 25), "power of two"),
            (change(|l| l.period = 16), "24 elements"),
            (change(|l| l.shape = [0, 3, 4]), "0 elements"),
            (change(|l| l.shape = [u32::MAX; 3]), "elements"),
            (change(|l| l.axes[1][0].extent = 0), "extent 0"),
            (change(|l| l.axes[1][0].extent = 2), "reach 2"),
            (change(|l| l.axes[1][0].stride = 1), "two elements"),
            (change(|l| l.axes[1][0].stride = u32::MAX), "position"),
            (change(|l| l.axes[2] = vec![l.axes[2][0]; 33]), "33 digits"),
        ] {
            assert!(message.contains(wanted), "{message}");
        }
        assert!(Layout::raster([u32::MAX; 3]).check().is_err());
        assert!(
            Layout::multiplexed([u32::MAX; 3], u32::MAX)
                .check()
                .is_err()
        );
    }

    proptest! {
        #[test]
        fn unpacking_what_was_packed_is_the_identity(
            shape in [1u32..20, 1u32..9, 1u32..9], gap in 1u32..5, log_slots in 3u32..12,
        ) {
            let layout = Layout::multiplexed(shape, gap);
            prop_assert_eq!(layout.check(), Ok(()));
            let values: Vec<f64> = (1..=layout.len()).map(|i| i as f64).collect();
            let slots = 1 << log_slots;
            let packed = layout.pack(&values, slots);
            prop_assert_eq!(packed.len(), layout.ciphertexts(slots));
            prop_assert_eq!(&layout.unpack(&packed), &values);
            // Replicated: a rotation by the period changes nothing; every other slot is zero.
            let period = layout.period as usize;
            if period <= slots {
                let rotated: Vec<f64> = (0..slots).map(|i| packed[0][(i + period) % slots]).collect();
                prop_assert_eq!(&rotated, &packed[0]);
            }
            let filled: usize = packed.iter().flatten().filter(|v| **v != 0.0).count();
            prop_assert_eq!(filled, values.len() * (slots / period).max(1));
        }
    }
}
