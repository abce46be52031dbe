//! Verifier: the only way from a [`Schedule`] to a [`Verified`] one. This page is the specification.
//!
//! **Order.** There are 1 to [`MAX_INSTRUCTIONS`] instructions; the first and only the first is the input; an instruction
//! reads only values made before it.
//!
//! **Types.** Counts and turns are within limits. The type written for a value equals the one that [`crate::tfhe::infer`] finds.
//!
//! **Input.** The range of inputs ascends.
//!
//! **Names.** Layers and constants are named with letters, digits, `_`, `-`, `.` and `/`.
//!
//! **Constants.** Each exists, has the kind that its instruction needs, fits its operands, and keeps the bounds and ranges
//! that the instruction states.
//!
//! **Outputs.** There is at least one part; parts have as many elements each, ranges within the parts' turns that add up to
//! the range of the output, and values that cannot leave these ranges. A label is one part of one element.
//!
//! **Failure.** With the noise of [`crate::tfhe::analyse`], the goal is kept: for a whole prediction, or for each bootstrap and output.
//! All parameter sets are published ones of at least 128 bits ([`crate::tfhe::SETS`]): others cannot be written.

use crate::fault::{Fault, Faults, Found};
use crate::tfhe::constants::{name_is_valid, type_is_bounded};
use crate::tfhe::schedule::MAX_INSTRUCTIONS;
use crate::tfhe::{
    Analysis, Constant, FailureGoal, Op, OutputForm, Schedule, Type, ValueId, analyse, infer,
};

/// A schedule with its constants that the verifier has accepted.
pub type Verified = crate::verified::Verified<Schedule>;

/// Accepts a schedule or says all that is wrong with it.
///
/// # Errors
/// All faults at once, in order of the specification above; where the order of instructions is wrong, that alone.
pub fn verify(schedule: Schedule) -> Result<Verified, Faults> {
    let mut check = Check {
        found: Found::default(),
        schedule: &schedule,
    };
    check.order();
    if check.found.is_empty() {
        for index in 0..schedule.instructions.len() {
            check.instruction(index);
        }
        check.outputs();
    }
    if check.found.is_empty() {
        check.failure(&analyse(&schedule));
    }
    check.found.finish()?;
    Ok(Verified::accept(schedule))
}

struct Check<'a> {
    found: Found,
    schedule: &'a Schedule,
}

impl Check<'_> {
    fn add(&mut self, instruction: Option<usize>, message: String) {
        self.found.push(Fault {
            instruction,
            layer: instruction.map(|i| self.schedule.instructions[i].layer.clone()),
            message,
        });
    }

    /// Everything without which the other checks could not even look.
    fn order(&mut self) {
        let schedule = self.schedule;
        let count = schedule.instructions.len();
        if count == 0 || count > MAX_INSTRUCTIONS {
            self.add(
                None,
                format!("{count} instructions, 1 to {MAX_INSTRUCTIONS} are possible"),
            );
            return;
        }
        for (index, instruction) in schedule.instructions.iter().enumerate() {
            if matches!(instruction.op, Op::Input) != (index == 0) {
                self.add(
                    Some(index),
                    "the first instruction, and only it, must be the input".into(),
                );
            }
            for operand in instruction.op.operands() {
                if operand.0 as usize >= index {
                    self.add(
                        Some(index),
                        format!("it reads %{}, which is not made before it", operand.0),
                    );
                }
            }
        }
        for output in &schedule.outputs {
            if output.0 as usize >= count {
                self.add(
                    None,
                    format!(
                        "output %{} does not exist, there are {count} values",
                        output.0
                    ),
                );
            }
        }
    }

    fn instruction(&mut self, index: usize) {
        let instruction = &self.schedule.instructions[index];
        let result = instruction.result;
        let mut operands: Vec<Type> = Vec::new();
        for operand in instruction.op.operands() {
            operands.extend(self.schedule.type_of(*operand));
        }
        if !name_is_valid(&instruction.layer) {
            self.add(
                Some(index),
                format!(
                    "layer name `{}`; letters, digits and `_-./` are possible",
                    instruction.layer
                ),
            );
        }
        if !type_is_bounded(&result) {
            self.add(
                Some(index),
                format!(
                    "{} ciphertexts with turn {} are beyond the limits",
                    result.count, result.turn
                ),
            );
        }
        match infer(&instruction.op, &operands, result) {
            Err(why) => self.add(Some(index), why),
            Ok(found) if found != result => {
                self.add(
                    Some(index),
                    format!("its type is {found:?}, the schedule says {result:?}"),
                );
            }
            Ok(_) => self.constant(index, &operands),
        }
    }

    fn constant(&mut self, index: usize, operands: &[Type]) {
        let instruction = &self.schedule.instructions[index];
        let Some(name) = instruction.op.constant() else {
            return;
        };
        if !name_is_valid(name) {
            self.add(
                Some(index),
                format!("constant name `{name}`; letters, digits and `_-./` are possible"),
            );
        }
        let outcome = match (&instruction.op, self.schedule.constants.get(name)) {
            (_, None) => Err("it is missing".to_owned()),
            (Op::Linear { bounds, .. }, Some(Constant::Map(map))) => {
                let inputs = operands.iter().map(|t| u64::from(t.count)).sum();
                map.check(inputs, instruction.result.count, bounds)
            }
            (Op::Bootstrap { low, high, .. }, Some(Constant::Table(table))) => {
                table.check(&operands[0], *low, *high)
            }
            (Op::Linear { .. }, Some(Constant::Table(_))) => {
                Err("it is a table, a linear map is needed".into())
            }
            (Op::Bootstrap { .. }, Some(Constant::Map(_))) => {
                Err("it is a linear map, a table is needed".into())
            }
            (Op::Input | Op::KeySwitch { .. } | Op::Halve { .. }, Some(_)) => Ok(()),
        };
        if let Err(why) = outcome {
            self.add(Some(index), format!("constant `{name}`: {why}"));
        }
    }

    fn outputs(&mut self) {
        let schedule = self.schedule;
        let sound = self.found.is_empty();
        if schedule.input_low > schedule.input_high {
            let (low, high) = (schedule.input_low, schedule.input_high);
            let message = format!("inputs from {low} to {high}; an ascending range is needed");
            self.add(Some(0), message);
        }
        if schedule.outputs.is_empty() || schedule.outputs.len() != schedule.part_ranges.len() {
            let message = format!(
                "{} outputs and {} ranges; as many of both are needed",
                schedule.outputs.len(),
                schedule.part_ranges.len()
            );
            self.add(None, message);
            return;
        }
        if !(1..=8).contains(&schedule.output_bytes) {
            self.add(
                None,
                format!(
                    "{} bytes of each number of an output; 1 to 8 are possible",
                    schedule.output_bytes
                ),
            );
        }
        let count = schedule.type_of(schedule.outputs[0]).map_or(0, |t| t.count);
        if schedule.output_form == OutputForm::Label && (count != 1 || schedule.outputs.len() != 1)
        {
            self.add(
                None,
                format!(
                    "a label is one value, the outputs have {} part(s) of {count}",
                    schedule.outputs.len()
                ),
            );
        }
        let mut sum = (0i64, 0i64);
        for (output, (low, high)) in schedule.outputs.iter().zip(&schedule.part_ranges) {
            sum = (sum.0.saturating_add(*low), sum.1.saturating_add(*high));
            let index = Some(output.0 as usize);
            let Some(result) = schedule.type_of(*output) else {
                continue;
            };
            if result.count != count {
                self.add(
                    index,
                    format!(
                        "an output of {} elements, the first has {count}",
                        result.count
                    ),
                );
            }
            let width = i128::from(*high) - i128::from(*low) + 1;
            if width < 1 || width > i128::from(result.turn) {
                self.add(
                    index,
                    format!(
                        "an output from {low} to {high} has {width} values, its turn has {}",
                        result.turn
                    ),
                );
            }
            // Maps that do not fit their operands have no values; their faults are told already.
            if !sound {
                continue;
            }
            match value_range(schedule, *output) {
                None => self.add(
                    index,
                    "an output must be a bootstrap, or a linear map of bootstraps and inputs"
                        .into(),
                ),
                Some((a, b)) if a < *low || b > *high => {
                    self.add(
                        index,
                        format!("an output can take {a} to {b}, the schedule says {low} to {high}"),
                    );
                }
                Some(_) => {}
            }
        }
        if sum != (schedule.output_low, schedule.output_high) {
            let message = format!(
                "the parts reach {} to {}, the output {} to {}",
                sum.0, sum.1, schedule.output_low, schedule.output_high
            );
            self.add(None, message);
        }
    }

    fn failure(&mut self, analysis: &Analysis) {
        let (found, bits, of) = match self.schedule.failure {
            FailureGoal::Prediction(bits) => (analysis.failure_log2, bits, "a prediction"),
            FailureGoal::Bootstrap(bits) => (analysis.worst_log2, bits, "a bootstrap or output"),
        };
        if found > -f64::from(bits) {
            let message = format!(
                "{of} fails with probability up to 2^{found:.1}, the goal is 2^-{bits}; fewer boxes a turn, a smaller norm or \
             a larger parameter set are needed"
            );
            self.add(analysis.worst, message);
        }
    }
}

/// The values that an output can take; none where this is not followed.
fn value_range(schedule: &Schedule, value: ValueId) -> Option<(i64, i64)> {
    let instruction = schedule.instructions.get(value.0 as usize)?;
    match &instruction.op {
        Op::Input => Some((schedule.input_low, schedule.input_high)),
        Op::Bootstrap { low, high, .. } => Some((*low, *high)),
        Op::KeySwitch { .. } | Op::Halve { .. } => None,
        Op::Linear {
            operands, constant, ..
        } => {
            let Some(Constant::Map(map)) = schedule.constants.get(constant) else {
                return None;
            };
            // Where each operand's columns end, and their range: counts are the file's word and take no memory.
            let mut ends: Vec<(u64, (i64, i64))> = Vec::new();
            let mut end = 0u64;
            for operand in operands {
                if matches!(
                    schedule.instructions.get(operand.0 as usize)?.op,
                    Op::Linear { .. }
                ) {
                    return None;
                }
                let range = value_range(schedule, *operand)?;
                end += u64::from(schedule.type_of(*operand)?.count);
                ends.push((end, range));
            }
            let rows = (0..map.outputs()).map(|row| {
                let mut range = (map.bias[row], map.bias[row]);
                for (column, weight) in map.row(row) {
                    let at = ends.partition_point(|(end, _)| *end <= u64::from(column));
                    let (low, high) = ends.get(at).map_or((0, 0), |(_, range)| *range);
                    let ends = [low, high].map(|v| v.saturating_mul(i64::from(weight)));
                    range.0 = range.0.saturating_add(ends[0].min(ends[1]));
                    range.1 = range.1.saturating_add(ends[0].max(ends[1]));
                }
                range
            });
            rows.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
        }
    }
}
