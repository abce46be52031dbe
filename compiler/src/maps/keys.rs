//! Key budget: gathers the maps of a net and has their splits chosen together.

use std::collections::BTreeMap;

use hemet_schedule::cost::Ring;
use hemet_schedule::{CostTable, Level, half_key_bytes};

use super::{
    BlockMap, BlockSplit, Diagonal, Footprint, Footprints, Places, TermDiagonals,
    choose as choose_splits, folds,
};
use crate::net::{Net, NodeKind, TensorId};
use crate::parameters::Price;
use crate::parameters::structure::Structure;
use crate::{Error, Options};

/// What the emission of one node's map needs; empty for nodes without a map.
pub struct Map {
    /// How it is split.
    pub choice: BlockSplit,
    /// The diagonals of each term.
    pub diagonals: Vec<Vec<Diagonal>>,
}

/// By node.
pub type Maps = Vec<Map>;

/// Splits every map of the net within the budget of rotation keys.
///
/// # Errors
/// A cost that the table lacks.
pub fn choose(
    net: &Net,
    footprints: &Footprints,
    structure: &Structure,
    options: &Options,
    costs: &CostTable,
) -> Result<Maps, Error> {
    let parameters = &structure.parameters;
    let slots = parameters.slots();
    let price = Price::new(costs, Ring::of(parameters));
    let key_bytes = |id| half_key_bytes(parameters, Level(structure.levels.operands(id)));
    let places: Vec<Places> = structure
        .layouts
        .iter()
        .map(|layout| Places::new(layout, slots))
        .collect();
    let mut fixed: BTreeMap<u32, u64> = BTreeMap::new();
    let mut blocks = Vec::new();
    for id in net.ids() {
        let sites = sites(net, footprints, &places, slots, id);
        let widest = sites.iter().map(|(_, period)| *period).max().unwrap_or(0);
        let widest = match net.node(id).summed() {
            Some(operand) => places[operand.0].period,
            None => widest,
        };
        for step in folds(places[id.0].period, widest) {
            let key = fixed.entry(step).or_default();
            *key = key_bytes(id).max(*key);
        }
        blocks.push(BlockMap {
            sites: sites.into_iter().map(|(site, _)| site).collect(),
            costs: price.steps(structure.levels.operands(id) + 1)?,
            key_bytes: key_bytes(id),
        });
    }
    let products = net
        .ids()
        .filter(|id| matches!(net.node(*id).kind, NodeKind::Product(..)));
    let relinearization = products.map(key_bytes).max().unwrap_or(0);
    let budget = u64::from(options.key_budget_mib) << 20;
    let budget = budget.saturating_sub(relinearization);
    let choices = choose_splits(&blocks, &fixed, slots, budget);
    let maps = choices.into_iter().zip(blocks);
    Ok(maps
        .map(|(choice, block)| Map {
            choice,
            diagonals: block.sites.into_iter().map(|s| s.diagonals).collect(),
        })
        .collect())
}

/// The terms of a node with the periods of their operands.
fn sites(
    net: &Net,
    footprints: &Footprints,
    places: &[Places],
    slots: usize,
    id: TensorId,
) -> Vec<(TermDiagonals, u32)> {
    let to = &places[id.0];
    let inputs = net.node(id).inputs();
    let terms = footprints[id.0].iter().zip(inputs);
    let site = |(footprint, input): (&Footprint, TensorId)| {
        let from = &places[input.0];
        let site = TermDiagonals {
            diagonals: footprint.diagonals(from, to, slots),
            modulus: from.period.min(to.period),
            strides: from.strides.iter().chain(&to.strides).copied().collect(),
        };
        (site, from.period)
    };
    terms.map(site).collect()
}
