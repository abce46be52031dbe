//! Sparse maps: a pattern in compressed rows, with values where weights are known.

use std::collections::HashMap;
use std::sync::Arc;

use hemet_spaces::LinearMap;
use hemet_spaces::weights::LayerWeights;

/// A sparse matrix in compressed rows. The pattern never depends on values.
#[derive(Clone, Debug, PartialEq)]
pub struct SparseMap {
    inputs: usize,
    outputs: usize,
    /// Shared between maps that differ in values only.
    starts: Arc<Vec<u32>>,
    columns: Arc<Vec<u32>>,
    /// One for each entry, or `None` for a pattern alone.
    values: Option<Vec<f64>>,
    /// The map is the identity by construction, whatever the weights.
    identity: bool,
}

impl SparseMap {
    /// The map of a layer; with weights its values too.
    pub fn from_layer(map: LinearMap, weights: Option<&LayerWeights<'_>>) -> Self {
        let values = weights.map(|w| map.coefficients.iter().map(|c| w.value(*c)).collect());
        Self {
            inputs: map.inputs,
            outputs: map.outputs,
            starts: Arc::new(map.row_starts),
            columns: Arc::new(map.columns),
            values,
            identity: false,
        }
    }

    /// A pattern from its rows: `row(r, columns)` appends the columns of row `r`, ascending, or says that they are those of an earlier
    /// row.
    pub fn pattern(
        inputs: usize,
        outputs: usize,
        mut row: impl FnMut(usize, &mut Vec<u32>) -> Option<usize>,
    ) -> Self {
        let mut starts: Vec<u32> = Vec::with_capacity(outputs + 1);
        let mut columns = Vec::new();
        starts.push(0);
        for r in 0..outputs {
            if let Some(same) = row(r, &mut columns) {
                columns.extend_from_within(starts[same] as usize..starts[same + 1] as usize);
            }
            starts.push(columns.len() as u32);
        }
        Self {
            inputs,
            outputs,
            starts: Arc::new(starts),
            columns: Arc::new(columns),
            values: None,
            identity: false,
        }
    }

    /// The identity on `len` elements; `with_values` says whether the net carries values.
    pub fn identity(len: usize, with_values: bool) -> Self {
        let mut map = Self::place(len, len, 0, with_values);
        map.identity = true;
        map
    }

    /// Copies input `i` to output `offset + i`; the other outputs are zero.
    pub fn place(inputs: usize, outputs: usize, offset: usize, with_values: bool) -> Self {
        let starts = (0..=outputs)
            .map(|row| row.saturating_sub(offset).min(inputs) as u32)
            .collect::<Vec<u32>>();
        let columns = (0..inputs as u32).collect::<Vec<u32>>();
        Self {
            inputs,
            outputs,
            starts: Arc::new(starts),
            columns: Arc::new(columns),
            values: with_values.then(|| vec![1.0; inputs]),
            identity: false,
        }
    }

    /// A diagonal map.
    pub fn diagonal(len: usize, values: Option<Vec<f64>>) -> Self {
        Self {
            values,
            ..Self::place(len, len, 0, false)
        }
    }

    /// Number of columns.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Number of rows.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Number of entries.
    pub fn entries(&self) -> usize {
        self.columns.len()
    }

    /// Whether the map is the identity by construction.
    pub fn is_identity(&self) -> bool {
        self.identity
    }

    /// Columns of row `row`, ascending.
    pub fn columns(&self, row: usize) -> &[u32] {
        &self.columns[self.starts[row] as usize..self.starts[row + 1] as usize]
    }

    /// Whether so many rows from `row` on have the same columns as those from `other` on.
    pub fn rows_equal(&self, row: usize, other: usize, count: usize) -> bool {
        let range = |row: usize| self.starts[row] as usize..self.starts[row + count] as usize;
        let length = |row: usize| self.starts[row + 1] - self.starts[row];
        self.columns[range(row)] == self.columns[range(other)]
            && (0..count).all(|k| length(row + k) == length(other + k))
    }

    /// Values of row `row`; empty for a pattern alone.
    pub fn values(&self, row: usize) -> &[f64] {
        match &self.values {
            Some(values) => &values[self.starts[row] as usize..self.starts[row + 1] as usize],
            None => &[],
        }
    }

    /// The values of all rows, one after another; empty for a pattern alone.
    pub fn all_values(&self) -> &[f64] {
        self.values.as_deref().unwrap_or_default()
    }

    /// Whether the map carries values.
    pub fn has_values(&self) -> bool {
        self.values.is_some()
    }

    /// Whether each row and each column has at most one entry: composing with such a map costs nothing.
    pub fn is_monomial(&self) -> bool {
        if self.columns.len() > self.inputs.min(self.outputs) {
            return false;
        }
        let mut taken = vec![false; self.inputs];
        let once = |column: &u32| !std::mem::replace(&mut taken[*column as usize], true);
        self.starts.windows(2).all(|w| w[1] - w[0] <= 1) && self.columns.iter().all(once)
    }

    /// `12x34, 56 entries`, or `identity`.
    pub fn describe(&self) -> String {
        match self.identity {
            true => "identity".into(),
            false => format!(
                "{}x{}, {} entries",
                self.outputs,
                self.inputs,
                self.entries()
            ),
        }
    }

    /// `self · inner`: first `inner`, then `self`.
    pub fn after(&self, inner: &Self) -> Self {
        if self.identity {
            return inner.clone();
        }
        if inner.identity {
            return self.clone();
        }
        if self.is_diagonal() {
            let mut out = inner.clone();
            out.values = out.values.filter(|_| self.values.is_some());
            if let Some(factors) = &self.values {
                out.scale_rows(factors);
            }
            return out;
        }
        if self.starts.windows(2).all(|w| w[1] - w[0] <= 1) {
            return self.select_rows(inner);
        }
        self.after_general(inner)
    }

    /// Whether row `r` has exactly the column `r`.
    fn is_diagonal(&self) -> bool {
        let own = |(row, column): (usize, &u32)| row == *column as usize;
        self.inputs == self.outputs
            && self.columns.len() == self.outputs
            && self.columns.iter().enumerate().all(own)
            && self.starts.iter().enumerate().all(own)
    }

    fn scale_rows(&mut self, factors: &[f64]) {
        let Some(values) = &mut self.values else {
            return;
        };
        for (window, factor) in self.starts.windows(2).zip(factors) {
            let entries = window[0] as usize..window[1] as usize;
            values[entries].iter_mut().for_each(|v| *v *= factor);
        }
    }

    /// [`SparseMap::after`] where each row of `self` has at most one entry.
    fn select_rows(&self, inner: &Self) -> Self {
        let with_values = self.values.is_some() && inner.values.is_some();
        let mut out = Rows::new(inner.inputs, self.outputs, with_values);
        for row in 0..self.outputs {
            if let Some(&column) = self.columns(row).first() {
                let column = column as usize;
                out.columns.extend_from_slice(inner.columns(column));
                if let (Some(values), Some(factor)) = (&mut out.values, self.values(row).first()) {
                    values.extend(inner.values(column).iter().map(|v| v * factor));
                }
            }
            out.starts.push(out.columns.len() as u32);
        }
        out.finish()
    }

    /// [`SparseMap::after_general`] for patterns: rows of equal columns, as all output channels of a convolution have, are composed
    /// once.
    fn after_pattern(&self, inner: &Self) -> Self {
        let mut out = Rows::new(inner.inputs, self.outputs, false);
        let mut seen = vec![u32::MAX; inner.inputs];
        let mut known: HashMap<(u32, u32, usize), usize> = HashMap::new();
        for row in 0..self.outputs {
            let own = self.columns(row);
            let ends = own
                .first()
                .zip(own.last())
                .map(|(a, b)| (*a, *b, own.len()));
            let before = ends.and_then(|ends| known.insert(ends, row));
            if let Some(same) = before.filter(|before| self.columns(*before) == own) {
                let range = out.starts[same] as usize..out.starts[same + 1] as usize;
                out.columns.extend_from_within(range);
            } else {
                let first = out.columns.len();
                let fresh =
                    |c: &u32| std::mem::replace(&mut seen[*c as usize], row as u32) != row as u32;
                let all = own
                    .iter()
                    .flat_map(|middle| inner.columns(*middle as usize));
                out.columns.extend(all.copied().filter(fresh));
                out.columns[first..].sort_unstable();
            }
            out.starts.push(out.columns.len() as u32);
        }
        out.finish()
    }

    fn after_general(&self, inner: &Self) -> Self {
        let with_values = self.values.is_some() && inner.values.is_some();
        if !with_values {
            return self.after_pattern(inner);
        }
        let mut out = Rows::new(inner.inputs, self.outputs, with_values);
        let mut seen = vec![u32::MAX; inner.inputs];
        let mut sums = vec![0.0; inner.inputs];
        for row in 0..self.outputs {
            let first = out.columns.len();
            for (position, &middle) in self.columns(row).iter().enumerate() {
                let factor = self.values(row).get(position).copied().unwrap_or(0.0);
                let middle = middle as usize;
                for (index, &column) in inner.columns(middle).iter().enumerate() {
                    let c = column as usize;
                    if seen[c] != row as u32 {
                        seen[c] = row as u32;
                        out.columns.push(column);
                        sums[c] = 0.0;
                    }
                    sums[c] += factor * inner.values(middle)[index];
                }
            }
            out.columns[first..].sort_unstable();
            if let Some(values) = &mut out.values {
                values.extend(out.columns[first..].iter().map(|c| sums[*c as usize]));
            }
            out.starts.push(out.columns.len() as u32);
        }
        out.finish()
    }

    /// An upper bound on the entries of [`SparseMap::after`], without forming it.
    pub fn entries_after(&self, inner: &Self) -> usize {
        self.columns
            .iter()
            .map(|c| inner.columns(*c as usize).len())
            .sum()
    }

    /// `self + other`, maps of equal extents.
    pub fn plus(&self, other: &Self) -> Self {
        let with_values = self.values.is_some() && other.values.is_some();
        let mut out = Rows::new(self.inputs, self.outputs, with_values);
        for row in 0..self.outputs {
            let (left, right) = (self.columns(row), other.columns(row));
            let (mut i, mut j) = (0, 0);
            while i < left.len() || j < right.len() {
                let a = left.get(i).copied().unwrap_or(u32::MAX);
                let b = right.get(j).copied().unwrap_or(u32::MAX);
                let mut value = 0.0;
                if a <= b {
                    value += self.values(row).get(i).copied().unwrap_or(0.0);
                    i += 1;
                }
                if b <= a {
                    value += other.values(row).get(j).copied().unwrap_or(0.0);
                    j += 1;
                }
                out.columns.push(a.min(b));
                if let Some(values) = &mut out.values {
                    values.push(value);
                }
            }
            out.starts.push(out.columns.len() as u32);
        }
        out.finish()
    }

    /// The same entries with `offset` added to each column, in a map of `inputs` columns.
    pub fn shift_columns(&self, offset: usize, inputs: usize) -> Self {
        Self {
            inputs,
            columns: Arc::new(self.columns.iter().map(|c| c + offset as u32).collect()),
            identity: false,
            ..self.clone()
        }
    }

    /// The rows of `self` followed by those of `other`; both of equal columns.
    pub fn stack(mut self, other: &Self) -> Self {
        let end = self.columns.len() as u32;
        self.outputs += other.outputs;
        let starts = other.starts[1..].iter().map(|start| start + end);
        Arc::make_mut(&mut self.starts).extend(starts);
        Arc::make_mut(&mut self.columns).extend_from_slice(&other.columns);
        self.values = match (self.values, &other.values) {
            (Some(mut values), Some(more)) => {
                values.extend_from_slice(more);
                Some(values)
            }
            (Some(_), None) | (None, _) => None,
        };
        self.identity = false;
        self
    }

    /// Multiplies row `r` by `rows[r]` and column `c` by `columns[c]`.
    pub fn scale(&mut self, rows: &[f64], columns: &[f64]) {
        let Some(values) = &mut self.values else {
            return;
        };
        for (row, window) in self.starts.windows(2).enumerate() {
            for entry in window[0] as usize..window[1] as usize {
                values[entry] *= rows[row] * columns[self.columns[entry] as usize];
            }
        }
    }

    /// `self · x`; zeros for a pattern alone.
    pub fn apply(&self, x: &[f64]) -> Vec<f64> {
        (0..self.outputs)
            .map(|row| {
                let products = self.columns(row).iter().zip(self.values(row));
                products.map(|(c, v)| v * x[*c as usize]).sum()
            })
            .collect()
    }
}

/// A map being built row by row.
struct Rows {
    inputs: usize,
    outputs: usize,
    starts: Vec<u32>,
    columns: Vec<u32>,
    values: Option<Vec<f64>>,
}

impl Rows {
    fn new(inputs: usize, outputs: usize, with_values: bool) -> Self {
        let mut starts = Vec::with_capacity(outputs + 1);
        starts.push(0);
        Self {
            inputs,
            outputs,
            starts,
            columns: Vec::new(),
            values: with_values.then(Vec::new),
        }
    }

    fn finish(self) -> SparseMap {
        SparseMap {
            inputs: self.inputs,
            outputs: self.outputs,
            starts: Arc::new(self.starts),
            columns: Arc::new(self.columns),
            values: self.values,
            identity: false,
        }
    }
}
