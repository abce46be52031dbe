//! Long vector loops over short channels.
//!
//! A row of pixels has few channels (8 to 64), too few for a vector loop to pay. Values of each channel are therefore
//! repeated to about [`SPAN`] elements, and matrices are walked in chunks of that many; sums are kept for each element
//! of the span and folded to channels at the end.

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

    /// Sums over the rows of a matrix of `len` elements, for each channel and each of `N` terms: `add(range, sums)` adds
    /// the terms of the elements in `range` to `sums`, each of which is as long as the range.
    #[inline(always)]
    pub fn sums<const N: usize>(
        &self,
        len: usize,
        mut add: impl FnMut(std::ops::Range<usize>, &mut [Vec<f32>; N]),
    ) -> [Vec<f64>; N] {
        let mut totals: [Vec<f64>; N] = std::array::from_fn(|_| vec![0.0; self.channels]);
        let mut block: [Vec<f32>; N] = std::array::from_fn(|_| vec![0.0; self.span]);
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
pub(super) fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_each_channel_for_any_number_of_rows() {
        for (rows, channels) in [(1, 3), (700, 3), (70_000, 2), (5, 600), (40_000, 1)] {
            let x: Vec<f32> = (0..rows * channels).map(|i| (i % 7) as f32).collect();
            let [sums] = Lanes::new(channels).sums(x.len(), |range, [sums]| {
                for (sum, x) in sums.iter_mut().zip(&x[range]) {
                    *sum += x;
                }
            });
            for (channel, sum) in sums.iter().enumerate() {
                let own = x.iter().skip(channel).step_by(channels);
                assert_eq!(*sum, own.map(|x| f64::from(*x)).sum::<f64>());
            }
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
