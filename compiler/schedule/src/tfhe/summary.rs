//! Op counts of a schedule: the reviewable effect of a change in the compiler.

use std::collections::BTreeMap;
use std::fmt;

use crate::tfhe::{Op, Schedule, analyze};

/// What a schedule costs, in counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Bootstraps with each set, halvings included.
    pub bootstraps: BTreeMap<String, u64>,
    /// Key switches between each pair of sets.
    pub keyswitches: BTreeMap<String, u64>,
    /// Entries of linear maps.
    pub linear_entries: u64,
    /// Bootstraps one after the other on the longest path.
    pub depth: u32,
    /// Seeded (compressed) evaluation keys.
    pub key_bytes: u64,
    /// Seeded input ciphertexts, without the seed.
    pub input_bytes: u64,
    /// Truncated output ciphertexts.
    pub output_bytes: u64,
    /// log2 of the probability that a prediction goes wrong.
    pub failure_log2: f64,
}

impl Summary {
    /// The counts of a schedule whose operands are in order.
    pub fn new(schedule: &Schedule) -> Self {
        let mut bootstraps: BTreeMap<String, u64> = BTreeMap::new();
        let mut keyswitches: BTreeMap<String, u64> = BTreeMap::new();
        let mut linear_entries = 0;
        let mut depths: Vec<u32> = Vec::new();
        for instruction in &schedule.instructions {
            let result = instruction.result;
            let count = u64::from(result.count);
            let before = instruction
                .op
                .operands()
                .iter()
                .map(|v| depths[v.0 as usize])
                .max()
                .unwrap_or(0);
            let mut boots = || *bootstraps.entry(result.set.to_string()).or_insert(0) += count;
            let after = match &instruction.op {
                Op::Input => 0,
                Op::Linear { bounds, .. } => {
                    linear_entries += bounds.entries;
                    before
                }
                Op::KeySwitch { operand, to } => {
                    let from = schedule.instructions[operand.0 as usize].result.set;
                    *keyswitches.entry(format!("{from} {to}")).or_insert(0) += count;
                    before
                }
                Op::Halve { .. } => {
                    boots();
                    *keyswitches
                        .entry(format!("{0} {0}", result.set))
                        .or_insert(0) += count;
                    before + 1
                }
                Op::Bootstrap { .. } => {
                    boots();
                    before + 1
                }
            };
            depths.push(after);
        }
        let output_words = |t: crate::tfhe::Type| u64::from(t.count) * (t.dimension() as u64 + 1);
        let outputs = schedule.outputs.iter().filter_map(|v| schedule.type_of(*v));
        Self {
            bootstraps,
            keyswitches,
            linear_entries,
            depth: depths.iter().copied().max().unwrap_or(0),
            key_bytes: key_bytes(schedule),
            input_bytes: schedule.input_type().map_or(0, |t| 8 * u64::from(t.count)),
            output_bytes: outputs.map(output_words).sum::<u64>() * u64::from(schedule.output_bytes),
            failure_log2: analyze(schedule).failure_log2,
        }
    }

    /// All bootstraps.
    pub fn total_bootstraps(&self) -> u64 {
        self.bootstraps.values().sum()
    }
}

fn key_bytes(schedule: &Schedule) -> u64 {
    let bootstrap: u64 = schedule
        .bootstrap_sets()
        .iter()
        .map(|s| s.get().bootstrap_key_bytes())
        .sum();
    let pairs = schedule.keyswitch_pairs();
    let switch: u64 = pairs
        .iter()
        .map(|(from, to)| to.get().keyswitch_key_bytes(from.get()))
        .sum();
    bootstrap + switch
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (set, count) in &self.bootstraps {
            writeln!(f, "bootstraps {set}: {count}")?;
        }
        for (pair, count) in &self.keyswitches {
            writeln!(f, "key switches {pair}: {count}")?;
        }
        writeln!(f, "linear entries: {}", self.linear_entries)?;
        writeln!(f, "bootstrap depth: {}", self.depth)?;
        writeln!(f, "keys: {} bytes", self.key_bytes)?;
        writeln!(
            f,
            "input: {} bytes, output: {} bytes",
            self.input_bytes, self.output_bytes
        )?;
        writeln!(f, "failure of a prediction: 2^{:.1}", self.failure_log2)
    }
}
