//! Op counts of a schedule: the summary that a reviewer compares when the compiler changes.

use std::collections::BTreeMap;
use std::fmt;

use crate::ckks::cost::{CostKind, linear_costs};
use crate::ckks::{Level, Op, Schedule, Type, ValueId};

/// What a schedule does at one level of its operands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct LevelCounts {
    /// Rotations: `rotate`, and the distinct baby steps and giant steps of `linear`.
    pub rotations: u64,
    /// Products with plaintexts: the terms of `linear`.
    pub plain_products: u64,
    /// Products of ciphertexts: `multiply` and `square`.
    pub ciphertext_products: u64,
    /// Relinearizations.
    pub relinearizations: u64,
    /// Rescales.
    pub rescales: u64,
    /// Sums, also with plaintexts, and those between the terms of `linear`.
    pub adds: u64,
}

/// Counts of the instructions of a schedule, and what it asks of keys and parameters. The display is the text of golden
/// files: one line a level.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct OpCounts {
    /// log2 of the ring degree.
    pub log_n: u32,
    /// log2 of the product of all primes, special ones included.
    pub log_qp_bits: f64,
    /// Promised security, 0 where insecure.
    pub security_bits: u32,
    /// Rescales on the longest path.
    pub depth: u32,
    /// Number of rotation keys.
    pub rotation_keys: usize,
    /// Whether the relinearization key is needed.
    pub relinearization_key: bool,
    /// Number of input ciphertexts.
    pub inputs: usize,
    /// Number of output ciphertexts.
    pub outputs: usize,
    /// Counts by level of the operands; a level without any is not listed.
    pub levels: BTreeMap<u32, LevelCounts>,
}

impl OpCounts {
    /// Counts the instructions of a schedule, verified or not. An operand that does not exist counts as level 0.
    pub fn of(schedule: &Schedule) -> Self {
        let parameters = &schedule.header.parameters;
        let mut levels: BTreeMap<u32, LevelCounts> = BTreeMap::new();
        for instruction in &schedule.instructions {
            let operand = instruction.op.operands().first().copied();
            let Level(level) = level_of(schedule, operand);
            let counts = counts_of(&instruction.op);
            if counts != LevelCounts::default() {
                let sum = levels.entry(level).or_default();
                *sum = sum.plus(&counts);
            }
        }
        Self {
            log_n: parameters.log_n(),
            log_qp_bits: parameters.log_qp_bits(),
            security_bits: parameters.security().bits(),
            depth: schedule.header.depth,
            rotation_keys: schedule.rotation_steps().len(),
            relinearization_key: schedule.needs_relinearization(),
            inputs: schedule.inputs(),
            outputs: schedule.outputs.len(),
            levels,
        }
    }

    /// The counts of all levels together.
    pub fn total(&self) -> LevelCounts {
        self.levels
            .values()
            .fold(LevelCounts::default(), |sum, counts| sum.plus(counts))
    }
}

impl LevelCounts {
    fn plus(&self, other: &Self) -> Self {
        Self {
            rotations: self.rotations + other.rotations,
            plain_products: self.plain_products + other.plain_products,
            ciphertext_products: self.ciphertext_products + other.ciphertext_products,
            relinearizations: self.relinearizations + other.relinearizations,
            rescales: self.rescales + other.rescales,
            adds: self.adds + other.adds,
        }
    }

    fn columns(&self) -> [u64; 6] {
        [
            self.rotations,
            self.plain_products,
            self.ciphertext_products,
            self.relinearizations,
            self.rescales,
            self.adds,
        ]
    }
}

/// What one layer of a schedule does.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct LayerCounts {
    /// Its name.
    pub layer: String,
    /// Highest level that an instruction of it reads at (or makes, for inputs).
    pub from_level: u32,
    /// Lowest level of a value that it makes.
    pub to_level: u32,
    /// Bits of the modulus that are left above the scale of the last value that it makes: what later layers and the
    /// message have.
    pub left_bits: f64,
    /// Counts of its instructions.
    pub counts: LevelCounts,
}

/// Counts layer by layer, in the order of the header; layers without instructions are left out.
pub fn by_layer(schedule: &Schedule) -> Vec<LayerCounts> {
    let mut found: BTreeMap<u32, LayerCounts> = BTreeMap::new();
    for instruction in &schedule.instructions {
        let Level(to_level) = level_of(schedule, Some(instruction.first_result));
        let operand = instruction.op.operands().first().copied();
        let Level(from_level) = level_of(schedule, operand.or(Some(instruction.first_result)));
        let name = schedule.header.layers.get(instruction.layer.0 as usize);
        let left_bits = left_bits(schedule, instruction.first_result);
        let layer = found.entry(instruction.layer.0).or_insert(LayerCounts {
            layer: name.cloned().unwrap_or_default(),
            from_level,
            to_level,
            left_bits,
            counts: LevelCounts::default(),
        });
        layer.left_bits = left_bits;
        layer.from_level = layer.from_level.max(from_level);
        layer.to_level = layer.to_level.min(to_level);
        layer.counts = layer.counts.plus(&counts_of(&instruction.op));
    }
    found.into_values().collect()
}

/// Bits of the modulus above the scale of a value, at least 0; 0 where it does not exist.
fn left_bits(schedule: &Schedule, value: ValueId) -> f64 {
    let moduli = schedule.header.parameters.moduli();
    let bits = |ty: &Type| {
        let modulus: f64 = moduli
            .iter()
            .take(ty.level.0 as usize + 1)
            .map(|q| (*q as f64).log2())
            .sum();
        Some(modulus - ty.scale.bits(moduli)?)
    };
    let ty = schedule.types.get(value.0 as usize);
    ty.and_then(bits).unwrap_or(0.0).max(0.0)
}

/// The level of a value, 0 where it does not exist.
fn level_of(schedule: &Schedule, value: Option<ValueId>) -> Level {
    let ty = value.and_then(|v| schedule.types.get(v.0 as usize));
    ty.map_or(Level(0), |ty| ty.level)
}

/// The counts of one instruction.
pub fn counts_of(op: &Op) -> LevelCounts {
    let mut counts = LevelCounts::default();
    match op {
        Op::Linear { plan, .. } => {
            for (kind, count) in linear_costs(plan) {
                if matches!(kind, CostKind::BabyStep | CostKind::GiantStep) {
                    counts.rotations += count;
                }
            }
            let terms = plan.terms.len() as u64;
            counts.plain_products = terms;
            counts.adds = terms.saturating_sub(u64::from(plan.outputs));
        }
        Op::Rotate { .. } => counts.rotations = 1,
        Op::Add { .. } | Op::AddPlain { .. } => counts.adds = 1,
        Op::Multiply { .. } | Op::Square { .. } => counts.ciphertext_products = 1,
        Op::Relinearize { .. } => counts.relinearizations = 1,
        Op::Rescale { .. } => counts.rescales = 1,
        Op::Input { .. } | Op::LevelDrop { .. } => {}
    }
    counts
}

impl fmt::Display for OpCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let security = match self.security_bits {
            0 => "insecure".to_owned(),
            bits => format!("security {bits}"),
        };
        let relinearization = if self.relinearization_key { 1 } else { 0 };
        writeln!(
            f,
            "log_n {}, log2(QP) {:.1}, {security}, depth {}",
            self.log_n, self.log_qp_bits, self.depth
        )?;
        writeln!(
            f,
            "rotation keys {}, relinearization keys {relinearization}, ciphertexts in {}, out {}",
            self.rotation_keys, self.inputs, self.outputs
        )?;
        let heads = [
            "rotations",
            "plain_products",
            "ciphertext_products",
            "relinearizations",
            "rescales",
            "adds",
        ];
        write!(f, "level")?;
        for head in heads {
            write!(f, "  {head}")?;
        }
        let levels = self.levels.iter().rev();
        let rows = levels.map(|(level, counts)| (level.to_string(), *counts));
        for (name, counts) in rows.chain([("total".to_owned(), self.total())]) {
            write!(f, "\n{name:>5}")?;
            for (head, count) in heads.into_iter().zip(counts.columns()) {
                write!(f, "  {count:>width$}", width = head.len())?;
            }
        }
        writeln!(f)
    }
}
