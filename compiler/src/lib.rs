//! Lowers a LayerGraph to a Schedule: parameter choice, packing, passes, and the estimate on the same code path.
//!
//! [`compile`] goes: [`passes::import`] (each layer's meaning as affine maps and products) → [`passes::PASSES`] (compose, stack,
//! normalise) → structure (levels, scales, layouts, the smallest secure parameters; no weights) → emission → verification. Where a
//! pool can be kept apart from the convolution behind it, both ways are decided and the cheaper one is emitted.
//! [`estimate`] is the same without weights: constants stay empty and the costs are read off the schedule. The
//! instruction sequence depends on graph, options and cost table only. [`compile_for`] sets one option by weights and inputs first:
//! [`Options::guard_bits`], where the errors of this network would exceed the promise otherwise ([`parameters::simulate`]), and rounds the
//! weights to as few bits as the promise then allows ([`parameters::rounding`]).

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
mod sites;
mod structure;
mod synthetic;
pub mod tfhe;

pub use activation::Activation;
pub use error::Error;
pub use estimate::Estimate;
pub use options::{Options, Target};
pub use parameters::noise;
pub use passes::SAMPLES;
pub use synthetic::synthetic_table;

use hemet_schedule::artifact::LayerNote;
use hemet_schedule::{CostTable, Schedule, Verified, verify};
use hemet_spaces::{LayerGraph, Weights};

use assignment::{Footprints, Tallies};
use net::Net;
use parameters::rounding::{self, Rounding};
use parameters::simulate::Simulation;
use passes::{Context, Pools};
use structure::Structure;

/// Compiles a network with its weights, for scales that keep the promise where values are of unit size; [`compile_for`] looks whether they do.
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
    let (schedule, _) = schedule(graph, Some((weights, None)), options, costs)?;
    verify(schedule).map_err(|faults| Error::Schedule(faults.into()))
}

/// [`compile`] for inputs such as `samples`, each of the graph's input elements in the order `[channels][height][width]`: guard bits make
/// scales large enough for the errors on some of the first [`SAMPLES`] of them, by which channels are scaled. Without samples that is done for independent elements within
/// [`Options::input_range`], which natural images are not. The estimate is that of the schedule.
///
/// # Errors
/// As [`compile`]; a sample of another length than the input's; weights under which errors grow beyond every secure parameter set.
pub fn compile_for(
    samples: &[Vec<f64>],
    graph: &LayerGraph,
    weights: &Weights,
    options: &Options,
    costs: &CostTable,
) -> Result<(Verified, Estimate), Error> {
    let expected = graph.node(graph.input()).shape.len();
    if let Some(index) = samples.iter().position(|s| s.len() != expected) {
        let found = samples[index].len();
        return Err(Error::Sample {
            index,
            found,
            expected,
        });
    }
    let (schedule, layers) = schedule(graph, Some((weights, Some(samples))), options, costs)?;
    let estimate = Estimate::of(&schedule, layers, costs)?;
    let schedule = verify(schedule).map_err(|faults| Error::Schedule(faults.into()))?;
    Ok((schedule, estimate))
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

/// Weights, and the samples that scales are made for where errors are to be looked at.
type Valued<'a> = (&'a Weights, Option<&'a [Vec<f64>]>);

/// The one path: without weights the constants are empty.
fn schedule(
    graph: &LayerGraph,
    weights: Option<Valued<'_>>,
    options: &Options,
    costs: &CostTable,
) -> Result<(Schedule, Vec<LayerNote>), Error> {
    options.check()?;
    let way = Way::decide(graph, options, costs)?;
    let (way, options) = match weights {
        Some(valued) => way.with_weights(graph, valued, options, costs)?,
        None => (way, options.clone()),
    };
    let Way {
        net,
        footprints,
        structure,
        rounding,
        ..
    } = &way;
    let maps = key_budget::choose(net, footprints, structure, &options, costs)?;
    let schedule = emit::emit(net, footprints, &maps, structure, rounding, &options)?;
    Ok((schedule, structure.notes(net)))
}

/// A form of the network and the decisions for it.
struct Way {
    pools: Pools,
    net: Net,
    footprints: Footprints,
    structure: Structure,
    /// How the weights of each node are rounded.
    rounding: Vec<Rounding>,
}

impl Way {
    /// The cheaper form.
    fn decide(graph: &LayerGraph, options: &Options, costs: &CostTable) -> Result<Self, Error> {
        let tallies = Tallies::default();
        let way = |pools| Self::new(graph, (options, &tallies), costs, pools);
        let merged = way(Pools::Merged)?;
        Ok(match passes::keeps_pools(graph, options) {
            true => merged.or_cheaper(way(Pools::Apart)),
            false => merged,
        })
    }

    fn new(
        graph: &LayerGraph,
        (options, tallies): (&Options, &Tallies),
        costs: &CostTable,
        pools: Pools,
    ) -> Result<Self, Error> {
        let context = Context {
            options,
            samples: &[],
        };
        let net = passes::net(graph, None, &context, pools)?;
        let footprints = assignment::footprints(&net);
        let structure = structure::decide(&net, &footprints, (options, tallies), costs)?;
        let rounding = vec![Rounding::Exact; net.nodes.len()];
        Ok(Self {
            pools,
            net,
            footprints,
            structure,
            rounding,
        })
    }

    /// The net with its weights; with samples they are rounded, and everything is decided again, with guard bits, where errors would
    /// exceed the promise.
    fn with_weights(
        mut self,
        graph: &LayerGraph,
        (weights, samples): Valued<'_>,
        options: &Options,
        costs: &CostTable,
    ) -> Result<(Self, Options), Error> {
        let mut options = options.clone();
        let valued = |options: &Options, pools| {
            let samples = samples.unwrap_or_default();
            passes::net(graph, Some(weights), &Context { options, samples }, pools)
        };
        let mut net = valued(&options, self.pools)?;
        let Some(samples) = samples else {
            return Ok((Self { net, ..self }, options));
        };
        loop {
            let simulation = Simulation {
                net: &net,
                structure: &self.structure,
                options: &options,
                samples,
            };
            let share = simulation.share(&self.rounding);
            if share <= 1.0 {
                let counts = emit::weights(&net, &self.footprints)?;
                let rounding = rounding::choose(&simulation, &counts, share);
                return Ok((
                    Self {
                        net,
                        rounding,
                        ..self
                    },
                    options,
                ));
            }
            // A bit of scale halves the errors.
            options.guard_bits += share.log2().ceil().clamp(1.0, f64::from(u8::MAX)) as u32;
            let refused = |cause| Error::Guard {
                share,
                precision_bits: options.precision_bits,
                guard_bits: options.guard_bits,
                cause: Box::new(cause),
            };
            options.check().map_err(refused)?;
            let next = Self::decide(graph, &options, costs).map_err(refused)?;
            if next.pools != self.pools {
                net = valued(&options, next.pools)?;
            }
            self = next;
        }
    }

    fn or_cheaper(self, other: Result<Self, Error>) -> Self {
        match other {
            Ok(other) if other.structure.cost_us < self.structure.cost_us => other,
            Ok(_) | Err(_) => self,
        }
    }
}
