//! Channel after channel, row after row: without gaps, and with each channel on a power of two.

use hemet_schedule::{Digit, Layout};

use super::{Site, extents};

pub(super) fn layouts(site: &Site<'_>) -> Vec<Layout> {
    let compact = Layout::raster(extents(site.shape));
    let plane = (site.shape.height * site.shape.width).next_power_of_two() as u32;
    let channels = site.shape.channels as u32;
    let mut aligned = compact.clone();
    aligned.axes[0] = vec![Digit {
        extent: channels,
        stride: plane,
    }];
    aligned.period = plane.saturating_mul(channels.next_power_of_two());
    vec![compact, aligned]
}
