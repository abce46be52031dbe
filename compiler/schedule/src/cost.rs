//! What instructions cost: elementary costs, their counts in a schedule, and the measured table of a machine.
//!
//! An estimate is the sum over [`costs`] of count × [`CostTable::cost_us`]: one thread, no overlap. A `linear` counts as
//! double hoisting runs it (Bossuat et al., "Efficient Bootstrapping for Approximate Homomorphic Encryption with
//! Non-Sparse Keys", Eurocrypt 2021, section 5): one [`CostKind::Decompose`] for each operand that any nonzero baby step
//! reads, one [`CostKind::BabyStep`] for each pair of operand and nonzero baby step, one [`CostKind::Diagonal`] for each
//! term, one [`CostKind::GiantStep`] for each pair of output and nonzero giant step, one [`CostKind::Finish`] for each output
//! that has a nonzero giant step.
//! Limit: a rescale, sum or level drop of degree 2 counts as one of degree 1.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::{Error, LinearPlan, Op, Schedule};

/// An elementary cost of a backend, measured by `calibrate` for each ring degree, number of special primes and level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CostKind {
    /// Decomposing one operand of a linear map for hoisted rotations (inverse transforms and mod-up).
    Decompose,
    /// One further hoisted rotation by a baby step (inner product with a key).
    BabyStep,
    /// One diagonal multiplied and accumulated.
    Diagonal,
    /// One giant step: rotating a sum of products.
    GiantStep,
    /// Bringing one result of a linear map that has giant steps back from the extended basis.
    Finish,
    /// A rotation on its own.
    Rotate,
    /// Sum or difference.
    Add,
    /// Adding a constant (encoded beforehand).
    AddPlain,
    /// Multiplying by a constant (encoded beforehand).
    MulPlain,
    /// Product without relinearisation.
    Multiply,
    /// Square without relinearisation.
    Square,
    /// Relinearisation.
    Relinearize,
    /// Rescale.
    Rescale,
    /// Level drop.
    LevelDrop,
}

impl CostKind {
    /// Every kind.
    pub const ALL: [CostKind; 14] = [
        CostKind::Decompose,
        CostKind::BabyStep,
        CostKind::Diagonal,
        CostKind::GiantStep,
        CostKind::Finish,
        CostKind::Rotate,
        CostKind::Add,
        CostKind::AddPlain,
        CostKind::MulPlain,
        CostKind::Multiply,
        CostKind::Square,
        CostKind::Relinearize,
        CostKind::Rescale,
        CostKind::LevelDrop,
    ];

    /// The word for it in files.
    pub fn name(self) -> &'static str {
        match self {
            CostKind::Decompose => "decompose",
            CostKind::BabyStep => "baby_step",
            CostKind::Diagonal => "diagonal",
            CostKind::GiantStep => "giant_step",
            CostKind::Finish => "finish",
            CostKind::Rotate => "rotate",
            CostKind::Add => "add",
            CostKind::AddPlain => "add_plain",
            CostKind::MulPlain => "mul_plain",
            CostKind::Multiply => "multiply",
            CostKind::Square => "square",
            CostKind::Relinearize => "relinearize",
            CostKind::Rescale => "rescale",
            CostKind::LevelDrop => "level_drop",
        }
    }

    /// The kind of a word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One measured cost.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostEntry {
    /// log2 of the ring degree.
    pub log_n: u32,
    /// Number of special primes.
    pub special: u32,
    /// Number of primes that the operand is held modulo (level + 1).
    pub limbs: u32,
    /// Median time of one, in microseconds.
    pub us: f64,
}

/// The measured costs of one machine and backend, one thread.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostTable {
    /// Processor model, as the machine names it.
    pub machine: String,
    /// Name of the backend, `ckks`.
    pub backend: String,
    /// Measurements by the name of their [`CostKind`].
    pub entries: BTreeMap<String, Vec<CostEntry>>,
}

/// A table has no measurement for what is asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the cost table of `{machine}` has {found} for `{}` at log_n {log_n}, {special} special primes and {limbs} limbs; \
     calibrate with these parameters", kind.name()
)]
pub struct MissingCost {
    /// What is to be costed.
    pub kind: CostKind,
    /// log2 of the ring degree.
    pub log_n: u32,
    /// Number of special primes.
    pub special: u32,
    /// Number of limbs.
    pub limbs: u32,
    /// The table's machine.
    pub machine: String,
    /// What there is instead.
    pub found: String,
}

/// The predicted time of one evaluation of a schedule, on one thread.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Estimate {
    /// All of it, in milliseconds.
    pub total_ms: f64,
    /// Layer by layer, in the order of the header, in milliseconds.
    pub per_layer_ms: Vec<(String, f64)>,
}

impl CostTable {
    /// Reads a table.
    ///
    /// # Errors
    /// [`Error::CostTable`] with line and column where it is not a table's JSON, or with the entry that is wrong: an
    /// unknown kind, a time that is negative or not finite, no limbs, or the same measurement twice.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        let wrong = |message: String| Error::CostTable { message };
        let table: Self = serde_json::from_str(json).map_err(|e| wrong(e.to_string()))?;
        for (name, entries) in &table.entries {
            if CostKind::from_name(name).is_none() {
                let known: Vec<_> = CostKind::ALL.iter().map(|kind| kind.name()).collect();
                return Err(wrong(format!(
                    "unknown kind `{name}`; kinds are {}",
                    known.join(", ")
                )));
            }
            let mut seen = HashSet::new();
            for entry in entries {
                let CostEntry {
                    log_n,
                    special,
                    limbs,
                    us,
                } = *entry;
                let place = format!("`{name}` at log_n {log_n}, special {special}, limbs {limbs}");
                if !us.is_finite() || us < 0.0 || limbs == 0 {
                    return Err(wrong(format!(
                        "{place}: {us} µs; times are at least 0, limbs at least 1"
                    )));
                }
                if !seen.insert((log_n, special, limbs)) {
                    return Err(wrong(format!("{place} stands twice")));
                }
            }
        }
        Ok(table)
    }

    /// The table as JSON, one that [`CostTable::from_json`] reads.
    pub fn to_json(&self) -> String {
        let mut json = serde_json::to_string_pretty(self).unwrap_or_default();
        json.push('\n');
        json
    }

    /// The time of one, in microseconds: linear between the measured numbers of limbs, and beyond them along the nearest
    /// two (not below 0).
    ///
    /// # Errors
    /// [`MissingCost`] where nothing is measured for this degree and number of special primes, or one number of limbs
    /// that is not the one asked for.
    pub fn cost_us(
        &self,
        kind: CostKind,
        log_n: u32,
        special: u32,
        limbs: u32,
    ) -> Result<f64, MissingCost> {
        let mut points: Vec<(u32, f64)> = self
            .entries
            .get(kind.name())
            .into_iter()
            .flatten()
            .filter(|entry| entry.log_n == log_n && entry.special == special)
            .map(|entry| (entry.limbs, entry.us))
            .collect();
        points.sort_by_key(|point| point.0);
        points.dedup_by_key(|point| point.0);
        if let Some((_, us)) = points.iter().find(|point| point.0 == limbs) {
            return Ok(*us);
        }
        let upper = points
            .partition_point(|point| point.0 < limbs)
            .clamp(1, points.len().saturating_sub(1).max(1));
        match (points.get(upper - 1), points.get(upper)) {
            (Some(&(l0, t0)), Some(&(l1, t1))) => {
                let slope = (t1 - t0) / (f64::from(l1) - f64::from(l0));
                Ok((t0 + slope * (f64::from(limbs) - f64::from(l0))).max(0.0))
            }
            (_, None) | (None, _) => Err(MissingCost {
                kind,
                log_n,
                special,
                limbs,
                machine: self.machine.clone(),
                found: match points.first() {
                    Some((only, _)) => format!("only a time at {only} limbs"),
                    None => "no time".into(),
                },
            }),
        }
    }
}

/// The elementary costs of a schedule: `(index of the instruction, kind, limbs of its operands, how many)`.
///
/// Works on unverified schedules too; an instruction whose operands do not exist counts with 0 limbs.
pub fn costs(schedule: &Schedule) -> Vec<(usize, CostKind, u32, u64)> {
    let mut costs = Vec::new();
    for (index, instruction) in schedule.instructions.iter().enumerate() {
        let op = &instruction.op;
        let operand = op.operands().first().copied();
        let ty = operand.and_then(|v| schedule.types.get(v.0 as usize));
        let limbs = ty.map_or(0, |ty| ty.level.0.saturating_add(1));
        let kind = match op {
            Op::Input { .. } => continue,
            Op::Linear { plan, .. } => {
                let counts = linear_costs(plan);
                costs.extend(
                    counts
                        .into_iter()
                        .map(|(kind, count)| (index, kind, limbs, count)),
                );
                continue;
            }
            Op::Rotate { .. } => CostKind::Rotate,
            Op::Add { .. } | Op::Sub { .. } => CostKind::Add,
            Op::AddPlain { .. } => CostKind::AddPlain,
            Op::MulPlain { .. } => CostKind::MulPlain,
            Op::Multiply { .. } => CostKind::Multiply,
            Op::Square { .. } => CostKind::Square,
            Op::Relinearize { .. } => CostKind::Relinearize,
            Op::Rescale { .. } => CostKind::Rescale,
            Op::LevelDrop { .. } => CostKind::LevelDrop,
        };
        costs.push((index, kind, limbs, 1));
    }
    costs
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
/// [`MissingCost`] for the first cost that the table has no measurement for.
pub fn estimate_ms(schedule: &Schedule, table: &CostTable) -> Result<Estimate, MissingCost> {
    let header = &schedule.header;
    let (log_n, special) = (
        header.parameters.log_n(),
        header.parameters.special().len() as u32,
    );
    let mut known: HashMap<(CostKind, u32), f64> = HashMap::new();
    let mut total_us = 0.0;
    let mut per_layer_us = vec![0.0; header.layers.len()];
    for (index, kind, limbs, count) in costs(schedule) {
        let us = match known.get(&(kind, limbs)) {
            Some(us) => *us,
            None => {
                let us = table.cost_us(kind, log_n, special, limbs)?;
                known.insert((kind, limbs), us);
                us
            }
        } * count as f64;
        total_us += us;
        let layer = schedule.instructions[index].layer.0 as usize;
        if let Some(sum) = per_layer_us.get_mut(layer) {
            *sum += us;
        }
    }
    let layers = header.layers.iter().cloned();
    Ok(Estimate {
        total_ms: total_us / 1e3,
        per_layer_ms: layers.zip(per_layer_us.iter().map(|us| us / 1e3)).collect(),
    })
}
