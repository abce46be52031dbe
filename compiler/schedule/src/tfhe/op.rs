//! Instructions and their types.

use crate::tfhe::SetId;

/// Most boxes of a turn.
pub const MAX_TURN: u32 = 1 << 20;
/// Most ciphertexts of a value.
pub const MAX_COUNT: u32 = 1 << 20;

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
