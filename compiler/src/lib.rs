//! Lowers a LayerGraph to a Schedule: parameter choice, packing, passes, and the estimate on the same code path.
//!
//! [`compile`] goes: [`passes::import`] (each layer's meaning as affine maps and products) → [`passes::PASSES`] (compose, stack,
//! normalise) → structure (levels, scales, layouts, the smallest secure parameters; no weights) → emission → verification. Where a
//! pool can be kept apart from the convolution behind it, both ways are decided and the cheaper one is emitted.
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

use assignment::Footprints;
use net::Net;
use passes::Pools;
use structure::Structure;

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
    let merged = Way::new(graph, options, costs, Pools::Merged)?;
    let way = match passes::keeps_pools(graph, options) {
        true => merged.or_cheaper(Way::new(graph, options, costs, Pools::Apart)),
        false => merged,
    };
    let net = match weights {
        Some(_) => passes::net(graph, weights, options, way.pools)?,
        None => way.net,
    };
    let maps = key_budget::choose(&net, &way.footprints, &way.structure, options, costs)?;
    let schedule = emit::emit(&net, &way.footprints, &maps, &way.structure, options)?;
    let layers = way.structure.notes(&net);
    Ok((schedule, layers))
}

/// A form of the network, without weights, and the decisions for it.
struct Way {
    pools: Pools,
    net: Net,
    footprints: Footprints,
    structure: Structure,
}

impl Way {
    fn new(
        graph: &LayerGraph,
        options: &Options,
        costs: &CostTable,
        pools: Pools,
    ) -> Result<Self, Error> {
        let net = passes::net(graph, None, options, pools)?;
        let footprints = assignment::footprints(&net);
        let structure = structure::decide(&net, &footprints, options, costs)?;
        Ok(Self {
            pools,
            net,
            footprints,
            structure,
        })
    }

    fn or_cheaper(self, other: Result<Self, Error>) -> Self {
        match other {
            Ok(other) if other.structure.cost_us < self.structure.cost_us => other,
            Ok(_) | Err(_) => self,
        }
    }
}
