//! Packings: families of layouts that are tried for a tensor.

mod channel_minor;
mod grid;
mod grouped;
mod padded;
mod raster;
mod split;

use hemet_schedule::{Layout, layout::MAX_PERIOD};
use hemet_spaces::Shape;

pub use grouped::interleaved;
pub use raster::aligned;
pub use split::summed;

/// What a packing may look at.
pub struct Site<'a> {
    /// Shape of the tensor.
    pub shape: Shape,
    /// `(height, width)` of larger tensors that it was computed from, nearest first.
    pub grids: &'a [(usize, usize)],
    /// What its readers would like to sum.
    pub windows: Windows,
    /// Into how many groups its channels fall for the grouped convolutions that make or read it, each at least 2.
    pub groups: &'a [u32],
}

/// Windows that tile a tensor, by their side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Windows {
    /// There are none.
    None,
    /// Something further down sums or strides by them.
    Wanted(usize),
    /// Their sums are what reads the tensor.
    Summed(usize),
}

/// A family of layouts.
pub struct Packing {
    /// Its word.
    pub name: &'static str,
    /// The layouts of a tensor in this family, possibly none. Strides and periods fit 32 bits.
    pub layouts: fn(&Site<'_>) -> Vec<Layout>,
    /// Whether windows can be summed where they lie; other layouts serve only tensors whose windows nothing sums.
    pub sums_windows: bool,
}

/// All packings. The raster comes first: it is the layout to start from.
pub const PACKINGS: [Packing; 7] = [
    Packing {
        name: "raster",
        layouts: raster::layouts,
        sums_windows: false,
    },
    Packing {
        name: "padded",
        layouts: padded::layouts,
        sums_windows: false,
    },
    Packing {
        name: "channel_minor",
        layouts: channel_minor::layouts,
        sums_windows: false,
    },
    Packing {
        name: "multiplexed",
        layouts: grid::multiplexed,
        sums_windows: false,
    },
    Packing {
        name: "in_place",
        layouts: grid::in_place,
        sums_windows: false,
    },
    Packing {
        name: "grouped",
        layouts: grouped::layouts,
        sums_windows: false,
    },
    Packing {
        name: "split",
        layouts: split::layouts,
        sums_windows: true,
    },
];

/// The different layouts of all packings for a tensor, of at most `most` slots each.
pub fn candidates(site: &Site<'_>, most: usize) -> Vec<Layout> {
    let mut candidates: Vec<Layout> = Vec::new();
    let summed = matches!(site.windows, Windows::Summed(_));
    let usable = |packing: &&Packing| !summed || packing.sums_windows;
    for packing in PACKINGS.iter().filter(usable) {
        for layout in (packing.layouts)(site) {
            let fits = layout.period as usize <= most && layout.period <= MAX_PERIOD;
            if fits && !candidates.contains(&layout) {
                candidates.push(layout);
            }
        }
    }
    candidates
}

/// `[channels, height, width]` as a layout takes it.
pub(crate) fn extents(shape: Shape) -> [u32; 3] {
    [shape.channels, shape.height, shape.width].map(|n| n as u32)
}
