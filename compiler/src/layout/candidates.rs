//! Candidates: which layouts a tensor may have, by its shape, by whose windows are summed, and by the tensors above it.

use hemet_schedule::{Layout, layout::MAX_PERIOD};

use crate::layout::packing::{Site, Windows, candidates, extents};
use crate::maps::{Footprints, Places};
use crate::net::{Net, NodeKind};
use crate::{Options, Target};

/// Grids of larger tensors that a tensor may be laid out on.
const MAX_GRIDS: usize = 2;
/// Numbers of groups by which a tensor's channels may be interleaved.
const MAX_GROUPS: usize = 3;

/// The layouts that a tensor may have.
pub fn layouts(site: &Site<'_>, slots: usize, options: &Options) -> Vec<Layout> {
    if options.target == Target::Throughput {
        let elements = site.shape.len().next_power_of_two();
        let fits = elements.saturating_mul(slots) <= MAX_PERIOD as usize;
        let batched = fits.then(|| Layout::batched(extents(site.shape), slots));
        return batched.into_iter().collect();
    }
    let mut layouts = candidates(site, options.max_ciphertexts.saturating_mul(slots));
    // Where positions are no sums of a channel's and a place's within the ciphertexts, costing takes a pass over all
    // entries: only where there is no other way.
    let separable = |l: &Layout| Places::new(l, slots).is_separable(slots as u32);
    if layouts.iter().any(separable) {
        layouts.retain(separable);
    }
    layouts
}

/// The windows by which each tensor is, or would best be, laid out: whose windows are summed, and above it, up to the
/// input, whatever has that tensor's height and width; the input also by the stride of what reads it.
pub fn windows(net: &Net) -> Vec<Windows> {
    let mut windows = vec![Windows::None; net.nodes.len()];
    for id in net.ids().rev() {
        let shape = net.node(id).shape;
        let own = windows[id.0];
        match &net.node(id).kind {
            NodeKind::Input => {}
            NodeKind::WindowSum { input, side } => windows[input.0] = Windows::Summed(*side),
            NodeKind::Product(a, b) => {
                for operand in [a, b] {
                    windows[operand.0] = own;
                }
            }
            NodeKind::Linear { .. } => {
                for operand in net.node(id).inputs() {
                    let above = net.node(operand).shape;
                    let stride = (above.height + shape.height / 2) / shape.height;
                    let input = net.node(operand).kind == NodeKind::Input;
                    let wanted = match own {
                        _ if windows[operand.0] != Windows::None => continue,
                        own if net.node(id).shifted().is_some() => own,
                        Windows::Wanted(side) | Windows::Summed(side) if stride == 1 => {
                            Windows::Wanted(side)
                        }
                        _ if input && (2..8).contains(&stride) => Windows::Wanted(stride),
                        Windows::None | Windows::Wanted(_) | Windows::Summed(_) => Windows::None,
                    };
                    windows[operand.0] = wanted;
                }
            }
        }
    }
    windows
}

/// Into how many groups the channels of each tensor fall, for the maps that make or read it or another tensor of its
/// layout.
pub fn groups(net: &Net, footprints: &Footprints) -> Vec<Vec<u32>> {
    let mut groups: Vec<Vec<u32>> = vec![Vec::new(); net.nodes.len()];
    let add = |known: &mut Vec<u32>, more: u32| {
        if more > 1 && known.len() < MAX_GROUPS && !known.contains(&more) {
            known.push(more);
        }
    };
    for id in net.ids().rev() {
        let node = net.node(id);
        for (input, footprint) in node.inputs().into_iter().zip(&footprints[id.0]) {
            let found = footprint.groups(net.node(input).shape, node.shape);
            add(&mut groups[id.0], found);
            add(&mut groups[input.0], found);
        }
        let kept = node.shifted().or(node.summed());
        let kept = match node.kind {
            NodeKind::Product(a, b) => vec![a, b],
            NodeKind::Input | NodeKind::Linear { .. } | NodeKind::WindowSum { .. } => {
                kept.into_iter().collect()
            }
        };
        for operand in kept {
            for more in groups[id.0].clone() {
                add(&mut groups[operand.0], more);
            }
        }
    }
    groups
}

/// The grids above a tensor that are larger than its own, nearest first.
pub fn larger_grids<'b>(
    above: impl Iterator<Item = ((usize, usize), &'b [(usize, usize)])>,
    own: (usize, usize),
) -> Vec<(usize, usize)> {
    let mut grids: Vec<(usize, usize)> = Vec::new();
    for (grid, further) in above {
        for grid in std::iter::once(grid).chain(further.iter().copied()) {
            let covers = grid.0 >= own.0 && grid.1 >= own.1 && grid != own;
            if covers && !grids.contains(&grid) && grids.len() < MAX_GRIDS {
                grids.push(grid);
            }
        }
    }
    grids
}
