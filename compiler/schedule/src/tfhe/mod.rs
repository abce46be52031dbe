//! The contract between compiler and runtime for TFHE: how an integer network runs on LWE ciphertexts.
//!
//! A [`Schedule`] is a list of instructions on vectors of LWE ciphertexts: linear maps with small integer weights, key
//! switches, programmable bootstraps with a table each, exact halvings. Weights and tables stand apart, as its
//! [`Constants`]. Only [`verify`] makes a [`Verified`] schedule, which a runtime accepts.
//!
//! A message `m` lies at the torus point `m / turn` (mod 1). A bootstrap sees `m mod turn`, and its table repeats with
//! its sign changed half a turn further, which the tables of an integer network define.

mod analyze;
mod constants;
mod cost;
mod error;
mod file;
mod infer;
mod interpret;
pub mod noise;
mod op;
mod schedule;
mod sets;
mod summary;
mod text;
mod verify;

pub use analyze::{Analysis, Noise, analyze};
pub use constants::{Constant, Constants, MapConstant, TableConstant};
pub use cost::{CostKind, CostTable, Estimate, costs, estimate};
pub use error::Error;
pub use file::{MAX_FILE_BYTES, from_bytes, to_bytes};
pub use infer::infer;
pub use interpret::interpret;
pub use op::{KeyKind, MAX_COUNT, MAX_TURN, MapBounds, Op, Type, ValueId};
pub use schedule::{FailureGoal, Instruction, MAX_INSTRUCTIONS, OutputForm, Schedule};
pub use sets::{ParameterSet, SECURITY_BITS, SETS, SetId};
pub use summary::Summary;
pub use text::{MAX_TEXT_BYTES, VERSION, parse, print};
pub use verify::{MAX_PARTS, MIN_FAILURE_BITS, Verified, verify};
