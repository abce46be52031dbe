//! Weights and tables: what a schedule names and does not contain.

use std::collections::BTreeMap;

use crate::tfhe::schedule::{MAX_COUNT, MAX_TURN};
use crate::tfhe::{MapBounds, Type};

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

    /// Whether it is consistent, has these sizes and keeps these bounds; else why not.
    pub fn check(&self, inputs: u64, outputs: u32, bounds: &MapBounds) -> Result<(), String> {
        let entries = self.columns.len();
        let rows = self.bias.len();
        if u64::from(self.inputs) != inputs || rows != outputs as usize {
            return Err(format!(
                "a map of {} to {rows} values, needed is {inputs} to {outputs}",
                self.inputs
            ));
        }
        let starts_ok = self.row_starts.len() == rows + 1
            && self.row_starts[0] == 0
            && self.row_starts[rows] as usize == entries
            && self.row_starts.windows(2).all(|w| w[0] <= w[1]);
        if !starts_ok || self.weights.len() != entries {
            return Err("row starts, columns and weights do not fit together".into());
        }
        if entries as u64 != bounds.entries {
            return Err(format!(
                "{entries} entries, the instruction says {}",
                bounds.entries
            ));
        }
        for row in 0..rows {
            let range = self.row_starts[row] as usize..self.row_starts[row + 1] as usize;
            let columns = &self.columns[range];
            let ascending = columns.windows(2).all(|w| w[0] < w[1]);
            if !ascending || columns.last().is_some_and(|c| u64::from(*c) >= inputs) {
                return Err(format!(
                    "columns of row {row} must ascend strictly and stay below {inputs}"
                ));
            }
            let norm: u64 = self
                .row(row)
                .map(|(_, w)| u64::from(w.unsigned_abs()).pow(2))
                .fold(0, u64::saturating_add);
            let widest = self
                .row(row)
                .map(|(_, w)| w.unsigned_abs())
                .max()
                .unwrap_or(0);
            if columns.len() > bounds.fan_in as usize
                || widest > bounds.weight
                || norm > bounds.norm_squared
            {
                return Err(format!(
                    "row {row} has {} entries up to ±{widest} of squared norm {norm}, the instruction allows {}, ±{} and {}",
                    columns.len(),
                    bounds.fan_in,
                    bounds.weight,
                    bounds.norm_squared
                ));
            }
        }
        Ok(())
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

    /// Whether it fits an operand of this type and gives results from `low` to `high`; else why not.
    pub fn check(&self, operand: &Type, low: i64, high: i64) -> Result<(), String> {
        let channels = self.values.len();
        if u64::from(self.half) * 2 != u64::from(operand.turn) {
            return Err(format!(
                "tables of {} entries, a turn of {} needs half of it",
                self.half, operand.turn
            ));
        }
        let elements = (channels as u64).checked_mul(u64::from(self.channel_len));
        if elements != Some(u64::from(operand.count)) || self.flip.len() != channels {
            return Err(format!(
                "{channels} tables, {} flips and {} elements a channel, the operand has {} elements",
                self.flip.len(),
                self.channel_len,
                operand.count
            ));
        }
        for (channel, table) in self.values.iter().enumerate() {
            if table.len() != self.half as usize {
                return Err(format!(
                    "table {channel} has {} entries, not {}",
                    table.len(),
                    self.half
                ));
            }
            let both = table
                .iter()
                .flat_map(|v| [i64::from(*v), i64::from(self.flip[channel]) - i64::from(*v)]);
            if let Some(value) = both.into_iter().find(|v| *v < low || *v > high) {
                return Err(format!(
                    "table {channel} gives {value}, the instruction says {low} to {high}"
                ));
            }
        }
        Ok(())
    }
}

/// Whether a name can stand in the text form: letters, digits, `_`, `-`, `.` and `/`.
pub(crate) fn name_is_valid(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    !name.is_empty() && name.len() <= 256 && name.chars().all(fits)
}

/// Whether counts and turns are within limits.
pub(crate) fn type_is_bounded(t: &Type) -> bool {
    (1..=MAX_COUNT).contains(&t.count) && (2..=MAX_TURN).contains(&t.turn)
}
