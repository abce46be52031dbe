//! Where the boxes of a graph stand: rows by the longest way from the top, order in a row by the neighbours' places.
//!
//! An arrow over several rows gets a narrow place in each row that it passes, so that it runs between the boxes.

use crate::scene::Place;

/// Room between two things in a row.
const GAP_X: f64 = 18.0;
/// Room between two rows.
const GAP_Y: f64 = 26.0;
/// Width of the place of a passing arrow.
const LANE: f64 = 10.0;
/// Rounds of ordering and of moving towards the neighbours, down and up in turn.
const ROUNDS: usize = 8;

/// Places of a drawing whose top left is at (0, 0).
pub(super) struct Layout {
    pub width: f64,
    pub height: f64,
    /// The centre of each box.
    pub centres: Vec<Place>,
    /// The line of each arrow, in the order of the arrows.
    pub arrows: Vec<Vec<Place>>,
}

/// A box, or the place of an arrow that passes a row.
struct Item {
    width: f64,
    height: f64,
    row: usize,
    above: Vec<usize>,
    below: Vec<usize>,
    /// Middle.
    x: f64,
}

/// Lays out boxes of these widths and heights; every arrow leads to a greater index.
pub(super) fn lay_out(sizes: &[(f64, f64)], arrows: &[(usize, usize)]) -> Layout {
    let mut items: Vec<Item> = Vec::new();
    let row_of = rows(sizes.len(), arrows);
    for (row, (width, height)) in row_of.iter().zip(sizes) {
        items.push(Item::new(*width, *height, *row));
    }
    // The items that each arrow goes through, its ends included.
    let ways: Vec<Vec<usize>> = arrows.iter().map(|a| way(&mut items, *a)).collect();
    let rows = order(&mut items);
    for round in 0..ROUNDS {
        settle(&mut items, &rows, round % 2 == 0);
    }
    let left = items
        .iter()
        .map(|i| i.x - i.width / 2.0)
        .fold(f64::INFINITY, f64::min);
    for item in &mut items {
        item.x -= left;
    }
    place(&items, &rows, &ways, sizes.len())
}

impl Item {
    fn new(width: f64, height: f64, row: usize) -> Self {
        Self {
            width,
            height,
            row,
            above: Vec::new(),
            below: Vec::new(),
            x: 0.0,
        }
    }
}

/// The row of each box: one below the lowest that it reads.
fn rows(boxes: usize, arrows: &[(usize, usize)]) -> Vec<usize> {
    let mut rows = vec![0; boxes];
    let mut sorted = arrows.to_vec();
    // Arrows lead to greater indices, so a source's row is settled before it is read.
    sorted.sort_unstable_by_key(|(_, to)| *to);
    for (from, to) in sorted {
        rows[to] = rows[to].max(rows[from] + 1);
    }
    rows
}

/// The items that an arrow goes through; makes those between its ends.
fn way(items: &mut Vec<Item>, (from, to): (usize, usize)) -> Vec<usize> {
    let mut way = vec![from];
    for row in items[from].row + 1..items[to].row {
        items.push(Item::new(LANE, 0.0, row));
        way.push(items.len() - 1);
    }
    way.push(to);
    for pair in way.windows(2) {
        items[pair[0]].below.push(pair[1]);
        items[pair[1]].above.push(pair[0]);
    }
    way
}

/// The items of each row from left to right; `x` is then their place in the row.
fn order(items: &mut [Item]) -> Vec<Vec<usize>> {
    let height = items.iter().map(|i| i.row + 1).max().unwrap_or(0);
    let mut rows = vec![Vec::new(); height];
    for (index, item) in items.iter().enumerate() {
        rows[item.row].push(index);
    }
    for round in 0..ROUNDS {
        for step in 0..height {
            let down = round % 2 == 0;
            let row = if down { step } else { height - 1 - step };
            let mut keyed: Vec<(f64, usize)> = rows[row]
                .iter()
                .enumerate()
                .map(|(i, item)| (wish(items, *item, down).unwrap_or(i as f64), *item))
                .collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            let middle = (keyed.len() as f64 - 1.0) / 2.0;
            for (i, (_, item)) in keyed.iter().enumerate() {
                items[*item].x = i as f64 - middle;
                rows[row][i] = *item;
            }
        }
    }
    for row in &rows {
        let width: f64 = row.iter().map(|i| items[*i].width + GAP_X).sum();
        let mut left = -width / 2.0;
        for item in row {
            items[*item].x = left + (items[*item].width + GAP_X) / 2.0;
            left += items[*item].width + GAP_X;
        }
    }
    rows
}

/// Where an item's neighbours above (or below) would have it: their mean.
fn wish(items: &[Item], item: usize, above: bool) -> Option<f64> {
    let neighbours = match above {
        true => &items[item].above,
        false => &items[item].below,
    };
    let sum: f64 = neighbours.iter().map(|n| items[*n].x).sum();
    (!neighbours.is_empty()).then(|| sum / neighbours.len() as f64)
}

/// Moves the items of every row towards their neighbours above (or below), as far as those beside them allow: the mean
/// of pushing from the left and from the right.
fn settle(items: &mut [Item], rows: &[Vec<usize>], down: bool) {
    let height = rows.len();
    for step in 0..height {
        let row = &rows[if down { step } else { height - 1 - step }];
        let wishes: Vec<f64> = row
            .iter()
            .map(|i| wish(items, *i, down).unwrap_or(items[*i].x))
            .collect();
        let half = |i: usize| items[row[i]].width / 2.0 + GAP_X / 2.0;
        let mut from_left = wishes.clone();
        for i in 1..row.len() {
            from_left[i] = from_left[i].max(from_left[i - 1] + half(i - 1) + half(i));
        }
        let mut from_right = wishes;
        for i in (1..row.len()).rev() {
            from_right[i - 1] = from_right[i - 1].min(from_right[i] - half(i) - half(i - 1));
        }
        for (i, item) in row.iter().enumerate() {
            items[*item].x = (from_left[i] + from_right[i]) / 2.0;
        }
    }
}

fn place(items: &[Item], rows: &[Vec<usize>], ways: &[Vec<usize>], boxes: usize) -> Layout {
    let mut tops = Vec::new();
    let mut y = 0.0;
    for row in rows {
        let height = row.iter().map(|i| items[*i].height).fold(0.0, f64::max);
        tops.push((y, height));
        y += height + GAP_Y;
    }
    let centre = |item: &Item| {
        let (top, height) = tops[item.row];
        (item.x, top + height / 2.0)
    };
    let line = |way: &Vec<usize>| {
        let mut line: Vec<Place> = Vec::new();
        for (step, index) in way.iter().enumerate() {
            let item = &items[*index];
            let (x, y) = centre(item);
            if step == 0 {
                line.push((x, y + item.height / 2.0));
            } else if step + 1 == way.len() {
                line.push((x, y - item.height / 2.0));
            } else {
                // Straight through the row that it passes.
                let (top, height) = tops[item.row];
                line.extend([(x, top), (x, top + height)]);
            }
        }
        line
    };
    let right = items.iter().map(|i| i.x + i.width / 2.0);
    Layout {
        width: right.fold(0.0, f64::max),
        height: (y - GAP_Y).max(0.0),
        centres: items[..boxes].iter().map(centre).collect(),
        arrows: ways.iter().map(line).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::Bounds;
    use proptest::prelude::*;

    prop_compose! {
        fn graph()(boxes in 1usize..25)(
            sizes in prop::collection::vec((20.0..200.0f64, 20.0..60.0f64), boxes),
            arrows in prop::collection::vec((0..boxes, 0..boxes), 0..2 * boxes),
        ) -> (Vec<(f64, f64)>, Vec<(usize, usize)>) {
            let mut arrows: Vec<_> = arrows.into_iter().filter(|(a, b)| a < b).collect();
            arrows.sort_unstable();
            arrows.dedup();
            (sizes, arrows)
        }
    }

    proptest! {
        #[test]
        fn no_box_covers_another_and_all_lie_inside((sizes, arrows) in graph()) {
            let layout = lay_out(&sizes, &arrows);
            let bounds: Vec<Bounds> = layout.centres.iter().zip(&sizes)
                .map(|(centre, (width, height))| Bounds::around(*centre, *width, *height)).collect();
            let all = Bounds { left: 0.0, top: 0.0, right: layout.width, bottom: layout.height }.grown(1e-6);
            for (i, a) in bounds.iter().enumerate() {
                prop_assert!(all.holds(*a), "{:?} in {:?}", a, all);
                for b in &bounds[..i] {
                    prop_assert!(!a.grown(-1e-6).overlaps(b.grown(-1e-6)), "{:?} {:?}", a, b);
                }
            }
        }

        #[test]
        fn every_arrow_leads_down_from_box_to_box((sizes, arrows) in graph()) {
            let layout = lay_out(&sizes, &arrows);
            for ((from, to), line) in arrows.iter().zip(&layout.arrows) {
                prop_assert!(line.windows(2).all(|p| p[0].1 <= p[1].1 + 1e-9));
                prop_assert!((line[0].0 - layout.centres[*from].0).abs() < 1e-9);
                prop_assert!((line[line.len() - 1].0 - layout.centres[*to].0).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn a_chain_is_straight_and_branches_stand_side_by_side() {
        let size = (50.0, 20.0);
        let layout = lay_out(&[size; 5], &[(0, 1), (1, 2), (1, 3), (2, 4), (3, 4)]);
        let x: Vec<f64> = layout.centres.iter().map(|c| c.0).collect();
        assert!(
            (x[0] - x[1]).abs() < 1e-6 && (x[1] - x[4]).abs() < 1e-6,
            "{x:?}"
        );
        assert!((x[3] - x[2] - 68.0).abs() < 1e-6, "{x:?}");
        assert!(((x[2] + x[3]) / 2.0 - x[0]).abs() < 1e-6, "{x:?}");
    }
}
