//! Passes over a [`Net`], in the order in which they run.
//!
//! None of them reads a value to decide anything: a net of patterns and the same net with values take the same form.

mod compose;
mod import;
mod normalise;
mod pattern;
mod stack;

use crate::Options;
use crate::net::Net;

pub use import::import;

/// A rewriting of a net that keeps what it computes.
pub struct Pass {
    /// Its word on the command line.
    pub name: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// Does it.
    pub run: fn(&mut Net, &Options),
}

/// All passes, in order.
pub const PASSES: [Pass; 3] = [
    Pass {
        name: "compose",
        about: "merges consecutive affine maps where that is cheaper",
        run: compose::run,
    },
    Pass {
        name: "stack",
        about: "joins parallel branches that read the same tensors into one map and one square",
        run: stack::run,
    },
    Pass {
        name: "normalise",
        about: "scales every tensor to unit size, undone in the next map",
        run: normalise::run,
    },
];
