//! Fit: the numbers of a compilation that weights and inputs decide.
//!
//! These are the headroom and the size of the outputs, what the client does to an input, guard bits, and how weights
//! are rounded. All that is decided without weights follows from these numbers. The scales are fitted to some inputs,
//! and the promise must hold on those that were held out too, by simulation.

mod check;
mod keep;
mod screen;

use hemet_schedule::{Basis, CostTable, InputTransform, Promise};
use hemet_spaces::{LayerGraph, Weights};

use crate::calibration::{
    CONFIDENCE, Headroom, Inputs, Known, MOST_SIZE, Trust, features, lacking,
};
use crate::decisions::Decisions;
use crate::emit;
use crate::maps;
use crate::net::{Net, Rounding, Sizes};
use crate::parameters::room;
use crate::passes::{self, Context, WindowSums};
use crate::replay;
use crate::{Error, Options};

use check::Check;
use screen::Screened;

/// Kinds of made-up inputs that could be left out may make the schedule slower by this factor.
const MOST_FOR_OPTIONAL: f64 = 1.1;

/// Share of the promise that errors may take which are the same on every input. Those that differ, as they are drawn,
/// take up to two thirds of it on new inputs.
const OF_SHIFT: f64 = 0.3;

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
    // The most inclusive one first; what the last one holds must stay.
    let mut choices = Inputs::choices(samples, &network.net, known, options)?;
    let unbounded = || Error::Unbounded {
        size: f64::INFINITY,
        cause: None,
    };
    let needed = choices.pop().ok_or_else(unbounded)?;
    let needed = network
        .fit_to(needed, f64::INFINITY)?
        .ok_or_else(unbounded)?;
    let limit_us = MOST_FOR_OPTIONAL * needed.decisions.predicted_us;
    for inputs in choices {
        // What is too slow or impossible is left: the next choice asks for less.
        if let Ok(Some(fitted)) = network.fit_to(inputs, limit_us) {
            return Ok(fitted);
        }
    }
    Ok(needed)
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
    /// Nothing where that takes a schedule slower than `limit_us`.
    fn fit_to(&self, inputs: Inputs, limit_us: f64) -> Result<Option<Fitted>, Error> {
        let net = &self.net;
        let (inputs, trust) = inputs.within_trust(net, self.options.output_range);
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
            trust,
            fitted: inputs.fitted(),
            prepared,
            transform,
        };
        match &self.options.like {
            Some(numbers) => task.keep(&options, numbers).map(Some),
            None => task.run(options, limit_us),
        }
    }
}

/// Everything that numbers are fitted to.
struct Task<'a> {
    network: &'a Network<'a>,
    headroom: Headroom,
    trust: Trust,
    /// Size of the largest tensor that is squared.
    size: f64,
    /// Inputs that sizes are measured on.
    fitted: Vec<Vec<f64>>,
    /// The same, and those that are held out, as the client prepares them.
    prepared: Inputs,
    transform: Option<InputTransform>,
}

/// What a check that passes says.
struct Found {
    rounding: Vec<Rounding>,
    promise: Promise,
    differences: Vec<f64>,
}

impl Task<'_> {
    fn run(self, mut options: Options, limit_us: f64) -> Result<Option<Fitted>, Error> {
        let promised = self.promised(&options);
        let mut decisions = self
            .decide(&options)
            .map_err(|cause| self.without_headroom(cause, &options, promised))?;
        let mut net = self.net(&options, decisions.sums())?;
        let mut sizes = self.sizes(&net);
        let screened = Screened::of(&net, &decisions, &self.prepared);
        while decisions.predicted_us <= limit_us {
            let rooms = room::bits(&net, &decisions.structure);
            let bits = lacking(&rooms, &sizes, self.prepared.basis);
            let check = Check::new(&net, &decisions, &self.prepared, &screened, promised);
            let mut share = check.share(&decisions.rounding);
            if share <= 1.0 && bits == 0 {
                let found = self.found(&check, &options)?;
                (net, decisions.net) = (decisions.net, net);
                decisions.rounding.clone_from(&found.rounding);
                let shift = self.shift(&decisions, &screened, &options)?;
                share = shift / (OF_SHIFT * promised);
                if share <= 1.0 {
                    return Ok(Some(self.fitted(decisions, options, found)));
                }
                (net, decisions.net) = (decisions.net, net);
                options.plain_guard_bits += guard_bits(share);
            } else {
                // The base prime is part of every modulus. A bit of scale halves the errors.
                options.output_bits += bits;
                let guard = match check.is_mostly_plain(share) {
                    true => &mut options.plain_guard_bits,
                    false => &mut options.guard_bits,
                };
                *guard += guard_bits(share);
            }
            let refused = |cause| self.refused(cause, share, &options);
            options.check().map_err(refused)?;
            let sums = decisions.sums();
            decisions = self.decide(&options).map_err(refused)?;
            if decisions.sums() != sums {
                net = self.net(&options, decisions.sums())?;
                sizes = self.sizes(&net);
            }
        }
        Ok(None)
    }

    /// The error that the rounding of plaintexts makes on inputs of all kinds, by a replay of the schedule.
    fn shift(
        &self,
        decisions: &Decisions,
        screened: &Screened,
        options: &Options,
    ) -> Result<f64, Error> {
        let schedule = emit::emit(decisions, options)?;
        let first = |inputs: &[Vec<f64>]| inputs.first().cloned();
        let worst = [&screened.worst_held_out, &screened.worst_others];
        let mut inputs: Vec<Vec<f64>> = worst.into_iter().filter_map(|w| first(w)).collect();
        inputs.extend(self.prepared.groups.iter().filter_map(|group| first(group)));
        inputs.extend(self.prepared.groups[0].iter().skip(1).cloned());
        Ok(replay::error(&schedule, &inputs))
    }

    /// What a check that passes says.
    fn found(&self, check: &Check<'_>, options: &Options) -> Result<Found, Error> {
        let counts = maps::stored_weights(check.net, &check.decisions.footprints)?;
        let rounding = check.rounding(&counts);
        Ok(Found {
            promise: self.promise(check, &rounding, options),
            differences: match options.agreement {
                Some(_) => check.differences(&rounding),
                None => Vec::new(),
            },
            rounding,
        })
    }

    fn fitted(self, mut decisions: Decisions, options: Options, found: Found) -> Fitted {
        decisions.rounding = found.rounding;
        Fitted {
            decisions,
            options,
            promise: found.promise,
            transform: self.transform,
            differences: found.differences,
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
        Promise {
            error: check.promised,
            confidence: CONFIDENCE,
            basis: self.prepared.basis,
            fitted: self.fitted.len(),
            tested: check.tested(),
            tested_error: check.tested_error(rounding),
            output_seen: self.headroom.seen,
            output_bound: f64::from(options.output_bits).exp2(),
            trusted_output: self.trust.bound,
            beyond_trust: self.trust.beyond,
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
        if usual || !matches!(cause, Error::Precision { .. }) {
            return cause;
        }
        Error::Headroom {
            wanted: self.headroom.wanted,
            promise,
            cause: Box::new(cause),
        }
    }
}

/// Bits of scale to add where errors take this share of the promise: rather one too few, as parameters jump and more
/// can be had for the next try.
fn guard_bits(share: f64) -> u32 {
    match share > 1.0 {
        true => share.log2().floor().clamp(1.0, f64::from(u8::MAX)) as u32,
        false => 0,
    }
}
