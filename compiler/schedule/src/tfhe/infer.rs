//! The one rule of types: what an instruction's result is, from the types of its operands.

use crate::tfhe::{KeyKind, Op, Type};

/// The type of the result of `op` on operands of these types, given the written one (which says what an input is and
/// how many results a linear map has).
///
/// # Errors
/// Why the instruction cannot take these operands.
pub fn infer(op: &Op, operands: &[Type], written: Type) -> Result<Type, String> {
    match op {
        Op::Input => Ok(written),
        Op::Linear { step, .. } => linear(operands, *step, written),
        Op::KeySwitch { to, .. } => {
            let operand = one(operands)?;
            need(operand, KeyKind::Big)?;
            Ok(Type {
                set: *to,
                key: KeyKind::Small,
                ..operand
            })
        }
        Op::Halve { .. } => {
            let operand = one(operands)?;
            need(operand, KeyKind::Big)?;
            match operand.turn % 2 == 0 && operand.turn >= 4 {
                true => Ok(Type {
                    turn: operand.turn / 2,
                    ..operand
                }),
                false => Err(format!(
                    "a turn of {} cannot be halved; 4, 6, 8, … can",
                    operand.turn
                )),
            }
        }
        Op::Bootstrap { turn, .. } => {
            let operand = one(operands)?;
            need(operand, KeyKind::Small)?;
            match operand.turn % 2 == 0 {
                true => Ok(Type {
                    key: KeyKind::Big,
                    turn: *turn,
                    ..operand
                }),
                false => Err(format!(
                    "a bootstrap needs an even turn, its operand has {}",
                    operand.turn
                )),
            }
        }
    }
}

fn linear(operands: &[Type], step: u32, written: Type) -> Result<Type, String> {
    let first = *operands.first().ok_or("a linear map needs an operand")?;
    let differs = |t: &&Type| (t.set, t.key, t.turn) != (first.set, first.key, first.turn);
    if let Some(other) = operands.iter().find(differs) {
        return Err(format!(
            "its operands differ in key or turn: {:?} of {} with turn {} and {:?} of {} with turn {}",
            first.key, first.set, first.turn, other.key, other.set, other.turn
        ));
    }
    match step >= 1 && first.turn % step == 0 {
        true => Ok(Type {
            count: written.count,
            turn: first.turn / step,
            ..first
        }),
        false => Err(format!(
            "step {step} does not divide the turn {}",
            first.turn
        )),
    }
}

fn one(operands: &[Type]) -> Result<Type, String> {
    match operands {
        [operand] => Ok(*operand),
        _ => Err(format!("it takes one operand, {} given", operands.len())),
    }
}

fn need(operand: Type, key: KeyKind) -> Result<(), String> {
    match operand.key == key {
        true => Ok(()),
        false => Err(format!(
            "its operand is under the {:?} key, needed is the {key:?} one",
            operand.key
        )),
    }
}
