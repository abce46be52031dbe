//! Instructions, their types and the schedule.

use crate::tfhe::{Constants, SetId};

/// Most boxes of a turn.
pub const MAX_TURN: u32 = 1 << 20;
/// Most ciphertexts of a value.
pub const MAX_COUNT: u32 = 1 << 20;
/// Most instructions.
pub const MAX_INSTRUCTIONS: usize = 1 << 16;

/// A value: the result of the instruction at this position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub u32);

/// Which of a set's two keys a ciphertext is under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyKind {
    /// The small key of dimension `n`: what a bootstrap takes.
    Small,
    /// The big key of dimension `k·N`: what a bootstrap gives.
    Big,
}

/// The type of a value: a vector of LWE ciphertexts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Type {
    /// Number of ciphertexts.
    pub count: u32,
    /// The parameter set of their key.
    pub set: SetId,
    /// Which key of the set.
    pub key: KeyKind,
    /// A message `m` lies at `m / turn`.
    pub turn: u32,
}

impl Type {
    /// Dimension of the ciphertexts.
    pub fn dimension(&self) -> usize {
        match self.key {
            KeyKind::Small => self.set.get().lwe_dimension,
            KeyKind::Big => self.set.get().big_dimension(),
        }
    }
}

/// What a schedule says of a linear map: bounds that hold for its weights whatever their values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapBounds {
    /// Entries of all rows.
    pub entries: u64,
    /// Most entries of a row.
    pub fan_in: u32,
    /// Largest absolute weight.
    pub weight: u32,
    /// Largest sum of squared weights of a row.
    pub norm_squared: u64,
}

/// What an instruction does. Constants are named, not contained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// The client's ciphertexts, of the type written.
    Input,
    /// A linear map with integer weights and biases on the operands, one after the other.
    Linear {
        /// What it reads: values of one set, key and turn.
        operands: Vec<ValueId>,
        /// Name of its map.
        constant: String,
        /// The torus values of the result are multiplied by this, which divides the turn: `m / turn` becomes
        /// `m / (turn / step)`.
        step: u32,
        /// Bounds on the map.
        bounds: MapBounds,
    },
    /// From the big key of a set to the small key of `to`.
    KeySwitch {
        /// What it reads.
        operand: ValueId,
        /// Where it goes.
        to: SetId,
    },
    /// `m ↦ floor(m / 2)`, exactly: the lowest bit is bootstrapped (after a key switch) and subtracted.
    Halve {
        /// What it reads: under the big key, with an even turn.
        operand: ValueId,
    },
    /// A programmable bootstrap: each message through the table of its channel.
    Bootstrap {
        /// What it reads: under the small key, with an even turn.
        operand: ValueId,
        /// Name of its tables.
        constant: String,
        /// Boxes of a turn of the result.
        turn: u32,
        /// The least result.
        low: i64,
        /// The greatest result.
        high: i64,
    },
}

impl Op {
    /// The values that it reads.
    pub fn operands(&self) -> &[ValueId] {
        match self {
            Op::Input => &[],
            Op::Linear { operands, .. } => operands,
            Op::KeySwitch { operand, .. }
            | Op::Halve { operand }
            | Op::Bootstrap { operand, .. } => std::slice::from_ref(operand),
        }
    }

    /// The name of the constant that it uses.
    pub fn constant(&self) -> Option<&str> {
        match self {
            Op::Linear { constant, .. } | Op::Bootstrap { constant, .. } => Some(constant),
            Op::Input | Op::KeySwitch { .. } | Op::Halve { .. } => None,
        }
    }
}

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
    /// The parts of the outputs: the client decrypts each and adds them, element by element. Each part's values lie in a
    /// range of its own, `part_ranges`.
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
