//! Schedule: the whole program that a server runs on ciphertexts.

use hemet_ckks_params::Parameters;

use crate::{Constants, LayerId, Layout, Op, Scale, Type, ValueId};

/// What stands once for the whole schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// Ring degree, prime chain, special primes, security.
    pub parameters: Parameters,
    /// Scale of the input ciphertexts; their level is the highest of the chain that the first instructions use.
    pub input_scale: Scale,
    /// Level of the input ciphertexts.
    pub input_level: crate::Level,
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
