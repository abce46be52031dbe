//! A sparse affine map with integer weights, in compressed rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{MAX_VALUE, MAX_WEIGHT};

/// `y = W x + b` in integers. Row `r` holds the entries `row_starts[r]..row_starts[r + 1]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntegerMap {
    /// Number of input elements (columns).
    pub inputs: usize,
    /// Number of output elements (rows).
    pub outputs: usize,
    /// Where each row starts; length `outputs + 1`.
    pub row_starts: Vec<u32>,
    /// Column of each entry, strictly ascending within a row.
    pub columns: Vec<u32>,
    /// Weight of each entry, which may be zero: the structure does not depend on values.
    pub weights: Vec<i32>,
    /// Constant added to each output, in units of the accumulator; length `outputs`.
    pub bias: Vec<i64>,
}

impl IntegerMap {
    /// Builds a map from rows of `(column, weight)` with ascending columns, and a bias each.
    pub fn from_rows(
        inputs: usize,
        rows: impl IntoIterator<Item = (Vec<(u32, i32)>, i64)>,
    ) -> Self {
        let mut map = Self {
            inputs,
            outputs: 0,
            row_starts: vec![0],
            columns: Vec::new(),
            weights: Vec::new(),
            bias: Vec::new(),
        };
        for (entries, bias) in rows {
            map.columns.extend(entries.iter().map(|e| e.0));
            map.weights.extend(entries.iter().map(|e| e.1));
            map.row_starts.push(map.columns.len() as u32);
            map.bias.push(bias);
            map.outputs += 1;
        }
        map
    }

    /// The entries of output `row`: `(column, weight)`, columns ascending.
    pub fn row(&self, row: usize) -> impl Iterator<Item = (u32, i32)> + '_ {
        let range = self.row_starts[row] as usize..self.row_starts[row + 1] as usize;
        self.columns[range.clone()]
            .iter()
            .copied()
            .zip(self.weights[range].iter().copied())
    }

    /// `W x + b`, exact.
    pub fn apply(&self, input: &[i64]) -> Vec<i64> {
        (0..self.outputs)
            .map(|row| {
                let products = self
                    .row(row)
                    .map(|(column, weight)| input[column as usize] * i64::from(weight));
                self.bias[row] + products.sum::<i64>()
            })
            .collect()
    }

    /// Largest absolute weight.
    pub fn max_weight(&self) -> i32 {
        self.weights.iter().map(|w| w.abs()).max().unwrap_or(0)
    }

    /// Largest sum of squared weights of a row: the factor by which the variance of independent inputs grows.
    pub fn norm_squared(&self) -> u64 {
        let of_row = |row| {
            self.row(row)
                .map(|(_, w)| u64::from(w.unsigned_abs()).pow(2))
                .sum()
        };
        (0..self.outputs).map(of_row).max().unwrap_or(0)
    }

    /// Largest sum of absolute weights of a row: the factor by which the deviation of dependent inputs grows at most.
    pub fn norm_1(&self) -> u64 {
        let of_row = |row| {
            self.row(row)
                .map(|(_, w)| u64::from(w.unsigned_abs()))
                .sum()
        };
        (0..self.outputs).map(of_row).max().unwrap_or(0)
    }

    /// Most entries of a row.
    pub fn fan_in(&self) -> usize {
        self.row_starts
            .windows(2)
            .map(|w| (w[1] - w[0]) as usize)
            .max()
            .unwrap_or(0)
    }

    /// `self` after `first`: `x ↦ W_self (W_first x + b_first) + b_self`, or none where a number leaves its type.
    /// Weights that cancel stay as entries.
    pub fn after(&self, first: &Self) -> Option<Self> {
        let mut rows = Vec::with_capacity(self.outputs);
        for row in 0..self.outputs {
            let mut sums: BTreeMap<u32, i32> = BTreeMap::new();
            let mut bias = self.bias[row];
            for (middle, outer) in self.row(row) {
                let moved = i64::from(outer).checked_mul(first.bias[middle as usize])?;
                bias = bias.checked_add(moved)?;
                for (column, inner) in first.row(middle as usize) {
                    let sum = sums.entry(column).or_insert(0);
                    *sum = sum.checked_add(outer.checked_mul(inner)?)?;
                }
            }
            rows.push((sums.into_iter().collect(), bias));
        }
        Some(Self::from_rows(first.inputs, rows))
    }

    pub(super) fn check(&self, inputs: usize, outputs: usize) -> Result<(), String> {
        if self.inputs != inputs || self.outputs != outputs {
            return Err(format!(
                "its map takes {} values and gives {}, the nodes have {inputs} and {outputs}",
                self.inputs, self.outputs
            ));
        }
        let entries = self.columns.len();
        let starts_ok = self.row_starts.len() == outputs + 1
            && self.row_starts[0] == 0
            && self.row_starts[outputs] as usize == entries
            && self.row_starts.windows(2).all(|w| w[0] <= w[1]);
        if !starts_ok || self.weights.len() != entries || self.bias.len() != outputs {
            return Err(format!(
                "its map is inconsistent: {} row starts, {entries} columns, {} weights, {} biases for {outputs} rows",
                self.row_starts.len(),
                self.weights.len(),
                self.bias.len()
            ));
        }
        for row in 0..outputs {
            let range = self.row_starts[row] as usize..self.row_starts[row + 1] as usize;
            let columns = &self.columns[range];
            if columns.windows(2).any(|w| w[0] >= w[1])
                || columns.last().is_some_and(|c| *c as usize >= inputs)
            {
                return Err(format!(
                    "columns of row {row} must ascend strictly and stay below {inputs}"
                ));
            }
        }
        if let Some(weight) = self
            .weights
            .iter()
            .find(|w| w.unsigned_abs() > MAX_WEIGHT as u32)
        {
            return Err(format!(
                "weight {weight}; at most ±{MAX_WEIGHT} is possible"
            ));
        }
        match self
            .bias
            .iter()
            .find(|b| b.unsigned_abs() > MAX_VALUE as u64)
        {
            Some(bias) => Err(format!("bias {bias}; at most ±{MAX_VALUE} is possible")),
            None => Ok(()),
        }
    }
}
