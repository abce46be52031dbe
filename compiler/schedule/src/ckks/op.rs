//! Instructions: the closed set of things that a schedule does to ciphertexts.

use crate::ckks::{ConstantId, Level, Scale, ValueId};

/// What an instruction does. Slots are numbered from 0; "rotate by k" brings slot `i + k` to slot `i`, cyclically.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// The `index`-th input ciphertext, of the header's input level and scale.
    Input {
        /// Position among the input ciphertexts.
        index: u32,
    },
    /// A linear map between lists of ciphertexts, by baby and giant steps; the result has `scale` times the operands'
    /// scale and their level. Results: `plan.outputs`.
    Linear {
        /// Operands, all of one type of degree 1.
        inputs: Vec<ValueId>,
        /// Which diagonals there are and how they are grouped.
        plan: LinearPlan,
        /// [`crate::ckks::Constant::Diagonals`], one for each term of the plan, or [`crate::ckks::Constant::Placed`].
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
    /// Adds a vector constant, encoded at the operand's level and scale.
    AddPlain {
        /// Operand.
        x: ValueId,
        /// [`crate::ckks::Constant::Vector`].
        constant: ConstantId,
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
    /// Brings degree 2 back to degree 1 with the relinearization key.
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

/// The terms of a linear map, strictly ascending (by output, giant step, operand, baby step). Term `t` uses diagonal
/// `t`. Every output has at least one term.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct LinearPlan {
    /// Number of results.
    pub outputs: u32,
    /// The terms.
    pub terms: Vec<LinearTerm>,
}

/// What an instruction is to whoever need not know which it is: keys, noise of rotations, checks of constants, counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts<'a> {
    /// The word for it in the text form, cost tables and profiles.
    pub name: &'static str,
    /// How many values it makes.
    pub results: u32,
    /// The degree that all its operands must have; none where any will do.
    pub operand_degree: Option<u8>,
    /// The step by which it rotates as a whole.
    pub step: Option<u32>,
    /// Products of rotated operands that it sums.
    pub terms: &'a [LinearTerm],
    /// Whether it needs the relinearization key.
    pub relinearizes: bool,
    /// Whether it divides by the last prime of its operand's level: one level of depth.
    pub rescales: bool,
    /// Whether it ends with a division by the special primes, in which a rescale of its results can take part.
    pub divides: bool,
    /// The constant that it reads.
    pub constant: Option<ConstantId>,
    /// Scale at which the constant is encoded; none for the operand's own.
    pub constant_scale: Option<&'a Scale>,
}

impl<'a> Facts<'a> {
    /// One value from operands of any degree, without a key or a constant: what most instructions are.
    fn plain(name: &'static str) -> Self {
        Self {
            name,
            results: 1,
            operand_degree: None,
            step: None,
            terms: &[],
            relinearizes: false,
            rescales: false,
            divides: false,
            constant: None,
            constant_scale: None,
        }
    }

    /// [`Facts::plain`] where operands must have degree 1.
    fn of_degree_1(name: &'static str) -> Self {
        Self {
            operand_degree: Some(1),
            ..Self::plain(name)
        }
    }

    /// All steps that need a rotation key, some more than once.
    pub fn rotations(&self) -> impl Iterator<Item = u32> + 'a {
        let of_terms = self.terms.iter().flat_map(|term| [term.baby, term.giant]);
        let steps = self.step.into_iter().chain(of_terms);
        steps.filter(|step| *step != 0)
    }

    /// Whether it moves values between slots.
    pub fn rotates(&self) -> bool {
        self.rotations().next().is_some()
    }

    /// Whether it needs an evaluation key.
    pub fn switches_key(&self) -> bool {
        self.relinearizes || self.rotates()
    }
}

impl Op {
    /// What the instruction is to whoever need not know which it is.
    pub fn facts(&self) -> Facts<'_> {
        match self {
            Op::Input { .. } => Facts::plain("input"),
            Op::Linear {
                plan,
                diagonals,
                scale,
                ..
            } => Facts {
                results: plan.outputs,
                terms: &plan.terms,
                divides: true,
                constant: Some(*diagonals),
                constant_scale: Some(scale),
                ..Facts::of_degree_1("linear")
            },
            Op::Rotate { step, .. } => Facts {
                step: Some(*step),
                ..Facts::of_degree_1("rotate")
            },
            Op::Add { .. } => Facts::plain("add"),
            Op::AddPlain { constant, .. } => Facts {
                constant: Some(*constant),
                ..Facts::plain("add_plain")
            },
            Op::Multiply { .. } => Facts::of_degree_1("multiply"),
            Op::Square { .. } => Facts::of_degree_1("square"),
            Op::Relinearize { .. } => Facts {
                operand_degree: Some(2),
                relinearizes: true,
                divides: true,
                ..Facts::plain("relinearize")
            },
            Op::Rescale { .. } => Facts {
                rescales: true,
                ..Facts::plain("rescale")
            },
            Op::LevelDrop { .. } => Facts::plain("level_drop"),
        }
    }

    /// The word for the instruction in the text form, cost tables and profiles.
    pub fn name(&self) -> &'static str {
        self.facts().name
    }

    /// How many values the instruction makes.
    pub fn results(&self) -> u32 {
        self.facts().results
    }

    /// The constant that the instruction reads, if any.
    pub fn constant(&self) -> Option<ConstantId> {
        self.facts().constant
    }

    /// The values that the instruction reads.
    pub fn operands(&self) -> Vec<ValueId> {
        match self {
            Op::Input { .. } => Vec::new(),
            Op::Linear { inputs, .. } => inputs.clone(),
            Op::Add { a, b } | Op::Multiply { a, b } => vec![*a, *b],
            Op::Rotate { x, .. }
            | Op::AddPlain { x, .. }
            | Op::Square { x }
            | Op::Relinearize { x }
            | Op::Rescale { x }
            | Op::LevelDrop { x, .. } => vec![*x],
        }
    }
}
