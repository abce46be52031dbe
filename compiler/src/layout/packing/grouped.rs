//! Group-interleaved layouts: of a tensor whose channels fall into `g` groups of `n` that grouped convolutions keep
//! apart, the first channels of all groups lie side by side, then the second ones, and so on (Ran et al., "SpENCNN",
//! ICML 2023, section 4, for dense packing).
//!
//! Channel `group·n + w` lies at `group·plane + w·plane·2^⌈log2 g⌉`. Two channels of one group then are a multiple of
//! `plane·2^⌈log2 g⌉` apart, and cyclically so within the period: where `n` is a power of two, a grouped convolution
//! has exactly `n` distances of channels, while contiguous groups need `2n − 1`. What reads or writes all channels
//! finds them in another order, which costs nothing.

use hemet_schedule::{Digit, Layout};

use super::{Site, grid, padded, raster};

pub(super) fn layouts(site: &Site<'_>) -> Vec<Layout> {
    if site.groups.is_empty() {
        return Vec::new();
    }
    let families = [
        raster::layouts,
        padded::layouts,
        grid::multiplexed,
        grid::in_place,
    ];
    let bases: Vec<Layout> = families.iter().flat_map(|family| family(site)).collect();
    let of_groups = |groups: &u32| {
        let all = bases.iter().map(|base| interleaved(base, *groups));
        all.collect::<Vec<Option<Layout>>>()
    };
    site.groups.iter().flat_map(of_groups).flatten().collect()
}

/// The layout with its channels interleaved by groups; `None` where channels do not lie by powers of two, where a group
/// does not fill the digits within a block of channels, or where that changes nothing.
pub fn interleaved(base: &Layout, groups: u32) -> Option<Layout> {
    let (outer, within) = base.axes[0].split_first()?;
    let block: u32 = within.iter().map(|digit| digit.extent).product();
    let channels = base.shape[0];
    let cyclic = outer
        .stride
        .checked_mul(outer.extent.checked_next_power_of_two()?)?
        == base.period;
    if !cyclic || groups < 2 || !channels.is_multiple_of(groups.checked_mul(block)?) {
        return None;
    }
    let blocks = channels / groups / block;
    if blocks < 2 {
        return None;
    }
    let stride = outer.stride.checked_mul(groups.next_power_of_two())?;
    let period = stride.checked_mul(blocks.next_power_of_two())?;
    let digit = |extent, stride| Digit { extent, stride };
    let mut layout = base.clone();
    layout.axes[0] = vec![digit(groups, outer.stride), digit(blocks, stride)];
    layout.axes[0].extend_from_slice(within);
    layout.period = period;
    Some(layout)
}
