//! Fit: the numbers of a compilation that weights and inputs decide.
//!
//! These are the headroom and the size of the outputs, what the client does to an input, guard bits, and how weights
//! are rounded. All that is decided without weights follows from these numbers. The scales are fitted to some inputs,
//! and the promise must hold on those that were held out too, by simulation.

use hemet_schedule::{Basis, CostTable, InputTransform, Promise};
use hemet_spaces::{LayerGraph, Weights};

use crate::calibration::{CONFIDENCE, Headroom, Inputs, Known, MOST_SIZE, features, lacking};
use crate::decisions::Decisions;
use crate::maps;
use crate::net::{Net, Rounding, Sizes};
use crate::parameters::simulate::{self, INPUTS, Simulation};
use crate::parameters::{room, rounding};
use crate::passes::{self, Context, WindowSums};
use crate::{Error, Options};

/// Share of the promise that errors may take on made-up inputs, which those to come are not.
const OF_ASSUMED: f64 = 0.25;
/// Guard bits that kinds of made-up inputs may take that could be left out.
const OPTIONAL_GUARD_BITS: u32 = 6;
/// Products of a weight and a number that are computed for one simulation, and so how many inputs it takes.
const PRODUCTS: usize = 1_000_000_000;
/// Shares of the promise that few inputs say weights may be rounded by, in the order in which they are tried.
const OF_SENSED: [f64; 6] = [1.0, 0.95, 0.9, 0.8, 0.5, 0.25];
/// Inputs that say how weights may be rounded.
const SENSED: usize = 4 * INPUTS;
/// Fewest and most inputs of one simulation.
const SIMULATED: std::ops::RangeInclusive<usize> = 6..=384;

/// Decisions with weights, and what was found.
pub struct Fitted {
    /// The decisions; the net has its values.
    pub decisions: Decisions,
    /// The options with the numbers that were fitted.
    pub options: Options,
    /// What the outputs will be.
    pub promise: Promise,
    /// What the client does to an input; nothing where there is none.
    pub transform: Option<InputTransform>,
    /// Of simulated inputs the deviation of the error of the difference of two logits; none where no agreement is asked
    /// for.
    pub differences: Vec<f64>,
}

/// Fits the numbers to weights and to samples, each of the input's elements; to made-up inputs where there are none.
///
/// # Errors
/// As [`crate::compile_for`].
pub fn fit(
    known: &Known<'_>,
    samples: &[Vec<f64>],
    options: &Options,
    costs: &CostTable,
) -> Result<Fitted, Error> {
    let Known { graph, weights, .. } = *known;
    let network = Network {
        graph,
        weights,
        costs,
        options,
        net: passes::unscaled(graph, Some(weights), options, WindowSums::Merged)?,
    };
    let affordable = options.guard_bits + OPTIONAL_GUARD_BITS;
    let mut outcome: Option<Result<Fitted, Error>> = None;
    for inputs in Inputs::choices(samples, &network.net, known, options)? {
        if let Some(Ok(fitted)) = &outcome
            && fitted.options.guard_bits <= affordable
        {
            break;
        }
        outcome = Some(network.fit_to(inputs));
    }
    outcome.unwrap_or(Err(Error::Unbounded {
        size: f64::INFINITY,
        cause: None,
    }))
}

/// A network that is to be compiled.
struct Network<'a> {
    graph: &'a LayerGraph,
    weights: &'a Weights,
    costs: &'a CostTable,
    options: &'a Options,
    /// Its net with values, not scaled.
    net: Net,
}

impl Network<'_> {
    fn fit_to(&self, inputs: Inputs) -> Result<Fitted, Error> {
        let net = &self.net;
        let transform = match inputs.basis {
            Basis::Samples => features::transform(net, &inputs.groups[0]),
            Basis::Assumed => None,
        };
        let sizes: Vec<Sizes> = inputs.groups.iter().map(|g| Sizes::of(net, g)).collect();
        let headroom = Headroom::of(&sizes, inputs.basis, self.options)?;
        let mut options = headroom.options(self.options);
        let prepared = inputs.transformed(transform.as_ref());
        if transform.is_some() {
            let magnitudes = prepared.groups.iter().flatten().flatten().map(|x| x.abs());
            options.input_range = magnitudes.fold(1e-9, f64::max);
        }
        let largest = sizes.iter().map(|s| s.largest_operand(net));
        let task = Task {
            network: self,
            size: largest.fold(0.0, f64::max),
            headroom,
            fitted: inputs.fitted(),
            prepared,
            transform,
        };
        task.run(options)
    }
}

/// Everything that numbers are fitted to.
struct Task<'a> {
    network: &'a Network<'a>,
    headroom: Headroom,
    /// Size of the largest tensor that is squared.
    size: f64,
    /// Inputs that sizes are measured on.
    fitted: Vec<Vec<f64>>,
    /// The same, and those that are held out, as the client prepares them.
    prepared: Inputs,
    transform: Option<InputTransform>,
}

impl Task<'_> {
    fn run(self, mut options: Options) -> Result<Fitted, Error> {
        let promised = self.promised(&options);
        let mut decisions = self
            .decide(&options)
            .map_err(|cause| self.without_headroom(cause, &options, promised))?;
        let mut net = self.net(&options, decisions.sums())?;
        let mut sizes = self.sizes(&net);
        loop {
            let rooms = room::bits(&net, &decisions.structure);
            let bits = lacking(&rooms, &sizes, self.prepared.basis);
            let check = Check::new(&net, &decisions, &self.prepared, promised);
            let share = check.share(&decisions.rounding);
            if share <= 1.0 && bits == 0 {
                let counts = maps::stored_weights(&net, &decisions.footprints)?;
                let rounding = check.rounding(&counts);
                let promise = self.promise(&check, &rounding, &options);
                let differences = match options.agreement {
                    Some(_) => check.differences(&rounding),
                    None => Vec::new(),
                };
                (decisions.rounding, decisions.net) = (rounding, net);
                return Ok(Fitted {
                    decisions,
                    options,
                    promise,
                    transform: self.transform,
                    differences,
                });
            }
            // The base prime is part of every modulus. A bit of scale halves the errors.
            options.output_bits += bits;
            options.guard_bits += share.log2().ceil().clamp(0.0, f64::from(u8::MAX)) as u32;
            let refused = |cause| self.refused(cause, share, &options);
            options.check().map_err(refused)?;
            let sums = decisions.sums();
            decisions = self.decide(&options).map_err(refused)?;
            if decisions.sums() != sums {
                net = self.net(&options, decisions.sums())?;
                sizes = self.sizes(&net);
            }
        }
    }

    /// What the tensors of a net are on the inputs that it is fitted to.
    fn sizes(&self, net: &Net) -> Vec<Sizes> {
        let groups = self.prepared.groups.iter();
        groups.map(|group| Sizes::of(net, group)).collect()
    }

    fn decide(&self, options: &Options) -> Result<Decisions, Error> {
        Decisions::decide(self.network.graph, options, self.network.costs)
    }

    /// The net with its values, of unit size on the fitted inputs.
    fn net(&self, options: &Options, sums: WindowSums) -> Result<Net, Error> {
        let context = Context {
            options,
            samples: &self.fitted,
            transform: self.transform.as_ref(),
        };
        passes::net(
            self.network.graph,
            Some(self.network.weights),
            &context,
            sums,
        )
    }

    /// The largest error that is promised.
    fn promised(&self, options: &Options) -> f64 {
        let size = match options.relative_precision {
            true => self.headroom.size.max(f64::MIN_POSITIVE),
            false => self.headroom.size.max(1.0),
        };
        (-f64::from(options.precision_bits)).exp2() * size
    }

    fn promise(&self, check: &Check<'_>, rounding: &[Rounding], options: &Options) -> Promise {
        let held_out = &self.prepared.held_out;
        Promise {
            error: check.promised,
            confidence: CONFIDENCE,
            basis: self.prepared.basis,
            fitted: self.fitted.len(),
            tested: check.held_out.len(),
            tested_error: match held_out.is_empty() {
                true => 0.0,
                false => check.simulation(check.held_out).share_of_these(rounding) * check.promised,
            },
            output_seen: self.headroom.seen,
            output_bound: f64::from(options.output_bits).exp2(),
        }
    }

    /// What to say where errors exceed the promise and larger scales cannot be had.
    fn refused(&self, cause: Error, share: f64, options: &Options) -> Error {
        let cause = Error::Guard {
            share,
            precision_bits: options.precision_bits,
            guard_bits: options.guard_bits,
            cause: Box::new(cause),
        };
        match self.prepared.basis {
            Basis::Samples if self.size > MOST_SIZE => Error::UnlikeSamples {
                size: self.size,
                cause: Box::new(cause),
            },
            Basis::Samples => cause,
            Basis::Assumed => Error::Unbounded {
                size: self.size,
                cause: Some(Box::new(cause)),
            },
        }
    }

    /// What to say where parameters cannot be had from the start.
    fn without_headroom(&self, cause: Error, options: &Options, promise: f64) -> Error {
        let usual = options.output_bits <= Options::default().output_bits;
        match cause {
            Error::Precision { .. } if !usual => Error::Headroom {
                wanted: self.headroom.wanted,
                promise,
                cause: Box::new(cause),
            },
            cause => cause,
        }
    }
}

/// Simulations of a net under its decisions.
struct Check<'a> {
    net: &'a Net,
    decisions: &'a Decisions,
    groups: Vec<&'a [Vec<f64>]>,
    held_out: &'a [Vec<f64>],
    stretched: &'a [Vec<f64>],
    promised: f64,
    /// Share of the promise that may be taken.
    limit: f64,
}

impl<'a> Check<'a> {
    fn new(net: &'a Net, decisions: &'a Decisions, inputs: &'a Inputs, promised: f64) -> Self {
        let most = PRODUCTS / (8 * net.entries().max(1));
        let most = most.clamp(*SIMULATED.start(), *SIMULATED.end()) / INPUTS * INPUTS;
        let first = |inputs: &'a Vec<Vec<f64>>| &inputs[..inputs.len().min(most)];
        Self {
            net,
            decisions,
            groups: inputs.groups.iter().map(first).collect(),
            held_out: first(&inputs.held_out),
            stretched: first(&inputs.stretched),
            promised,
            limit: match inputs.basis {
                Basis::Samples => 1.0,
                Basis::Assumed => OF_ASSUMED,
            },
        }
    }

    fn simulation(&self, inputs: &'a [Vec<f64>]) -> Simulation<'a> {
        Simulation {
            net: self.net,
            structure: &self.decisions.structure,
            inputs,
            promise: self.promised,
        }
    }

    /// For each simulated input the deviation of the error of the difference of two logits.
    fn differences(&self, rounding: &[Rounding]) -> Vec<f64> {
        let all = self.groups.iter().copied().chain([self.held_out]);
        let of = |inputs| self.simulation(inputs).differences(rounding);
        all.flat_map(of).collect()
    }

    /// How weights are rounded: as few of the inputs say, if all others agree.
    fn rounding(&self, counts: &[usize]) -> Vec<Rounding> {
        let exact = &self.decisions.rounding;
        let some = &self.groups[0][..self.groups[0].len().min(SENSED)];
        let tries = OF_SENSED.into_iter().map(|share| {
            let sensed = Simulation {
                promise: self.promised * self.limit * share,
                ..self.simulation(some)
            };
            rounding::choose(&sensed, counts, sensed.share(exact))
        });
        let kept = |rounding: &Vec<Rounding>| self.share(rounding) <= 1.0;
        let mut kept = tries.filter(kept);
        kept.next().unwrap_or_else(|| exact.clone())
    }

    /// The largest share of the promise that errors take; at most 1 where it is kept. Made-up inputs are judged kind by
    /// kind. Samples that were held out count with the others for inputs to come, and must keep the promise themselves,
    /// as stretched ones must.
    fn share(&self, rounding: &[Rounding]) -> f64 {
        let simulations = |inputs: &[&'a [Vec<f64>]]| -> Vec<Simulation<'a>> {
            let some = inputs.iter().filter(|inputs| !inputs.is_empty());
            some.map(|inputs| self.simulation(inputs)).collect()
        };
        let of_kinds = match self.held_out.is_empty() {
            true => {
                let kinds = simulations(&self.groups);
                kinds
                    .iter()
                    .map(|kind| kind.share(rounding))
                    .fold(0.0, f64::max)
            }
            false => {
                simulate::share_of_all(&simulations(&[self.groups[0], self.held_out]), rounding)
            }
        };
        let rare = simulations(&[self.held_out, self.stretched]);
        let rare = rare.iter().map(|inputs| inputs.share_of_these(rounding));
        rare.fold(of_kinds, f64::max) / self.limit
    }
}
