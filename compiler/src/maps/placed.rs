//! Placed: from a map with values to the weights and the places that share them, as a schedule stores them.
//!
//! Which places share a weight is read off the values: those that hold equal values in every pair of channels. So a
//! convolution, merged with whatever batch norms and pools, keeps one weight for each element of its kernel and pair
//! of channels, and a map without such structure keeps all its values.

use std::collections::HashMap;

use hemet_schedule::placed::{Block, Pattern, Tap};
use hemet_spaces::Shape;

use super::footprint::{Footprint, Footprints};
use super::marks::Pairs;
use crate::Error;
use crate::net::{Net, NodeKind, Rounding, SparseMap, TensorId, Term};

/// Pairs of channels by which shared weights are counted.
const COUNTED: usize = 4;

/// The map of one operand on its way into a schedule.
pub struct PlacedWeights<'a> {
    /// The map, with values.
    pub map: &'a SparseMap,
    /// Its footprint.
    pub footprint: &'a Footprint,
    /// Shapes of operand and result.
    pub shapes: (Shape, Shape),
    /// What values are rounded to.
    pub rounding: Rounding,
}

/// About how many weights the constants of each node hold: see [`PlacedWeights::count`].
///
/// # Errors
/// [`Error::Internal`], as [`PlacedWeights::place`].
pub fn stored_weights(net: &Net, footprints: &Footprints) -> Result<Vec<usize>, Error> {
    let of_node = |id: TensorId| {
        let node = net.node(id);
        let NodeKind::Linear { terms, bias: _ } = &node.kind else {
            return Ok(0);
        };
        if node.shifted().is_some() {
            return Ok(0);
        }
        let of_term = |(term, footprint)| {
            PlacedWeights::of_term(net, id, term, footprint, Rounding::Exact).count()
        };
        let counts = terms.iter().zip(&footprints[id.0]).map(of_term);
        let sum: Result<usize, String> = counts.sum();
        sum.map_err(|message| Error::Internal {
            layer: node.layer.clone(),
            message,
        })
    };
    net.ids().map(of_node).collect()
}

impl<'a> PlacedWeights<'a> {
    /// Those of a term of node `id`.
    pub fn of_term(
        net: &Net,
        id: TensorId,
        term: &'a Term,
        footprint: &'a Footprint,
        rounding: Rounding,
    ) -> Self {
        Self {
            map: &term.map,
            footprint,
            shapes: (net.node(term.input).shape, net.node(id).shape),
            rounding,
        }
    }
}

impl PlacedWeights<'_> {
    /// The patterns of the map; its weights are appended to `values`.
    ///
    /// # Errors
    /// A pair of channels whose entries are not those of its pattern.
    pub fn place(&self, values: &mut Vec<f64>) -> Result<Vec<Pattern>, String> {
        let mut patterns = Vec::new();
        for (channels, places) in self.footprint.patterns() {
            let (weights, first) = weights(&self.signatures(channels, places)?);
            let taps = self.taps(places, &weights);
            let blocks = blocks(channels);
            for pair in blocks.iter().flat_map(Block::pairs) {
                let mut own = Vec::with_capacity(places.len());
                self.of_pair(pair, places, |some| {
                    own.extend(some.iter().map(|v| self.rounding.of(*v)));
                })?;
                let shared = weights.iter().map(|weight| own[first[*weight as usize]]);
                if !shared.eq(own.iter().copied()) {
                    return Err(format!(
                        "channels {pair:?} do not share weights as others do"
                    ));
                }
                values.extend(first.iter().map(|place| own[*place]));
            }
            patterns.push(Pattern { blocks, taps });
        }
        Ok(patterns)
    }

    /// About how many weights [`PlacedWeights::place`] finds: those of the first pairs of channels of each pattern
    /// show which places share one.
    ///
    /// # Errors
    /// As [`PlacedWeights::place`].
    pub fn count(&self) -> Result<usize, String> {
        let mut count = 0;
        for (channels, places) in self.footprint.patterns() {
            let some = &channels[..channels.len().min(COUNTED)];
            let (_, first) = weights(&self.signatures(some, places)?);
            count += channels.len() * first.len();
        }
        Ok(count)
    }

    /// For each place a number that tells values apart, those of all pairs together.
    fn signatures(&self, channels: &[(u32, u32)], places: &Pairs) -> Result<Vec<u64>, String> {
        let mut signatures = vec![0u64; places.len()];
        for &pair in channels {
            let mut place = 0;
            self.of_pair(pair, places, |some| {
                for (value, signature) in some.iter().zip(&mut signatures[place..]) {
                    let mixed = (*signature ^ self.rounding.of(*value).to_bits())
                        .wrapping_mul(0x9E37_79B9_7F4A_7C15);
                    *signature = mixed ^ (mixed >> 29);
                }
                place += some.len();
            })?;
        }
        Ok(signatures)
    }

    /// Calls `each` with the values of one pair of channels, row by row of the map, in the order of `places`.
    fn of_pair(
        &self,
        (output, input): (u32, u32),
        places: &Pairs,
        mut each: impl FnMut(&[f64]),
    ) -> Result<(), String> {
        let (from, to) = self.shapes;
        let first = input * (from.height * from.width) as u32;
        for row_places in places.chunk_by(|a, b| a.0 == b.0) {
            let row = output as usize * to.height * to.width + row_places[0].0 as usize;
            let columns = self.map.columns(row);
            let start = columns.partition_point(|c| *c < first);
            let end = (start + row_places.len()).min(columns.len());
            let wanted = row_places.iter().map(|(_, place)| first + place);
            if !columns[start..end].iter().copied().eq(wanted) {
                return Err(format!(
                    "row {row} does not have the places of its pattern in channel {input}"
                ));
            }
            each(&self.map.values(row)[start..end]);
        }
        Ok(())
    }

    /// The taps, for the weight of each place.
    fn taps(&self, places: &Pairs, weights: &[u32]) -> Vec<Tap> {
        let (from, to) = self.shapes;
        let at = |place: u32, width: usize| [place / width as u32, place % width as u32];
        let pairs: Vec<[[u32; 2]; 2]> = places
            .iter()
            .map(|(o, i)| [at(*o, to.width), at(*i, from.width)])
            .collect();
        let extents = [(from.height, to.height), (from.width, to.width)];
        let stride = [0, 1].map(|axis| stride(&pairs, axis, extents[axis]));
        let mut groups: HashMap<([i32; 2], u32), Vec<usize>> = HashMap::new();
        for (place, ([o, i], weight)) in pairs.iter().zip(weights).enumerate() {
            let offset = [0, 1].map(|a| i[a] as i32 - (o[a] * stride[a]) as i32);
            groups.entry((offset, *weight)).or_default().push(place);
        }
        let mut found: Vec<Tap> = Vec::new();
        for ((offset, weight), members) in groups {
            let open = found.len();
            for run in members.chunk_by(|a, b| {
                let (a, b) = (pairs[*a][0], pairs[*b][0]);
                a[0] == b[0] && a[1] + 1 == b[1]
            }) {
                let [y, x] = pairs[run[0]][0];
                let columns = [x, x + run.len() as u32];
                let above = found[open..]
                    .iter_mut()
                    .find(|tap| tap.rows[1] == y && tap.columns == columns);
                match above {
                    Some(tap) => tap.rows[1] += 1,
                    None => {
                        let rows = [y, y + 1];
                        found.push(Tap {
                            rows,
                            columns,
                            stride,
                            offset,
                            weight,
                        });
                    }
                }
            }
        }
        found.sort_unstable_by_key(|tap| (tap.offset, tap.rows, tap.columns));
        found
    }
}

/// For each place the number of its weight, those of equal signatures sharing one, and for each weight its first place.
fn weights(signatures: &[u64]) -> (Vec<u32>, Vec<usize>) {
    let mut known: HashMap<u64, u32> = HashMap::new();
    let mut first = Vec::new();
    let of_place = signatures.iter().enumerate().map(|(place, signature)| {
        *known.entry(*signature).or_insert_with(|| {
            first.push(place);
            first.len() as u32 - 1
        })
    });
    (of_place.collect(), first)
}

/// The step along an axis that leaves the fewest offsets.
fn stride(pairs: &[[[u32; 2]; 2]], axis: usize, (from, to): (usize, usize)) -> u32 {
    let offsets = |stride: u32| {
        let offset =
            |[o, i]: &[[u32; 2]; 2]| i64::from(i[axis]) - i64::from(o[axis]) * i64::from(stride);
        let mut all: Vec<i64> = pairs.iter().map(offset).collect();
        all.sort_unstable();
        all.dedup();
        all.len()
    };
    let guess = (from as f64 / to as f64).round().max(1.0) as u32;
    let candidates = [guess, guess + 1, guess.max(2) - 1, 1];
    candidates
        .into_iter()
        .min_by_key(|s| offsets(*s))
        .unwrap_or(1)
}

/// Ascending pairs of channels as blocks, output channels that read the same input channels together.
fn blocks(pairs: &[(u32, u32)]) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut last: (u32, Vec<[u32; 2]>) = (0, Vec::new());
    for of_output in pairs.chunk_by(|a, b| a.0 == b.0) {
        let output = of_output[0].0;
        let runs: Vec<[u32; 2]> = of_output
            .chunk_by(|a, b| a.1 + 1 == b.1)
            .map(|run| [run[0].1, run[0].1 + run.len() as u32])
            .collect();
        if last == (output, runs.clone()) {
            let count = blocks.len();
            let same = &mut blocks[count - runs.len()..];
            same.iter_mut().for_each(|block| block.outputs[1] += 1);
        } else {
            let outputs = [output, output + 1];
            blocks.extend(runs.iter().map(|&inputs| Block { outputs, inputs }));
        }
        last = (output + 1, runs);
    }
    blocks
}
