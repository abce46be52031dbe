//! What a schedule costs on a machine: elementary costs, their counts, and the measured table.
//!
//! An estimate adds up the instructions in order. The ciphertexts of a value are spread over the threads, so an
//! instruction with `c` of them takes `ceil(c / threads)` times its elementary cost.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::tfhe::{Error, Op, Schedule, SetId};

/// An elementary cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CostKind {
    /// One programmable bootstrap with this set.
    Bootstrap(SetId),
    /// One key switch from the big key of the first set to the small key of the second.
    KeySwitch(SetId, SetId),
    /// Thousand numbers of a ciphertext multiplied by a weight and added: one entry of a map has dimension + 1 of them.
    LinearKiloword,
    /// Thousand numbers of an input's mask expanded from its seed.
    ExpandKiloword,
}

impl CostKind {
    /// The name in a cost table.
    pub fn key(&self) -> String {
        match self {
            CostKind::Bootstrap(set) => format!("bootstrap {set}"),
            CostKind::KeySwitch(from, to) => format!("keyswitch {from} {to}"),
            CostKind::LinearKiloword => "linear kiloword".into(),
            CostKind::ExpandKiloword => "expand kiloword".into(),
        }
    }
}

/// Measured costs of a machine, in microseconds on each of `threads` threads that run at the same time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostTable {
    /// How many threads ran.
    pub threads: u32,
    /// Microseconds by [`CostKind::key`].
    pub us: BTreeMap<String, f64>,
}

impl CostTable {
    /// The cost of one `kind`, in microseconds.
    ///
    /// # Errors
    /// A kind that was not measured.
    pub fn cost_us(&self, kind: CostKind) -> Result<f64, Error> {
        let key = kind.key();
        self.us
            .get(&key)
            .copied()
            .filter(|us| us.is_finite() && *us >= 0.0)
            .ok_or(Error::Cost(key))
    }

    /// A table for choosing between sets on a machine that was not measured: bootstraps cost
    /// `n·(levels + 1)·(k + 1)·N·log2(N)` butterflies and key switches one multiplication an entry.
    pub fn nominal(threads: u32) -> Self {
        let mut us = BTreeMap::from([
            (CostKind::LinearKiloword.key(), 0.1),
            (CostKind::ExpandKiloword.key(), 25.0),
        ]);
        for id in SetId::all() {
            let set = id.get();
            let transforms = ((set.pbs_level + 1) * (set.glwe_dimension + 1)) as f64;
            let products = (set.pbs_level * (set.glwe_dimension + 1).pow(2)) as f64;
            let size = set.polynomial_size as f64;
            let each = size * (transforms * size.log2() * 0.25 + products);
            us.insert(
                CostKind::Bootstrap(id).key(),
                set.lwe_dimension as f64 * each * 2.8e-4,
            );
            for other in SetId::all() {
                let words = other.get().big_dimension() * set.ks_level * set.lwe_dimension;
                us.insert(CostKind::KeySwitch(other, id).key(), words as f64 * 1.0e-4);
            }
        }
        Self { threads, us }
    }
}

/// What one instruction costs: `count` times in parallel `each` times `kind`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// The elementary cost.
    pub kind: CostKind,
    /// Independent pieces, which threads share.
    pub count: u64,
    /// How often the kind occurs in a piece.
    pub each: f64,
}

/// The costs of every instruction, in order.
pub fn costs(schedule: &Schedule) -> Vec<Vec<Cost>> {
    let of = |index: usize| {
        let instruction = &schedule.instructions[index];
        let result = instruction.result;
        let count = u64::from(result.count);
        let words = (result.dimension() + 1) as f64 / 1e3;
        let cost = |kind, each| Cost { kind, count, each };
        match &instruction.op {
            Op::Input => vec![cost(CostKind::ExpandKiloword, words)],
            Op::Linear { bounds, .. } => {
                let each = bounds.entries as f64 / count.max(1) as f64 * words;
                vec![cost(CostKind::LinearKiloword, each)]
            }
            Op::KeySwitch { operand, to } => {
                let from = schedule.instructions[operand.0 as usize].result.set;
                vec![cost(CostKind::KeySwitch(from, *to), 1.0)]
            }
            Op::Halve { .. } => vec![
                cost(CostKind::KeySwitch(result.set, result.set), 1.0),
                cost(CostKind::Bootstrap(result.set), 1.0),
            ],
            Op::Bootstrap { .. } => vec![cost(CostKind::Bootstrap(result.set), 1.0)],
        }
    };
    (0..schedule.instructions.len()).map(of).collect()
}

/// A predicted latency.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// Milliseconds of each instruction.
    pub instruction_ms: Vec<f64>,
    /// Milliseconds of a prediction on the server.
    pub total_ms: f64,
}

/// Predicts the latency of a schedule whose operands are in order, on the table's number of threads.
///
/// # Errors
/// A cost that the table lacks.
pub fn estimate(schedule: &Schedule, table: &CostTable) -> Result<Estimate, Error> {
    let mut instruction_ms = Vec::with_capacity(schedule.instructions.len());
    for costs in costs(schedule) {
        let mut us = 0.0;
        for cost in costs {
            let rounds = cost.count.div_ceil(u64::from(table.threads.max(1)));
            us += rounds as f64 * cost.each * table.cost_us(cost.kind)?;
        }
        instruction_ms.push(us / 1e3);
    }
    let total_ms = instruction_ms.iter().sum();
    Ok(Estimate {
        instruction_ms,
        total_ms,
    })
}
