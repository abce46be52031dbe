//! Channel after channel with rows of a power of two: convolutions between tensors of different widths then share
//! their diagonals.

use hemet_schedule::{Digit, Layout};

use super::{Site, extents};

pub(super) fn layouts(site: &Site<'_>) -> Vec<Layout> {
    let [channels, height, width] = extents(site.shape);
    let row = width.next_power_of_two();
    let plane = row.saturating_mul(height.next_power_of_two());
    let digit = |extent, stride| vec![Digit { extent, stride }];
    vec![Layout {
        shape: [channels, height, width],
        axes: [digit(channels, plane), digit(height, row), digit(width, 1)],
        period: plane.saturating_mul(channels.next_power_of_two()),
    }]
}
