//! What each instruction means, written down slot by slot as the schedule's documentation says it, for tests: slow, and
//! sharing no code with any backend.

use hemet_schedule::{Constant, Instruction, LinearPlan, Op, Schedule, ValueId};

use crate::error::{Result, RuntimeError};

/// The output slots of a verified schedule for these input slots.
///
/// # Errors
/// [`RuntimeError::Inconsistent`] where a value or constant is missing, which the verifier excludes.
pub fn run(schedule: &Schedule, inputs: &[Vec<f64>]) -> Result<Vec<Vec<f64>>> {
    let mut values: Vec<Vec<f64>> = Vec::new();
    for instruction in &schedule.instructions {
        let results = step(schedule, instruction, &values, inputs)?;
        values.extend(results);
    }
    schedule
        .outputs
        .iter()
        .map(|v| read(&values, *v).cloned())
        .collect()
}

fn read(values: &[Vec<f64>], value: ValueId) -> Result<&Vec<f64>> {
    let found = values.get(value.0 as usize);
    found.ok_or_else(|| RuntimeError::Inconsistent(format!("{value} does not exist")))
}

/// Slot `i + k` to slot `i`, cyclically.
fn rotate(x: &[f64], k: u32) -> Vec<f64> {
    (0..x.len())
        .map(|i| x[(i + k as usize) % x.len()])
        .collect()
}

fn zip(a: &[f64], b: &[f64], f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| f(*a, *b)).collect()
}

fn step(
    schedule: &Schedule,
    instruction: &Instruction,
    values: &[Vec<f64>],
    inputs: &[Vec<f64>],
) -> Result<Vec<Vec<f64>>> {
    let slots = schedule.header.parameters.slots();
    let get = |v: &ValueId| read(values, *v);
    let vector = || -> Result<Vec<f64>> {
        let values = constant(schedule, &instruction.op)?.1;
        Ok((0..slots).map(|i| values[i % values.len()]).collect())
    };
    let one = match &instruction.op {
        Op::Input { index } => inputs
            .get(*index as usize)
            .cloned()
            .ok_or_else(|| RuntimeError::Inconsistent("an input is missing".into()))?,
        Op::Linear { inputs, plan, .. } => {
            let operands: Vec<&Vec<f64>> = inputs.iter().map(get).collect::<Result<_>>()?;
            let (period, diagonals) = constant(schedule, &instruction.op)?;
            return Ok(linear(&operands, plan, period, diagonals, slots));
        }
        Op::Rotate { x, step } => rotate(get(x)?, *step),
        Op::Add { a, b } => zip(get(a)?, get(b)?, |a, b| a + b),
        Op::AddPlain { x, .. } => zip(get(x)?, &vector()?, |a, b| a + b),
        Op::Multiply { a, b } => zip(get(a)?, get(b)?, |a, b| a * b),
        Op::Square { x } => zip(get(x)?, get(x)?, |a, b| a * b),
        Op::Relinearize { x } | Op::Rescale { x } | Op::LevelDrop { x, .. } => get(x)?.clone(),
    };
    Ok(vec![one])
}

/// Period and values of the instruction's constant; no case has one that is stored by its weights.
fn constant<'a>(schedule: &'a Schedule, op: &Op) -> Result<(usize, &'a [f64])> {
    let entry = op
        .constant()
        .and_then(|id| schedule.constants.entries.get(id.0 as usize));
    match entry {
        Some((_, Constant::Vector(values))) => Ok((values.len(), values)),
        Some((_, Constant::Diagonals { period, values })) => Ok((*period, values)),
        Some((_, Constant::Placed(_))) | None => {
            Err(RuntimeError::Inconsistent("a constant is missing".into()))
        }
    }
}

/// Output `o` is the sum over its terms of `rotate(diagonal ⊙ rotate(input, baby), giant)`.
fn linear(
    operands: &[&Vec<f64>],
    plan: &LinearPlan,
    period: usize,
    diagonals: &[f64],
    slots: usize,
) -> Vec<Vec<f64>> {
    let mut outputs = vec![vec![0.0; slots]; plan.outputs as usize];
    for (t, term) in plan.terms.iter().enumerate() {
        let diagonal: Vec<f64> = (0..slots)
            .map(|i| diagonals[t * period + i % period])
            .collect();
        let x = rotate(operands[term.input as usize], term.baby);
        let product = rotate(&zip(&diagonal, &x, |d, x| d * x), term.giant);
        let sum = zip(&outputs[term.output as usize], &product, |a, b| a + b);
        outputs[term.output as usize] = sum;
    }
    outputs
}
