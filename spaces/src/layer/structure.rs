//! Structure: which entries of a convolution exist at all. Encrypted, a map costs what its diagonals cost, so what is
//! left out must be left out in whole diagonals, whatever the weights: in whole taps of the kernel, or in whole offsets
//! between channels (compare Ran et al., "SpENCNN", ICML 2023, section 5, and Jeon et al., "Artemis", 2023).

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The entries of a convolution that exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Structure {
    /// The places of the kernel.
    pub taps: Taps,
    /// The channels that an output channel reads.
    pub seen: Seen,
    /// Side of the blocks of channels whose weights are circulant: see [`circulant_index`]. 1 where each weight stands
    /// for itself.
    pub circulant: usize,
}

impl Structure {
    /// Everything exists.
    pub const FULL: Self = Self {
        taps: Taps::Square,
        seen: Seen::ALL,
        circulant: 1,
    };
}

/// Which weight joins output `output`, of `outputs`, and input `input`, of `inputs`, of a block-circulant matrix: its
/// row and its column among the `outputs / circulant` rows that are stored (Lou et al., "Falcon", NeurIPS 2020, section
/// 3).
///
/// With `r` the leading digit of an index, in base `circulant`, and `q` the rest, the weight depends on the two `q` and
/// on the difference of the two `r`, modulo `circulant`. So moving both sides by one block of `outputs / circulant` and
/// `inputs / circulant` finds the same weight: where the leading digit also leads in the slots, every diagonal repeats
/// itself `circulant` times.
pub fn circulant_index(
    circulant: usize,
    [outputs, inputs]: [usize; 2],
    [output, input]: [usize; 2],
) -> [usize; 2] {
    let (rows, columns) = (outputs / circulant, inputs / circulant);
    let turn = (input / columns + circulant - output / rows) % circulant;
    [output % rows, turn * columns + input % columns]
}

/// Whether blocks of `circulant` channels divide both sides.
///
/// # Errors
/// The numbers that do not go together.
pub(crate) fn check_circulant(
    circulant: usize,
    inputs: usize,
    outputs: usize,
) -> Result<(), String> {
    let fits = circulant.is_power_of_two()
        && inputs.is_multiple_of(circulant)
        && outputs.is_multiple_of(circulant);
    match fits {
        true => Ok(()),
        false => Err(format!(
            "circulant {circulant} must be a power of two that divides the {inputs} input and {outputs} output channels"
        )),
    }
}

/// Which places of a kernel exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Taps {
    /// All of them.
    #[default]
    Square,
    /// Those of the middle row and the middle column: 5 of 9.
    Cross,
}

impl fmt::Display for Taps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Square => "square",
            Self::Cross => "cross",
        })
    }
}

impl FromStr for Taps {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Square, Self::Cross];
        let found = all.into_iter().find(|taps| taps.to_string() == text);
        found.ok_or_else(|| format!("`{text}` are no taps; write `square` or `cross`"))
    }
}

impl Taps {
    /// Number of places of a kernel of `[rows, columns]` that exist.
    pub fn count(self, [rows, columns]: [usize; 2]) -> usize {
        match self {
            Self::Square => rows.saturating_mul(columns),
            Self::Cross => rows.saturating_add(columns) - 1,
        }
    }

    /// Which one of those that exist a place of the kernel is, both counted row by row; none for one that does not
    /// exist.
    pub fn rank(self, [rows, columns]: [usize; 2], place: usize) -> Option<usize> {
        let (row, column) = (place / columns, place % columns);
        let middle = [rows / 2, columns / 2];
        match self {
            Self::Square => Some(place),
            Self::Cross if row == middle[0] => Some(row + column),
            Self::Cross if column != middle[1] => None,
            Self::Cross if row < middle[0] => Some(row),
            Self::Cross => Some(row + columns - 1),
        }
    }
}

/// The share of channels that each output channel reads: one half, a quarter or an eighth of the offsets between input
/// and output channel, neighboring ones, counted cyclically.
///
/// With `M` the largest power of two that divides the channels of both sides (of a group), output channel `o` reads
/// input channel `i` where `i − o mod M` is below `M` times the share. So each output reads as many channels as the
/// others, no two outputs within `M` the same, and a stack of such layers mixes all channels without a shuffle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Seen {
    log_parts: u32,
}

/// The least share is 2 to minus this.
const MOST_LOG_PARTS: u32 = 3;

impl Seen {
    /// All channels.
    pub const ALL: Self = Self { log_parts: 0 };

    /// One of so many parts, a power of two up to 8.
    pub fn one_of(parts: u32) -> Option<Self> {
        let log_parts = parts.checked_ilog2()?;
        let fits = parts.is_power_of_two() && log_parts <= MOST_LOG_PARTS;
        fits.then_some(Self { log_parts })
    }

    /// How many times as many channels there are as are read.
    pub fn parts(self) -> usize {
        1 << self.log_parts
    }

    /// The share, 0.125 to 1.
    pub fn share(self) -> f64 {
        1.0 / self.parts() as f64
    }

    /// The channels modulo which offsets count, for `inputs` and `outputs` channels (of a group).
    pub fn ring(inputs: usize, outputs: usize) -> usize {
        1 << inputs.trailing_zeros().min(outputs.trailing_zeros())
    }

    /// The input channels, of `inputs`, that output channel `output`, of `outputs`, reads; ascending.
    pub fn channels(
        self,
        inputs: usize,
        outputs: usize,
        output: usize,
    ) -> impl Iterator<Item = usize> {
        let ring = Self::ring(inputs, outputs);
        let offset = move |input: usize| (input + ring - output % ring) % ring;
        (0..inputs).filter(move |input| offset(*input) < ring / self.parts())
    }
}

impl Default for Seen {
    fn default() -> Self {
        Self::ALL
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.share())
    }
}

impl TryFrom<f64> for Seen {
    type Error = String;

    fn try_from(share: f64) -> Result<Self, String> {
        let mut all = (0..=MOST_LOG_PARTS).map(|log_parts| Self { log_parts });
        all.find(|seen| seen.share() == share).ok_or_else(|| {
            format!(
                "seen is {share}; it must be {SHARES}, the shares of channels that layouts can use"
            )
        })
    }
}

/// The shares in words.
const SHARES: &str = "1, 0.5, 0.25 or 0.125";

impl From<Seen> for f64 {
    fn from(seen: Seen) -> Self {
        seen.share()
    }
}

impl FromStr for Seen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let share: f64 = text
            .parse()
            .map_err(|_| format!("`seen={text}` is no number; write {SHARES}"))?;
        Self::try_from(share)
    }
}

impl JsonSchema for Seen {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Seen".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "exclusiveMinimum": 0, "maximum": 1, "x-written": SHARES })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cross_counts_its_places_row_by_row() {
        for (kernel, kept) in [
            ([3, 3], vec![1, 3, 4, 5, 7]),
            ([1, 3], vec![0, 1, 2]),
            ([5, 3], vec![1, 4, 6, 7, 8, 10, 13]),
        ] {
            let all = 0..kernel[0] * kernel[1];
            let found: Vec<(usize, usize)> = all
                .filter_map(|place| Some((place, Taps::Cross.rank(kernel, place)?)))
                .collect();
            let wanted: Vec<(usize, usize)> = kept.into_iter().zip(0..).collect();
            assert_eq!(found, wanted, "{kernel:?}");
            assert_eq!(found.len(), Taps::Cross.count(kernel));
        }
    }

    proptest! {
        #[test]
        fn each_output_reads_its_share_and_each_input_is_read_as_often_as_others(
            log_parts in 0u32..4, inputs in 1usize..5, outputs in 1usize..5, log in 3u32..6,
        ) {
            let seen = Seen { log_parts };
            let (inputs, outputs) = (inputs << log, outputs << log);
            let mut read = vec![0; inputs];
            for output in 0..outputs {
                let channels: Vec<usize> = seen.channels(inputs, outputs, output).collect();
                prop_assert_eq!(channels.len() * seen.parts(), inputs);
                channels.iter().for_each(|channel| read[*channel] += 1);
            }
            prop_assert!(read.iter().all(|times| times * seen.parts() == outputs), "{:?}", read);
        }

        #[test]
        fn shares_are_read_back_as_they_are_written(log_parts in 0u32..4) {
            let seen = Seen { log_parts };
            prop_assert_eq!(seen.to_string().parse::<Seen>(), Ok(seen));
            prop_assert_eq!(Seen::one_of(1 << log_parts), Some(seen));
        }
    }

    #[test]
    fn other_shares_are_refused() {
        for text in ["0", "0.3", "2", "-1", "nan", "0.0625", "half", ""] {
            assert!(text.parse::<Seen>().is_err(), "{text}");
        }
        assert!(
            [0, 3, 16]
                .into_iter()
                .all(|parts| Seen::one_of(parts).is_none())
        );
    }
}
