//! Verifier: the only way from a [`Schedule`] to a [`Verified`] one. This page is the specification of a valid
//! schedule.
//!
//! **Header.** The input level lies in the chain and the input scale fits it. `log2(QP)` is within the security table
//! for the level that the parameters state (parameters stated insecure pass here; whoever runs them says so). The names
//! of layers are unique, not empty, at most 256 bytes, without white space, control characters and `#`. `depth` equals
//! the most rescales on a path to an output. `precision_bits` is at most 60.
//!
//! **Layouts** (input and output). The period is a power of two of at most 2^24; an axis has at most 32 digits, each of
//! extent at least 1, which together reach the axis length; all elements lie at distinct positions below the period.
//! The number of ciphertexts that the layout takes equals the number of input instructions, or outputs.
//!
//! **Batches.** If the input's layout is batched, so is the output's, and the other way round; nothing rotates then,
//! and every constant has period 1, so that no image meets another.
//!
//! **Order.** Instruction by instruction, results are numbered from 0 without gaps, so that each value is made once, at
//! most [`MAX_VALUES`](crate::ckks::schedule::MAX_VALUES) of them; an instruction reads only values made
//! before it. The `input` instructions have the indices 0, 1, 2, … in order. Every layer id names a layer.
//!
//! **Types.** The type written for a value equals the one that [`crate::ckks::infer`] finds from the types of the
//! operands: degrees, levels, exact scales, and that the scale fits the modulus of its level with headroom.
//!
//! **Steps.** `rotate` has a step from 1 to slots − 1. Baby and giant steps lie in 0 to slots − 1. If anything rotates
//! or relinearizes, the parameters have a special prime.
//!
//! **Linear maps.** There is at least one operand and one output; terms ascend strictly by
//! (output, giant, operand, baby), name existing operands and outputs, and every output has a term.
//!
//! **Constants.** Names are valid and unique. An instruction's constant exists and has the kind it needs: `linear`
//! diagonals or a placed map, others a vector. Periods are powers of two of at most the slots, diagonals have terms ×
//! period values. All values are finite, and the largest, encoded, stays below half the modulus at which it is used.
//! The layouts of a placed map are sound, its outputs and the ciphertexts of its operands are as many as the
//! instruction's; blocks lie in the channels and taps in the places of its tensors, none twice; there are as many
//! weights as each pattern's pairs × its weights.
//!
//! **Outputs.** There is at least one; each exists; all have one type, of degree 1.
//!
//! **Budget.** The layouts and placed maps keep the limits of [`crate::ckks::budget`] in all.
//!
//! Cost: linear in the size of schedule and constants and what they take of the budget; nothing is cloned.

mod batch;
mod instructions;

use std::collections::HashSet;

use hemet_ckks_params::{Security, max_log_qp};

use crate::ckks::budget::Budget;
use crate::ckks::constants::is_name_char;
use crate::ckks::infer::check_fit;
use crate::ckks::{Constant, Layout, Schedule, Type};
use crate::fault::{Fault, Faults, Found};
use crate::syntax::MAX_NAME_BYTES;

/// Largest promise of precision, in bits: more than a float holds is a mistake.
const MAX_PRECISION_BITS: u32 = 60;

/// A schedule that the verifier has accepted.
pub type Verified = crate::verified::Verified<Schedule>;

/// Accepts a schedule or says all that is wrong with it.
///
/// # Errors
/// All faults at once, in order of the specification above (header first, then instruction by instruction).
pub fn verify(schedule: Schedule) -> Result<Verified, Faults> {
    let slots = schedule.header.parameters.slots();
    let mut check = Check {
        schedule: &schedule,
        found: Found::default(),
        slots,
        constants: Vec::new(),
        budget: Budget::new(slots),
    };
    check.header();
    check.constants();
    check.instructions();
    check.ends();
    check.batch();
    check.found.finish()?;
    Ok(Verified::accept(schedule))
}

/// What is found of a constant once, however many instructions use it.
#[derive(Clone, Copy)]
struct Measure {
    /// Largest magnitude.
    largest: f64,
    /// Ciphertexts that it describes as operands, where it is a placed map.
    ciphertexts: usize,
}

struct Check<'a> {
    schedule: &'a Schedule,
    found: Found,
    slots: usize,
    /// What instructions ask of each constant.
    constants: Vec<Measure>,
    budget: Budget,
}

impl Check<'_> {
    fn general(&mut self, message: String) {
        self.found.general(message);
    }

    fn at(&mut self, index: usize, message: String) {
        let layer = self.schedule.instructions[index].layer.0 as usize;
        self.found.push(Fault {
            instruction: Some(index),
            layer: self.schedule.header.layers.get(layer).cloned(),
            message: format!("{}: {message}", self.schedule.instructions[index].op.name()),
        });
    }

    fn header(&mut self) {
        let header = &self.schedule.header;
        let input = Type {
            level: header.input_level,
            scale: header.input_scale.clone(),
            degree: 1,
        };
        if let Err(message) = check_fit(&input, header) {
            self.general(format!("header, input: {message}"));
        }
        let parameters = &header.parameters;
        if let Security::Level(level) = parameters.security() {
            let log_qp = parameters.log_qp_bits();
            let limit = max_log_qp(parameters.log_n(), level).unwrap_or(0);
            if log_qp.ceil() > f64::from(limit) {
                self.general(format!(
                    "header: log2(QP) is {log_qp:.1}, {}-bit security at log_n {} allows {limit}",
                    level.bits(),
                    parameters.log_n()
                ));
            }
        }
        if header.precision_bits > MAX_PRECISION_BITS {
            self.general(format!(
                "header: promises {} bits of precision, at most {MAX_PRECISION_BITS} can be",
                header.precision_bits
            ));
        }
        let depth = self.schedule.counted_depth();
        if header.depth != depth {
            self.general(format!(
                "header: depth is {}, the instructions have depth {depth}",
                header.depth
            ));
        }
        let mut seen = HashSet::new();
        for (id, name) in header.layers.iter().enumerate() {
            let bad = |c: char| c.is_whitespace() || c.is_control() || c == '#';
            if name.is_empty() || name.len() > MAX_NAME_BYTES || name.contains(bad) {
                self.general(format!(
                    "header: layer {id} is named {name:?}; a name has 1 to {MAX_NAME_BYTES} bytes and no white space, \
                     control character or `#`"
                ));
            }
            if !seen.insert(name) {
                self.general(format!("header: two layers are named `{name}`"));
            }
        }
    }

    fn constants(&mut self) {
        let mut seen = HashSet::new();
        for (name, value) in &self.schedule.constants.entries {
            if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.chars().all(is_name_char) {
                self.general(format!(
                    "constant {name:?}: a name has 1 to {MAX_NAME_BYTES} letters, digits, `_`, `-`, `.` and `/`"
                ));
            }
            if !seen.insert(name) {
                self.general(format!("two constants are named `{name}`"));
            }
            let (kind, period) = (value.kind(), value.period());
            if !period.is_power_of_two() || period > self.slots {
                self.general(format!(
                    "constant `{name}` ({kind}) has period {period}, it must be a power of two up to {} slots",
                    self.slots
                ));
            }
            let mut ciphertexts = 0;
            if let Constant::Placed(map) = value {
                if let Err(message) = map.check(self.slots, &mut self.budget) {
                    self.general(format!("constant `{name}` ({kind}): {message}"));
                }
                ciphertexts = map.ciphertexts(self.slots);
            }
            let (mut largest, mut finite) = (0.0f64, true);
            for v in value.values() {
                largest = largest.max(v.abs());
                finite &= v.is_finite();
            }
            self.constants.push(Measure {
                largest,
                ciphertexts,
            });
            if !finite {
                let odd = |v: &f64| !v.is_finite();
                let index = value.values().iter().position(odd).unwrap_or(0);
                self.general(format!(
                    "constant `{name}` ({kind}): value {index} is {}, it must be finite",
                    value.values()[index]
                ));
            }
        }
    }

    fn layout(&mut self, what: &str, layout: &Layout, ciphertexts: usize) {
        if let Err(message) = self.budget.layout(layout) {
            return self.general(format!("header, {what} layout: {message}"));
        }
        let wanted = layout.ciphertexts(self.slots);
        if wanted != ciphertexts {
            self.general(format!(
                "the {what} layout takes {wanted} ciphertexts of {} slots, the schedule has {ciphertexts} {what}s",
                self.slots
            ));
        }
    }

    fn ends(&mut self) {
        let outputs = &self.schedule.outputs;
        self.layout("output", &self.schedule.header.output, outputs.len());
        if outputs.is_empty() {
            self.general("the schedule has no outputs, needs at least 1".into());
        }
        let mut first: Option<&Type> = None;
        for (index, value) in outputs.iter().enumerate() {
            let Some(ty) = self.schedule.types.get(value.0 as usize) else {
                self.general(format!("output {index} is {value}, which does not exist"));
                continue;
            };
            if ty.degree != 1 {
                self.general(format!(
                    "output {index} ({value}) has type {ty}, needs degree 1"
                ));
            }
            let wanted = *first.get_or_insert(ty);
            if wanted != ty {
                self.general(format!(
                    "output {index} ({value}) has type {ty}, the first has {wanted}"
                ));
            }
        }
    }
}
