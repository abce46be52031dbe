//! Layouts apart by phase: of each window of `side × side` the elements at one place lie together, as a tensor of
//! their own, and the tensors of the places one after the other.
//!
//! Summing windows is then a sum of rotations by whole tensors: `2 log2(side)` rotations, no level, and the result is
//! replicated. A convolution with a stride, or of such sums, finds the rows that it reads at equal distances.

use hemet_schedule::{Digit, Layout};
use hemet_spaces::Shape;

use super::{Site, Windows, channel_minor, grouped, padded, raster};

pub(super) fn layouts(site: &Site<'_>) -> Vec<Layout> {
    let (Windows::Wanted(side) | Windows::Summed(side)) = site.windows else {
        return Vec::new();
    };
    let Shape {
        channels,
        height,
        width,
    } = site.shape;
    if !(height.is_multiple_of(side) && width.is_multiple_of(side)) {
        return Vec::new();
    }
    let site = Site {
        shape: Shape::new(channels, height / side, width / side),
        grids: &[],
        windows: Windows::None,
        groups: site.groups,
    };
    let families = [
        raster::layouts,
        padded::layouts,
        channel_minor::layouts,
        grouped::layouts,
    ];
    let bases = families.iter().flat_map(|family| family(&site));
    bases.map(|base| split(base, side as u32)).collect()
}

fn split(mut base: Layout, side: u32) -> Layout {
    let places = side.next_power_of_two();
    let [_, height, width] = &mut base.shape;
    *height *= side;
    *width *= side;
    for (axis, stride) in [(2, base.period), (1, base.period.saturating_mul(places))] {
        base.axes[axis].push(Digit {
            extent: side,
            stride,
        });
    }
    base.period = base.period.saturating_mul(places).saturating_mul(places);
    base
}

/// Where the sums over the windows lie.
pub fn summed(mut layout: Layout, side: usize) -> Layout {
    let places = side.next_power_of_two() as u32;
    let [_, height, width] = &mut layout.shape;
    *height /= side as u32;
    *width /= side as u32;
    for axis in [1, 2] {
        layout.axes[axis].pop();
    }
    layout.period /= places * places;
    layout
}
