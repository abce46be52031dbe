//! Table layers: batch norm, activation and requantization in one look-up per channel.

use serde::{Deserialize, Serialize};

use super::MAX_VALUE;

/// Largest `half`: no published parameter set resolves more.
pub const MAX_HALF: u32 = 1 << 12;
/// Most low bits that a table may round off.
pub const MAX_SHIFT: u32 = 8;

/// A table for each channel on accumulators modulo `2·half·2^shift`.
///
/// For an accumulator `a` let `u = floor(a / 2^shift) mod 2·half`. The result is `tables[c][u]` for `u < half`, else
/// `flip[c] − tables[c][u − half]`. Any table is possible, monotone or not; the bias before it moves its origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableLayer {
    /// Entries of a table: half a turn.
    pub half: u32,
    /// Low bits that are rounded off (exactly) before the look-up.
    pub shift: u32,
    /// Elements of a channel; element `e` belongs to channel `e / channel_len`.
    pub channel_len: usize,
    /// `[channel][half]`.
    pub tables: Vec<Vec<i32>>,
    /// What a table's value is subtracted from half a turn further; one a channel.
    pub flip: Vec<i32>,
}

impl TableLayer {
    /// The same table for all of `channels` channels, of values `value(u)` for `u` from 0 to `half − 1`.
    pub fn uniform(
        half: u32,
        channels: usize,
        channel_len: usize,
        flip: i32,
        value: impl Fn(u32) -> i32,
    ) -> Self {
        let table: Vec<i32> = (0..half).map(value).collect();
        Self {
            half,
            shift: 0,
            channel_len,
            tables: vec![table; channels],
            flip: vec![flip; channels],
        }
    }

    /// Accumulators that differ by this are the same to the table.
    pub fn modulus(&self) -> i64 {
        (2 * i64::from(self.half)) << self.shift
    }

    /// The result for accumulator `accumulator` in channel `channel`.
    pub fn value(&self, channel: usize, accumulator: i64) -> i64 {
        let half = i64::from(self.half);
        let position = (accumulator >> self.shift).rem_euclid(2 * half);
        let table = &self.tables[channel];
        match position < half {
            true => i64::from(table[position as usize]),
            false => i64::from(self.flip[channel]) - i64::from(table[(position - half) as usize]),
        }
    }

    /// The least and the greatest result over accumulators from `low` to `high`.
    pub fn image(&self, channel: usize, low: i64, high: i64) -> (i64, i64) {
        let (first, last) = (low >> self.shift, high >> self.shift);
        let last = last.min(first + 2 * i64::from(self.half) - 1);
        let values = (first..=last).map(|u| self.value(channel, u << self.shift));
        values.fold((i64::MAX, i64::MIN), |(a, b), v| (a.min(v), b.max(v)))
    }

    pub(super) fn check(&self, inputs: usize, outputs: usize) -> Result<(), String> {
        if inputs != outputs {
            return Err(format!("it reads {inputs} elements and has {outputs}"));
        }
        if self.half == 0 || self.half > MAX_HALF || self.shift > MAX_SHIFT {
            return Err(format!(
                "a table of {} entries with shift {}; 1 to {MAX_HALF} entries and shift 0 to {MAX_SHIFT} are possible",
                self.half, self.shift
            ));
        }
        let channels = self.tables.len();
        if self.channel_len == 0
            || channels.checked_mul(self.channel_len) != Some(outputs)
            || self.flip.len() != channels
        {
            return Err(format!(
                "{channels} tables and {} flips of {} elements a channel do not make {outputs} elements",
                self.flip.len(),
                self.channel_len
            ));
        }
        for (channel, table) in self.tables.iter().enumerate() {
            if table.len() != self.half as usize {
                return Err(format!(
                    "the table of channel {channel} has {} entries, not {}",
                    table.len(),
                    self.half
                ));
            }
        }
        let largest = self
            .tables
            .iter()
            .flatten()
            .chain(&self.flip)
            .map(|v| i64::from(*v).abs())
            .max();
        match largest.filter(|v| *v > MAX_VALUE) {
            Some(value) => Err(format!(
                "a table holds ±{value}; at most ±{MAX_VALUE} is possible"
            )),
            None => Ok(()),
        }
    }
}
