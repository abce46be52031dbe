//! Verifier: the only way from a [`Schedule`] to a [`Verified`] one. This page is the specification.
//!
//! **Order.** There are 1 to [`MAX_INSTRUCTIONS`] instructions; the first and only the first is the input; an
//! instruction reads only values made before it.
//!
//! **Types.** Counts and turns are within limits. The type written for a value equals the one that
//! [`crate::tfhe::infer`] finds.
//!
//! **Input.** The range of inputs ascends.
//!
//! **Names.** Layers and constants are named with letters, digits, `_`, `-`, `.` and `/`.
//!
//! **Constants.** Each is consistent in itself. That of an instruction exists, has the kind that the instruction needs,
//! fits its operands, and keeps the bounds and ranges that the instruction states.
//!
//! **Outputs.** There are 1 to [`MAX_PARTS`] parts; parts have as many elements each, ranges within the parts' turns
//! that add up to the range of the output, and values that cannot leave these ranges. A label is one part of one
//! element.
//!
//! **Failure.** With the noise of [`crate::tfhe::analyze`], the goal is kept: for a whole prediction, or for each
//! bootstrap and output. A prediction fails with a probability of at most 2^-40 whatever the goal. All parameter sets
//! are published ones of at least 128 bits ([`crate::tfhe::SETS`]): others cannot be written.
//!
//! Cost: linear in the size of schedule and constants.

mod constants;
mod outputs;

use crate::fault::{Fault, Faults, Found};
use crate::tfhe::constants::{name_is_valid, type_is_bounded};
use crate::tfhe::schedule::MAX_INSTRUCTIONS;
use crate::tfhe::{Analysis, FailureGoal, Op, Schedule, Type, analyze, infer};
use constants::Measures;

/// A prediction may fail with a probability of at most 2 to the minus this, whatever the goal: each failure that a
/// client shows tells the server of its key (Li and Micciancio, "On the Security of Homomorphic Encryption on
/// Approximate Numbers", Eurocrypt 2021; Cheon, Choe, Passelègue, Stehlé and Suvanto, "Attacks Against the IND-CPA-D
/// Security of Exact FHE Schemes", CCS 2024).
pub const MIN_FAILURE_BITS: u32 = 40;

/// Most parts of the outputs.
pub const MAX_PARTS: usize = 16;

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
        let measured = check.constants();
        for index in 0..schedule.instructions.len() {
            check.instruction(index, &measured);
        }
        check.outputs();
    }
    if check.found.is_empty() {
        check.failure(&analyze(&schedule));
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

    fn instruction(&mut self, index: usize, measured: &Measures<'_>) {
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
            Ok(_) => self.constant(index, &operands, measured),
        }
    }

    fn failure(&mut self, analysis: &Analysis) {
        if analysis.failure_log2 > -f64::from(MIN_FAILURE_BITS) {
            let message = format!(
                "a prediction fails with probability up to 2^{:.1}, at most 2^-{MIN_FAILURE_BITS} is allowed: wrong results \
                 tell of the key; fewer boxes a turn, a smaller norm or a larger parameter set are needed",
                analysis.failure_log2
            );
            self.add(analysis.worst, message);
        }
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
