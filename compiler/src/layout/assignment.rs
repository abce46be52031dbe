//! Assignment: one layout for each class of tensors, so that the whole network costs least.
//!
//! Squares and shifts keep the layout of their operand, so tensors fall into classes, each made by the input or by one
//! affine map. The search goes through the maps in order and keeps the cheapest one for every combination of
//! layouts of the tensors still to be read: on a chain this is the shortest path, elsewhere a beam.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use hemet_schedule::{CostKind, Layout};

use super::candidates::{groups, larger_grids, layouts, windows};
use super::packing::{Site, Windows, extents, summed};
use crate::maps::{Footprints, Places, Tally, folds};
use crate::net::{Net, NodeKind, TensorId, mean_square};
use crate::parameters::{Levels, Price};
use crate::{Options, Target};

/// Combinations kept from map to map.
const BEAM: usize = 24;

/// Tensors that share a layout, and the layouts that they may have.
struct Class {
    own: Views,
    /// Of the sums of its windows; empty where nothing sums them.
    sums: Views,
}

impl Class {
    /// The class that begins with a tensor; `None` where no layout holds it.
    fn new(site: &Site<'_>, slots: usize, options: &Options) -> Option<Self> {
        let own = layouts(site, slots, options);
        if own.is_empty() {
            return None;
        }
        let sums = match site.windows {
            Windows::Summed(side) if options.target == Target::Throughput => {
                let [channels, height, width] = extents(site.shape);
                let side = side as u32;
                let shape = [channels, height / side, width / side];
                vec![Layout::batched(shape, slots); own.len()]
            }
            Windows::Summed(side) => own.iter().map(|l| summed(l.clone(), side)).collect(),
            Windows::None | Windows::Wanted(_) => Vec::new(),
        };
        Some(Self {
            own: Views::new(own, slots),
            sums: Views::new(sums, slots),
        })
    }
}

/// Layouts and their positions.
#[derive(Default)]
struct Views {
    layouts: Vec<Layout>,
    places: Vec<Places>,
}

impl Views {
    fn new(layouts: Vec<Layout>, slots: usize) -> Self {
        Self {
            places: layouts.iter().map(|l| Places::new(l, slots)).collect(),
            layouts,
        }
    }
}

/// What the search works on.
pub struct Problem<'a> {
    net: &'a Net,
    footprints: &'a Footprints,
    slots: usize,
    target: Target,
    /// Class of each tensor.
    class: Vec<usize>,
    classes: Vec<Class>,
    tallies: &'a Tallies,
}

/// Splits of maps between layouts, counted once for all levels, primes, forms of a network and maps of one footprint:
/// networks repeat their blocks. The keys are the identities of the footprint and of the operand's and the result's
/// places; two of 64 bits that met by chance would make an estimate wrong, never a schedule, for which diagonals are
/// counted again.
#[derive(Default)]
pub struct Tallies(RefCell<HashMap<[u64; 3], Rc<Tally>>>);

/// A layout for each class, as a position among its candidates.
pub type Assignment = Vec<u8>;

/// Memo of the costs of maps: by node, its operands' layouts and its own.
type Memo = HashMap<(usize, Assignment), f64>;

impl<'a> Problem<'a> {
    /// The classes of a net at this number of slots; `Err` names a tensor that no layout holds.
    pub fn new(
        net: &'a Net,
        footprints: &'a Footprints,
        slots: usize,
        options: &Options,
        tallies: &'a Tallies,
    ) -> Result<Self, TensorId> {
        let mut problem = Self {
            net,
            footprints,
            slots,
            target: options.target,
            class: Vec::new(),
            classes: Vec::new(),
            tallies,
        };
        let mut grids: Vec<Vec<(usize, usize)>> = Vec::new();
        let (windows, groups) = (windows(net), groups(net, footprints));
        for id in net.ids() {
            let node = net.node(id);
            let kept = match node.kind {
                NodeKind::Product(a, _) => Some(a),
                NodeKind::WindowSum { input, side: _ } => Some(input),
                NodeKind::Input | NodeKind::Linear { .. } => node.shifted(),
            };
            if let Some(operand) = kept {
                problem.class.push(problem.class[operand.0]);
                grids.push(match node.summed() {
                    Some(_) => Vec::new(),
                    None => grids[operand.0].clone(),
                });
                continue;
            }
            let above = node.inputs().into_iter().map(|i| {
                let shape = net.node(i).shape;
                ((shape.height, shape.width), grids[i.0].as_slice())
            });
            let own = larger_grids(above, (node.shape.height, node.shape.width));
            let site = Site {
                shape: node.shape,
                grids: &own,
                windows: windows[id.0],
                groups: &groups[id.0],
            };
            let class = Class::new(&site, slots, options).ok_or(id)?;
            problem.class.push(problem.classes.len());
            problem.classes.push(class);
            grids.push(own);
        }
        Ok(problem)
    }

    /// The layout of a tensor under an assignment.
    pub fn layout(&self, assignment: &Assignment, id: TensorId) -> &Layout {
        &self.views(id).layouts[assignment[self.class[id.0]] as usize]
    }

    fn views(&self, id: TensorId) -> &Views {
        let class = &self.classes[self.class[id.0]];
        match self.net.node(id).summed() {
            Some(_) => &class.sums,
            None => &class.own,
        }
    }

    /// Every tensor in the first layout of its class.
    pub fn rasters(&self) -> Assignment {
        vec![0; self.classes.len()]
    }

    /// For each node: the coefficients that the plaintexts of one result ciphertext round, each weighted by the mean
    /// square of what it multiplies, in all slots that are summed. A diagonal of period `p` has `2p` coefficients that
    /// are not zero; folding sums its slots; the square of a normal element of unit size has mean square 3.
    pub fn rounded(&self, assignment: &Assignment) -> Vec<f64> {
        let of_node = |id: TensorId| {
            let to = self.places(id, assignment);
            let terms = self
                .net
                .node(id)
                .inputs()
                .into_iter()
                .take(self.footprints[id.0].len());
            let one = |(term, input): (usize, TensorId)| {
                let from = self.places(input, assignment);
                let diagonals = self.tally(id, term, input, assignment).diagonals;
                let period = from.period.max(to.period);
                let folded = f64::from(period / to.period);
                // The same number in all slots is a plaintext of one coefficient.
                let period = match self.target {
                    Target::Latency => period,
                    Target::Throughput => 1,
                };
                // Slots of the operand that one slot of the result sums, and at most so many of them hold an element.
                let read = diagonals as f64 / to.ciphertexts as f64 * folded;
                let whole = f64::from(from.period) * from.ciphertexts as f64;
                let elements = self.net.node(input).shape.len() as f64;
                let filled = read.min(elements * (read / whole).ceil());
                let square = mean_square(self.net, input);
                filled * 2.0 * f64::from(period) * square
            };
            terms.enumerate().map(one).sum()
        };
        self.net.ids().map(of_node).collect()
    }

    /// The cheapest assignment that the search finds.
    pub fn search(&self, levels: &Levels, price: &Price) -> Assignment {
        let last_read = self.last_read();
        let mut memo = Memo::new();
        let mut beam: Vec<(f64, Assignment)> = vec![(0.0, Vec::new())];
        for id in self.net.ids() {
            let opens = self.class[id.0] == beam[0].1.len();
            let mut next: HashMap<Assignment, (f64, Assignment)> = HashMap::new();
            for (cost, assignment) in &beam {
                let options = match opens {
                    true => self.classes[self.class[id.0]].own.layouts.len() as u8,
                    false => 1,
                };
                for option in 0..options {
                    let mut assignment = assignment.clone();
                    if opens {
                        assignment.push(option);
                    }
                    let cost = cost + self.node_cost(id, &assignment, levels, price, &mut memo);
                    let live = (0..assignment.len()).filter(|c| last_read[*c] > id);
                    let frontier: Assignment = live.map(|c| assignment[c]).collect();
                    match next.get(&frontier) {
                        Some((best, _)) if *best <= cost => {}
                        Some(_) | None => {
                            next.insert(frontier, (cost, assignment));
                        }
                    }
                }
            }
            beam = next.into_values().collect();
            // Ties break by the assignment itself, so that the result does not depend on the order of a hash map.
            beam.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
            beam.truncate(BEAM);
        }
        beam.swap_remove(0).1
    }

    /// Cost of the whole net under an assignment, in microseconds.
    pub fn cost(&self, assignment: &Assignment, levels: &Levels, price: &Price) -> f64 {
        let mut memo = Memo::new();
        let costs = self
            .net
            .ids()
            .map(|id| self.node_cost(id, assignment, levels, price, &mut memo));
        costs.sum()
    }

    /// That part of it which is spent in affine maps under their quickest splits, folding left out.
    pub fn maps_us(&self, assignment: &Assignment, levels: &Levels, price: &Price) -> f64 {
        let of_node = |id| self.splits_us(id, assignment, levels, price).0;
        self.net.ids().map(of_node).sum()
    }

    /// The last node that reads each class (the class's own last node if none does).
    fn last_read(&self) -> Vec<TensorId> {
        let mut last = vec![TensorId(0); self.classes.len()];
        for id in self.net.ids() {
            for read in self.net.node(id).inputs().into_iter().chain([id]) {
                let class = self.class[read.0];
                last[class] = last[class].max(id);
            }
        }
        last
    }

    fn places(&self, id: TensorId, assignment: &Assignment) -> &Places {
        &self.views(id).places[assignment[self.class[id.0]] as usize]
    }

    fn node_cost(
        &self,
        id: TensorId,
        assignment: &Assignment,
        levels: &Levels,
        price: &Price,
        memo: &mut Memo,
    ) -> f64 {
        let limbs = levels.operands(id) + 1;
        let count = self.places(id, assignment).ciphertexts as f64;
        let us = |kind| price.us(kind, limbs);
        let around = self.around(id, assignment, levels, price);
        let rescale = match levels.rescales[id.0] {
            true => us(CostKind::Rescale),
            false => 0.0,
        };
        around
            + match self.net.node(id).kind {
                NodeKind::Input => count * us(CostKind::Input),
                NodeKind::WindowSum { input, side: _ } => {
                    let from = self.places(input, assignment);
                    let steps =
                        folds(self.places(id, assignment).period, from.period).count() as f64;
                    let adds = from.ciphertexts as f64 - count + steps * count;
                    adds * us(CostKind::Add) + steps * count * us(CostKind::Rotate)
                }
                NodeKind::Product(a, b) => {
                    let kind = if a == b {
                        CostKind::Square
                    } else {
                        CostKind::Multiply
                    };
                    let relinearize = match levels.rescales[id.0] {
                        true => CostKind::RelinearizeRescale,
                        false => CostKind::Relinearize,
                    };
                    count * (us(kind) + us(relinearize))
                }
                NodeKind::Linear { .. } if self.net.node(id).shifted().is_some() => {
                    count * us(CostKind::AddPlain)
                }
                NodeKind::Linear { .. } => {
                    let inputs = self.net.node(id).inputs();
                    let mut key: Assignment =
                        inputs.iter().map(|i| assignment[self.class[i.0]]).collect();
                    key.push(assignment[self.class[id.0]]);
                    *memo.entry((id.0, key)).or_insert_with(|| {
                        self.map_cost(id, assignment, levels, price)
                            + count * (rescale + us(CostKind::AddPlain))
                    })
                }
            }
    }

    /// Bringing the operands of a node down to its level, and making the output bytes.
    fn around(&self, id: TensorId, assignment: &Assignment, levels: &Levels, price: &Price) -> f64 {
        let count = |x: TensorId| self.places(x, assignment).ciphertexts as f64;
        let mut inputs = self.net.node(id).inputs();
        inputs.dedup();
        let above = |x: &TensorId| levels.level[x.0] > levels.operands(id);
        let drops = inputs.into_iter().filter(above);
        let drops = drops.map(|x| count(x) * price.us(CostKind::LevelDrop, levels.level[x.0] + 1));
        let output = match id == self.net.output() {
            true => count(id) * price.us(CostKind::Output, levels.level[id.0] + 1),
            false => 0.0,
        };
        output + drops.sum::<f64>()
    }

    /// The splits of one term of node `id`, whose operand is `input`.
    fn tally(
        &self,
        id: TensorId,
        term: usize,
        input: TensorId,
        assignment: &Assignment,
    ) -> Rc<Tally> {
        let (from, to) = (self.places(input, assignment), self.places(id, assignment));
        let footprint = &self.footprints[id.0][term];
        let key = [footprint.identity(), from.identity, to.identity];
        if let Some(known) = self.tallies.0.borrow().get(&key) {
            return known.clone();
        }
        let diagonals = footprint.diagonals(from, to, self.slots);
        let modulus = from.period.min(to.period);
        let strides: Vec<u32> = from.strides.iter().chain(&to.strides).copied().collect();
        let tally = Rc::new(Tally::new(&diagonals, modulus, &strides));
        self.tallies.0.borrow_mut().insert(key, tally.clone());
        tally
    }

    /// Cost of the linear map of node `id` with its folding.
    fn map_cost(
        &self,
        id: TensorId,
        assignment: &Assignment,
        levels: &Levels,
        price: &Price,
    ) -> f64 {
        let to = self.places(id, assignment);
        let limbs = levels.operands(id) + 1;
        let (cost, folds) = self.splits_us(id, assignment, levels, price);
        let folds = f64::from(folds) * to.ciphertexts as f64;
        let fold = price.us(CostKind::Rotate, limbs) + price.us(CostKind::Add, limbs);
        cost + folds * fold
    }

    /// Cost of the linear map of node `id` under its quickest splits, and how often each result is folded.
    fn splits_us(
        &self,
        id: TensorId,
        assignment: &Assignment,
        levels: &Levels,
        price: &Price,
    ) -> (f64, u32) {
        let terms = self.footprints[id.0].len();
        let inputs: Vec<TensorId> = self.net.node(id).inputs().into_iter().take(terms).collect();
        let to = self.places(id, assignment);
        let periods = inputs.iter().map(|x| self.places(*x, assignment).period);
        let widest = periods.fold(to.period, u32::max);
        let folds = (widest / to.period).ilog2();
        let rescaled = levels.rescales[id.0] && folds == 0;
        let steps = price.steps(levels.operands(id) + 1, rescaled);
        let terms = inputs.into_iter().enumerate();
        let costs = terms.map(|(term, x)| self.tally(id, term, x, assignment).cheapest(&steps).1);
        (costs.sum(), folds)
    }
}
