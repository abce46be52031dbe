//! Sparse maps: a pattern in compressed rows, with values where weights are known.

mod circulant;
mod compose;

use std::sync::Arc;

use hemet_spaces::LinearMap;
use hemet_spaces::weights::LayerWeights;

/// Where a row's columns lie: the first and the one after the last.
type Row = (u32, u32);

/// A sparse matrix in compressed rows. The pattern never depends on values.
#[derive(Clone, Debug)]
pub struct SparseMap {
    inputs: usize,
    outputs: usize,
    entries: usize,
    /// Shared between maps that differ in values only. In a pattern alone rows of equal columns, as all output
    /// channels of a convolution have, may lie at one place, which keeps patterns small; with values each row has a
    /// place of its own, in order.
    rows: Arc<Vec<Row>>,
    columns: Arc<Vec<u32>>,
    /// One for each column, or `None` for a pattern alone.
    values: Option<Vec<f64>>,
    /// The map is the identity by construction, whatever the weights.
    identity: bool,
}

impl PartialEq for SparseMap {
    fn eq(&self, other: &Self) -> bool {
        let extents = |m: &Self| (m.inputs, m.outputs, m.entries, m.identity);
        extents(self) == extents(other)
            && self.values == other.values
            && (0..self.outputs).all(|row| self.columns(row) == other.columns(row))
    }
}

impl SparseMap {
    /// The map of a layer; with weights its values too.
    pub fn from_layer(map: LinearMap, weights: Option<&LayerWeights<'_>>) -> Self {
        let values = weights.map(|w| map.coefficients.iter().map(|c| w.value(*c)).collect());
        let rows = map.row_starts.windows(2).map(|w| (w[0], w[1]));
        Self {
            inputs: map.inputs,
            outputs: map.outputs,
            entries: map.columns.len(),
            rows: Arc::new(rows.collect()),
            columns: Arc::new(map.columns),
            values,
            identity: false,
        }
    }

    /// A pattern from its rows: `row(r, columns)` appends the columns of row `r`, ascending, or says that they are
    /// those of an earlier row.
    pub fn pattern(
        inputs: usize,
        outputs: usize,
        mut row: impl FnMut(usize, &mut Vec<u32>) -> Option<usize>,
    ) -> Self {
        let mut out = Rows::new(inputs, outputs, false);
        for r in 0..outputs {
            match row(r, &mut out.columns) {
                Some(same) => out.same_as(same),
                None => out.end_row(),
            }
        }
        out.finish()
    }

    /// The identity on `len` elements; `with_values` says whether the net carries values.
    pub fn identity(len: usize, with_values: bool) -> Self {
        let mut map = Self::place(len, len, 0, with_values);
        map.identity = true;
        map
    }

    /// Copies input `i` to output `offset + i`; the other outputs are zero.
    pub fn place(inputs: usize, outputs: usize, offset: usize, with_values: bool) -> Self {
        let start = |row: usize| row.saturating_sub(offset).min(inputs) as u32;
        let rows = (0..outputs).map(|row| (start(row), start(row + 1)));
        let columns = (0..inputs as u32).collect::<Vec<u32>>();
        Self {
            inputs,
            outputs,
            entries: inputs,
            rows: Arc::new(rows.collect()),
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
        self.entries
    }

    /// Whether the map is the identity by construction.
    pub fn is_identity(&self) -> bool {
        self.identity
    }

    /// Columns of row `row`, ascending.
    pub fn columns(&self, row: usize) -> &[u32] {
        &self.columns[self.range(row)]
    }

    fn range(&self, row: usize) -> std::ops::Range<usize> {
        let (start, end) = self.rows[row];
        start as usize..end as usize
    }

    /// Whether so many rows from `row` on have the same columns as those from `other` on.
    pub fn rows_equal(&self, row: usize, other: usize, count: usize) -> bool {
        (0..count).all(|k| {
            let (one, two) = (row + k, other + k);
            self.rows[one] == self.rows[two] || self.columns(one) == self.columns(two)
        })
    }

    /// Values of row `row`; empty for a pattern alone.
    pub fn values(&self, row: usize) -> &[f64] {
        match &self.values {
            Some(values) => &values[self.range(row)],
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
        if self.entries > self.inputs.min(self.outputs) || !self.has_short_rows() {
            return false;
        }
        let mut taken = vec![false; self.inputs];
        let once = |column: &u32| !std::mem::replace(&mut taken[*column as usize], true);
        (0..self.outputs)
            .flat_map(|row| self.columns(row))
            .all(once)
    }

    /// Whether each row has at most one entry.
    fn has_short_rows(&self) -> bool {
        self.rows.iter().all(|(start, end)| end - start <= 1)
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
        let mut offset = 0;
        if !Arc::ptr_eq(&self.columns, &other.columns) || self.values.is_some() {
            offset = self.columns.len() as u32;
            Arc::make_mut(&mut self.columns).extend_from_slice(&other.columns);
        }
        let moved = |(start, end): &Row| (start + offset, end + offset);
        Arc::make_mut(&mut self.rows).extend(other.rows.iter().map(moved));
        self.outputs += other.outputs;
        self.entries += other.entries;
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
        for ((start, end), row) in self.rows.iter().zip(rows) {
            for entry in *start as usize..*end as usize {
                values[entry] *= row * columns[self.columns[entry] as usize];
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
    entries: usize,
    rows: Vec<Row>,
    columns: Vec<u32>,
    values: Option<Vec<f64>>,
    /// Where the next row begins.
    start: usize,
}

impl Rows {
    fn new(inputs: usize, outputs: usize, with_values: bool) -> Self {
        Self {
            inputs,
            outputs,
            entries: 0,
            rows: Vec::with_capacity(outputs),
            columns: Vec::new(),
            values: with_values.then(Vec::new),
            start: 0,
        }
    }

    /// The columns since the last row are a row.
    fn end_row(&mut self) {
        let end = self.columns.len();
        self.rows.push((self.start as u32, end as u32));
        self.entries += end - self.start;
        self.start = end;
    }

    /// The next row of a pattern has the columns of an earlier one.
    fn same_as(&mut self, row: usize) {
        let (start, end) = self.rows[row];
        self.rows.push((start, end));
        self.entries += (end - start) as usize;
    }

    fn finish(self) -> SparseMap {
        SparseMap {
            inputs: self.inputs,
            outputs: self.outputs,
            entries: self.entries,
            rows: Arc::new(self.rows),
            columns: Arc::new(self.columns),
            values: self.values,
            identity: false,
        }
    }
}
