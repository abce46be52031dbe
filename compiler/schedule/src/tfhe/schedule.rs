//! The schedule: instructions in order, what goes in and what comes out.

use crate::tfhe::{Constants, Op, SetId, Type, ValueId};

/// Most instructions.
pub const MAX_INSTRUCTIONS: usize = 1 << 16;

/// An instruction: it makes one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Name of the layer that it belongs to.
    pub layer: String,
    /// What it does.
    pub op: Op,
    /// The type of its value.
    pub result: Type,
}

/// How unlikely a wrong result must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureGoal {
    /// At most `2^-bits` for all bootstraps and the decryption of one prediction together.
    Prediction(u32),
    /// At most `2^-bits` for each bootstrap, and for the decryption of each output.
    Bootstrap(u32),
}

/// What the client gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputForm {
    /// A number for each class, in the range `low..=high`.
    Logits,
    /// One number: the class.
    Label,
}

/// A program on LWE ciphertexts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// How unlikely a wrong result must be.
    pub failure: FailureGoal,
    /// The least input value.
    pub input_low: i64,
    /// The greatest input value.
    pub input_high: i64,
    /// What the outputs are.
    pub output_form: OutputForm,
    /// The least value of an output, summed over its parts.
    pub output_low: i64,
    /// The greatest value of an output, summed over its parts.
    pub output_high: i64,
    /// Bytes that are kept of each number of an output ciphertext: 1 to 8.
    pub output_bytes: u32,
    /// The instructions, each after those that it reads; the first is the input.
    pub instructions: Vec<Instruction>,
    /// The parts of the outputs: the client decrypts each and adds them, element by element. Each part's values lie in
    /// a range of its own, `part_ranges`.
    pub outputs: Vec<ValueId>,
    /// The least and greatest value of each part.
    pub part_ranges: Vec<(i64, i64)>,
    /// Weights and tables.
    pub constants: Constants,
}

impl Schedule {
    /// The type of a value, where it exists.
    pub fn type_of(&self, value: ValueId) -> Option<Type> {
        self.instructions.get(value.0 as usize).map(|i| i.result)
    }

    /// The type of the input.
    pub fn input_type(&self) -> Option<Type> {
        self.type_of(ValueId(0))
    }

    /// The sets whose bootstrapping keys the server needs, ascending.
    pub fn bootstrap_sets(&self) -> Vec<SetId> {
        let mut sets: Vec<SetId> = (self.instructions.iter())
            .filter(|i| matches!(i.op, Op::Bootstrap { .. } | Op::Halve { .. }))
            .map(|i| i.result.set)
            .collect();
        sets.sort_unstable();
        sets.dedup();
        sets
    }

    /// The pairs (from the big key, to the small key) whose key switching keys the server needs, ascending.
    pub fn keyswitch_pairs(&self) -> Vec<(SetId, SetId)> {
        let mut pairs: Vec<(SetId, SetId)> = (self.instructions.iter())
            .filter_map(|i| match &i.op {
                Op::KeySwitch { operand, to } => Some((self.type_of(*operand)?.set, *to)),
                Op::Halve { .. } => Some((i.result.set, i.result.set)),
                Op::Input | Op::Linear { .. } | Op::Bootstrap { .. } => None,
            })
            .collect();
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }
}
