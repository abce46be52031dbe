//! Choice: the splits of all maps of a net together, so that their rotation keys fit a budget.
//!
//! Each map alone takes the split that is quickest. Where the keys of all of them exceed the budget, keys are given a
//! price: a map then prefers steps that other maps rotate by anyway (at its level or above; a key for a lower level is
//! a smaller one), and *chains* its giant steps by Horner's rule: `Σ rot(s_k, k·n) = s_0 + rot(s_1 + rot(s_2 + …, n),
//! n)` needs one key for all multiples of `n` (Halevi and Shoup, "Faster Homomorphic Linear Transformations in HElib",
//! CRYPTO 2018, section 4.3) for rotations that are not finished together. The price is raised until the keys fit, or
//! until the maps together would take too long.

use std::collections::{BTreeMap, BTreeSet};

use super::split::units;
use super::{Diagonal, Split, StepCosts, step};

/// One map from one operand.
pub struct TermDiagonals {
    /// Its diagonals.
    pub diagonals: Vec<Diagonal>,
    /// What distances are taken modulo.
    pub modulus: u32,
    /// Distances between neighbours in both layouts.
    pub strides: Vec<u32>,
}

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

/// A way to split one map.
struct Candidate {
    split: Split,
    chained: bool,
    us: f64,
    /// The steps that it rotates by, distinct.
    steps: Vec<u32>,
}

/// Bytes of the key of each step.
type Keys = BTreeMap<u32, u64>;

/// Prices of a mebibyte of keys that are tried, in microseconds: powers of two up to this exponent.
const PRICES: std::ops::Range<i32> = 3..24;
/// Candidates slower than the quickest by more than this factor are not looked at.
const SLOWEST: f64 = 6.0;
/// All maps together may take this much longer than without a budget.
const MOST_TIME: f64 = 1.3;
const MIB: f64 = 1_048_576.0;

/// Chooses for all blocks; `fixed` are the keys that there are anyway, the sum of all is to be at most `budget` bytes.
pub fn choose(blocks: &[BlockMap], fixed: &Keys, slots: usize, budget: u64) -> Vec<BlockSplit> {
    let quickest: Vec<BlockSplit> = blocks.iter().map(quickest).collect();
    let (mut keys, mut us) = (fixed.clone(), 0.0);
    for (block, choice) in blocks.iter().zip(&quickest) {
        for (site, split) in block.sites.iter().zip(&choice.splits) {
            let candidate = Sets::of(site, *split).candidate(&block.costs, slots, choice.chained);
            add(&mut keys, &candidate.steps, block.key_bytes);
            us += candidate.us;
        }
    }
    let mut best = (keys.values().sum::<u64>(), quickest);
    if best.0 <= budget {
        return best.1;
    }
    let candidates: Vec<Vec<Vec<Candidate>>> =
        blocks.iter().map(|b| candidates(b, slots)).collect();
    let most_us = MOST_TIME * us;
    let mut last: Option<Found<'_>> = None;
    for exponent in PRICES {
        let found = at_price(blocks, &candidates, fixed, f64::from(exponent).exp2());
        let last_price = found.bytes <= budget || found.us > most_us;
        let found = match last {
            Some(last) if last_price => {
                between(blocks, fixed, last, &found, (budget, most_us)).unwrap_or(found)
            }
            Some(_) | None => found,
        };
        if found.us <= most_us && found.bytes < best.0 {
            best = (found.bytes, found.choices());
        }
        if last_price {
            break;
        }
        last = Some(found);
    }
    best.1
}

fn quickest(block: &BlockMap) -> BlockSplit {
    let split =
        |s: &TermDiagonals| Split::cheapest(&s.diagonals, s.modulus, &s.strides, &block.costs).0;
    BlockSplit {
        splits: block.sites.iter().map(split).collect(),
        chained: false,
    }
}

fn add(keys: &mut Keys, steps: &[u32], bytes: u64) {
    for step in steps {
        let key = keys.entry(*step).or_default();
        *key = bytes.max(*key);
    }
}

/// For each operand of a block the ways to split it that are not far too slow.
fn candidates(block: &BlockMap, slots: usize) -> Vec<Vec<Candidate>> {
    let of_site = |site: &TermDiagonals| {
        let mut found = Vec::new();
        for unit in units(site.modulus, &site.strides) {
            for coarse_babies in [false, true] {
                let offset = unit / 2;
                let split = Split {
                    unit,
                    offset,
                    coarse_babies,
                };
                let sets = Sets::of(site, split);
                found.extend(
                    [false, true].map(|chained| sets.candidate(&block.costs, slots, chained)),
                );
            }
        }
        let least = found.iter().map(|c| c.us).fold(f64::INFINITY, f64::min);
        found.retain(|c| c.us <= SLOWEST * least);
        found
    };
    block.sites.iter().map(of_site).collect()
}

/// The candidates picked for each operand of each block.
type Picked<'c> = Vec<Vec<&'c Candidate>>;

/// Choices at some price of keys, with the bytes of all keys and the time of all maps.
struct Found<'c> {
    bytes: u64,
    us: f64,
    picked: Picked<'c>,
}

impl<'c> Found<'c> {
    fn new(blocks: &[BlockMap], fixed: &Keys, picked: Picked<'c>) -> Self {
        Self {
            bytes: keys(blocks, fixed, &picked, None).values().sum(),
            us: picked.iter().flatten().map(|c| c.us).sum(),
            picked,
        }
    }

    fn choices(&self) -> Vec<BlockSplit> {
        let choice = |own: &Vec<&Candidate>| BlockSplit {
            splits: own.iter().map(|c| c.split).collect(),
            chained: own.iter().any(|c| c.chained),
        };
        self.picked.iter().map(choice).collect()
    }
}

/// The keys that picked candidates need, those of block `skip` left out.
fn keys(blocks: &[BlockMap], fixed: &Keys, picked: &Picked<'_>, skip: Option<usize>) -> Keys {
    let mut keys = fixed.clone();
    for (index, (block, own)) in blocks.iter().zip(picked).enumerate() {
        for candidate in own.iter().filter(|_| Some(index) != skip) {
            add(&mut keys, &candidate.steps, block.key_bytes);
        }
    }
    keys
}

/// Chooses at a price of keys: each block in turn given the choices of the others, twice.
fn at_price<'c>(
    blocks: &[BlockMap],
    candidates: &'c [Vec<Vec<Candidate>>],
    fixed: &Keys,
    us_per_mib: f64,
) -> Found<'c> {
    let mut picked: Picked<'c> = vec![Vec::new(); blocks.len()];
    for _ in 0..2 {
        for (index, block) in blocks.iter().enumerate() {
            let others = keys(blocks, fixed, &picked, Some(index));
            let ways = [false, true].map(|chained| {
                pick(
                    &candidates[index],
                    chained,
                    &others,
                    block.key_bytes,
                    us_per_mib,
                )
            });
            let [direct, chained] = ways;
            picked[index] = match (direct, chained) {
                (Some(direct), Some(chained)) if chained.0 < direct.0 => chained.1,
                (Some(direct), _) => direct.1,
                (None, Some(chained)) => chained.1,
                (None, None) => Vec::new(),
            };
        }
    }
    Found::new(blocks, fixed, picked)
}

/// Prices act on all blocks at once: between choices that need too many keys and leaner ones, takes over block after
/// block, that which saves most bytes for its time first, until the keys are within the limit of bytes; `None` where
/// the limit of time forbids it.
fn between<'c>(
    blocks: &[BlockMap],
    fixed: &Keys,
    quick: Found<'c>,
    lean: &Found<'c>,
    limits: (u64, f64),
) -> Option<Found<'c>> {
    let mut found = quick;
    while found.bytes > limits.0 {
        let saved = |index: usize| {
            let mut picked = found.picked.clone();
            picked[index].clone_from(&lean.picked[index]);
            let other = Found::new(blocks, fixed, picked);
            let bytes = found.bytes.saturating_sub(other.bytes);
            let rate = bytes as f64 / (other.us - found.us).max(1.0);
            (bytes > 0 && other.us <= limits.1).then_some((rate, other))
        };
        let ways = (0..blocks.len()).filter_map(saved);
        found = ways.max_by(|a, b| a.0.total_cmp(&b.0))?.1;
    }
    Some(found)
}

/// The cheapest candidate of each operand and their price; `None` where an operand has none of this kind.
fn pick<'c>(
    sites: &'c [Vec<Candidate>],
    chained: bool,
    others: &Keys,
    key_bytes: u64,
    us_per_mib: f64,
) -> Option<(f64, Vec<&'c Candidate>)> {
    let mut keys = others.clone();
    let (mut total, mut picked) = (0.0, Vec::new());
    for candidates in sites {
        let price = |c: &Candidate| {
            let more = |step| key_bytes.saturating_sub(keys.get(step).copied().unwrap_or(0));
            let bytes: u64 = c.steps.iter().map(more).sum();
            c.us + bytes as f64 / MIB * us_per_mib
        };
        let of_kind = candidates.iter().filter(|c| c.chained == chained);
        let (cost, best) = of_kind
            .map(|c| (price(c), c))
            .min_by(|a, b| a.0.total_cmp(&b.0))?;
        total += cost;
        add(&mut keys, &best.steps, key_bytes);
        picked.push(best);
    }
    Some((total, picked))
}

/// The steps of a map under a split.
struct Sets {
    split: Split,
    diagonals: usize,
    /// `(operand, baby step)` other than 0, ascending.
    babies: Vec<(u32, i64)>,
    /// `(result, giant step)`, ascending.
    giants: Vec<(u32, i64)>,
}

impl Sets {
    fn of(site: &TermDiagonals, split: Split) -> Self {
        let (mut babies, mut giants) = (Vec::new(), Vec::new());
        for diagonal in &site.diagonals {
            let (giant, baby) = split.parts(diagonal.distance, site.modulus);
            if baby != 0 {
                babies.push((diagonal.input, baby));
            }
            giants.push((diagonal.output, giant));
        }
        for pairs in [&mut babies, &mut giants] {
            pairs.sort_unstable();
            pairs.dedup();
        }
        Self {
            split,
            diagonals: site.diagonals.len(),
            babies,
            giants,
        }
    }

    fn candidate(&self, costs: &StepCosts, slots: usize, chained: bool) -> Candidate {
        let operands = self.babies.chunk_by(|a, b| a.0 == b.0).count();
        let mut us = self.diagonals as f64 * costs.diagonal
            + operands as f64 * costs.decompose
            + self.babies.len() as f64 * costs.baby;
        let mut steps: BTreeSet<u32> = self.babies.iter().map(|(_, b)| step(*b, slots)).collect();
        for giants in self.giants.chunk_by(|a, b| a.0 == b.0) {
            let giants = giants.iter().map(|(_, giant)| *giant);
            let by: Vec<i64> = match chained {
                true => links(giants),
                false => giants.filter(|giant| *giant != 0).collect(),
            };
            us += match chained {
                true => by.len() as f64 * costs.link,
                false if by.is_empty() => 0.0,
                false => by.len() as f64 * costs.giant + costs.finish,
            };
            steps.extend(by.into_iter().map(|by| step(by, slots)));
        }
        Candidate {
            split: self.split,
            chained,
            us,
            steps: steps.into_iter().collect(),
        }
    }
}

/// The rotations of a chain through ascending giant steps: from the largest down by the differences, at last by the
/// smallest itself.
pub fn links(giants: impl DoubleEndedIterator<Item = i64>) -> Vec<i64> {
    let mut links = Vec::new();
    let mut last = None;
    for giant in giants.rev() {
        if let Some(last) = last {
            links.push(last - giant);
        }
        last = Some(giant);
    }
    links.extend(last.filter(|giant| *giant != 0));
    links
}
