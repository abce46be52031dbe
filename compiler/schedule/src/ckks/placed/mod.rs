//! A linear map stored as the network's weights and where its operands and results lie, instead of as dense diagonals.
//!
//! A weight of a convolution stands once here, while its diagonals hold it once for each place of the image. The value
//! of diagonal slot `s` of a term with giant step `g` and baby step `b` is the map's entry from the element that the
//! operand's layout has at slot `s + b` to the element that the result's layout has at slot `s − g`: 0 where either
//! slot holds no element, or the map has no such entry. Where the diagonals are longer than both layouts' periods,
//! because another operand's is, each entry stands once: such results are sums over all slots of equal remainder.
//! [`Expansion`] finds the values, term by term.

mod check;
mod expand;
mod words;

use crate::ckks::Layout;

pub use expand::Expansion;

/// A linear map by its weights; see the module.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedMap {
    /// Number of values of each diagonal: the largest of the layouts' periods, each at most the slots; or 1 where all
    /// are batched.
    pub period: usize,
    /// Where the result lies.
    pub result: Layout,
    /// What each output of the plan is.
    pub outputs: Vec<PlacedOutput>,
    /// The tensors that are mapped, in the order in which their ciphertexts are the instruction's operands.
    pub operands: Vec<PlacedOperand>,
    /// The weights, pattern by pattern, in each pair of channels by pair of channels, as many each time as
    /// [`Pattern::weights`] says.
    pub values: Vec<f64>,
}

/// An output of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlacedOutput {
    /// Which ciphertext of the result it adds to.
    pub ciphertext: u32,
    /// Rotation that later instructions apply to it, beside the plan's own giant steps.
    pub giant: u32,
}

/// One tensor that is mapped, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedOperand {
    /// Where it lies.
    pub layout: Layout,
    /// Its patterns; no pair of channels is in two of them.
    pub patterns: Vec<Pattern>,
}

/// Pairs of channels whose entries lie at the same places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The pairs: all of each block, output channel by output channel.
    pub blocks: Vec<Block>,
    /// The places; none is in two taps.
    pub taps: Vec<Tap>,
}

/// All pairs of a range of output channels and a range of input channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// First output channel and the one after the last.
    pub outputs: [u32; 2],
    /// First input channel and the one after the last.
    pub inputs: [u32; 2],
}

/// Places that share one weight in each pair of channels: for result places `(y, x)` in a rectangle the operand's place
/// is `(y, x) · stride + offset`, as under one element of a convolution's kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tap {
    /// First row of the result and the one after the last.
    pub rows: [u32; 2],
    /// First column of the result and the one after the last.
    pub columns: [u32; 2],
    /// Step of the operand's row and column.
    pub stride: [u32; 2],
    /// Row and column of the operand for place `(0, 0)` of the result; may lie outside.
    pub offset: [i32; 2],
    /// Which of the weights of a pair of channels it is: taps of one weight share it, as the places of a pool's window
    /// do in a convolution merged with the pool.
    pub weight: u32,
}

impl Block {
    /// Number of pairs.
    pub fn len(&self) -> usize {
        let extent = |[first, end]: [u32; 2]| end.saturating_sub(first) as usize;
        extent(self.outputs).saturating_mul(extent(self.inputs))
    }

    /// Whether there is no pair.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pairs `(output channel, input channel)`, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (u32, u32)> + use<> {
        let [first, end] = self.inputs;
        let [from, to] = self.outputs;
        (from..to).flat_map(move |output| (first..end).map(move |input| (output, input)))
    }
}

impl Tap {
    /// Number of places.
    pub fn len(&self) -> usize {
        let extent = |[first, end]: [u32; 2]| end.saturating_sub(first) as usize;
        extent(self.rows).saturating_mul(extent(self.columns))
    }

    /// Whether there is no place.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Row (axis 0) or column (axis 1) of the operand for that of the result.
    pub fn source(&self, axis: usize, at: u32) -> i64 {
        i64::from(at) * i64::from(self.stride[axis]) + i64::from(self.offset[axis])
    }
}

impl Pattern {
    /// Number of pairs of channels.
    pub fn pairs(&self) -> usize {
        self.blocks
            .iter()
            .fold(0, |sum, block| sum.saturating_add(block.len()))
    }

    /// Number of weights of each pair of channels.
    pub fn weights(&self) -> usize {
        let beyond = self.taps.iter().map(|tap| tap.weight as usize + 1);
        beyond.max().unwrap_or(0)
    }
}
