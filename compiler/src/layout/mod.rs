//! Layouts: the families that are tried ([`packing`]), those that a tensor may have (`candidates`), and the choice of
//! one for each tensor (`assignment`).

pub mod assignment;
mod candidates;
pub mod packing;

pub use assignment::{Assignment, Problem, Tallies};
