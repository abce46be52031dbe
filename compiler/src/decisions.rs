//! Decisions: the form of a network, and everything that is decided for it without its weights.

use hemet_schedule::CostTable;
use hemet_spaces::LayerGraph;

use crate::layout::Tallies;
use crate::maps::{self, Footprints};
use crate::net::{Net, Rounding};
use crate::parameters::structure::{self, Structure, Task};
use crate::passes::{self, WindowSums};
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
        let net = passes::unscaled(graph, None, options, sums)?;
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

    /// Which form it is.
    pub fn sums(&self) -> WindowSums {
        self.sums
    }

    fn or_cheaper(self, other: Result<Self, Error>) -> Self {
        match other {
            Ok(other) if other.structure.cost_us < self.structure.cost_us => other,
            Ok(_) | Err(_) => self,
        }
    }
}
