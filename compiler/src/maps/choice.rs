//! Choice: the splits of all maps of a net together, on the curve of time against bytes of rotation keys.
//!
//! Each map alone takes the split that is quickest: one end of the curve. Then keys are given a price: a map prefers
//! steps that other maps rotate by anyway (at its level or above; a key for a lower level is a smaller one), and chains
//! its giant steps ([`super::ways`]). The price is raised step by step, which gives the points of the curve. Where keys
//! must stay within a bound, the points on either side of it are joined block by block. No point depends on the bound,
//! so a larger one never makes a slower choice.

use std::collections::BTreeMap;

use super::ways::{TermDiagonals, Way, quickest, ways};
use super::{Split, StepCosts};
use crate::key_budget::KeyBudget;

/// A block map: its operands, the level at which it works and what that costs.
pub struct BlockMap {
    /// One for each operand.
    pub sites: Vec<TermDiagonals>,
    /// Times.
    pub costs: StepCosts,
    /// Bytes of a rotation key at its level.
    pub key_bytes: u64,
}

/// How a block map is split.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockSplit {
    /// For each operand.
    pub splits: Vec<Split>,
    /// Whether giant steps are chained.
    pub chained: bool,
}

/// What there is beside the maps.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// Bytes of rotation keys that are needed anyway, by step.
    pub keys: BTreeMap<u32, u64>,
    /// Bytes of other keys.
    pub bytes: u64,
    /// Time of everything else, in microseconds.
    pub us: f64,
}

/// A point of the curve: the whole network's time and the bytes of all its keys.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Bytes of all evaluation keys.
    pub bytes: u64,
    /// Time of everything, in microseconds.
    pub us: f64,
    /// How maps are split.
    pub splits: Vec<BlockSplit>,
}

impl Point {
    /// What the knee of the curve makes least: a percent of time is worth [`WORTH`] percent of bytes, and bytes below
    /// [`FEW_BYTES`] are worth nothing.
    pub fn burden(&self) -> f64 {
        WORTH * self.us.max(1.0).ln() + (self.bytes.max(FEW_BYTES) as f64).ln()
    }
}

/// Percent of bytes that a percent of time is worth at the knee.
const WORTH: f64 = 4.0;
/// Bytes of keys that nobody minds sending: 95 MiB.
const FEW_BYTES: u64 = 95 << 20;
/// Prices of a mebibyte of keys that are tried, in microseconds: powers of two up to this exponent.
const PRICES: std::ops::Range<i32> = 3..28;
/// The knee is not sought where all takes longer than without a price by this factor.
const MOST_TIME: f64 = 2.0;
const MIB: f64 = 1_048_576.0;

/// The choice for all blocks within a budget.
///
/// # Errors
/// The fewest bytes that were found, where the budget allows less.
pub fn choose(
    blocks: &[BlockMap],
    beside: &Beside,
    slots: usize,
    budget: KeyBudget,
) -> Result<Point, u64> {
    let quickest = quickest_point(blocks, beside, slots);
    match budget {
        KeyBudget::Unbounded => Ok(quickest),
        KeyBudget::AtMost(mib) => {
            let most = u64::from(mib) << 20;
            match quickest.bytes <= most {
                true => Ok(quickest),
                false => Search::new(blocks, beside, slots).within(most, quickest),
            }
        }
        KeyBudget::Knee if quickest.bytes <= FEW_BYTES => Ok(quickest),
        KeyBudget::Knee => {
            let most_us = MOST_TIME * quickest.us;
            let search = Search::new(blocks, beside, slots);
            let points = search.points(|point| point.bytes <= FEW_BYTES || point.us > most_us);
            let burden = |a: &Point, b: &Point| a.burden().total_cmp(&b.burden());
            Ok(points.into_iter().fold(quickest, |best, point| {
                match burden(&point, &best).is_lt() {
                    true => point,
                    false => best,
                }
            }))
        }
    }
}

/// The curve from the quickest point to the one of fewest bytes: each of fewer bytes than all before.
pub fn curve(blocks: &[BlockMap], beside: &Beside, slots: usize) -> Vec<Point> {
    let mut curve = vec![quickest_point(blocks, beside, slots)];
    for point in Search::new(blocks, beside, slots).points(|_| false) {
        if curve.iter().all(|known| point.bytes < known.bytes) {
            curve.push(point);
        }
    }
    curve
}

fn quickest_point(blocks: &[BlockMap], beside: &Beside, slots: usize) -> Point {
    let (mut keys, mut us) = (beside.keys.clone(), beside.us);
    let mut splits = Vec::with_capacity(blocks.len());
    for block in blocks {
        let of_site = |site: &TermDiagonals| quickest(site, &block.costs, slots);
        let own: Vec<Way> = block.sites.iter().map(of_site).collect();
        for step in own.iter().flat_map(|way| &way.steps) {
            let key = keys.entry(*step).or_default();
            *key = block.key_bytes.max(*key);
        }
        us += own.iter().map(|way| way.us).sum::<f64>();
        splits.push(BlockSplit {
            splits: own.iter().map(|way| way.split).collect(),
            chained: false,
        });
    }
    let bytes = beside.bytes + keys.values().sum::<u64>();
    Point { bytes, us, splits }
}

/// The ways picked for each operand of each block.
type Picked = Vec<Vec<Way>>;

/// Bytes of the key of each step, by the step's position among all.
type Keys = Vec<u64>;

/// The search for points.
struct Search<'a> {
    blocks: &'a [BlockMap],
    beside: &'a Beside,
    /// For each block and operand the ways; their steps are positions among all steps.
    ways: Vec<Vec<Vec<Way>>>,
    fixed: Keys,
}

/// Ways picked, with the bytes of all keys and the time of all.
struct Found {
    bytes: u64,
    us: f64,
    picked: Picked,
}

impl<'a> Search<'a> {
    fn new(blocks: &'a [BlockMap], beside: &'a Beside, slots: usize) -> Self {
        let of_block = |block: &BlockMap| {
            let sites = block.sites.iter();
            sites.map(|site| ways(site, &block.costs, slots)).collect()
        };
        let mut ways: Vec<Vec<Vec<Way>>> = blocks.iter().map(of_block).collect();
        let mut position: Vec<u32> = vec![u32::MAX; slots];
        let mut count = 0;
        let mut number = |step: u32| {
            let at = &mut position[step as usize];
            if *at == u32::MAX {
                *at = count;
                count += 1;
            }
            *at
        };
        let mut fixed = Vec::new();
        for (step, bytes) in &beside.keys {
            number(*step);
            fixed.push(*bytes);
        }
        let all = ways.iter_mut().flatten().flatten();
        for step in all.flat_map(|way| &mut way.steps) {
            *step = number(*step);
        }
        fixed.resize(count as usize, 0);
        Self {
            blocks,
            beside,
            ways,
            fixed,
        }
    }

    /// The points at ascending prices, up to the first that is enough.
    fn points(&self, enough: impl Fn(&Point) -> bool) -> Vec<Point> {
        let mut points = Vec::new();
        for exponent in PRICES {
            points.push(self.at_price(exponent).point());
            if points.last().is_some_and(&enough) {
                break;
            }
        }
        points
    }

    /// The quickest point found of at most so many bytes.
    fn within(&self, most: u64, quickest: Point) -> Result<Point, u64> {
        let (mut last, mut least) = (None, quickest.bytes);
        for exponent in PRICES {
            let found = self.at_price(exponent);
            least = least.min(found.bytes);
            if found.bytes <= most {
                let between = last.and_then(|last| self.between(last, &found, most));
                return Ok(between.filter(|b| b.us < found.us).unwrap_or(found).point());
            }
            last = Some(found);
        }
        Err(least)
    }

    /// Chooses at a price of keys: each block in turn given the choices of the others, twice.
    fn at_price(&self, exponent: i32) -> Found {
        let us_per_byte = f64::from(exponent).exp2() / MIB;
        let mut picked: Picked = vec![Vec::new(); self.blocks.len()];
        for _ in 0..2 {
            for index in 0..self.blocks.len() {
                let others = self.keys(&picked, Some(index));
                let pick = |chained| self.pick(index, chained, &others, us_per_byte);
                picked[index] = match (pick(false), pick(true)) {
                    (Some(direct), Some(chained)) if chained.0 < direct.0 => chained.1,
                    (Some(direct), _) => direct.1,
                    (None, Some(chained)) => chained.1,
                    (None, None) => Vec::new(),
                };
            }
        }
        self.found(picked)
    }

    /// Prices act on all blocks at once: between choices that need too many keys and leaner ones, takes over block
    /// after block, that which saves most bytes for its time first, until the keys are within the bound.
    fn between(&self, quick: Found, lean: &Found, most: u64) -> Option<Found> {
        let mut found = quick;
        while found.bytes > most {
            let saved = |index: usize| {
                let mut picked = found.picked.clone();
                picked[index].clone_from(&lean.picked[index]);
                let other = self.found(picked);
                let bytes = found.bytes.saturating_sub(other.bytes);
                let rate = bytes as f64 / (other.us - found.us).max(1.0);
                (bytes > 0).then_some((rate, other))
            };
            let ways = (0..self.blocks.len()).filter_map(saved);
            found = ways.max_by(|a, b| a.0.total_cmp(&b.0))?.1;
        }
        Some(found)
    }

    /// The keys that picked ways need, those of block `skip` left out.
    fn keys(&self, picked: &Picked, skip: Option<usize>) -> Keys {
        let mut keys = self.fixed.clone();
        for (index, (block, own)) in self.blocks.iter().zip(picked).enumerate() {
            if Some(index) != skip {
                own.iter()
                    .for_each(|way| add(&mut keys, &way.steps, block.key_bytes));
            }
        }
        keys
    }

    /// The cheapest way for each operand of a block and their price; `None` where an operand has none of this kind.
    fn pick(
        &self,
        index: usize,
        chained: bool,
        others: &Keys,
        us_per_byte: f64,
    ) -> Option<(f64, Vec<Way>)> {
        let key_bytes = self.blocks[index].key_bytes;
        let mut keys = others.clone();
        let (mut total, mut picked) = (0.0, Vec::new());
        for ways in &self.ways[index] {
            let price = |way: &Way| {
                let more = |step: &u32| key_bytes.saturating_sub(keys[*step as usize]);
                way.us + way.steps.iter().map(more).sum::<u64>() as f64 * us_per_byte
            };
            let of_kind = ways.iter().filter(|way| way.chained == chained);
            let (cost, best) = of_kind
                .map(|way| (price(way), way))
                .min_by(|a, b| a.0.total_cmp(&b.0))?;
            total += cost;
            add(&mut keys, &best.steps, key_bytes);
            picked.push(best.clone());
        }
        Some((total, picked))
    }

    fn found(&self, picked: Picked) -> Found {
        let us: f64 = picked.iter().flatten().map(|way| way.us).sum();
        Found {
            bytes: self.beside.bytes + self.keys(&picked, None).iter().sum::<u64>(),
            us: self.beside.us + us,
            picked,
        }
    }
}

impl Found {
    fn point(&self) -> Point {
        let choice = |own: &Vec<Way>| BlockSplit {
            splits: own.iter().map(|way| way.split).collect(),
            chained: own.iter().any(|way| way.chained),
        };
        Point {
            bytes: self.bytes,
            us: self.us,
            splits: self.picked.iter().map(choice).collect(),
        }
    }
}

fn add(keys: &mut Keys, steps: &[u32], bytes: u64) {
    for step in steps {
        let key = &mut keys[*step as usize];
        *key = bytes.max(*key);
    }
}
