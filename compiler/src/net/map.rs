//! Sparse maps: a pattern in compressed rows, with values where weights are known.

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
    /// Shared between maps that differ in values only. In a pattern alone rows of equal columns, as all output channels of a
    /// convolution have, may lie at one place, which keeps patterns small; with values each row has a place of its own, in order.
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

    /// A pattern from its rows: `row(r, columns)` appends the columns of row `r`, ascending, or says that they are those of an earlier
    /// row.
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
        if self.has_short_rows() {
            return self.select_rows(inner);
        }
        self.after_general(inner)
    }

    /// Whether row `r` has exactly the column `r`.
    fn is_diagonal(&self) -> bool {
        self.inputs == self.outputs
            && (0..self.outputs).all(|row| self.columns(row) == [row as u32])
    }

    fn scale_rows(&mut self, factors: &[f64]) {
        let Some(values) = &mut self.values else {
            return;
        };
        for ((start, end), factor) in self.rows.iter().zip(factors) {
            let entries = *start as usize..*end as usize;
            values[entries].iter_mut().for_each(|v| *v *= factor);
        }
    }

    /// [`SparseMap::after`] where each row of `self` has at most one entry.
    fn select_rows(&self, inner: &Self) -> Self {
        let with_values = self.values.is_some() && inner.values.is_some();
        if !with_values {
            let row = |row| match self.columns(row) {
                [column, ..] => inner.rows[*column as usize],
                [] => (0, 0),
            };
            let rows: Vec<Row> = (0..self.outputs).map(row).collect();
            return Self {
                outputs: self.outputs,
                entries: rows.iter().map(|(start, end)| (end - start) as usize).sum(),
                rows: Arc::new(rows),
                values: None,
                identity: false,
                ..inner.clone()
            };
        }
        let mut out = Rows::new(inner.inputs, self.outputs, true);
        for row in 0..self.outputs {
            if let Some(&column) = self.columns(row).first() {
                let column = column as usize;
                out.columns.extend_from_slice(inner.columns(column));
                if let (Some(values), Some(factor)) = (&mut out.values, self.values(row).first()) {
                    values.extend(inner.values(column).iter().map(|v| v * factor));
                }
            }
            out.end_row();
        }
        out.finish()
    }

    /// [`SparseMap::after_general`] for patterns: rows of equal columns, as all output channels of a convolution have, are composed
    /// once.
    fn after_pattern(&self, inner: &Self) -> Self {
        let mut out = Rows::new(inner.inputs, self.outputs, false);
        let mut seen = vec![u32::MAX; inner.inputs];
        let mut known = Known::new(self);
        for row in 0..self.outputs {
            if let Some(same) = known.before(row) {
                out.same_as(same);
                continue;
            }
            let first = out.columns.len();
            let fresh =
                |c: &u32| std::mem::replace(&mut seen[*c as usize], row as u32) != row as u32;
            let own = self.columns(row).iter();
            let all = own.flat_map(|middle| inner.columns(*middle as usize));
            out.columns.extend(all.copied().filter(fresh));
            out.columns[first..].sort_unstable();
            out.end_row();
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
            out.end_row();
        }
        out.finish()
    }

    /// An upper bound on the entries of [`SparseMap::after`], without forming it.
    pub fn entries_after(&self, inner: &Self) -> usize {
        let mut known = Known::new(self);
        let mut counts: Vec<usize> = Vec::with_capacity(self.outputs);
        for row in 0..self.outputs {
            let columns = self.columns(row).iter();
            counts.push(match known.before(row) {
                Some(same) => counts[same],
                None => columns.map(|c| inner.columns(*c as usize).len()).sum(),
            });
        }
        counts.iter().sum()
    }

    /// `self + other`, maps of equal extents.
    pub fn plus(&self, other: &Self) -> Self {
        let with_values = self.values.is_some() && other.values.is_some();
        let mut out = Rows::new(self.inputs, self.outputs, with_values);
        let mut known = Known::new(self);
        for row in 0..self.outputs {
            let before = known.before(row).filter(|_| !with_values);
            if let Some(same) = before.filter(|same| other.rows[*same] == other.rows[row]) {
                out.same_as(same);
                continue;
            }
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
            out.end_row();
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

/// Finds rows that lie where an earlier one does.
struct Known<'a> {
    rows: &'a [Row],
    /// For each place in the columns the last row that began there, plus 1.
    last: Vec<u32>,
}

impl<'a> Known<'a> {
    fn new(map: &'a SparseMap) -> Self {
        Self {
            rows: &map.rows,
            last: vec![0; map.columns.len() + 1],
        }
    }

    /// An earlier row of the same place; asked once of each row, in order.
    fn before(&mut self, row: usize) -> Option<usize> {
        let start = self.rows[row].0 as usize;
        let last = std::mem::replace(&mut self.last[start], row as u32 + 1);
        let last = (last as usize).checked_sub(1)?;
        (self.rows[last] == self.rows[row]).then_some(last)
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
