//! Noise of every value and the probability of a wrong prediction.
//!
//! Noises of fresh ciphertexts and of results of bootstraps are independent, so a linear map multiplies their variance by the
//! squared norm of a row. Results of a linear map share noise: a further map multiplies by at most
//! fan-in × squared norm (Cauchy-Schwarz). The failures of all bootstraps and of decryption are added up (union bound).

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
pub fn analyse(schedule: &Schedule) -> Analysis {
    let mut failures = Failures::default();
    let mut noise: Vec<Noise> = Vec::with_capacity(schedule.instructions.len());
    for (index, instruction) in schedule.instructions.iter().enumerate() {
        let operands = instruction.op.operands();
        let variance = operands
            .iter()
            .map(|v| noise[v.0 as usize].variance)
            .fold(0.0, f64::max);
        let distinct = operands
            .iter()
            .enumerate()
            .all(|(i, v)| !operands[..i].contains(v));
        let independent = distinct && operands.iter().all(|v| noise[v.0 as usize].independent);
        let result = instruction.result;
        let set = result.set.get();
        let operand_type =
            |position: usize| schedule.instructions[operands[position].0 as usize].result;
        noise.push(match &instruction.op {
            Op::Input => Noise {
                variance: fresh(result),
                independent: true,
            },
            Op::Linear { bounds, step, .. } => {
                let norm = bounds.norm_squared as f64 * f64::from(*step).powi(2);
                let factor = if independent {
                    norm
                } else {
                    norm * f64::from(bounds.fan_in)
                };
                Noise {
                    variance: variance * factor,
                    independent: false,
                }
            }
            Op::KeySwitch { to, .. } => {
                let added = keyswitch_variance(operand_type(0).set.get(), to.get());
                Noise {
                    variance: variance + added,
                    independent,
                }
            }
            Op::Halve { .. } => {
                let scale = f64::from(operand_type(0).turn) / 2.0;
                let seen = variance * scale * scale
                    + keyswitch_variance(set, set)
                    + modulus_switch_variance(set);
                failures.add(
                    Some(index),
                    result.count,
                    failure_log2(box_margin(set, 2), seen),
                );
                Noise {
                    variance: variance + bootstrap_variance(set),
                    independent,
                }
            }
            Op::Bootstrap { .. } => {
                let seen = variance + modulus_switch_variance(set);
                let margin = box_margin(set, operand_type(0).turn);
                failures.add(Some(index), result.count, failure_log2(margin, seen));
                Noise {
                    variance: bootstrap_variance(set),
                    independent: true,
                }
            }
        });
    }
    for output in &schedule.outputs {
        let result = schedule.instructions[output.0 as usize].result;
        let rounding = truncation_variance(result.dimension(), 8 * schedule.output_bytes);
        let seen = noise[output.0 as usize].variance + rounding;
        failures.add(
            None,
            result.count,
            failure_log2(0.5 / f64::from(result.turn), seen),
        );
    }
    Analysis {
        noise,
        failure_log2: failures.sum.log2(),
        worst_log2: failures.worst_log2,
        worst: failures.worst,
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
