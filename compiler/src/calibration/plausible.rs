//! Plausible inputs, for networks that come without samples.
//!
//! Which inputs a network was trained on shows in what it makes of them: on its own data the values that it squares
//! keep their size from layer to layer, on others they explode or vanish. So several kinds of inputs are tried,
//! smooth and independent, positive and symmetric, sparse and dense, and those kinds stay under which values keep
//! their size best. Where they keep it under none of them, nothing can be promised.

use hemet_spaces::Shape;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::net::{Net, NodeKind, Sizes};
use crate::{Error, Options};

/// Inputs of each kind.
const COUNT: usize = 24;
const SEED: u64 = 0x696e_7075_7473;
/// Kinds stay whose values are at most this much larger than those of the best kind; up to the second factor where
/// larger scales for them can be had.
const SPREAD: [f64; 2] = [3.0, 12.0];
/// Values that are squared are in proportion up to this size. Trained networks keep them near 1.
const MOST: f64 = 64.0;
/// Up to this many squares in a row values cannot explode much.
const SHALLOW: usize = 2;

/// A kind of inputs: each number from 0 to 1, before it is brought into the input range.
struct Family {
    smooth: bool,
    symmetric: bool,
    sparse: bool,
}

const FAMILIES: [Family; 5] = [
    Family {
        smooth: false,
        symmetric: false,
        sparse: false,
    },
    Family {
        smooth: true,
        symmetric: false,
        sparse: false,
    },
    Family {
        smooth: true,
        symmetric: false,
        sparse: true,
    },
    Family {
        smooth: false,
        symmetric: true,
        sparse: false,
    },
    Family {
        smooth: true,
        symmetric: true,
        sparse: false,
    },
];

/// Inputs of one kind.
type Group = Vec<Vec<f64>>;

/// The plausible groups for a net with values, whose sizes are as they were trained: as many as may be, then always
/// one less, down to those that must stay.
///
/// # Errors
/// [`Error::Unbounded`] where values explode under all of them.
pub fn choices(net: &Net, options: &Options) -> Result<Vec<Vec<Group>>, Error> {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let shape = net.nodes[0].shape;
    let mut group = |family: &Family| -> Group {
        let one = |_| family.input(shape, options.input_range, &mut rng);
        (0..COUNT).map(one).collect()
    };
    let groups: Vec<Group> = FAMILIES.iter().map(&mut group).collect();
    if depth(net) < SHALLOW {
        return Ok(vec![groups]);
    }
    let size = |group: Group| (Sizes::of(net, &group).largest_operand(net), group);
    let mut sized: Vec<(f64, Group)> = groups.into_iter().map(size).collect();
    sized.sort_by(|a, b| a.0.total_cmp(&b.0));
    let best = sized[0].0;
    if best > MOST {
        return Err(Error::Unbounded {
            size: best,
            cause: None,
        });
    }
    let up_to = |factor: f64| {
        let within = |(size, _): &&(f64, Group)| *size <= factor * best.max(1.0);
        sized.iter().filter(within).count()
    };
    let [least, most] = SPREAD.map(up_to);
    let first = |count: usize| {
        sized[..count]
            .iter()
            .map(|(_, group)| group.clone())
            .collect()
    };
    Ok((least..=most).rev().map(first).collect())
}

/// Products on the longest path.
fn depth(net: &Net) -> usize {
    let mut depth = vec![0; net.nodes.len()];
    for id in net.ids() {
        let above = net.node(id).inputs().into_iter().map(|i| depth[i.0]).max();
        let own = usize::from(matches!(net.node(id).kind, NodeKind::Product(..)));
        depth[id.0] = above.unwrap_or(0) + own;
    }
    depth.into_iter().max().unwrap_or(0)
}

impl Family {
    fn input(&self, shape: Shape, range: f64, rng: &mut ChaCha8Rng) -> Vec<f64> {
        let mut values: Vec<f64> = match self.smooth {
            true => smooth(shape, rng),
            false => (0..shape.len())
                .map(|_| rng.random_range(0.0..1.0))
                .collect(),
        };
        for value in &mut values {
            if self.sparse {
                *value = (2.0 * *value - 1.0).max(0.0);
            }
            if self.symmetric {
                *value = 2.0 * *value - 1.0;
            }
            *value *= range;
        }
        values
    }
}

/// A picture with structure of all sizes, as natural images have: noise on coarse and on fine grids, interpolated;
/// channels share most of it.
fn smooth(shape: Shape, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let (height, width) = plane(shape);
    let mut shared = vec![0.0; height * width];
    octaves(&mut shared, width, rng);
    let channels = shape.len() / (height * width);
    let mut values = Vec::with_capacity(shape.len());
    for _ in 0..channels {
        let mut own = vec![0.0; height * width];
        octaves(&mut own, width, rng);
        let pairs = shared.iter().zip(&own);
        values.extend(pairs.map(|(s, o)| (0.5 + 1.4 * (0.7 * s + 0.3 * o)).clamp(0.0, 1.0)));
    }
    values
}

/// Height and width that elements are laid out by; a flat input may be a flattened square picture.
fn plane(shape: Shape) -> (usize, usize) {
    let side = shape.channels.isqrt();
    match shape.height * shape.width == 1 && side * side == shape.channels {
        true => (side, side),
        false if shape.height * shape.width == 1 => (1, shape.channels),
        false => (shape.height, shape.width),
    }
}

/// Adds noise from −0.5 to 0.5 on grids of 2, 4, 8 and 16 cells, the coarse ones most.
fn octaves(values: &mut [f64], width: usize, rng: &mut ChaCha8Rng) {
    let height = values.len() / width;
    for (cells, share) in [(2usize, 0.45), (4, 0.25), (8, 0.18), (16, 0.12)] {
        let grid: Vec<f64> = (0..(cells + 1) * (cells + 1))
            .map(|_| rng.random_range(-0.5..0.5))
            .collect();
        let place = |at: usize, len: usize| {
            let x = at as f64 / len as f64 * cells as f64;
            (x as usize, x.fract())
        };
        for (index, value) in values.iter_mut().enumerate() {
            let ((y, fy), (x, fx)) = (place(index / width, height), place(index % width, width));
            let at = |y: usize, x: usize| grid[y * (cells + 1) + x];
            let upper = at(y, x) * (1.0 - fx) + at(y, x + 1) * fx;
            let lower = at(y + 1, x) * (1.0 - fx) + at(y + 1, x + 1) * fx;
            *value += share * (upper * (1.0 - fy) + lower * fy);
        }
    }
}
