//! Plausible inputs, for networks that come without samples.
//!
//! Which inputs a network was trained on shows in what it makes of them: on its own data the values that it squares
//! keep their size from layer to layer, on others they explode or vanish. So several kinds of inputs are tried,
//! smooth and independent, positive and symmetric, sparse and dense, and those kinds stay under which values keep
//! their size best. Where they keep it under none of them, nothing can be promised.
//!
//! Batch norms tell more: the mean and the deviation of each channel on the training data ([`Moments`]). Where a model
//! has them, those kinds of inputs stay, of more contrasts and brightnesses, that come nearest to them.

use hemet_spaces::evaluate::Evaluator;
use hemet_spaces::{LayerGraph, LayerMoments, Moments, Shape, Weights};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::trust::products_in_a_row;
use crate::net::{Net, Sizes};
use crate::{Error, Options};

/// Inputs of each kind.
const COUNT: usize = 24;
const SEED: u64 = 0x696e_7075_7473;
/// Kinds stay whose values are at most this much larger than those of the best kind; up to the second factor where they
/// cost little.
const SPREAD: [f64; 2] = [3.0, 12.0];
/// A kind whose outputs are so much larger than those of most kinds need not stay either.
const UNUSUAL: f64 = 8.0;
/// Values that are squared are in proportion up to this size, in root mean square. Trained networks keep them near 1.
pub const MOST_SIZE: f64 = 64.0;
/// Up to this many squares in a row values cannot explode much.
const SHALLOW: usize = 2;

/// Inputs of each kind by which kinds are compared with batch norms.
const COMPARED: usize = 4;
/// Contrasts and brightnesses of the kinds that are compared with batch norms.
const GAINS: [f64; 4] = [0.4, 1.0, 2.0, 4.0];
const OFFSETS: [f64; 5] = [-0.6, -0.3, 0.0, 0.3, 0.6];
/// Steps by which the contrast (in logarithms) and the brightness of the nearest kinds are moved still nearer, and the
/// number of these kinds.
const STEPS: [f64; 8] = [0.2, 0.2, 0.1, 0.1, 0.05, 0.05, 0.03, 0.02];
const REFINED: usize = 4;
/// What one channel counts at most in the comparison, in deviations.
const MOST_APART: f64 = 3.0;
/// Kinds that are this near to what training saw stay, and no more than so many; if none is within the second distance,
/// none stands for the training data.
const NEAR: f64 = 0.5;
const FAR: f64 = 1.5;
const NEAREST: usize = 4;

/// A kind of inputs: each number from 0 to 1, before it is brought into the input range.
#[derive(Clone, Copy)]
struct Family {
    smooth: bool,
    symmetric: bool,
    /// Numbers `x` become `gain·(x − ½) + ½ + offset`, within 0 and 1.
    gain: f64,
    offset: f64,
}

const FAMILIES: [Family; 5] = [
    Family::plain(false, false),
    Family::plain(true, false),
    // Strokes on an empty ground.
    Family {
        gain: 2.0,
        offset: -0.5,
        ..Family::plain(true, false)
    },
    Family::plain(false, true),
    Family::plain(true, true),
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
    if products_in_a_row(net) < SHALLOW {
        return Ok(vec![groups]);
    }
    let sized = groups.into_iter().map(|group| {
        let some: Vec<Sizes> = group
            .chunks(COUNT / 3)
            .map(|some| Sizes::of(net, some))
            .collect();
        let tops = some
            .iter()
            .flat_map(|sizes| sizes.largest[net.output().0].iter());
        Sized {
            size: median(
                some.iter()
                    .map(|sizes| sizes.largest_operand(net))
                    .collect(),
            ),
            output: median(tops.copied().collect()),
            group,
        }
    });
    let mut sized: Vec<Sized> = sized.collect();
    let best = sized
        .iter()
        .map(|kind| kind.size)
        .fold(f64::INFINITY, f64::min);
    if best.is_nan() || best > MOST_SIZE {
        return Err(Error::Unbounded {
            size: best,
            cause: None,
        });
    }
    let [near, far] = SPREAD.map(|factor| factor * best.max(1.0));
    sized.retain(|kind| kind.size <= far);
    let usual = median(sized.iter().map(|kind| kind.output).collect());
    let must_stay = |kind: &Sized| kind.size <= near && kind.output <= UNUSUAL * usual;
    sized.sort_by(|a, b| {
        (!must_stay(a), a.size)
            .partial_cmp(&(!must_stay(b), b.size))
            .expect("retained sizes are numbers")
    });
    let least = sized.iter().filter(|kind| must_stay(kind)).count().max(1);
    let first = |count: usize| {
        sized[..count]
            .iter()
            .map(|kind| kind.group.clone())
            .collect()
    };
    Ok((least..=sized.len()).rev().map(first).collect())
}

/// Inputs of a kind, of most of them: one that explodes says nothing of the others.
struct Sized {
    /// Size of the largest tensor that is squared.
    size: f64,
    /// The largest magnitude of an output.
    output: f64,
    group: Group,
}

/// The middle of some numbers, at least one.
fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// The groups whose moments are nearest to those that training saw, the most inclusive choice first.
///
/// # Errors
/// [`Error::Unbounded`] where none is near them; weights that do not fit.
pub fn choices_by_moments(known: &Known<'_>, options: &Options) -> Result<Vec<Vec<Group>>, Error> {
    let comparison = Comparison::new(known, options)?;
    let mut kinds = Vec::new();
    for family in Family::all() {
        kinds.push((comparison.distance(&family)?, family));
    }
    kinds.sort_by(|a, b| a.0.total_cmp(&b.0));
    for kind in kinds.iter_mut().take(REFINED) {
        *kind = comparison.refined(kind.0, kind.1)?;
    }
    kinds.sort_by(|a, b| a.0.total_cmp(&b.0));
    let best = kinds[0].0;
    if best > FAR {
        return Err(Error::UnlikeTraining { apart: best });
    }
    let near = |(distance, _): &&(f64, Family)| *distance <= NEAR.max(1.5 * best);
    let nearest: Vec<Family> = kinds
        .iter()
        .filter(near)
        .take(NEAREST)
        .map(|(_, f)| *f)
        .collect();
    let group = |family| comparison.group(family, COUNT);
    let groups: Vec<Group> = nearest.iter().map(group).collect();
    let least = groups.len().div_ceil(2);
    Ok((least..=groups.len())
        .rev()
        .map(|count| groups[..count].to_vec())
        .collect())
}

/// A model with what its batch norms say.
pub struct Known<'a> {
    /// Its layers.
    pub graph: &'a LayerGraph,
    /// Their weights.
    pub weights: &'a Weights,
    /// What training saw of some layers.
    pub moments: &'a LayerMoments,
}

/// Compares kinds of inputs with what training saw.
struct Comparison<'a> {
    known: &'a Known<'a>,
    evaluator: Evaluator,
    range: f64,
}

impl<'a> Comparison<'a> {
    fn new(known: &'a Known<'a>, options: &Options) -> Result<Self, Error> {
        Ok(Self {
            known,
            evaluator: Evaluator::new(known.graph, known.weights)?,
            range: options.input_range,
        })
    }

    /// Inputs of a kind, made of the same random numbers for each.
    fn group(&self, family: &Family, count: usize) -> Group {
        let mut rng = ChaCha8Rng::seed_from_u64(SEED);
        let graph = self.known.graph;
        let shape = graph.node(graph.input()).shape;
        (0..count)
            .map(|_| family.input(shape, self.range, &mut rng))
            .collect()
    }

    /// How far the moments of layers are from those that training saw: root mean square over channels, in deviations.
    fn distance(&self, family: &Family) -> Result<f64, Error> {
        let Known { graph, moments, .. } = self.known;
        let inputs = self.group(family, COMPARED);
        let values = inputs.iter().map(|x| self.evaluator.run_all(x));
        let values: Vec<Vec<Vec<f64>>> = values.collect::<Result<_, _>>()?;
        let (mut sum, mut count) = (0.0, 0);
        for (id, node) in graph.nodes() {
            let Some(wanted) = moments.get(&node.name) else {
                continue;
            };
            let of_layer = values.iter().map(|layers| layers[id.index()].clone());
            let found = Moments::of(node.shape.channels, &of_layer.collect::<Vec<_>>());
            for channel in 0..node.shape.channels.min(wanted.mean.len()) {
                sum += apart(&found, wanted, channel).powi(2);
                count += 1;
            }
        }
        Ok((sum / f64::from(count.max(1))).sqrt())
    }

    /// The kind with the contrast and the brightness nearby that come nearest.
    fn refined(&self, mut distance: f64, mut family: Family) -> Result<(f64, Family), Error> {
        for step in STEPS {
            let moved = |gain: f64, offset: f64| Family {
                gain: family.gain * (step * gain).exp(),
                offset: family.offset + step * offset,
                ..family
            };
            let around = [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)];
            for other in around.map(|(gain, offset)| moved(gain, offset)) {
                let found = self.distance(&other)?;
                if found < distance {
                    (distance, family) = (found, other);
                }
            }
        }
        Ok((distance, family))
    }
}

/// By how much mean and deviation of a channel differ, in deviations and by the logarithm of their ratio.
fn apart(found: &Moments, wanted: &Moments, channel: usize) -> f64 {
    let deviation = wanted.deviation[channel];
    if deviation <= 0.0 {
        return 0.0;
    }
    let shift = (found.mean[channel] - wanted.mean[channel]) / deviation;
    let spread = (found.deviation[channel] / deviation).ln();
    let apart = shift.hypot(spread);
    // What overflowed, or never varies, is as far as can be.
    if apart.is_finite() {
        apart.min(MOST_APART)
    } else {
        MOST_APART
    }
}

impl Family {
    const fn plain(smooth: bool, symmetric: bool) -> Self {
        Self {
            smooth,
            symmetric,
            gain: 1.0,
            offset: 0.0,
        }
    }

    /// All that are compared with batch norms.
    fn all() -> impl Iterator<Item = Self> {
        let of_kind = |(smooth, symmetric)| {
            GAINS.into_iter().flat_map(move |gain| {
                OFFSETS.into_iter().map(move |offset| Self {
                    gain,
                    offset,
                    ..Self::plain(smooth, symmetric)
                })
            })
        };
        let kinds = [(false, false), (true, false), (false, true), (true, true)];
        kinds.into_iter().flat_map(of_kind)
    }

    fn input(&self, shape: Shape, range: f64, rng: &mut ChaCha8Rng) -> Vec<f64> {
        let mut values: Vec<f64> = match self.smooth {
            true => smooth(shape, rng),
            false => (0..shape.len())
                .map(|_| rng.random_range(0.0..1.0))
                .collect(),
        };
        for value in &mut values {
            *value = (self.gain * (*value - 0.5) + 0.5 + self.offset).clamp(0.0, 1.0);
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
