//! Instructions: the closed set of things that a schedule does to ciphertexts.

use crate::{ConstantId, Level, Scale, ValueId};

/// What an instruction does. Slots are numbered from 0; "rotate by k" brings slot `i + k` to slot `i`, cyclically.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// The `index`-th input ciphertext, of the header's input level and scale.
    Input {
        /// Position among the input ciphertexts.
        index: u32,
    },
    /// A linear map between lists of ciphertexts, by baby and giant steps; the result has `scale` times the operands' scale
    /// and their level. Results: `plan.outputs`.
    Linear {
        /// Operands, all of one type of degree 1.
        inputs: Vec<ValueId>,
        /// Which diagonals there are and how they are grouped.
        plan: LinearPlan,
        /// [`crate::Constant::Diagonals`], one for each term of the plan, or [`crate::Constant::Placed`].
        diagonals: ConstantId,
        /// Scale at which the diagonals are encoded.
        scale: Scale,
    },
    /// Rotates slots by `step`.
    Rotate {
        /// Operand of degree 1.
        x: ValueId,
        /// Slots to rotate by, from 1 to slots − 1.
        step: u32,
    },
    /// Sum; operands of one type.
    Add {
        /// First operand.
        a: ValueId,
        /// Second operand.
        b: ValueId,
    },
    /// Difference `a − b`; operands of one type.
    Sub {
        /// First operand.
        a: ValueId,
        /// Second operand.
        b: ValueId,
    },
    /// Adds a vector constant, encoded at the operand's level and scale.
    AddPlain {
        /// Operand.
        x: ValueId,
        /// [`crate::Constant::Vector`].
        constant: ConstantId,
    },
    /// Multiplies by a vector constant encoded at `scale`; the result has the product of scales.
    MulPlain {
        /// Operand.
        x: ValueId,
        /// [`crate::Constant::Vector`].
        constant: ConstantId,
        /// Scale at which the constant is encoded.
        scale: Scale,
    },
    /// Product of two ciphertexts of degree 1 and one level; the result has degree 2 and the product of scales.
    Multiply {
        /// First operand.
        a: ValueId,
        /// Second operand.
        b: ValueId,
    },
    /// Square of a ciphertext of degree 1: cheaper than `Multiply` with itself.
    Square {
        /// Operand.
        x: ValueId,
    },
    /// Brings degree 2 back to degree 1 with the relinearisation key.
    Relinearize {
        /// Operand of degree 2.
        x: ValueId,
    },
    /// Divides by the last prime of the operand's level and drops it: level − 1, scale divided by that prime.
    Rescale {
        /// Operand of level at least 1.
        x: ValueId,
    },
    /// Forgets primes without dividing: level `to`, scale unchanged.
    LevelDrop {
        /// Operand.
        x: ValueId,
        /// The lower level.
        to: Level,
    },
}

/// One product of a linear map: output `output` receives
/// `rotate(diagonal ⊙ rotate(input, baby), giant)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinearTerm {
    /// Which result.
    pub output: u32,
    /// Rotation applied after the products of this giant step are summed; 0 for none.
    pub giant: u32,
    /// Which operand.
    pub input: u32,
    /// Rotation of the operand; 0 for none.
    pub baby: u32,
}

/// The terms of a linear map, strictly ascending (by output, giant step, operand, baby step). Term `t` uses diagonal `t`.
/// Every output has at least one term.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct LinearPlan {
    /// Number of results.
    pub outputs: u32,
    /// The terms.
    pub terms: Vec<LinearTerm>,
}

impl Op {
    /// The word for the instruction in the text form, cost tables and profiles.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Input { .. } => "input",
            Op::Linear { .. } => "linear",
            Op::Rotate { .. } => "rotate",
            Op::Add { .. } => "add",
            Op::Sub { .. } => "sub",
            Op::AddPlain { .. } => "add_plain",
            Op::MulPlain { .. } => "mul_plain",
            Op::Multiply { .. } => "multiply",
            Op::Square { .. } => "square",
            Op::Relinearize { .. } => "relinearize",
            Op::Rescale { .. } => "rescale",
            Op::LevelDrop { .. } => "level_drop",
        }
    }

    /// The values that the instruction reads.
    pub fn operands(&self) -> Vec<ValueId> {
        match self {
            Op::Input { .. } => Vec::new(),
            Op::Linear { inputs, .. } => inputs.clone(),
            Op::Add { a, b } | Op::Sub { a, b } | Op::Multiply { a, b } => vec![*a, *b],
            Op::Rotate { x, .. }
            | Op::AddPlain { x, .. }
            | Op::MulPlain { x, .. }
            | Op::Square { x }
            | Op::Relinearize { x }
            | Op::Rescale { x }
            | Op::LevelDrop { x, .. } => vec![*x],
        }
    }

    /// The constant that the instruction reads, if any.
    pub fn constant(&self) -> Option<ConstantId> {
        match self {
            Op::Linear { diagonals, .. } => Some(*diagonals),
            Op::AddPlain { constant, .. } | Op::MulPlain { constant, .. } => Some(*constant),
            Op::Input { .. }
            | Op::Rotate { .. }
            | Op::Add { .. }
            | Op::Sub { .. }
            | Op::Multiply { .. }
            | Op::Square { .. }
            | Op::Relinearize { .. }
            | Op::Rescale { .. }
            | Op::LevelDrop { .. } => None,
        }
    }

    /// How many values the instruction makes.
    pub fn results(&self) -> u32 {
        match self {
            Op::Linear { plan, .. } => plan.outputs,
            Op::Input { .. }
            | Op::Rotate { .. }
            | Op::Add { .. }
            | Op::Sub { .. }
            | Op::AddPlain { .. }
            | Op::MulPlain { .. }
            | Op::Multiply { .. }
            | Op::Square { .. }
            | Op::Relinearize { .. }
            | Op::Rescale { .. }
            | Op::LevelDrop { .. } => 1,
        }
    }
}
