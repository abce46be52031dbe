//! Expansion of a placed map to the values of its diagonals, one term at a time.

use std::sync::Arc;

use super::{Pattern, PlacedMap, PlacedOperand};
use crate::ckks::{Layout, LinearTerm};

/// No element, or no pattern.
const NONE: u32 = u32::MAX;

/// What a slot holds: a channel ([`NONE`]: nothing) and a place within it.
#[derive(Clone, Copy)]
struct Element {
    channel: u32,
    place: u32,
}

/// A placed map with the tables by which its diagonals are found.
pub struct Expansion {
    map: Arc<PlacedMap>,
    /// What each slot of each ciphertext of the result holds.
    result: Vec<Vec<Element>>,
    operands: Vec<Operand>,
    /// For each operand of the instruction its tensor and ciphertext.
    inputs: Vec<(usize, usize)>,
}

/// The tables of one tensor.
struct Operand {
    ciphertexts: Vec<Vec<Element>>,
    /// Input channels.
    channels: u32,
    /// For each pair of channels its pattern and where its weights begin.
    pairs: Vec<(u32, u32)>,
    patterns: Vec<Sources>,
}

/// What each place of a result's channel reads, in compressed rows: `(place of the operand, weight of the pair)`,
/// ascending.
struct Sources {
    starts: Vec<u32>,
    entries: Vec<(u32, u32)>,
}

impl Expansion {
    /// The tables of a map that a verified schedule holds, for ciphertexts of `slots` slots. Costs about as much memory
    /// as the weights, and eight bytes for each slot of the layouts.
    pub fn new(map: &Arc<PlacedMap>, slots: usize) -> Self {
        let mut first = 0;
        // Of a batch every slot is as the first.
        let most = map.period;
        let operands: Vec<Operand> = map
            .operands
            .iter()
            .map(|operand| Operand::new(operand, &map.result, (slots, most), &mut first))
            .collect();
        let tensors = operands.iter().enumerate();
        let inputs = tensors
            .flat_map(|(tensor, o)| (0..o.ciphertexts.len()).map(move |c| (tensor, c)))
            .collect();
        Self {
            result: elements(&map.result, slots, most),
            operands,
            inputs,
            map: map.clone(),
        }
    }

    /// Number of values of each diagonal.
    pub fn period(&self) -> usize {
        self.map.period
    }

    /// The diagonal of a term of the plan; zeros for a term that names no output or operand.
    pub fn diagonal(&self, term: &LinearTerm) -> Vec<f64> {
        let mut values = vec![0.0; self.map.period];
        let output = self.map.outputs.get(term.output as usize);
        let input = self.inputs.get(term.input as usize);
        let (Some(output), Some(&(tensor, ciphertext))) = (output, input) else {
            return values;
        };
        let Some(rows) = self.result.get(output.ciphertext as usize) else {
            return values;
        };
        let operand = &self.operands[tensor];
        let columns = &operand.ciphertexts[ciphertext];
        let giant = (output.giant as usize).wrapping_add(term.giant as usize);
        let baby = term.baby as usize;
        let (mut hint, last) = (0, self.map.period - 1);
        for (slot, value) in values.iter_mut().enumerate() {
            // All lengths are powers of two that divide the slots, so wrapping does not change the remainder.
            let (at, from) = (
                slot.wrapping_sub(giant) & last,
                slot.wrapping_add(baby) & last,
            );
            let repeated = match columns.len() <= rows.len() {
                true => at >= rows.len(),
                false => from >= columns.len(),
            };
            let row = rows[at & (rows.len() - 1)];
            let column = columns[from & (columns.len() - 1)];
            if repeated || row.channel == NONE || column.channel == NONE {
                continue;
            }
            if let Some(weight) = operand.weight(row, column, &mut hint) {
                *value = self.map.values[weight];
            }
        }
        values
    }
}

impl Operand {
    fn new(
        operand: &PlacedOperand,
        result: &Layout,
        (slots, most): (usize, usize),
        first: &mut u32,
    ) -> Self {
        let channels = operand.layout.shape[0];
        let mut pairs = vec![(NONE, 0); (channels * result.shape[0]) as usize];
        for (pattern, number) in operand.patterns.iter().zip(0u32..) {
            let weights = pattern.weights() as u32;
            for (output, input) in pattern.blocks.iter().flat_map(|b| b.pairs()) {
                pairs[(output * channels + input) as usize] = (number, *first);
                *first += weights;
            }
        }
        let of_pattern = |p: &Pattern| Sources::new(p, result.shape, operand.layout.shape[2]);
        Self {
            ciphertexts: elements(&operand.layout, slots, most),
            channels,
            pairs,
            patterns: operand.patterns.iter().map(of_pattern).collect(),
        }
    }

    /// Which weight joins two elements. `hint` is where it was found within its row the last time: mostly the same
    /// place in the row again.
    fn weight(&self, row: Element, column: Element, hint: &mut usize) -> Option<usize> {
        let pair = (row.channel * self.channels + column.channel) as usize;
        let (pattern, first) = self.pairs[pair];
        let sources = self.patterns.get(pattern as usize)?;
        let entries = sources.of(row.place);
        let weight = match entries.get(*hint) {
            Some((place, weight)) if *place == column.place => *weight,
            Some(_) | None => {
                let found = entries.binary_search_by_key(&column.place, |(place, _)| *place);
                *hint = found.ok()?;
                entries[*hint].1
            }
        };
        Some((first + weight) as usize)
    }
}

impl Sources {
    fn new(pattern: &Pattern, result: [u32; 3], width: u32) -> Self {
        let mut places: Vec<(u32, u32, u32)> = pattern.places(result[2], width).collect();
        places.sort_unstable();
        let mut starts = vec![0u32; (result[1] * result[2]) as usize + 1];
        for (place, ..) in &places {
            starts[*place as usize + 1] += 1;
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let entries = places.into_iter().map(|(_, from, weight)| (from, weight));
        Self {
            starts,
            entries: entries.collect(),
        }
    }

    fn of(&self, place: u32) -> &[(u32, u32)] {
        let place = place as usize;
        &self.entries[self.starts[place] as usize..self.starts[place + 1] as usize]
    }
}

/// What each slot of each ciphertext holds, up to the layout's period, at most `most` slots.
fn elements(layout: &Layout, slots: usize, most: usize) -> Vec<Vec<Element>> {
    let nothing = Element {
        channel: NONE,
        place: 0,
    };
    let period = (layout.period as usize).min(slots).min(most);
    let mut elements = vec![vec![nothing; period]; layout.ciphertexts(slots)];
    let plane = (layout.shape[1] * layout.shape[2]).max(1);
    for (position, index) in layout.positions().into_iter().zip(0u32..) {
        let position = position as usize;
        elements[position / slots][position % slots] = Element {
            channel: index / plane,
            place: index % plane,
        };
    }
    elements
}
