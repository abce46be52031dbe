//! Weights and tables: what a schedule names and does not contain.

use std::collections::BTreeMap;

use crate::syntax::MAX_NAME_BYTES;
use crate::tfhe::{MAX_COUNT, MAX_TURN, Type};

/// A sparse integer map in compressed rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapConstant {
    /// Number of input values.
    pub inputs: u32,
    /// Where each row starts; one more than there are rows.
    pub row_starts: Vec<u32>,
    /// Column of each entry, strictly ascending within a row.
    pub columns: Vec<u32>,
    /// Weight of each entry.
    pub weights: Vec<i32>,
    /// Added to each output.
    pub bias: Vec<i64>,
}

/// The tables of a bootstrap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableConstant {
    /// Entries of a table: half the operand's turn.
    pub half: u32,
    /// Elements of a channel; element `e` belongs to channel `e / channel_len`.
    pub channel_len: u32,
    /// `[channel][half]`.
    pub values: Vec<Vec<i32>>,
    /// What a value is subtracted from half a turn further; one a channel.
    pub flip: Vec<i32>,
}

/// A constant of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constant {
    /// Of a linear map.
    Map(MapConstant),
    /// Of a bootstrap.
    Table(TableConstant),
}

/// The constants of a schedule, by name.
pub type Constants = BTreeMap<String, Constant>;

impl MapConstant {
    /// The entries of output `row`.
    pub fn row(&self, row: usize) -> impl Iterator<Item = (u32, i32)> + '_ {
        let range = self.row_starts[row] as usize..self.row_starts[row + 1] as usize;
        self.columns[range.clone()]
            .iter()
            .copied()
            .zip(self.weights[range].iter().copied())
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }
}

impl TableConstant {
    /// The table's value at `position`, in `0..2·half`.
    pub fn value(&self, channel: usize, position: u32) -> i64 {
        let table = &self.values[channel];
        match position < self.half {
            true => i64::from(table[position as usize]),
            false => {
                i64::from(self.flip[channel]) - i64::from(table[(position - self.half) as usize])
            }
        }
    }
}

/// Whether a name can stand in the text form: letters, digits, `_`, `-`, `.` and `/`.
pub(crate) fn name_is_valid(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    !name.is_empty() && name.len() <= MAX_NAME_BYTES && name.chars().all(fits)
}

/// Whether counts and turns are within limits.
pub(crate) fn type_is_bounded(t: &Type) -> bool {
    (1..=MAX_COUNT).contains(&t.count) && (2..=MAX_TURN).contains(&t.turn)
}
