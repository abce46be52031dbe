//! The verifier's checks of each instruction.

use super::Check;
use crate::ckks::infer::result_types;
use crate::ckks::schedule::MAX_VALUES;
use crate::ckks::{Constant, ConstantId, Instruction, LinearPlan, Op, ValueId};

impl Check<'_> {
    pub(super) fn instructions(&mut self) {
        let mut made = 0u64;
        let mut inputs = 0u32;
        for (index, instruction) in self.schedule.instructions.iter().enumerate() {
            self.instruction(index, instruction, made);
            if let Op::Input { index: number } = instruction.op {
                if number != inputs {
                    self.at(
                        index,
                        format!("reads input {number}, the next one is {inputs}"),
                    );
                }
                inputs += 1;
            }
            made += u64::from(instruction.op.results());
        }
        if made > MAX_VALUES as u64 {
            self.general(format!(
                "the instructions make {made} values, at most {MAX_VALUES} are allowed"
            ));
        }
        if self.schedule.types.len() as u64 != made {
            self.general(format!(
                "the schedule has {} types, its instructions make {made} values",
                self.schedule.types.len()
            ));
        }
        self.layout("input", &self.schedule.header.input, inputs as usize);
    }

    fn instruction(&mut self, index: usize, instruction: &Instruction, made: u64) {
        let layers = self.schedule.header.layers.len();
        if instruction.layer.0 as usize >= layers {
            self.at(
                index,
                format!(
                    "belongs to layer {}, there are {layers} layers",
                    instruction.layer.0
                ),
            );
        }
        if u64::from(instruction.first_result.0) != made {
            self.at(
                index,
                format!(
                    "its first result is {}, it must be %{made}",
                    instruction.first_result
                ),
            );
        }
        self.types(index, instruction, made);
        self.steps(index, &instruction.op);
        if let Op::Linear { inputs, plan, .. } = &instruction.op {
            self.plan(index, inputs.len(), plan);
        }
        if let Some(id) = instruction.op.constant() {
            self.used_constant(index, &instruction.op, id, made);
        }
    }

    fn types(&mut self, index: usize, instruction: &Instruction, made: u64) {
        let mut operands = Vec::new();
        for value in instruction.op.operands() {
            match self.schedule.types.get(value.0 as usize) {
                Some(ty) if u64::from(value.0) < made => operands.push(ty),
                Some(_) | None => {
                    self.at(
                        index,
                        format!("reads {value}, only values below %{made} are made before"),
                    );
                    return;
                }
            }
        }
        let inferred = match result_types(&instruction.op, &operands, &self.schedule.header) {
            Ok(inferred) => inferred,
            Err(message) => return self.at(index, message),
        };
        // All results are of one type: what is wrong is told of the first and counted.
        let types = &self.schedule.types;
        let written = (made..).map(|value| types.get(value as usize));
        let mut wrong = (made..)
            .zip(written.zip(inferred))
            .filter_map(|(value, (written, ty))| {
                (written != Some(&ty)).then_some((value, written, ty))
            });
        let Some((value, written, ty)) = wrong.next() else {
            return;
        };
        let written = written.map_or("no type".into(), |ty| format!("type {ty}"));
        let more = match wrong.count() {
            0 => String::new(),
            more => format!(", and so on for {more} more"),
        };
        self.at(
            index,
            format!("%{value} has {written}, inferred is {ty}{more}"),
        );
    }

    fn steps(&mut self, index: usize, op: &Op) {
        let slots = self.slots;
        if let Op::Rotate { step, .. } = op
            && (*step == 0 || *step as usize >= slots)
        {
            self.at(
                index,
                format!("rotates by {step}, steps are 1 to {}", slots - 1),
            );
        }
        if op.facts().switches_key() && self.schedule.header.parameters.special().is_empty() {
            self.at(
                index,
                "switches keys, but the parameters have no special prime".into(),
            );
        }
    }

    fn plan(&mut self, index: usize, inputs: usize, plan: &LinearPlan) {
        if plan.outputs == 0 {
            self.at(index, "has no outputs, needs at least 1".into());
        }
        if let Some(t) = plan.terms.windows(2).position(|pair| pair[0] >= pair[1]) {
            self.at(index, format!("terms {t} and {} do not ascend", t + 1));
        }
        for (t, term) in plan.terms.iter().enumerate() {
            if term.output >= plan.outputs || term.input as usize >= inputs {
                self.at(
                    index,
                    format!(
                        "term {t} maps operand {} of {inputs} to output {} of {}",
                        term.input, term.output, plan.outputs
                    ),
                );
            }
            if term.baby as usize >= self.slots || term.giant as usize >= self.slots {
                self.at(
                    index,
                    format!(
                        "term {t} has baby step {} and giant step {}, steps are 0 to {}",
                        term.baby,
                        term.giant,
                        self.slots - 1
                    ),
                );
            }
        }
        let mut next = 0;
        for term in &plan.terms {
            if term.output > next {
                break;
            }
            next = next.max(term.output.saturating_add(1));
        }
        if next < plan.outputs {
            self.at(
                index,
                format!("output {next} of {} has no term", plan.outputs),
            );
        }
    }

    fn used_constant(&mut self, index: usize, op: &Op, id: ConstantId, made: u64) {
        let Some((name, constant)) = self.schedule.constants.get(id) else {
            let count = self.schedule.constants.len();
            return self.at(
                index,
                format!("constant {} does not exist, there are {count}", id.0),
            );
        };
        match (op, constant) {
            (Op::Linear { plan, .. }, Constant::Diagonals { period, values }) => {
                let (terms, found) = (plan.terms.len(), values.len());
                if terms.checked_mul(*period) != Some(found) {
                    self.at(
                        index,
                        format!("constant `{name}` has {found} values, {terms} terms of period {period} are needed"),
                    );
                }
            }
            (Op::Linear { inputs, plan, .. }, Constant::Placed(map)) => {
                if let Err(message) = map.suits(
                    inputs.len(),
                    plan,
                    self.constants[id.0 as usize].ciphertexts,
                ) {
                    self.at(index, format!("constant `{name}` {message}"));
                }
            }
            (Op::Linear { .. }, Constant::Vector(_)) => {
                self.at(
                    index,
                    format!("constant `{name}` is a vector, diagonals are needed"),
                );
            }
            (_, Constant::Diagonals { .. } | Constant::Placed(_)) => {
                let kind = constant.kind();
                self.at(
                    index,
                    format!("constant `{name}` is {kind}, a vector is needed"),
                );
            }
            (_, Constant::Vector(_)) => {}
        }
        self.constant_fits(index, op, id, made);
    }

    /// Whether the largest value, encoded, stays below half the modulus.
    fn constant_fits(&mut self, index: usize, op: &Op, id: ConstantId, made: u64) {
        let header = &self.schedule.header;
        let operand = op
            .operands()
            .first()
            .filter(|v| u64::from(v.0) < made)
            .copied();
        let ty = operand.and_then(|v: ValueId| self.schedule.types.get(v.0 as usize));
        let (Some(ty), Some((name, _))) = (ty, self.schedule.constants.get(id)) else {
            return; // Said already.
        };
        let scale = op.facts().constant_scale.unwrap_or(&ty.scale);
        let largest = self.constants[id.0 as usize].largest;
        let moduli = header.parameters.moduli();
        let (Some(bits), Some(held)) = (scale.bits(moduli), moduli.get(..ty.level.limbs())) else {
            return; // Said already.
        };
        let log_q: f64 = held.iter().map(|q| (*q as f64).log2()).sum();
        if largest > 0.0 && largest.log2() + bits + 1.0 > log_q {
            self.at(
                index,
                format!(
                    "the largest value {largest:e} of constant `{name}` at scale {scale} exceeds half the modulus of {} \
                     (2^{log_q:.2})",
                    ty.level
                ),
            );
        }
    }
}
