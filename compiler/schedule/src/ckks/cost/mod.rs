//! What instructions cost: elementary costs, the work that each consists of, their counts in a schedule, and the
//! measured table of a machine.
//!
//! An estimate is the sum over [`costs`] of count × [`CostTable::cost_us`]: one thread, no overlap. A `linear` counts
//! as double hoisting runs it (Bossuat et al., "Efficient Bootstrapping for Approximate Homomorphic Encryption with
//! Non-Sparse Keys", Eurocrypt 2021, section 5): one [`CostKind::Decompose`] for each operand that any nonzero baby
//! step reads, one [`CostKind::BabyStep`] for each pair of operand and nonzero baby step, one [`CostKind::Diagonal`]
//! for each term, one [`CostKind::GiantStep`] for each pair of output and nonzero giant step, one [`CostKind::Finish`]
//! for each output that has a nonzero giant step. A rescale that runs inside the instruction before it
//! ([`crate::ckks::fusion`]) costs nothing of its own; results of a `linear` without giant steps are rescaled one by
//! one. All constants are encoded and keys in use; [`serving()`] says what is added where they are not. Limit: a
//! rescale, sum or level drop of degree 2 counts as one of degree 1.

mod kind;
mod serving;
mod table;
mod work;

pub use crate::ckks::error::MissingCost;
pub use kind::CostKind;
pub use serving::{EMBEDDING_LIMBS, serving};
pub use table::{CostTable, DegreeCosts, TABLE_VERSION, UnitTimes};
pub use work::{Ring, UNITS, Unit, Work};

use std::collections::BTreeMap;

use crate::ckks::fusion::{Fusion, fusions};
use crate::ckks::{LinearPlan, Op, Schedule, Type};

/// The predicted time of one evaluation of a schedule, on one thread.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Estimate {
    /// All of it, in milliseconds.
    pub total_ms: f64,
    /// Layer by layer, in the order of the header, in milliseconds.
    pub per_layer_ms: Vec<(String, f64)>,
}

/// One line of a schedule's costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Index of the instruction; outputs belong to the instruction that makes them.
    pub instruction: usize,
    /// What.
    pub kind: CostKind,
    /// Limbs of its operand.
    pub limbs: u32,
    /// How often.
    pub count: u64,
}

/// The elementary costs of a schedule.
///
/// Works on unverified schedules too; an instruction whose operands do not exist counts with 0 limbs.
pub fn costs(schedule: &Schedule) -> Vec<Cost> {
    let limbs_of = |ty: Option<&Type>| ty.map_or(0, |ty| ty.level.0.saturating_add(1));
    let mut costs = Vec::new();
    let fusions = fusions(schedule);
    let mut given_out: BTreeMap<u32, u64> = BTreeMap::new();
    for value in &schedule.outputs {
        *given_out.entry(value.0).or_default() += 1;
    }
    for (index, (instruction, fusion)) in schedule.instructions.iter().zip(fusions).enumerate() {
        let operand = instruction.op.operands().first().copied();
        // An input has no operand: its own type says how many limbs are read.
        let value = operand.unwrap_or(instruction.first_result);
        let limbs = limbs_of(schedule.types.get(value.0 as usize));
        let cost = |(kind, count)| Cost {
            instruction: index,
            kind,
            limbs,
            count,
        };
        costs.extend(kinds(&instruction.op, fusion).into_iter().map(cost));
        let first = instruction.first_result.0;
        let results = first..first.saturating_add(instruction.op.results());
        costs.extend(given_out.range(results).map(|(value, count)| Cost {
            instruction: index,
            kind: CostKind::Output,
            limbs: limbs_of(schedule.types.get(*value as usize)),
            count: *count,
        }));
    }
    costs
}

fn kinds(op: &Op, fusion: Fusion) -> Vec<(CostKind, u64)> {
    let kind = match op {
        Op::Input { .. } => CostKind::Input,
        Op::Linear { plan, .. } => {
            return match fusion {
                Fusion::Alone | Fusion::Done => linear_costs(plan),
                Fusion::WithRescale => rescaled(linear_costs(plan), u64::from(plan.outputs)),
            };
        }
        Op::Rotate { .. } => CostKind::Rotate,
        Op::Add { .. } => CostKind::Add,
        Op::AddPlain { .. } => CostKind::AddPlain,
        Op::Multiply { .. } => CostKind::Multiply,
        Op::Square { .. } => CostKind::Square,
        Op::Relinearize { .. } => match fusion {
            Fusion::WithRescale => CostKind::RelinearizeRescale,
            Fusion::Alone | Fusion::Done => CostKind::Relinearize,
        },
        Op::Rescale { .. } => match fusion {
            Fusion::Done => return Vec::new(),
            Fusion::Alone | Fusion::WithRescale => CostKind::Rescale,
        },
        Op::LevelDrop { .. } => CostKind::LevelDrop,
    };
    vec![(kind, 1)]
}

/// The costs of a linear map whose results are rescaled: at once where they have giant steps, else one by one.
fn rescaled(costs: Vec<(CostKind, u64)>, outputs: u64) -> Vec<(CostKind, u64)> {
    let mut left = outputs;
    let mut all: Vec<_> = costs
        .into_iter()
        .map(|(kind, count)| {
            if kind != CostKind::Finish {
                return (kind, count);
            }
            left = left.saturating_sub(count);
            (CostKind::FinishRescale, count)
        })
        .collect();
    if left > 0 {
        all.push((CostKind::Rescale, left));
    }
    all
}

/// Counts of one `linear`; those that are zero are left out.
pub(crate) fn linear_costs(plan: &LinearPlan) -> Vec<(CostKind, u64)> {
    let distinct = |mut pairs: Vec<(u32, u32)>| -> u64 {
        pairs.sort_unstable();
        pairs.dedup();
        pairs.len() as u64
    };
    let babies = || plan.terms.iter().filter(|term| term.baby != 0);
    let giants = || plan.terms.iter().filter(|term| term.giant != 0);
    [
        (
            CostKind::Decompose,
            distinct(babies().map(|t| (t.input, 0)).collect()),
        ),
        (
            CostKind::BabyStep,
            distinct(babies().map(|t| (t.input, t.baby)).collect()),
        ),
        (CostKind::Diagonal, plan.terms.len() as u64),
        (
            CostKind::GiantStep,
            distinct(giants().map(|t| (t.output, t.giant)).collect()),
        ),
        (
            CostKind::Finish,
            distinct(giants().map(|t| (t.output, 0)).collect()),
        ),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
    .collect()
}

/// Predicts the time of one evaluation.
///
/// # Errors
/// [`MissingCost`] where the table lacks the ring degree.
pub fn estimate_ms(schedule: &Schedule, table: &CostTable) -> Result<Estimate, MissingCost> {
    let header = &schedule.header;
    let per_instruction = per_instruction_us(schedule, table)?;
    let mut per_layer_us = vec![0.0; header.layers.len()];
    for (instruction, us) in schedule.instructions.iter().zip(&per_instruction) {
        if let Some(sum) = per_layer_us.get_mut(instruction.layer.0 as usize) {
            *sum += us;
        }
    }
    let layers = header.layers.iter().cloned();
    Ok(Estimate {
        total_ms: per_instruction.iter().sum::<f64>() / 1e3,
        per_layer_ms: layers.zip(per_layer_us.iter().map(|us| us / 1e3)).collect(),
    })
}

/// Predicts the time of one evaluation on `threads` threads, in milliseconds: as long as the work takes when it is
/// spread evenly, or as the longest chain of instructions that wait for each other takes when threads share
/// [`DegreeCosts::shared`] of the work inside each, whichever is more.
///
/// # Errors
/// As [`estimate_ms`].
pub fn threads_ms(
    schedule: &Schedule,
    table: &CostTable,
    threads: usize,
) -> Result<f64, MissingCost> {
    let us = per_instruction_us(schedule, table)?;
    let threads = threads.max(1) as f64;
    let shared = table.degree(schedule.header.parameters.log_n())?.shared;
    let inside = (1.0 - shared) + shared / threads;
    let chain = longest_chain_us(schedule, &us) * inside;
    Ok(chain.max(us.iter().sum::<f64>() / threads) / 1e3)
}

/// Predicts the time of the longest chain of instructions that wait for each other, on one thread, in milliseconds:
/// what is left of an evaluation on any number of threads that share nothing inside an instruction.
///
/// # Errors
/// As [`estimate_ms`].
pub fn critical_path_ms(schedule: &Schedule, table: &CostTable) -> Result<f64, MissingCost> {
    let us = per_instruction_us(schedule, table)?;
    Ok(longest_chain_us(schedule, &us) / 1e3)
}

/// The longest chain of instructions that take so long, in the unit of those.
fn longest_chain_us(schedule: &Schedule, us: &[f64]) -> f64 {
    let mut ends = vec![0.0f64; schedule.types.len()];
    for (instruction, us) in schedule.instructions.iter().zip(us) {
        let operands = instruction.op.operands();
        let ready = operands.iter().filter_map(|v| ends.get(v.0 as usize));
        let end = ready.fold(0.0f64, |latest, end| latest.max(*end)) + us;
        let first = instruction.first_result.0 as usize;
        let results = ends.iter_mut().skip(first);
        for result in results.take(instruction.op.results() as usize) {
            *result = end;
        }
    }
    ends.iter().fold(0.0f64, |latest, end| latest.max(*end))
}

/// The predicted time of each instruction, in microseconds.
///
/// # Errors
/// As [`estimate_ms`].
pub fn per_instruction_us(schedule: &Schedule, table: &CostTable) -> Result<Vec<f64>, MissingCost> {
    let ring = Ring::of(&schedule.header.parameters);
    let times = table.times(ring.log_n())?;
    let mut us = vec![0.0; schedule.instructions.len()];
    for cost in costs(schedule) {
        us[cost.instruction] +=
            times.us(cost.kind, &ring.work(cost.kind, cost.limbs)) * cost.count as f64;
    }
    Ok(us)
}
