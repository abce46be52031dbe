//! Bytes of keys and messages, from a schedule alone.

use hemet_ckks::diagonal_bytes;
use hemet_ckks_params::Parameters;
use hemet_schedule::{Instruction, Op, Schedule, ValueId};
use serde::Serialize;

use crate::execute::input_type;

/// Sizes in bytes, without headers and padding: less than 400 bytes a file and 40 for each key, 2 % of a key in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Sizes {
    /// The evaluation key file that a client sends once: half of each key, cut to
    /// the level of its use; the other half comes from a seed.
    pub evaluation_key_bytes: u64,
    /// The evaluation keys as a server holds them in memory.
    pub evaluation_key_memory_bytes: u64,
    /// The encoded constants as a server holds them in memory.
    pub constant_memory_bytes: u64,
    /// An encrypted input as a client sends it: half of each ciphertext, the other half comes from a seed.
    pub input_ciphertext_bytes: u64,
    /// An encrypted output as a server sends it.
    pub output_ciphertext_bytes: u64,
}

/// Bytes of a residue in memory.
const WORD: u64 = 8;

impl Sizes {
    /// Of a verified schedule.
    pub fn of(schedule: &Schedule) -> Self {
        let header = &schedule.header;
        let parameters = &header.parameters;
        let slots = parameters.slots();
        let moduli = parameters.moduli();
        let keys = schedule.key_bytes();
        let inputs = header.input.ciphertexts(slots) as u64;
        let output = |v: &ValueId| {
            let ty = schedule.types.get(v.0 as usize)?;
            Some(2 * packed(parameters, moduli.get(..ty.level.limbs())?))
        };
        let input_limbs = input_type(header).level.limbs();
        let input = moduli
            .get(..input_limbs)
            .map_or(0, |m| packed(parameters, m));
        Self {
            evaluation_key_bytes: keys.sent,
            evaluation_key_memory_bytes: keys.held,
            constant_memory_bytes: constants(schedule),
            input_ciphertext_bytes: inputs * input,
            output_ciphertext_bytes: schedule.outputs.iter().filter_map(output).sum(),
        }
    }
}

/// Bytes of all encoded constants.
fn constants(schedule: &Schedule) -> u64 {
    let instructions = schedule.instructions.iter();
    instructions.map(|i| constant_bytes(schedule, i)).sum()
}

/// Bytes of the encoded constant of an instruction, 0 where it has none: diagonals are packed and take what their
/// period does, vectors are not, and those of period 1 take next to nothing.
pub fn constant_bytes(schedule: &Schedule, instruction: &Instruction) -> u64 {
    let parameters = &schedule.header.parameters;
    let bytes = || {
        let constant = instruction.op.constant()?;
        let (_, constant) = schedule.constants.entries.get(constant.0 as usize)?;
        let operand = instruction.op.operands().first().copied()?;
        let limbs = schedule.types.get(operand.0 as usize)?.level.limbs();
        if let Op::Linear { plan, .. } = &instruction.op {
            let each = diagonal_bytes(parameters, constant.period(), limbs.saturating_sub(1));
            return Some(plan.terms.len() as u64 * each as u64);
        }
        Some(match constant.period() {
            1 => limbs as u64 * WORD,
            _ => (limbs * parameters.degree()) as u64 * WORD,
        })
    };
    bytes().unwrap_or(0)
}

/// Bytes of one polynomial modulo these primes, packed: as many bits a residue as the prime has.
fn packed(parameters: &Parameters, primes: &[u64]) -> u64 {
    let bits: u64 = primes
        .iter()
        .map(|q| u64::from(u64::BITS - q.leading_zeros()))
        .sum();
    bits * parameters.degree() as u64 / 8
}
