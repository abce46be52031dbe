//! Footprint: which pairs of positions a map joins, kept by pairs of channels and pairs of places within a channel.
//!
//! In a convolution all pairs of channels share one spatial pattern, and positions of a layout are sums of a channel's
//! and a place's, so the diagonals of a map for a pair of layouts are found from `channels² + places · window` numbers
//! instead of all entries: this is what makes trying many layouts cheap.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use hemet_schedule::Layout;
use hemet_schedule::layout::MAX_PERIOD;
use hemet_spaces::Shape;

use super::marks::{Marks, Pairs, Set};
use crate::layout::packing::{aligned, extents, interleaved};
use crate::net::{Net, NodeKind, SparseMap, TensorId};

/// One spatial pattern and the pairs of channels that have it.
#[derive(Clone, Debug)]
struct Pattern {
    /// `(output channel, input channel)`.
    channels: Vec<(u32, u32)>,
    /// `(place in the output channel, place in the input channel)`.
    places: Vec<(u32, u32)>,
}

/// The pattern of a map between tensors of known shapes.
#[derive(Clone, Debug)]
pub struct Footprint {
    patterns: Vec<Pattern>,
    identity: u64,
}

/// Positions of a layout, apart for channels and for places within a channel: an element lies at their sum.
#[derive(Clone, Debug)]
pub struct Places {
    /// Of each channel.
    pub channel: Vec<u32>,
    /// Of each `(row, column)`, row-major.
    pub spatial: Vec<u32>,
    /// Period of the layout, at most the slots.
    pub period: u32,
    /// Ciphertexts that the tensor takes.
    pub ciphertexts: usize,
    /// Distances between neighbours along the layout's digits, for choosing steps.
    pub strides: Vec<u32>,
    /// A hash of the layout and the slots.
    pub identity: u64,
}

/// Largest set of bits in which diagonals are marked; above it they are sorted. 8 MiB.
const MOST_MARKS: u64 = 1 << 26;

/// A generalized diagonal: entries from ciphertext `input` to ciphertext `output`, `distance` slots apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Diagonal {
    /// Which ciphertext of the result.
    pub output: u32,
    /// Which ciphertext of the operand.
    pub input: u32,
    /// Operand position less result position, modulo the smaller of the two periods.
    pub distance: u32,
}

/// Footprints of the terms of each node, by node.
pub type Footprints = Vec<Vec<Footprint>>;

/// The footprints of every map of a net.
pub fn footprints(net: &Net) -> Footprints {
    let of_node = |id: TensorId| match &net.node(id).kind {
        NodeKind::Linear { terms, bias: _ } if net.node(id).shifted().is_none() => terms
            .iter()
            .map(|t| Footprint::new(&t.map, net.node(t.input).shape, net.node(id).shape))
            .collect(),
        NodeKind::Linear { .. }
        | NodeKind::Input
        | NodeKind::Product(..)
        | NodeKind::WindowSum { .. } => Vec::new(),
    };
    net.ids().map(of_node).collect()
}

impl Places {
    /// The positions of a layout in ciphertexts of `slots` slots.
    pub fn new(layout: &Layout, slots: usize) -> Self {
        let axis = |a: usize| -> Vec<u32> {
            let place = |mut rest: u32| {
                let mut position = 0;
                for digit in layout.axes[a].iter().rev() {
                    position += rest % digit.extent * digit.stride;
                    rest /= digit.extent;
                }
                position
            };
            (0..layout.shape[a]).map(place).collect()
        };
        let (rows, columns) = (axis(1), axis(2));
        let spatial = rows
            .iter()
            .flat_map(|y| columns.iter().map(move |x| y + x))
            .collect();
        let mut strides: Vec<u32> = layout.axes.iter().flatten().map(|d| d.stride).collect();
        strides.sort_unstable();
        strides.dedup();
        Self {
            channel: axis(0),
            spatial,
            period: layout.period.min(slots as u32),
            ciphertexts: layout.ciphertexts(slots),
            strides,
            identity: {
                let mut hasher = DefaultHasher::new();
                (layout, slots).hash(&mut hasher);
                hasher.finish()
            },
        }
    }
}

impl Places {
    /// Whether the ciphertext of `slots` slots that an element lies in, and its slot there, are the sums of its
    /// channel's and its place's.
    pub fn is_separable(&self, slots: u32) -> bool {
        let last = |axis: &[u32]| axis.iter().map(|p| p % slots).max().unwrap_or(0);
        last(&self.channel) + last(&self.spatial) < slots
    }
}

impl Footprint {
    /// The footprint of `map` from a tensor of shape `input` to one of shape `output`.
    pub fn new(map: &SparseMap, input: Shape, output: Shape) -> Self {
        let (in_len, out_len) = (input.height * input.width, output.height * output.width);
        let mut blocks: HashMap<u64, Vec<(u32, u32)>> = HashMap::new();
        let mut hashes = vec![0u64; input.channels];
        for channel in 0..output.channels {
            let first = channel * out_len;
            // Output channels of a convolution mostly read the same elements.
            if channel == 0 || !map.rows_equal(first, first - out_len, out_len) {
                hashes.fill(0);
                hash_channel(map, first..first + out_len, in_len, &mut hashes);
            }
            for (in_channel, &hash) in hashes.iter().enumerate().filter(|(_, h)| **h != 0) {
                let pair = (channel as u32, in_channel as u32);
                blocks.entry(hash).or_default().push(pair);
            }
        }
        let mut patterns: Vec<Pattern> = blocks
            .into_values()
            .map(|channels| Pattern {
                places: places(map, channels[0], out_len, in_len),
                channels,
            })
            .collect();
        patterns.sort_unstable_by(|a, b| a.channels.cmp(&b.channels));
        Self {
            identity: identity(&patterns),
            patterns,
        }
    }

    /// A hash of what is joined: equal footprints have one identity.
    pub fn identity(&self) -> u64 {
        self.identity
    }

    /// Each pattern: its pairs of channels and its pairs of places.
    pub(super) fn patterns(&self) -> impl Iterator<Item = (&Pairs, &Pairs)> {
        let parts = self.patterns.iter();
        parts.map(|p| (p.channels.as_slice(), p.places.as_slice()))
    }

    /// Into how many groups of equal size the channels of operand and result fall, none of which reads another's; 1
    /// where there is no such division. Of several divisions the finest.
    pub fn groups(&self, input: Shape, output: Shape) -> u32 {
        let (inputs, outputs) = (input.channels as u32, output.channels as u32);
        let apart = |groups: &u32| {
            let (of_input, of_output) = (inputs / groups, outputs / groups);
            let mut pairs = self.patterns.iter().flat_map(|p| &p.channels);
            pairs.all(|(o, i)| o / of_output == i / of_input)
        };
        let divides =
            |groups: &u32| inputs.is_multiple_of(*groups) && outputs.is_multiple_of(*groups);
        let finest = (2..=inputs.min(outputs)).rev().filter(divides).find(apart);
        finest.unwrap_or(1)
    }

    /// How many diagonals the map has where both tensors lie as flat vectors or, if its channels fall into groups,
    /// interleaved by them.
    pub fn own_diagonals(map: &SparseMap, input: Shape, output: Shape) -> usize {
        let slots = MAX_PERIOD as usize;
        let footprint = Self::new(map, input, output);
        let between = |[from, to]: [Layout; 2]| {
            let (from, to) = (Places::new(&from, slots), Places::new(&to, slots));
            footprint.diagonals(&from, &to, slots).len()
        };
        let shapes = [input, output];
        let flat = between(shapes.map(|shape| Layout::raster(extents(shape))));
        let groups = footprint.groups(input, output);
        let grouped = shapes.map(|shape| interleaved(&aligned(shape), groups));
        if grouped == [None, None] {
            return flat;
        }
        let [from, to] = grouped;
        let layouts = [
            from.unwrap_or_else(|| aligned(input)),
            to.unwrap_or_else(|| aligned(output)),
        ];
        match layouts.iter().all(|layout| layout.period <= MAX_PERIOD) {
            true => flat.min(between(layouts)),
            false => flat,
        }
    }

    /// The diagonals between these positions, ascending.
    pub fn diagonals(&self, from: &Places, to: &Places, slots: usize) -> Vec<Diagonal> {
        let modulus = from.period.min(to.period);
        let slots = slots as u32;
        if from.is_separable(slots) && to.is_separable(slots) {
            return self.by_channels(from, to, slots, modulus);
        }
        let blocks = from.ciphertexts as u64 * to.ciphertexts as u64;
        match blocks * u64::from(modulus) <= MOST_MARKS {
            true => self.by_marks(from, to, slots, modulus),
            false => {
                let mut diagonals: Vec<Diagonal> = Vec::new();
                self.entries(from, to, slots, modulus, |d| diagonals.push(d));
                diagonals.sort_unstable();
                diagonals.dedup();
                diagonals
            }
        }
    }

    /// [`Footprint::diagonals`] where channels and places tell ciphertexts apart, each for itself.
    fn by_channels(&self, from: &Places, to: &Places, slots: u32, modulus: u32) -> Vec<Diagonal> {
        let (inputs, outputs) = (from.ciphertexts, to.ciphertexts);
        let mut marks = Marks::new(modulus);
        // For each pair of ciphertexts: the sets whose sums are its distances.
        let mut blocks: Vec<Vec<(Set, Set)>> = vec![Vec::new(); inputs * outputs];
        for pattern in &self.patterns {
            let places = marks.sets(&pattern.places, &to.spatial, &from.spatial, slots);
            let channels = marks.sets(&pattern.channels, &to.channel, &from.channel, slots);
            for ((co, ci), channels) in &channels {
                for ((po, pi), places) in &places {
                    let block = (co + po) as usize * inputs + (ci + pi) as usize;
                    blocks[block].push((channels.clone(), places.clone()));
                }
            }
        }
        let mut diagonals = Vec::new();
        for (block, sets) in blocks.iter().enumerate() {
            for (channels, places) in sets {
                marks.sums(channels, places);
            }
            diagonals.reserve(marks.count());
            diagonals.extend(marks.take_sums().map(|distance| Diagonal {
                output: (block / inputs) as u32,
                input: (block % inputs) as u32,
                distance,
            }));
        }
        diagonals
    }

    /// [`Footprint::diagonals`] entry by entry, each marked in a set of bits.
    fn by_marks(&self, from: &Places, to: &Places, slots: u32, modulus: u32) -> Vec<Diagonal> {
        let (inputs, modulus_bits) = (from.ciphertexts, modulus.trailing_zeros());
        let bits = (inputs * to.ciphertexts) << modulus_bits;
        let mut seen = vec![0u64; bits.div_ceil(64)];
        self.entries(from, to, slots, modulus, |d| {
            let block = d.output as usize * inputs + d.input as usize;
            let bit = (block << modulus_bits) + d.distance as usize;
            seen[bit / 64] |= 1 << (bit % 64);
        });
        let mut diagonals = Vec::new();
        for (index, word) in seen.iter().enumerate() {
            let mut word = *word;
            while word != 0 {
                let bit = index * 64 + word.trailing_zeros() as usize;
                word &= word - 1;
                let block = bit >> modulus_bits;
                diagonals.push(Diagonal {
                    output: (block / inputs) as u32,
                    input: (block % inputs) as u32,
                    distance: bit as u32 & (modulus - 1),
                });
            }
        }
        diagonals
    }

    /// The diagonal of every entry.
    fn entries(
        &self,
        from: &Places,
        to: &Places,
        slots: u32,
        modulus: u32,
        mut each: impl FnMut(Diagonal),
    ) {
        for pattern in &self.patterns {
            for (co, ci) in &pattern.channels {
                for (po, pi) in &pattern.places {
                    let p = to.channel[*co as usize] + to.spatial[*po as usize];
                    let q = from.channel[*ci as usize] + from.spatial[*pi as usize];
                    each(Diagonal {
                        output: p / slots,
                        input: q / slots,
                        distance: q.wrapping_sub(p) & (modulus - 1),
                    });
                }
            }
        }
    }
}

/// A hash of patterns. Channels are up to millions of pairs, for which the standard library's hash takes too long.
fn identity(patterns: &[Pattern]) -> u64 {
    patterns.iter().fold(0, |hash, pattern| {
        let lengths = (pattern.channels.len() as u64) << 32 | pattern.places.len() as u64;
        let pairs = pattern.channels.iter().chain(&pattern.places);
        let words = pairs.map(|(o, i)| u64::from(*o) << 32 | u64::from(*i));
        words.fold(mix(hash, lengths), mix)
    })
}

fn mix(hash: u64, word: u64) -> u64 {
    let mixed = (hash ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^ (mixed >> 29)
}

/// Hashes, for each input channel, the `(output place, input place)` pairs of one output channel's rows; 0 for none.
///
/// Equal hashes of 64 bits are taken for equal patterns: among the at most 2^24 blocks of a network two different ones
/// meet with probability below 2^-16, and the lowering refuses entries that no diagonal covers, so this shows.
fn hash_channel(map: &SparseMap, rows: std::ops::Range<usize>, in_len: usize, hashes: &mut [u64]) {
    let first = rows.start;
    for row in rows {
        let mark = ((row - first) as u64 + 1) << 32;
        let (mut channel, mut end) = (0usize, 0usize);
        for &column in map.columns(row) {
            let column = column as usize;
            if column >= end {
                channel = column / in_len;
                end = (channel + 1) * in_len;
            }
            let place = (column + in_len - end) as u64;
            hashes[channel] = mix(hashes[channel], mark | place) | 1;
        }
    }
}

/// The pairs of places of one pair of channels.
fn places(map: &SparseMap, block: (u32, u32), out_len: usize, in_len: usize) -> Vec<(u32, u32)> {
    let (channel, first) = (block.0 as usize, block.1 as usize * in_len);
    let mut places = Vec::new();
    for place in 0..out_len {
        let columns = map.columns(channel * out_len + place);
        let start = columns.partition_point(|c| (*c as usize) < first);
        let end = columns.partition_point(|c| (*c as usize) < first + in_len);
        let inside = columns[start..end].iter();
        places.extend(inside.map(|c| (place as u32, c - first as u32)));
    }
    places
}
