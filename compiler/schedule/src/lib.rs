//! The contract between compiler and runtime: instructions, types, text form, verifier, cost table, artifact file.
//!
//! The waist is [`Op`], a small closed enum. A [`Schedule`] is a list of instructions in static single assignment over
//! ciphertexts whose types carry level, scale and degree. Only the verifier makes a `Verified` one, and a runtime
//! accepts nothing else.

pub mod constants;
pub mod cost;
pub mod layout;
pub mod op;
pub mod scale;
pub mod schedule;
pub mod types;

pub use constants::{Constant, Constants};
pub use cost::{CostKind, CostTable};
pub use layout::{Digit, Layout};
pub use op::{LinearPlan, LinearTerm, Op};
pub use scale::Scale;
pub use schedule::{Header, Instruction, Schedule};
pub use types::{ConstantId, LayerId, Level, Type, ValueId};
