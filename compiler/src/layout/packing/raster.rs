//! Channel after channel, row after row: without gaps, and with each channel on a power of two.

use hemet_schedule::{Digit, Layout};
use hemet_spaces::Shape;

use super::{Site, extents};

pub(super) fn layouts(site: &Site<'_>) -> Vec<Layout> {
    vec![Layout::raster(extents(site.shape)), aligned(site.shape)]
}

/// Channel after channel, each on a power of two.
pub fn aligned(shape: Shape) -> Layout {
    let mut layout = Layout::raster(extents(shape));
    let plane = (shape.height * shape.width).next_power_of_two() as u32;
    let channels = shape.channels as u32;
    layout.axes[0] = vec![Digit {
        extent: channels,
        stride: plane,
    }];
    layout.period = plane.saturating_mul(channels.next_power_of_two());
    layout
}
