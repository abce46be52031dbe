//! The contract between compiler and runtime: instructions, types, text form, verifier, cost table, artifact file.
//!
//! The waist is [`Op`], a small closed enum. A [`Schedule`] is a list of instructions in static single assignment over
//! ciphertexts whose types carry level, scale and degree. Only [`verify()`] makes a [`Verified`] one, and a runtime
//! accepts nothing else.

pub mod artifact;
pub mod builder;
pub mod constants;
pub mod cost;
pub mod diagonals;
pub mod error;
pub mod fusion;
pub mod infer;
pub mod keys;
pub mod layout;
pub mod op;
pub mod placed;
pub mod scale;
pub mod schedule;
pub mod summary;
pub mod text;
pub mod tfhe;
pub mod types;
pub mod verify;

pub use artifact::{Artifact, ArtifactError, Manifest};
pub use builder::Builder;
pub use constants::{Constant, Constants};
pub use cost::{CostKind, CostTable, Estimate, MissingCost};
pub use diagonals::Diagonals;
pub use error::Error;
pub use keys::{KeyBytes, half_key_bytes};
pub use layout::{Digit, Layout};
pub use op::{LinearPlan, LinearTerm, Op};
pub use placed::PlacedMap;
pub use scale::Scale;
pub use schedule::{Header, Instruction, Schedule};
pub use summary::OpCounts;
pub use text::ParseError;
pub use types::{ConstantId, LayerId, Level, Type, ValueId};
pub use verify::{Fault, Faults, Verified, verify};
