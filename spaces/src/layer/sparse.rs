//! A linear map given entry by entry: what no other layer says, such as permutations, slices, pads, resizing and
//! constants of each element.

use std::sync::Arc;

use super::{MAX_SPARSE_ENTRIES, Parameter};
use crate::{Coefficient, LinearMap, Shape};

/// `y[row] = Σ weight[entry] · x[column of the entry] + bias[row]`, summed over the entries of the row. Parameters:
/// with `weights`,
/// `weight` `[entries]`, otherwise every weight is 1; with `bias`, `bias` `[elements of the output]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sparse {
    /// Shape of the output, whose elements are the rows.
    pub output: Shape,
    /// Which elements of the input each row reads.
    pub entries: Arc<Entries>,
    /// Whether each entry has a weight of its own.
    pub weights: bool,
    /// Whether a constant is added to each element of the output.
    pub bias: bool,
}

/// The entries of a sparse map, row after row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entries {
    /// How many entries each row has.
    lengths: Vec<u32>,
    /// The input element of each entry.
    columns: Vec<u32>,
}

impl Entries {
    /// Entries of `lengths.len()` rows; `columns` holds those of the first row, then those of the second, and so on.
    ///
    /// # Errors
    /// Lengths that do not add up to the columns, more rows or columns than a map may have, or a column twice in one
    /// row.
    pub fn new(lengths: Vec<u32>, columns: Vec<u32>) -> Result<Self, String> {
        let sum: u64 = lengths.iter().map(|length| u64::from(*length)).sum();
        if sum != columns.len() as u64 {
            return Err(format!(
                "its rows have {sum} entries, {} are given",
                columns.len()
            ));
        }
        if lengths.len().max(columns.len()) > MAX_SPARSE_ENTRIES {
            return Err(format!(
                "it has {} rows and {sum} entries, at most {MAX_SPARSE_ENTRIES} of each are possible",
                lengths.len()
            ));
        }
        let entries = Self { lengths, columns };
        let mut seen: Vec<u32> = Vec::new();
        for (index, row) in entries.rows().enumerate() {
            seen.clear();
            seen.extend(row);
            seen.sort_unstable();
            if let Some(pair) = seen.windows(2).find(|pair| pair[0] == pair[1]) {
                return Err(format!("row {index} reads element {} twice", pair[0]));
            }
        }
        Ok(entries)
    }

    /// Rows of one entry each: output element `i` is input element `columns[i]`.
    pub fn selection(columns: Vec<u32>) -> Self {
        Self {
            lengths: vec![1; columns.len()],
            columns,
        }
    }

    /// Number of entries of each row.
    pub fn lengths(&self) -> &[u32] {
        &self.lengths
    }

    /// The input element of each entry, row after row.
    pub fn columns(&self) -> &[u32] {
        &self.columns
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The columns of each row.
    pub fn rows(&self) -> impl Iterator<Item = &[u32]> {
        let mut rest = self.columns.as_slice();
        self.lengths.iter().map(move |length| {
            let (row, behind) = rest.split_at(*length as usize);
            rest = behind;
            row
        })
    }
}

impl Sparse {
    /// Output element `i` is input element `columns[i]`; as many columns as `output` has elements.
    pub fn selection(output: Shape, columns: Vec<u32>) -> Self {
        Self {
            output,
            entries: Arc::new(Entries::selection(columns)),
            weights: false,
            bias: false,
        }
    }

    /// Scale and shift of each element of a tensor.
    pub fn elementwise(shape: Shape) -> Self {
        Self {
            weights: true,
            bias: true,
            ..Self::selection(shape, (0..shape.len() as u32).collect())
        }
    }

    pub(super) fn output_shape(&self, input: Shape) -> Result<Shape, String> {
        let rows = self.entries.lengths.len();
        let Shape {
            channels,
            height,
            width,
        } = self.output;
        let len = channels
            .checked_mul(height)
            .and_then(|n| n.checked_mul(width));
        if len != Some(rows) || rows == 0 {
            return Err(format!(
                "its output {} needs as many rows, {rows} given",
                self.output
            ));
        }
        match self.entries.columns.iter().max() {
            Some(most) if *most as usize >= input.len() => Err(format!(
                "it reads element {most}, the input has {}",
                input.len()
            )),
            Some(_) | None => Ok(self.output),
        }
    }

    pub(super) fn parameters(&self) -> Vec<Parameter> {
        let weight = self.weights.then(|| Parameter {
            name: "weight",
            shape: vec![self.entries.len()],
        });
        let bias = self.bias.then(|| Parameter {
            name: "bias",
            shape: vec![self.output.len()],
        });
        weight.into_iter().chain(bias).collect()
    }

    pub(super) fn map(&self, input: Shape) -> LinearMap {
        let mut rows = self.entries.rows();
        let mut entry = 0u32;
        LinearMap::from_rows(input.len(), self.output.len(), |row, entries| {
            for column in rows.next().unwrap_or_default() {
                let coefficient = match self.weights {
                    true => Coefficient::Parameter {
                        tensor: 0,
                        index: entry,
                    },
                    false => Coefficient::Fixed(1.0),
                };
                entries.push((*column, coefficient));
                entry += 1;
            }
            match self.bias {
                true => Coefficient::Parameter {
                    tensor: u8::from(self.weights),
                    index: row as u32,
                },
                false => Coefficient::Fixed(0.0),
            }
        })
    }
}
