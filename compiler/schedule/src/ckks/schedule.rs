//! Schedule: the whole program that a server runs on ciphertexts.

use std::collections::BTreeSet;

use hemet_ckks_params::Parameters;

use crate::ckks::{Constants, LayerId, Layout, Op, Scale, Type, ValueId};

/// Most values that a schedule may make.
pub const MAX_VALUES: usize = 1 << 18;

/// What stands once for the whole schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// Ring degree, prime chain, special primes, security.
    pub parameters: Parameters,
    /// Scale of the input ciphertexts.
    pub input_scale: Scale,
    /// Level of the input ciphertexts; below the highest of the chain where the first instructions need less.
    pub input_level: crate::ckks::Level,
    /// Where the client puts the input tensor.
    pub input: Layout,
    /// Where the client finds the output tensor.
    pub output: Layout,
    /// Names of the network's layers, for errors and profiles, by [`LayerId`].
    pub layers: Vec<String>,
    /// Multiplicative depth: rescales on the longest path from input to output.
    pub depth: u32,
    /// Bits of precision that the compiler promises for the outputs: `|error| ≤ 2^-precision`.
    pub precision_bits: u32,
}

impl Header {
    /// How many images one run takes: as many as there are slots where input and output are batched, else 1.
    pub fn images(&self) -> usize {
        let slots = self.parameters.slots();
        match self.input.is_batched(slots) && self.output.is_batched(slots) {
            true => slots,
            false => 1,
        }
    }
}

/// An instruction and what it makes.
#[derive(Clone, Debug, PartialEq)]
pub struct Instruction {
    /// What it does.
    pub op: Op,
    /// First of its `op.results()` values, numbered in order.
    pub first_result: ValueId,
    /// The layer that it belongs to.
    pub layer: LayerId,
}

/// Instructions in an order in which each comes after those whose values it reads. Not yet verified.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// What stands once.
    pub header: Header,
    /// The instructions.
    pub instructions: Vec<Instruction>,
    /// The type of every value.
    pub types: Vec<Type>,
    /// The output ciphertexts, in the order of the output layout.
    pub outputs: Vec<ValueId>,
    /// Weight values.
    pub constants: Constants,
}

impl Schedule {
    /// All steps that need a rotation key: those of `rotate`, and the nonzero baby and giant steps of `linear`.
    pub fn rotation_steps(&self) -> BTreeSet<u32> {
        let mut steps = BTreeSet::new();
        for instruction in &self.instructions {
            steps.extend(instruction.op.facts().rotations());
        }
        steps
    }

    /// Whether a server needs the relinearization key.
    pub fn needs_relinearization(&self) -> bool {
        let mut instructions = self.instructions.iter();
        instructions.any(|instruction| instruction.op.facts().relinearizes)
    }

    /// How many input ciphertexts the schedule reads.
    pub fn inputs(&self) -> usize {
        self.instructions
            .iter()
            .filter(|instruction| matches!(instruction.op, Op::Input { .. }))
            .count()
    }

    /// The most rescales on a path from an input to an output. Values that do not exist count as depth 0.
    pub fn counted_depth(&self) -> u32 {
        let mut depths: Vec<u32> = Vec::with_capacity(self.types.len());
        let depth_of = |depths: &[u32], v: &ValueId| depths.get(v.0 as usize).copied().unwrap_or(0);
        for instruction in &self.instructions {
            let operands = instruction.op.operands();
            let deepest = operands
                .iter()
                .map(|v| depth_of(&depths, v))
                .max()
                .unwrap_or(0);
            let facts = instruction.op.facts();
            let rescale = u32::from(facts.rescales);
            // A plan of a schedule not yet verified may claim any number of outputs.
            let results = (facts.results as usize).min(self.types.len() - depths.len());
            depths.resize(depths.len() + results, deepest + rescale);
        }
        self.outputs
            .iter()
            .map(|v| depth_of(&depths, v))
            .max()
            .unwrap_or(0)
    }
}
