//! Evaluation keys of a schedule: which there are, up to which level each is used, and how many bytes that takes.
//!
//! A key that is used at level `l` at most needs only the limbs `0..=l` and the special ones, and only the digits of
//! those limbs (Han and Ki, "Better Bootstrapping for Approximate Homomorphic Encryption", CT-RSA 2020, section 3, for
//! the key's form). A residue takes as many bits as its prime. Each digit is a pair; the uniform half of it comes from
//! a seed, so that a client sends one half and a server holds two.

use std::collections::BTreeMap;

use hemet_ckks_params::Parameters;

use crate::ckks::{Level, Op, Schedule};

/// Bytes of evaluation keys, each key cut to the level where it is used; heads of files are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct KeyBytes {
    /// What a client sends: one half.
    pub sent: u64,
    /// What a server holds: both halves.
    pub held: u64,
}

/// Bytes of one half of a switching key that serves up to `level`. A level above the chain counts as the highest.
pub fn half_key_bytes(parameters: &Parameters, level: Level) -> u64 {
    let limbs = level.limbs().min(parameters.moduli().len());
    let used = parameters.moduli().iter().take(limbs);
    let bits: u64 = used
        .chain(parameters.special())
        .map(|q| u64::from(u64::BITS - q.leading_zeros()))
        .sum();
    let digits = parameters.digit_ranges().filter(|d| d.start < limbs);
    digits.count() as u64 * bits * parameters.degree() as u64 / 8
}

impl Schedule {
    /// For each step that needs a rotation key the highest level at which it rotates: the key needs no higher limbs.
    /// An operand that does not exist counts as level 0.
    pub fn rotation_levels(&self) -> BTreeMap<u32, Level> {
        let mut levels: BTreeMap<u32, Level> = BTreeMap::new();
        let mut uses = |step: u32, level: Level| {
            let highest = levels.entry(step).or_insert(level);
            *highest = level.max(*highest);
        };
        for instruction in &self.instructions {
            let level = self.level_of(&instruction.op);
            for step in instruction.op.facts().rotations() {
                uses(step, level);
            }
        }
        levels
    }

    /// The highest level at which something is relinearized; `None` where nothing is and no key is needed.
    pub fn relinearization_level(&self) -> Option<Level> {
        let relinearizing = self.instructions.iter().map(|i| &i.op);
        let relinearizing = relinearizing.filter(|op| op.facts().relinearizes);
        relinearizing.map(|op| self.level_of(op)).max()
    }

    /// Bytes of all evaluation keys.
    pub fn key_bytes(&self) -> KeyBytes {
        let levels = self.rotation_levels().into_values();
        let half = |level| half_key_bytes(&self.header.parameters, level);
        let sent = levels.chain(self.relinearization_level()).map(half).sum();
        KeyBytes {
            sent,
            held: 2 * sent,
        }
    }

    /// The level of an instruction's operands.
    fn level_of(&self, op: &Op) -> Level {
        let operand = op.operands().first().copied();
        let ty = operand.and_then(|value| self.types.get(value.0 as usize));
        ty.map_or(Level(0), |ty| ty.level)
    }
}
