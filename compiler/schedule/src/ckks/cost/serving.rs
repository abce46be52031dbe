//! What the memory and the warmth of a server add to the time of an answer, by a machine's times.

use super::{CostTable, MissingCost};
use crate::Serving;
use crate::ckks::{Op, Schedule};

/// Limbs that the numbers themselves count as when a diagonal is encoded: its embedding and its rounding.
pub const EMBEDDING_LIMBS: f64 = 5.5;
/// Bytes of a word.
const WORD: f64 = 8.0;

/// What is added to the answers of a schedule by the times of `table`.
///
/// # Errors
/// [`MissingCost`] where the table lacks the ring degree.
pub fn serving(schedule: &Schedule, table: &CostTable) -> Result<Serving, MissingCost> {
    let parameters = &schedule.header.parameters;
    let times = table.degree(parameters.log_n())?;
    let limb_bytes = WORD * parameters.degree() as f64;
    let keys = schedule.key_bytes().held as f64;
    Ok(Serving {
        encode_ms: encoded_limbs(schedule) * times.encode_us() / 1e3,
        first_use_ms: keys / limb_bytes * times.first_use_us() / 1e3,
    })
}

/// Limbs of all diagonals, each counted by the part of the slots that it repeats, with what encodes its numbers.
fn encoded_limbs(schedule: &Schedule) -> f64 {
    let slots = schedule.header.parameters.slots() as f64;
    let of = |op: &Op| {
        let Op::Linear {
            inputs,
            plan,
            diagonals,
            ..
        } = op
        else {
            return 0.0;
        };
        let constant = schedule.constants.get(*diagonals);
        let period = constant.map_or(0, |(_, constant)| constant.period());
        let operand = inputs
            .first()
            .and_then(|v| schedule.types.get(v.0 as usize));
        let limbs = operand.map_or(0, |ty| ty.level.limbs()) as f64;
        // The same number in all slots needs no transform.
        match period {
            0 | 1 => 0.0,
            _ => {
                plan.terms.len() as f64
                    * (limbs + EMBEDDING_LIMBS)
                    * (period as f64 / slots).min(1.0)
            }
        }
    };
    schedule.instructions.iter().map(|i| of(&i.op)).sum()
}
