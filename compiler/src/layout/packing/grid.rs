//! Layouts on the grid of a larger tensor further up, so that a stride or an unpadded convolution leaves elements
//! where they were.
//!
//! `multiplexed`: the gaps that strides leave are filled with further channels (Lee et al., "Low-Complexity Deep
//! Convolutional Neural Networks on Fully Homomorphic Encryption Using Multiplexed Parallel Convolutions", ICML 2022,
//! section 4). `in_place`: the gaps stay empty. Each with the grid's rows as they are and, where that differs, of a
//! power of two (`padded`).

use hemet_schedule::{Digit, Layout};

use super::{Site, extents};

pub(super) fn multiplexed(site: &Site<'_>) -> Vec<Layout> {
    on_grids(site, |gap| gap)
}

pub(super) fn in_place(site: &Site<'_>) -> Vec<Layout> {
    on_grids(site, |_| 1)
}

/// One layout for each grid; `fill(gap)` channels lie side by side within a gap, in each direction.
fn on_grids(site: &Site<'_>, fill: fn(u32) -> u32) -> Vec<Layout> {
    let [channels, height, width] = extents(site.shape);
    let grid = |(grid_height, grid_width): (u32, u32), padded: bool| {
        let gap = (grid_height / height).min(grid_width / width);
        let (grid_height, grid_width) = match padded {
            true if grid_width.is_power_of_two() => return None,
            true => (grid_height, grid_width.next_power_of_two()),
            false => (grid_height, grid_width),
        };
        if gap == 0 || (gap == 1 && fill(2) == 2) {
            // Without gaps there is nothing to fill: `in_place` makes this one.
            return None;
        }
        let side = fill(gap);
        let plane = (grid_height * grid_width).next_power_of_two();
        let blocks = channels.div_ceil(side * side);
        let digit = |extent, stride| Digit { extent, stride };
        let mut channel = vec![digit(blocks, plane)];
        if side > 1 {
            channel.extend([digit(side, grid_width), digit(side, 1)]);
        }
        Some(Layout {
            shape: [channels, height, width],
            axes: [
                channel,
                vec![digit(height, gap * grid_width)],
                vec![digit(width, gap)],
            ],
            period: plane.saturating_mul(blocks.next_power_of_two()),
        })
    };
    let grids = site.grids.iter().map(|(h, w)| (*h as u32, *w as u32));
    let both = grids.flat_map(|g| [false, true].map(|padded| grid(g, padded)));
    both.flatten().collect()
}
