//! Decisions: the form of a network, and everything that is decided for it without its weights.

use hemet_schedule::{CostTable, KeyPoint};
use hemet_spaces::LayerGraph;

use crate::layout::Tallies;
use crate::maps::keys::{Blocks, Maps};
use crate::maps::{self, Footprints, Point};
use crate::net::{Net, Rounding};
use crate::parameters::structure::{self, Structure, Task};
use crate::passes::{self, WindowSums};
use crate::{Error, KeyBudget, Options};

/// A form of the network and the decisions for it.
pub struct Decisions {
    sums: WindowSums,
    /// The net, with values where weights were given.
    pub net: Net,
    /// Its footprints.
    pub footprints: Footprints,
    /// Parameters, levels, scales and layouts.
    pub structure: Structure,
    /// How its maps are split.
    pub maps: Maps,
    /// How the weights of each node are rounded.
    pub rounding: Vec<Rounding>,
    /// Predicted time of one evaluation on one thread, in microseconds.
    pub predicted_us: f64,
}

/// A form of the network.
struct Form {
    sums: WindowSums,
    net: Net,
    footprints: Footprints,
    structures: Vec<Structure>,
}

/// The best choice so far.
struct Best {
    form: usize,
    structure: usize,
    blocks: Blocks,
    point: Point,
}

impl Decisions {
    /// The best of all forms, ring degrees and ways to split maps within the budget of keys.
    ///
    /// # Errors
    /// Where there is none: why the first form has no parameters, or how few keys were found.
    pub fn decide(graph: &LayerGraph, options: &Options, costs: &CostTable) -> Result<Self, Error> {
        let tallies = Tallies::default();
        let form = |sums| Form::new(graph, options, costs, &tallies, sums);
        let mut forms = vec![form(WindowSums::Merged)?];
        if passes::has_window_sums(graph, options) {
            forms.extend(form(WindowSums::Apart));
        }
        let (mut best, mut refused): (Option<Best>, Option<Error>) = (None, None);
        for (index, form) in forms.iter().enumerate() {
            for (position, structure) in form.structures.iter().enumerate() {
                let least = |b: &Best| b.point.us <= structure.cost_us / TOO_SLOW;
                if best.as_ref().is_some_and(least) {
                    continue;
                }
                let blocks = Blocks::new(&form.net, &form.footprints, structure, costs)?;
                match blocks.choose(options.key_budget) {
                    Ok(point)
                        if best
                            .as_ref()
                            .is_none_or(|b| is_better(&point, &b.point, options)) =>
                    {
                        best = Some(Best {
                            form: index,
                            structure: position,
                            blocks,
                            point,
                        });
                    }
                    Ok(_) => {}
                    Err(error) => refused = Some(fewer(refused, error)),
                }
            }
        }
        let best = best.ok_or_else(|| {
            refused.unwrap_or(Error::Keys {
                least: 0,
                budget: options.key_budget,
            })
        })?;
        let mut form = forms.swap_remove(best.form);
        Ok(Self {
            sums: form.sums,
            rounding: vec![Rounding::Exact; form.net.nodes.len()],
            net: form.net,
            footprints: form.footprints,
            structure: form.structures.swap_remove(best.structure),
            predicted_us: best.point.us,
            maps: best.blocks.split(best.point.splits),
        })
    }

    /// What other budgets of keys would cost under these decisions.
    ///
    /// # Errors
    /// A cost that the table lacks.
    pub fn key_curve(&self, costs: &CostTable) -> Result<Vec<KeyPoint>, Error> {
        let blocks = Blocks::new(&self.net, &self.footprints, &self.structure, costs)?;
        let point = |point: Point| KeyPoint {
            bytes: point.bytes,
            predicted_ms: point.us / 1e3,
        };
        Ok(blocks.curve().into_iter().map(point).collect())
    }

    /// Which form it is.
    pub fn sums(&self) -> WindowSums {
        self.sums
    }
}

/// A structure that is slower than a choice with its keys by this factor is not split.
const TOO_SLOW: f64 = 1.5;

fn is_better(point: &Point, than: &Point, options: &Options) -> bool {
    match options.key_budget {
        KeyBudget::Knee => point.burden() < than.burden(),
        KeyBudget::AtMost(_) | KeyBudget::Unbounded => point.us < than.us,
    }
}

/// That of two refusals which found fewer bytes of keys.
fn fewer(known: Option<Error>, error: Error) -> Error {
    match (known, error) {
        (Some(Error::Keys { least, budget }), Error::Keys { least: other, .. }) => Error::Keys {
            least: least.min(other),
            budget,
        },
        (_, error) => error,
    }
}

impl Form {
    fn new(
        graph: &LayerGraph,
        options: &Options,
        costs: &CostTable,
        tallies: &Tallies,
        sums: WindowSums,
    ) -> Result<Self, Error> {
        let net = passes::unscaled(graph, None, options, sums)?;
        let footprints = maps::footprints(&net);
        let structures = structure::decide(Task {
            net: &net,
            footprints: &footprints,
            options,
            tallies,
            costs,
        })?;
        Ok(Self {
            sums,
            net,
            footprints,
            structures,
        })
    }
}
