//! Products and sums of sparse maps. In patterns, rows of equal columns, as all output channels of a convolution have,
//! are composed once.

use std::sync::Arc;

use super::{Row, Rows, SparseMap};

impl SparseMap {
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

    /// [`SparseMap::after_general`] for patterns: rows of equal columns, as all output channels of a convolution have,
    /// are composed once.
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
