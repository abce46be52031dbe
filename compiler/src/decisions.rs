//! Decisions: the form of a network, and everything that is decided for it, first without its weights and then with
//! them.

use hemet_schedule::CostTable;
use hemet_spaces::{LayerGraph, Weights};

use crate::layout::Tallies;
use crate::maps::{self, Footprints};
use crate::net::{Net, Rounding};
use crate::parameters::rounding;
use crate::parameters::simulate::Simulation;
use crate::parameters::structure::{self, Structure, Task};
use crate::passes::{self, Context, WindowSums};
use crate::{Error, Options};

/// A form of the network and the decisions for it.
pub struct Decisions {
    sums: WindowSums,
    /// The net, with values where weights were given.
    pub net: Net,
    /// Its footprints.
    pub footprints: Footprints,
    /// Parameters, levels, scales and layouts.
    pub structure: Structure,
    /// How the weights of each node are rounded.
    pub rounding: Vec<Rounding>,
}

impl Decisions {
    /// The cheaper form.
    pub fn decide(graph: &LayerGraph, options: &Options, costs: &CostTable) -> Result<Self, Error> {
        let tallies = Tallies::default();
        let form = |sums| Self::new(graph, options, costs, &tallies, sums);
        let merged = form(WindowSums::Merged)?;
        Ok(match passes::has_window_sums(graph, options) {
            true => merged.or_cheaper(form(WindowSums::Apart)),
            false => merged,
        })
    }

    fn new(
        graph: &LayerGraph,
        options: &Options,
        costs: &CostTable,
        tallies: &Tallies,
        sums: WindowSums,
    ) -> Result<Self, Error> {
        let context = Context {
            options,
            samples: &[],
        };
        let net = passes::net(graph, None, &context, sums)?;
        let footprints = maps::footprints(&net);
        let structure = structure::decide(Task {
            net: &net,
            footprints: &footprints,
            options,
            tallies,
            costs,
        })?;
        let rounding = vec![Rounding::Exact; net.nodes.len()];
        Ok(Self {
            sums,
            net,
            footprints,
            structure,
            rounding,
        })
    }

    /// The net with its weights; with samples they are rounded, and everything is decided again, with guard bits,
    /// where errors would exceed the promise.
    pub fn with_weights(
        mut self,
        graph: &LayerGraph,
        weights: &Weights,
        samples: Option<&[Vec<f64>]>,
        options: &Options,
        costs: &CostTable,
    ) -> Result<(Self, Options), Error> {
        let mut options = options.clone();
        let valued = |options: &Options, sums| {
            let samples = samples.unwrap_or_default();
            passes::net(graph, Some(weights), &Context { options, samples }, sums)
        };
        let mut net = valued(&options, self.sums)?;
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
                let counts = maps::stored_weights(&net, &self.footprints)?;
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
            if next.sums != self.sums {
                net = valued(&options, next.sums)?;
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
