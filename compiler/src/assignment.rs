//! Layout choice: one layout for each class of tensors, so that the whole network costs least.
//!
//! Squares and shifts keep the layout of their operand, so tensors fall into classes, each made by the input or by one
//! affine map. The search goes through the maps in order and keeps the cheapest choice for every combination of
//! layouts of the tensors still to be read: on a chain this is the shortest path, elsewhere a beam.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use hemet_schedule::{CostKind, Layout, MissingCost};

use crate::lower::{Footprint, Places, Tally, folds};
use crate::net::{Kind, Net, TensorId};
use crate::packing::{Site, Windows, extents, pooled};
use crate::parameters::noise::mean_square;
use crate::parameters::{Levels, Price};
use crate::sites::{larger_grids, layouts, windows};
use crate::{Options, Target};

/// Combinations kept from map to map.
const BEAM: usize = 24;

/// Tensors that share a layout, and the layouts that they may have.
struct Class {
    own: Views,
    /// Of what the class is pooled to; empty if it is not.
    pooled: Views,
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

/// Splits of maps between layouts, counted once for all levels, primes, forms of a network and maps of one footprint: networks repeat their
/// blocks. The keys are the identities of the footprint and of the operand's and the result's places; two of 64 bits that
/// met by chance would make an estimate wrong, never a schedule, for which diagonals are counted again.
#[derive(Default)]
pub struct Tallies(RefCell<HashMap<[u64; 3], Rc<Tally>>>);

/// A layout for each class, as a position among its candidates.
pub type Choice = Vec<u8>;

/// Footprints of the terms of each node, by node.
pub type Footprints = Vec<Vec<Footprint>>;

/// The footprints of every map of a net.
pub fn footprints(net: &Net) -> Footprints {
    let of_node = |id: TensorId| match &net.node(id).kind {
        Kind::Linear { terms, bias: _ } if net.node(id).shifted().is_none() => terms
            .iter()
            .map(|t| Footprint::new(&t.map, net.node(t.input).shape, net.node(id).shape))
            .collect(),
        Kind::Linear { .. } | Kind::Input | Kind::Product(..) | Kind::Pool { .. } => Vec::new(),
    };
    net.ids().map(of_node).collect()
}

/// Memo of the costs of maps: by node, its operands' layouts and its own.
type Memo = HashMap<(usize, Choice), f64>;

impl<'a> Problem<'a> {
    /// The classes of a net at this number of slots; `Err` names a tensor that no layout holds.
    pub fn new(
        net: &'a Net,
        footprints: &'a Footprints,
        slots: usize,
        (options, tallies): (&Options, &'a Tallies),
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
        let windows = windows(net);
        for id in net.ids() {
            let inputs = net.node(id).inputs();
            let shape = net.node(id).shape;
            let kept = match net.node(id).kind {
                Kind::Product(a, _) => Some(a),
                Kind::Pool { input, side: _ } => Some(input),
                Kind::Input | Kind::Linear { .. } => net.node(id).shifted(),
            };
            if let Some(operand) = kept {
                problem.class.push(problem.class[operand.0]);
                grids.push(match net.node(id).pooled() {
                    Some(_) => Vec::new(),
                    None => grids[operand.0].clone(),
                });
                continue;
            }
            let above = inputs.iter().map(|i| {
                let shape = net.node(*i).shape;
                ((shape.height, shape.width), grids[i.0].as_slice())
            });
            let own = larger_grids(above, (shape.height, shape.width));
            let site = Site {
                shape,
                grids: &own,
                windows: windows[id.0],
            };
            let layouts = layouts(&site, slots, options);
            if layouts.is_empty() {
                return Err(id);
            }
            let summed = match windows[id.0] {
                Windows::Pooled(side) if options.target == Target::Throughput => {
                    let [channels, height, width] = extents(shape);
                    let side = side as u32;
                    let shape = [channels, height / side, width / side];
                    vec![Layout::batched(shape, slots); layouts.len()]
                }
                Windows::Pooled(side) => layouts.iter().map(|l| pooled(l.clone(), side)).collect(),
                Windows::None | Windows::Wanted(_) => Vec::new(),
            };
            problem.class.push(problem.classes.len());
            problem.classes.push(Class {
                own: Views::new(layouts, slots),
                pooled: Views::new(summed, slots),
            });
            grids.push(own);
        }
        Ok(problem)
    }

    /// The layout of a tensor under a choice.
    pub fn layout(&self, choice: &Choice, id: TensorId) -> &Layout {
        &self.views(id).layouts[choice[self.class[id.0]] as usize]
    }

    fn views(&self, id: TensorId) -> &Views {
        let class = &self.classes[self.class[id.0]];
        match self.net.node(id).pooled() {
            Some(_) => &class.pooled,
            None => &class.own,
        }
    }

    /// Every tensor in the first layout of its class.
    pub fn rasters(&self) -> Choice {
        vec![0; self.classes.len()]
    }

    /// For each node: the coefficients that the plaintexts of one result ciphertext round, each weighted by the mean square of what it
    /// multiplies, in all slots that are summed. A diagonal of period `p` has `2p` coefficients that are not zero;
    /// folding sums its slots; the square of a normal element of unit size has mean square 3.
    pub fn rounded(&self, choice: &Choice) -> Vec<f64> {
        let of_node = |id: TensorId| {
            let to = self.places(id, choice);
            let terms = self
                .net
                .node(id)
                .inputs()
                .into_iter()
                .take(self.footprints[id.0].len());
            let one = |(term, input): (usize, TensorId)| {
                let from = self.places(input, choice);
                let diagonals = self.tally(id, term, input, choice).diagonals;
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

    /// The cheapest choice that the search finds.
    ///
    /// # Errors
    /// A cost that the table lacks.
    pub fn search(&self, levels: &Levels, price: &Price<'_>) -> Result<Choice, MissingCost> {
        let last_read = self.last_read();
        let mut memo = Memo::new();
        let mut beam: Vec<(f64, Choice)> = vec![(0.0, Vec::new())];
        for id in self.net.ids() {
            let opens = self.class[id.0] == beam[0].1.len();
            let mut next: HashMap<Choice, (f64, Choice)> = HashMap::new();
            for (cost, choice) in &beam {
                let options = match opens {
                    true => self.classes[self.class[id.0]].own.layouts.len() as u8,
                    false => 1,
                };
                for option in 0..options {
                    let mut choice = choice.clone();
                    if opens {
                        choice.push(option);
                    }
                    let cost = cost + self.node_cost(id, &choice, levels, price, &mut memo)?;
                    let live = (0..choice.len()).filter(|c| last_read[*c] > id);
                    let frontier: Choice = live.map(|c| choice[c]).collect();
                    match next.get(&frontier) {
                        Some((best, _)) if *best <= cost => {}
                        Some(_) | None => {
                            next.insert(frontier, (cost, choice));
                        }
                    }
                }
            }
            beam = next.into_values().collect();
            // Ties break by the choice itself, so that the result does not depend on the order of a hash map.
            beam.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
            beam.truncate(BEAM);
        }
        Ok(beam.swap_remove(0).1)
    }

    /// Cost of the whole net under a choice, in microseconds.
    ///
    /// # Errors
    /// A cost that the table lacks.
    pub fn cost(
        &self,
        choice: &Choice,
        levels: &Levels,
        price: &Price<'_>,
    ) -> Result<f64, MissingCost> {
        let mut memo = Memo::new();
        let costs = self
            .net
            .ids()
            .map(|id| self.node_cost(id, choice, levels, price, &mut memo));
        costs.sum()
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

    fn places(&self, id: TensorId, choice: &Choice) -> &Places {
        &self.views(id).places[choice[self.class[id.0]] as usize]
    }

    fn node_cost(
        &self,
        id: TensorId,
        choice: &Choice,
        levels: &Levels,
        price: &Price<'_>,
        memo: &mut Memo,
    ) -> Result<f64, MissingCost> {
        let limbs = levels.operands(id) + 1;
        let count = self.places(id, choice).ciphertexts as f64;
        let us = |kind| price.us(kind, limbs);
        let rescale = match levels.rescales[id.0] {
            true => us(CostKind::Rescale)?,
            false => 0.0,
        };
        match self.net.node(id).kind {
            Kind::Input => Ok(0.0),
            Kind::Pool { input, side: _ } => {
                let from = self.places(input, choice);
                let steps = folds(self.places(id, choice).period, from.period).count() as f64;
                let adds = from.ciphertexts as f64 - count + steps * count;
                Ok(adds * us(CostKind::Add)? + steps * count * us(CostKind::Rotate)?)
            }
            Kind::Product(a, b) => {
                let kind = if a == b {
                    CostKind::Square
                } else {
                    CostKind::Multiply
                };
                Ok(count * (us(kind)? + us(CostKind::Relinearize)? + rescale))
            }
            Kind::Linear { .. } if self.net.node(id).shifted().is_some() => {
                Ok(count * us(CostKind::AddPlain)?)
            }
            Kind::Linear { .. } => {
                let inputs = self.net.node(id).inputs();
                let mut key: Choice = inputs.iter().map(|i| choice[self.class[i.0]]).collect();
                key.push(choice[self.class[id.0]]);
                if let Some(cost) = memo.get(&(id.0, key.clone())) {
                    return Ok(*cost);
                }
                let cost = self.map_cost(id, choice, limbs, price)?
                    + count * (rescale + us(CostKind::AddPlain)?);
                memo.insert((id.0, key), cost);
                Ok(cost)
            }
        }
    }

    /// The splits of one term of node `id`, whose operand is `input`.
    fn tally(&self, id: TensorId, term: usize, input: TensorId, choice: &Choice) -> Rc<Tally> {
        let (from, to) = (self.places(input, choice), self.places(id, choice));
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
        choice: &Choice,
        limbs: u32,
        price: &Price<'_>,
    ) -> Result<f64, MissingCost> {
        let to = self.places(id, choice);
        let steps = price.steps(limbs)?;
        let (mut cost, mut widest) = (0.0, to.period);
        let inputs = self.net.node(id).inputs();
        for (term, input) in inputs
            .into_iter()
            .enumerate()
            .take(self.footprints[id.0].len())
        {
            let from = self.places(input, choice);
            cost += self.tally(id, term, input, choice).cheapest(&steps).1;
            widest = widest.max(from.period);
        }
        let folds = f64::from((widest / to.period).ilog2()) * to.ciphertexts as f64;
        let fold = price.us(CostKind::Rotate, limbs)? + price.us(CostKind::Add, limbs)?;
        Ok(cost + folds * fold)
    }
}
