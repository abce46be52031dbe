//! Passes over a [`Net`], in the order in which they run.
//!
//! Before any of them a network may be cut in two: [`device`].
//!
//! None of them reads a value to decide anything: a net of patterns and the same net with values take the same form.

mod compose;
pub mod device;
mod import;
mod normalize;
mod pattern;
mod stack;

use hemet_schedule::InputTransform;
use hemet_spaces::{LayerGraph, Weights};

use crate::net::Net;
use crate::{Error, Options};

pub use import::{WindowSums, has_window_sums, import};

/// What a pass is told besides the net.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// How the network is to be compiled.
    pub options: &'a Options,
    /// Inputs like those to come, each of the input's elements; may be empty.
    pub samples: &'a [Vec<f64>],
    /// What the client does to an input first.
    pub transform: Option<&'a InputTransform>,
}

/// A rewriting of a net that keeps what it computes.
pub struct Pass {
    /// Its word on the command line.
    pub name: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// Does it.
    pub run: fn(&mut Net, &Context<'_>),
}

/// The net of a graph after all passes.
///
/// # Errors
/// As [`import()`].
pub fn net(
    graph: &LayerGraph,
    weights: Option<&Weights>,
    context: &Context<'_>,
    sums: WindowSums,
) -> Result<Net, Error> {
    let mut net = unscaled(graph, weights, context.options, sums)?;
    normalize::run(&mut net, context);
    Ok(net)
}

/// The net of a graph after all passes but the last: its tensors have the sizes that the network gives them.
///
/// # Errors
/// As [`import()`].
pub fn unscaled(
    graph: &LayerGraph,
    weights: Option<&Weights>,
    options: &Options,
    sums: WindowSums,
) -> Result<Net, Error> {
    let mut net = import(graph, weights, options, sums)?;
    let [structural @ .., _] = &PASSES;
    let context = Context {
        options,
        samples: &[],
        transform: None,
    };
    for pass in structural {
        (pass.run)(&mut net, &context);
    }
    Ok(net)
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
        name: "normalize",
        about: "scales every tensor to unit size, undone in the next map",
        run: normalize::run,
    },
];
