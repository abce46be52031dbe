//! Long vector loops over short channels.
//!
//! A row of pixels has few channels (8 to 64), too few for a vector loop to pay. Values of each channel are therefore
//! repeated to about [`SPAN`] elements, and matrices are walked in chunks of that many; sums are kept for each element
//! of the span and folded to channels at the end.

use std::ops::Range;

/// Elements that a chunk has at least, where channels are few: 2 KiB, well inside the fastest cache.
const SPAN: usize = 512;
/// Chunks whose sums are kept in 32 bits before they are added to the 64-bit total.
const BLOCK: usize = 64;

/// The span of a matrix with so many channels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lanes {
    channels: usize,
    /// Elements of a chunk: a multiple of the channels.
    pub span: usize,
}

impl Lanes {
    pub fn new(channels: usize) -> Self {
        Self {
            channels,
            span: channels * (SPAN / channels).max(1),
        }
    }

    /// One value a channel, repeated over the span.
    pub fn spread(&self, values: impl Iterator<Item = f32> + Clone) -> Vec<f32> {
        values.cycle().take(self.span).collect()
    }

    /// A matrix of `len` elements, a chunk at a time: `fill(range, chunk)` writes the elements in `range`. They go to
    /// memory once, without being cleared before.
    #[inline(always)]
    pub fn map(&self, len: usize, mut fill: impl FnMut(Range<usize>, &mut [f32])) -> Vec<f32> {
        let mut output = Vec::with_capacity(len);
        let mut chunk = vec![0.0; self.span.min(len)];
        for start in (0..len).step_by(self.span) {
            let range = start..(start + self.span).min(len);
            let chunk = &mut chunk[..range.len()];
            fill(range, chunk);
            output.extend_from_slice(chunk);
        }
        output
    }

    /// Sums over the rows of a matrix of `len` elements, for each of so many `terms` and each channel: `add(range,
    /// sums)` adds the terms of the elements in `range` to `sums`, each of which is at least as long as the range.
    /// Ranges ascend.
    #[inline(always)]
    pub fn sums(
        &self,
        len: usize,
        terms: usize,
        mut add: impl FnMut(Range<usize>, &mut [Vec<f32>]),
    ) -> Vec<Vec<f64>> {
        let mut totals = vec![vec![0.0f64; self.channels]; terms];
        let mut block = vec![vec![0.0f32; self.span]; terms];
        for start in (0..len).step_by(self.span * BLOCK) {
            let end = (start + self.span * BLOCK).min(len);
            for chunk in (start..end).step_by(self.span) {
                add(chunk..(chunk + self.span).min(end), &mut block);
            }
            for (total, sums) in totals.iter_mut().zip(&mut block) {
                for row in sums.chunks_exact_mut(self.channels) {
                    for (total, sum) in total.iter_mut().zip(row) {
                        *total += f64::from(std::mem::take(sum));
                    }
                }
            }
        }
        totals
    }
}

/// Runs `work` compiled for the widest vectors of this processor. What it calls is so compiled where it is inlined.
#[inline(always)]
pub(super) fn vectorized<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_each_channel_for_any_number_of_rows() {
        for (rows, channels) in [(1, 3), (700, 3), (70_000, 2), (5, 600), (40_000, 1)] {
            let x: Vec<f32> = (0..rows * channels).map(|i| (i % 7) as f32).collect();
            let sums = Lanes::new(channels).sums(x.len(), 1, |range, sums| {
                for (sum, x) in sums[0].iter_mut().zip(&x[range]) {
                    *sum += x;
                }
            });
            for (channel, sum) in sums[0].iter().enumerate() {
                let own = x.iter().skip(channel).step_by(channels);
                assert_eq!(*sum, own.map(|x| f64::from(*x)).sum::<f64>());
            }
        }
    }

    #[test]
    fn a_mapped_matrix_has_every_element_once() {
        for (rows, channels) in [(0, 3), (1, 3), (700, 3), (5, 600)] {
            let len = rows * channels;
            let found = Lanes::new(channels).map(len, |range, chunk| {
                assert_eq!(range.len(), chunk.len());
                range.zip(chunk).for_each(|(i, y)| *y = i as f32);
            });
            let expected: Vec<f32> = (0..len).map(|i| i as f32).collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn spread_repeats_channels_over_a_whole_number_of_rows() {
        for channels in [1, 3, 512, 700] {
            let lanes = Lanes::new(channels);
            let spread = lanes.spread((0..channels).map(|c| c as f32));
            assert_eq!((spread.len(), lanes.span % channels), (lanes.span, 0));
            let sound = |(i, v): (usize, &f32)| *v == (i % channels) as f32;
            assert!(spread.iter().enumerate().all(sound));
        }
    }
}
