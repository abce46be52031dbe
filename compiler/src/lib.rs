//! Compiles a network to a schedule of homomorphic operations: layouts, parameters, levels and scales, and an
//! estimate of the cost on the same code path.
//!
//! ```
//! use hemet_compiler::{Options, compile, estimate, synthetic_table};
//! use hemet_spaces::layer::{Conv, Dense};
//! use hemet_spaces::{Layer, LayerGraph, Shape, Weights};
//! let mut graph = LayerGraph::new(Shape::new(1, 8, 8))?;
//! let conv = graph.add("conv", Layer::Conv(Conv::same(4, 3)), &[graph.input()])?;
//! graph.add("head", Layer::Dense(Dense { out_features: 10, bias: true , circulant: 1}), &[conv])?;
//! let (options, costs) = (Options::default(), synthetic_table());
//! // An estimate needs no weights. It equals what the compiled network will cost.
//! let expected = estimate(&graph, &options, &costs)?;
//! let schedule = compile(&graph, &Weights::ones(&graph), &options, &costs)?;
//! assert_eq!(expected.depth, schedule.header.depth);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The phases, each a folder:
//!
//! 1. [`passes`] turns each layer into affine maps and products ([`net`]), merges maps, stacks branches and normalizes
//!    sizes. An average pool may stay a sum over windows behind a square, or become a map: both forms are decided, and
//!    the cheaper one is compiled.
//! 2. [`layout`] chooses where the elements of each tensor lie in the slots.
//! 3. [`parameters`] chooses levels, scales, primes and the ring degree.
//! 4. [`maps`] splits each affine map into rotations and products within the budget of rotation keys.
//! 5. `emit` writes the instructions, and the verifier of `hemet-schedule` checks them.
//!
//! `fit` sets the numbers that weights and inputs decide, by simulation, and holds the emitted schedule against the
//! promise with its plaintexts as they will be encoded (`replay`).
//!
//! None of the phases reads a weight to decide an instruction. [`compile_for`] looks at weights and sample inputs first
//! and sets numbers in [`Options`] by them; weights then fill constants.

pub mod activation;
mod agreement;
mod calibration;
mod decisions;
mod emit;
mod error;
mod estimate;
mod fit;
mod key_budget;
pub mod layout;
pub mod maps;
pub mod net;
mod options;
pub mod parameters;
pub mod passes;
mod replay;
mod synthetic;
pub mod tfhe;

pub use activation::Activation;
pub use calibration::{Known, SAMPLES, check_samples};
pub use error::Error;
pub use estimate::Estimate;
pub use key_budget::KeyBudget;
pub use options::{Options, Primes, Target};
pub use parameters::noise;
pub use synthetic::synthetic_table;

use hemet_schedule::artifact::LayerNote;
use hemet_schedule::{
    Agreement, CostTable, FittedNumbers, InputTransform, KeyPoint, Promise, Schedule, Verified,
    verify,
};
use hemet_spaces::{LayerGraph, LayerMoments, Weights};

use decisions::Decisions;
use passes::Context;

/// Compiles a network with its weights, for scales that keep the promise where values are of unit size;
/// [`compile_for`] looks whether they do.
///
/// # Errors
/// [`Error`]: weights that do not fit, a quadratic too near a line, a network too deep or too large for secure
/// parameters, a cost table without measurements for any of them.
///
/// ```
/// use hemet_compiler::{Options, compile, synthetic_table};
/// use hemet_spaces::layer::{Conv, Dense};
/// use hemet_spaces::{Layer, LayerGraph, Shape, Weights};
/// let mut graph = LayerGraph::new(Shape::new(1, 8, 8))?;
/// let conv = graph.add("conv", Layer::Conv(Conv::same(4, 3)), &[graph.input()])?;
/// graph.add("head", Layer::Dense(Dense { out_features: 10, bias: true , circulant: 1}), &[conv])?;
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
    options.check()?;
    let mut decisions = Decisions::decide(graph, options, costs)?;
    let context = Context {
        options,
        samples: &[],
        transform: None,
    };
    decisions.net = passes::net(graph, Some(weights), &context, decisions.sums())?;
    let (schedule, _) = emitted(graph, &decisions, options)?;
    verify(schedule).map_err(|faults| Error::Schedule(faults.into()))
}

/// A network compiled for inputs.
pub struct Compiled {
    /// The schedule.
    pub schedule: Verified,
    /// What it costs.
    pub estimate: Estimate,
    /// How exact its outputs are.
    pub promise: Promise,
    /// What weights and inputs decided, for [`Options::like`].
    pub fitted: FittedNumbers,
    /// How many images keep their class, where the precision was chosen by that.
    pub agreement: Option<Agreement>,
    /// What a client does to an input before it encrypts it; nothing where there is none.
    pub input_transform: Option<InputTransform>,
    /// What other budgets of evaluation keys would cost, from the quickest schedule to that of the fewest bytes.
    pub keys: Vec<KeyPoint>,
}

/// [`compile`] for inputs such as `samples`, each of the graph's input elements in the order
/// `[channels][height][width]`, of which the first [`SAMPLES`] are looked at.
///
/// Three quarters of them decide by which factors channels are scaled, how much headroom outputs get, whether the
/// client scales features, how large scales are ([`Options::guard_bits`]) and how weights are rounded; on the others
/// the promise is tested. Without samples kinds of inputs are made up within [`Options::input_range`], those are kept
/// under which the network's values keep their size, and a margin is added. The estimate is that of the schedule.
///
/// # Errors
/// As [`compile`]; samples of another length than the input's, too few, all alike or not finite; weights under which
/// errors grow beyond every secure parameter set; without samples a network whose errors cannot be bounded. With
/// [`Options::agreement`] also no samples, one output alone, and classes that win by too little.
pub fn compile_for(
    samples: &[Vec<f64>],
    graph: &LayerGraph,
    weights: &Weights,
    options: &Options,
    costs: &CostTable,
) -> Result<Compiled, Error> {
    let known = Known {
        graph,
        weights,
        moments: &LayerMoments::new(),
    };
    compile_known(samples, &known, options, costs)
}

/// As [`compile_for`]; without samples it takes inputs on which layers have the moments that training saw of them.
///
/// # Errors
/// As [`compile_for`].
pub fn compile_known(
    samples: &[Vec<f64>],
    known: &Known<'_>,
    options: &Options,
    costs: &CostTable,
) -> Result<Compiled, Error> {
    options.check()?;
    let (fitted, agreement) = agreement::fit(known, samples, options, costs)?;
    let (schedule, layers) = emitted(known.graph, &fitted.decisions, &fitted.options)?;
    let estimate = Estimate::of(&schedule, layers, costs)?;
    Ok(Compiled {
        schedule: verify(schedule).map_err(|faults| Error::Schedule(faults.into()))?,
        estimate,
        promise: fitted.promise,
        fitted: fitted.options.fitted(),
        agreement,
        input_transform: fitted.transform,
        keys: fitted.decisions.key_curve(costs)?,
    })
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
    options.check()?;
    let decisions = Decisions::decide(graph, options, costs)?;
    let (schedule, layers) = emitted(graph, &decisions, options)?;
    Estimate::of(&schedule, layers, costs)
}

/// The instructions for decisions, and what is known of the layers.
fn emitted(
    graph: &LayerGraph,
    decisions: &Decisions,
    options: &Options,
) -> Result<(Schedule, Vec<LayerNote>), Error> {
    let schedule = emit::emit(decisions, options)?;
    Ok((schedule, decisions.structure.notes(graph, &decisions.net)))
}
