//! Long vector loops over short channels.
//!
//! A row of pixels has few channels (8 to 64), too few for a vector loop to pay. Values of each channel are therefore
//! repeated to about [`SPAN`] elements, and matrices are walked in chunks of that many; sums are kept for each element
//! of the span and folded to channels at the end.

use std::ops::Range;

use super::parts;

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
    pub fn map(&self, len: usize, fill: impl Fn(Range<usize>, &mut [f32]) + Sync) -> Vec<f32> {
        let (output, _) = self.map_sums(len, 0, |range, chunk, _| fill(range, chunk));
        output
    }

    /// Sums over the rows of a matrix of `len` elements, for each of so many `terms` and each channel: `add(range,
    /// sums)` adds the terms of the elements in `range` to `sums`, each of which is at least as long as the range.
    pub fn sums(
        &self,
        len: usize,
        terms: usize,
        add: impl Fn(Range<usize>, &mut [Vec<f32>]) + Sync,
    ) -> Vec<Vec<f64>> {
        let blocks = (0..len).step_by(self.block()).collect();
        let sums = parts::map(blocks, |start: usize| {
            let end = (start + self.block()).min(len);
            let mut sums = vec![vec![0.0f32; self.span]; terms];
            vectorized(|| {
                self.chunks(start..end)
                    .for_each(|range| add(range, &mut sums))
            });
            sums
        });
        self.totals(terms, sums)
    }

    /// [`Lanes::map`] and [`Lanes::sums`] in one pass.
    #[allow(
        unsafe_code,
        reason = "the matrix is written without being cleared before"
    )]
    pub fn map_sums(
        &self,
        len: usize,
        terms: usize,
        work: impl Fn(Range<usize>, &mut [f32], &mut [Vec<f32>]) + Sync,
    ) -> (Vec<f32>, Vec<Vec<f64>>) {
        let mut output = Vec::with_capacity(len);
        let rooms = output.spare_capacity_mut()[..len].chunks_mut(self.block());
        let sums = parts::map(rooms.enumerate().collect(), |(number, room)| {
            let start = number * self.block();
            let mut sums = vec![vec![0.0f32; self.span]; terms];
            let mut chunk = vec![0.0f32; self.span.min(room.len())];
            vectorized(|| {
                for range in self.chunks(start..start + room.len()) {
                    let chunk = &mut chunk[..range.len()];
                    let place = range.start - start..range.end - start;
                    work(range, chunk, &mut sums);
                    room[place].write_copy_of_slice(chunk);
                }
            });
            sums
        });
        // SAFETY: the rooms are the first `len` places of the capacity, and the chunks of each room cover all of it.
        unsafe { output.set_len(len) };
        (output, self.totals(terms, sums))
    }

    /// Elements whose sums are kept in 32 bits before they are added to the 64-bit total.
    fn block(&self) -> usize {
        self.span * BLOCK
    }

    /// The chunks of a block.
    #[inline(always)]
    fn chunks(&self, block: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let (span, end) = (self.span, block.end);
        block
            .step_by(span)
            .map(move |start| start..(start + span).min(end))
    }

    /// The sums of blocks, `[block][term][element of the span]`, folded to channels, block by block.
    fn totals(&self, terms: usize, blocks: Vec<Vec<Vec<f32>>>) -> Vec<Vec<f64>> {
        let mut totals = vec![vec![0.0f64; self.channels]; terms];
        for block in blocks {
            for (total, sums) in totals.iter_mut().zip(&block) {
                for row in sums.chunks_exact(self.channels) {
                    let row = row.iter().map(|sum| f64::from(*sum));
                    total.iter_mut().zip(row).for_each(|(t, sum)| *t += sum);
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
    fn matrices_of_many_blocks_are_the_same_on_any_number_of_threads() {
        let lanes = Lanes::new(24);
        let len = 24 * 30_011;
        let x: Vec<f32> = (0..len).map(|i| (i * 37 % 101) as f32 * 0.37).collect();
        let (mapped, sums) = parts::check::on_any_threads(|| {
            lanes.map_sums(len, 1, |range, chunk, sums| {
                for ((y, sum), x) in chunk.iter_mut().zip(&mut sums[0]).zip(&x[range]) {
                    *y = x * x;
                    *sum += *y;
                }
            })
        });
        let squares: Vec<f32> = x.iter().map(|x| x * x).collect();
        assert_eq!(mapped, squares);
        let alone = lanes.sums(len, 1, |range, sums| {
            sums[0]
                .iter_mut()
                .zip(&squares[range])
                .for_each(|(s, y)| *s += y);
        });
        assert_eq!(sums, alone);
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
