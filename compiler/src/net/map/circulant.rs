//! Block-circulant maps, found by their values.

use super::SparseMap;

/// Sides of blocks that are looked for, as powers of two up to this one.
const MOST_LOG_SIDE: u32 = 6;

impl SparseMap {
    /// The largest side of circulant blocks between so many channels on either side: moving row and column by one block
    /// of channels finds the same value, for every entry. 1 where there is none, and for maps that do not join blocks,
    /// as a pool: they have nothing to lose.
    pub fn circulant(&self, inputs: usize, outputs: usize) -> usize {
        let sides = (1..=MOST_LOG_SIDE).rev().map(|log| 1usize << log);
        let mut sides =
            sides.filter(|side| inputs.is_multiple_of(*side) && outputs.is_multiple_of(*side));
        sides.find(|side| self.is_circulant(*side)).unwrap_or(1)
    }

    fn is_circulant(&self, side: usize) -> bool {
        let (rows, columns) = (self.outputs / side, self.inputs / side);
        let block = |column: &u32| *column as usize / columns;
        let joins = (0..rows).any(|row| {
            let columns = self.columns(row);
            columns.first().map(block) != columns.last().map(block)
        });
        joins && (0..self.outputs - rows).all(|row| self.is_turned(row, row + rows, columns))
    }

    /// Whether row `next` is row `row` with each entry `by` columns further, around the end.
    fn is_turned(&self, row: usize, next: usize, by: usize) -> bool {
        let (own, values) = (self.columns(row), self.values(row));
        let wraps = own.partition_point(|c| (*c as usize) < self.inputs - by);
        let further = |c: &u32| (*c as usize + by) % self.inputs;
        let turned = own[wraps..].iter().chain(&own[..wraps]).map(further);
        let same = turned.eq(self.columns(next).iter().map(|c| *c as usize));
        let at = wraps.min(values.len());
        let turned = values[at..].iter().chain(&values[..at]);
        same && turned.eq(self.values(next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The map of dense rows.
    fn map(rows: &[&[f64]]) -> SparseMap {
        let inputs = rows[0].len();
        let mut map = SparseMap::pattern(inputs, rows.len(), |_, columns| {
            columns.extend(0..inputs as u32);
            None
        });
        // Rows of a pattern lie one after another where each was given.
        map.values = Some(rows.concat());
        map
    }

    #[test]
    fn circulant_blocks_are_found_and_no_others() {
        let four = map(&[
            &[1.0, 2.0, 3.0, 4.0],
            &[4.0, 1.0, 2.0, 3.0],
            &[3.0, 4.0, 1.0, 2.0],
            &[2.0, 3.0, 4.0, 1.0],
        ]);
        assert_eq!(four.circulant(4, 4), 4);
        let two = map(&[&[1.0, 2.0, 3.0, 4.0], &[3.0, 4.0, 1.0, 2.0]]);
        assert_eq!(two.circulant(4, 2), 2);
        let none = map(&[&[1.0, 2.0, 3.0, 4.0], &[3.0, 4.0, 1.0, 5.0]]);
        assert_eq!(none.circulant(4, 2), 1);
        assert_eq!(SparseMap::identity(4, true).circulant(4, 4), 1);
    }
}
