//! The contract for CKKS: instructions on ciphertexts that hold a vector of numbers each, with weights as constants.
//!
//! The waist is [`Op`], a small closed enum. A [`Schedule`] is a list of instructions in static single assignment over
//! ciphertexts whose types carry level, scale and degree. Only [`verify()`] makes a [`Verified`] one.

pub mod artifact;
pub mod budget;
pub mod builder;
pub mod constants;
pub mod cost;
pub mod diagonals;
pub mod error;
pub mod fusion;
pub mod infer;
pub mod keys;
pub mod layout;
mod marks;
pub mod op;
pub mod placed;
pub mod scale;
pub mod schedule;
pub mod summary;
pub mod text;
pub mod types;
pub mod verify;

pub use artifact::Artifact;
pub use builder::Builder;
pub use constants::{Constant, Constants};
pub use cost::{CostKind, CostTable, Estimate};
pub use diagonals::Diagonals;
pub use error::{Error, MissingCost};
pub use keys::{KeyBytes, half_key_bytes};
pub use layout::{Digit, Layout};
pub use op::{Facts, LinearPlan, LinearTerm, Op};
pub use placed::PlacedMap;
pub use scale::Scale;
pub use schedule::{Header, Instruction, Schedule};
pub use summary::OpCounts;
pub use types::{ConstantId, LayerId, Level, Type, ValueId};
pub use verify::{Verified, verify};
