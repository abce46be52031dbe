//! Lowers a LayerGraph to a Schedule: parameter choice, packing, passes, and the estimate on the same code path.
//!
//! [`compile`] goes: [`passes::import`] (each layer's meaning as affine maps and products) → [`passes::PASSES`] (compose, stack,
//! normalise) → structure (levels, scales, layouts, the smallest secure parameters; no weights) → emission → verification.
//! [`estimate`] is the same without weights: constants stay empty and the costs are read off the schedule. The
//! instruction sequence depends on graph, options and cost table only.

pub mod activation;
mod assignment;
mod emit;
mod error;
mod estimate;
mod key_budget;
pub mod lower;
pub mod net;
mod options;
pub mod packing;
pub mod parameters;
pub mod passes;
mod structure;
mod synthetic;

pub use activation::Activation;
pub use error::Error;
pub use estimate::Estimate;
pub use options::Options;
pub use parameters::noise;
pub use synthetic::synthetic_table;

use hemet_schedule::artifact::LayerNote;
use hemet_schedule::{CostTable, Schedule, Verified, verify};
use hemet_spaces::{LayerGraph, Weights};

/// Compiles a network with its weights.
///
/// # Errors
/// [`Error`]: weights that do not fit, a quadratic too near a line, a network too deep or too large for secure parameters, a
/// cost table without measurements for any of them.
///
/// ```
/// use hemet_compiler::{Options, compile, synthetic_table};
/// use hemet_spaces::layer::{Conv, Dense};
/// use hemet_spaces::{Layer, LayerGraph, Shape, Weights};
/// let mut graph = LayerGraph::new(Shape::new(1, 8, 8))?;
/// let conv = graph.add("conv", Layer::Conv(Conv::same(4, 3)), &[graph.input()])?;
/// graph.add("head", Layer::Dense(Dense { out_features: 10, bias: true }), &[conv])?;
/// let schedule = compile(&graph, &Weights::ones(&graph), &Options::default(), &synthetic_table())?;
/// // Two linear maps in a row are one.
/// assert!(schedule.header.depth <= 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn compile(
    graph: &LayerGraph,
    weights: &Weights,
    options: &Options,
    costs: &CostTable,
) -> Result<Verified, Error> {
    let (schedule, _) = schedule(graph, Some(weights), options, costs)?;
    verify(schedule).map_err(|faults| Error::Schedule(faults.into()))
}

/// Estimates a network that has no weights yet.
///
/// # Errors
/// As [`compile`], except for weights.
pub fn estimate(
    graph: &LayerGraph,
    options: &Options,
    costs: &CostTable,
) -> Result<Estimate, Error> {
    let (schedule, layers) = schedule(graph, None, options, costs)?;
    Estimate::of(&schedule, layers, costs)
}

/// The one path: without weights the constants are empty.
fn schedule(
    graph: &LayerGraph,
    weights: Option<&Weights>,
    options: &Options,
    costs: &CostTable,
) -> Result<(Schedule, Vec<LayerNote>), Error> {
    options.check()?;
    let mut net = passes::import(graph, weights, options)?;
    for pass in &passes::PASSES {
        (pass.run)(&mut net, options);
    }
    let footprints = assignment::footprints(&net);
    let structure = structure::decide(&net, &footprints, options, costs)?;
    let maps = key_budget::choose(&net, &footprints, &structure, options, costs)?;
    let schedule = emit::emit(&net, &footprints, &maps, &structure, options)?;
    let layers = structure.notes(&net);
    Ok((schedule, layers))
}
