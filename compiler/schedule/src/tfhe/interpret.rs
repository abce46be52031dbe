//! What a schedule computes, in integers: the reference that its encrypted execution must equal.

use crate::tfhe::{Constant, Error, MapConstant, Op, TableConstant, Type, Verified};

/// Runs a schedule on cleartext messages and gives the outputs (logits, or the label), parts added up.
///
/// # Errors
/// An input of another length, or outside the range.
pub fn interpret(verified: &Verified, input: &[i64]) -> Result<Vec<i64>, Error> {
    check_input(verified, input)?;
    let mut values: Vec<Vec<i64>> = Vec::with_capacity(verified.instructions.len());
    for instruction in &verified.instructions {
        let operands = instruction.op.operands();
        let of = |position: usize| values[operands[position].0 as usize].as_slice();
        let constant = instruction
            .op
            .constant()
            .and_then(|name| verified.constants.get(name));
        let turn = i64::from(instruction.result.turn);
        let raw: Vec<i64> = match (&instruction.op, constant) {
            (Op::Linear { operands, .. }, Some(Constant::Map(map))) => {
                let all: Vec<i64> = (0..operands.len())
                    .flat_map(|i| of(i).iter().copied())
                    .collect();
                apply_map(map, &all)
            }
            (Op::Bootstrap { .. }, Some(Constant::Table(table))) => apply_table(table, of(0)),
            (Op::KeySwitch { .. }, _) => of(0).to_vec(),
            (Op::Halve { .. }, _) => of(0).iter().map(|m| m >> 1).collect(),
            (Op::Input | Op::Linear { .. } | Op::Bootstrap { .. }, _) => input.to_vec(),
        };
        values.push(raw.into_iter().map(|m| m.rem_euclid(turn)).collect());
    }
    let mut outputs = vec![
        0;
        verified
            .type_of(verified.outputs[0])
            .map_or(0, |t: Type| t.count as usize)
    ];
    for (part, (low, _)) in verified.outputs.iter().zip(&verified.part_ranges) {
        let turn = verified.type_of(*part).map_or(1, |t| i64::from(t.turn));
        for (sum, message) in outputs.iter_mut().zip(&values[part.0 as usize]) {
            *sum += low + (message - low).rem_euclid(turn);
        }
    }
    Ok(outputs)
}

fn check_input(verified: &Verified, input: &[i64]) -> Result<(), Error> {
    let expected = verified.input_type().map_or(0, |t| t.count as usize);
    if input.len() != expected {
        return Err(Error::InputLength {
            expected,
            found: input.len(),
        });
    }
    let (low, high) = (verified.input_low, verified.input_high);
    match input.iter().position(|v| !(low..=high).contains(v)) {
        Some(index) => Err(Error::InputValue {
            index,
            value: input[index],
            low,
            high,
        }),
        None => Ok(()),
    }
}

fn apply_map(map: &MapConstant, input: &[i64]) -> Vec<i64> {
    (0..map.outputs())
        .map(|row| {
            let products = map
                .row(row)
                .map(|(column, weight)| input[column as usize] * i64::from(weight));
            map.bias[row] + products.sum::<i64>()
        })
        .collect()
}

fn apply_table(table: &TableConstant, input: &[i64]) -> Vec<i64> {
    let channel = |element: usize| element / table.channel_len as usize;
    input
        .iter()
        .enumerate()
        .map(|(e, m)| table.value(channel(e), *m as u32))
        .collect()
}
