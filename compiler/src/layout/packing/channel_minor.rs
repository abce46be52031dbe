//! All channels of a place side by side, as in NHWC: a 1x1 convolution then moves values by few slots only.

use hemet_schedule::{Digit, Layout};

use super::{Site, extents};

pub(super) fn layouts(site: &Site<'_>) -> Vec<Layout> {
    let [channels, height, width] = extents(site.shape);
    let minor = channels.next_power_of_two();
    let digit = |extent, stride| vec![Digit { extent, stride }];
    let places = (height * width).next_power_of_two();
    if channels == 1 || height * width == 1 {
        return Vec::new();
    }
    vec![Layout {
        shape: [channels, height, width],
        axes: [
            digit(channels, 1),
            digit(height, minor * width),
            digit(width, minor),
        ],
        period: minor.saturating_mul(places),
    }]
}
