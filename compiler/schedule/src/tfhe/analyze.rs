//! Noise of every value and the probability of a wrong prediction.
//!
//! Noises of fresh ciphertexts and of results of bootstraps are independent, so a linear map multiplies their variance
//! by the squared norm of a row. Results of a linear map share noise: a further map multiplies by at most fan-in ×
//! squared norm (Cauchy-Schwarz). The failures of all bootstraps and of decryption are added up (union bound).

use crate::tfhe::noise::{
    bootstrap_variance, box_margin, failure_log2, keyswitch_variance, modulus_switch_variance,
    truncation_variance,
};
use crate::tfhe::{KeyKind, Op, Schedule, Type};

/// The noise of each ciphertext of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// Variance, in turns².
    pub variance: f64,
    /// Whether the ciphertexts' noises are independent.
    pub independent: bool,
}

/// What noise does to a schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct Analysis {
    /// The noise of each value.
    pub noise: Vec<Noise>,
    /// log2 of the probability that any bootstrap or output of a prediction goes wrong, at most.
    pub failure_log2: f64,
    /// log2 of the probability that the likeliest single bootstrap or output goes wrong, at most.
    pub worst_log2: f64,
    /// The instruction with that bootstrap; none if it is an output.
    pub worst: Option<usize>,
}

/// Follows the noise through a schedule whose types and operands are in order.
pub fn analyze(schedule: &Schedule) -> Analysis {
    let mut run = Run {
        schedule,
        noise: Vec::with_capacity(schedule.instructions.len()),
        failures: Failures::default(),
        read_by: vec![None; schedule.instructions.len()],
    };
    for index in 0..schedule.instructions.len() {
        let noise = run.instruction(index);
        run.noise.push(noise);
    }
    for output in &schedule.outputs {
        let result = schedule.instructions[output.0 as usize].result;
        let rounding = truncation_variance(result.dimension(), 8 * schedule.output_bytes);
        let seen = run.noise[output.0 as usize].variance + rounding;
        let failure = failure_log2(0.5 / f64::from(result.turn), seen);
        run.failures.add(None, result.count, failure);
    }
    Analysis {
        noise: run.noise,
        failure_log2: run.failures.sum.log2(),
        worst_log2: run.failures.worst_log2,
        worst: run.failures.worst,
    }
}

struct Run<'a> {
    schedule: &'a Schedule,
    noise: Vec<Noise>,
    failures: Failures,
    /// The last instruction that read each value, to find values that one instruction reads twice.
    read_by: Vec<Option<usize>>,
}

impl Run<'_> {
    /// The noise of an instruction's result.
    fn instruction(&mut self, index: usize) -> Noise {
        let instruction = &self.schedule.instructions[index];
        let result = instruction.result;
        let set = result.set.get();
        let read = self.operands(index);
        let operand = instruction.op.operands().first();
        let operand = operand.map_or(result, |v| self.schedule.instructions[v.0 as usize].result);
        match &instruction.op {
            Op::Input => Noise {
                variance: fresh(result),
                independent: true,
            },
            Op::Linear { bounds, step, .. } => {
                let norm = bounds.norm_squared as f64 * f64::from(*step).powi(2);
                let factor = match read.independent {
                    true => norm,
                    false => norm * f64::from(bounds.fan_in),
                };
                Noise {
                    variance: read.variance * factor,
                    independent: false,
                }
            }
            Op::KeySwitch { to, .. } => Noise {
                variance: read.variance + keyswitch_variance(operand.set.get(), to.get()),
                ..read
            },
            Op::Halve { .. } => {
                let scale = f64::from(operand.turn) / 2.0;
                let seen = read.variance * scale * scale
                    + keyswitch_variance(set, set)
                    + modulus_switch_variance(set);
                let failure = failure_log2(box_margin(set, 2), seen);
                self.failures.add(Some(index), result.count, failure);
                Noise {
                    variance: read.variance + bootstrap_variance(set),
                    ..read
                }
            }
            Op::Bootstrap { .. } => {
                let seen = read.variance + modulus_switch_variance(set);
                let failure = failure_log2(box_margin(set, operand.turn), seen);
                self.failures.add(Some(index), result.count, failure);
                Noise {
                    variance: bootstrap_variance(set),
                    independent: true,
                }
            }
        }
    }

    /// The largest variance of the operands, and whether all their noises are independent.
    fn operands(&mut self, index: usize) -> Noise {
        let mut all = Noise {
            variance: 0.0,
            independent: true,
        };
        for value in self.schedule.instructions[index].op.operands() {
            let noise = self.noise[value.0 as usize];
            let twice = self.read_by[value.0 as usize].replace(index) == Some(index);
            all.variance = all.variance.max(noise.variance);
            all.independent &= noise.independent && !twice;
        }
        all
    }
}

fn fresh(t: Type) -> f64 {
    let std = match t.key {
        KeyKind::Small => t.set.get().lwe_std,
        KeyKind::Big => t.set.get().glwe_std,
    };
    std * std
}

struct Failures {
    sum: f64,
    worst_log2: f64,
    worst: Option<usize>,
}

impl Default for Failures {
    fn default() -> Self {
        Self {
            sum: 0.0,
            worst_log2: f64::NEG_INFINITY,
            worst: None,
        }
    }
}

impl Failures {
    fn add(&mut self, instruction: Option<usize>, count: u32, each_log2: f64) {
        self.sum += f64::from(count) * each_log2.exp2();
        if each_log2 > self.worst_log2 {
            self.worst_log2 = each_log2;
            self.worst = instruction;
        }
    }
}
