//! Keys: gathers the maps of a net and has their splits chosen together, within the budget of evaluation keys.

use std::collections::BTreeMap;

use hemet_schedule::cost::Ring;
use hemet_schedule::{CostTable, Level, half_key_bytes};

use super::{
    Beside, BlockMap, BlockSplit, Diagonal, Footprint, Footprints, Places, Point, TermDiagonals,
    choose as choose_splits, curve as curve_of, folds,
};
use crate::net::{Net, NodeKind, TensorId};
use crate::parameters::Price;
use crate::parameters::structure::Structure;
use crate::{Error, KeyBudget};

/// What the emission of one node's map needs; empty for nodes without a map.
pub struct Map {
    /// How it is split.
    pub choice: BlockSplit,
    /// The diagonals of each term.
    pub diagonals: Vec<Vec<Diagonal>>,
}

/// By node.
pub type Maps = Vec<Map>;

/// All maps of a net under its structure, ready to be split.
pub struct Blocks {
    blocks: Vec<BlockMap>,
    beside: Beside,
    slots: usize,
}

impl Blocks {
    /// Gathers them.
    ///
    /// # Errors
    /// A cost that the table lacks.
    pub fn new(
        net: &Net,
        footprints: &Footprints,
        structure: &Structure,
        costs: &CostTable,
    ) -> Result<Self, Error> {
        let parameters = &structure.parameters;
        let slots = parameters.slots();
        let price = Price::new(costs, &Ring::of(parameters))?;
        let key_bytes = |id| half_key_bytes(parameters, Level(structure.levels.operands(id)));
        let places = structure.layouts.iter().map(|l| Places::new(l, slots));
        let places: Vec<Places> = places.collect();
        let mut keys: BTreeMap<u32, u64> = BTreeMap::new();
        let mut blocks = Vec::new();
        for id in net.ids() {
            let sites = sites(net, footprints, &places, slots, id);
            let widest = sites.iter().map(|(_, period)| *period).max().unwrap_or(0);
            let widest = match net.node(id).summed() {
                Some(operand) => places[operand.0].period,
                None => widest,
            };
            let folds: Vec<u32> = folds(places[id.0].period, widest).collect();
            for step in &folds {
                let key = keys.entry(*step).or_default();
                *key = key_bytes(id).max(*key);
            }
            let rescaled = structure.levels.rescales[id.0] && folds.is_empty();
            blocks.push(BlockMap {
                sites: sites.into_iter().map(|(site, _)| site).collect(),
                costs: price.steps(structure.levels.operands(id) + 1, rescaled),
                key_bytes: key_bytes(id),
            });
        }
        let product = |id: &TensorId| matches!(net.node(*id).kind, NodeKind::Product(..));
        let relinearization = net.ids().filter(product).map(key_bytes).max();
        let beside = Beside {
            keys,
            bytes: relinearization.unwrap_or(0),
            us: structure.cost_us - structure.maps_us,
        };
        Ok(Self {
            blocks,
            beside,
            slots,
        })
    }

    /// Splits every map within the budget of keys.
    ///
    /// # Errors
    /// [`Error::Keys`] where no way is found to stay within it.
    pub fn choose(&self, budget: KeyBudget) -> Result<Point, Error> {
        let found = choose_splits(&self.blocks, &self.beside, self.slots, budget);
        found.map_err(|least| Error::Keys { least, budget })
    }

    /// Time against bytes of keys, from the quickest point to that of the fewest bytes.
    pub fn curve(&self) -> Vec<Point> {
        curve_of(&self.blocks, &self.beside, self.slots)
    }

    /// The maps split so.
    pub fn split(self, splits: Vec<BlockSplit>) -> Maps {
        let maps = splits.into_iter().zip(self.blocks);
        maps.map(|(choice, block)| Map {
            choice,
            diagonals: block.sites.into_iter().map(|s| s.diagonals).collect(),
        })
        .collect()
    }
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
