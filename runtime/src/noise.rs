//! How far an output may lie from the exact one: magnitudes and errors carried through a schedule.
//!
//! A backend states what each of its operations adds ([`NoiseModel`]); [`error_bound`] adds it up by the triangle
//! inequality, so the bound is safe and, for long sums, generous (errors really add like square roots).

use hemet_ckks::noise as engine;
use hemet_ckks_params::Parameters;
use hemet_schedule::{Constant, Diagonals, Instruction, LinearPlan, Op, Scale, Schedule, ValueId};

use crate::error::{Result, RuntimeError};

/// What a backend's operations add to slots. Except for `relative`, numbers are at scale 1: the error of a slot is the
/// number divided by the scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NoiseModel {
    /// Rounding of a constant to integer coefficients.
    pub encode: f64,
    /// A fresh encryption by the client, rounding of the message included.
    pub encrypt: f64,
    /// Rounding of a rescale of a ciphertext of degree 1.
    pub rescale: f64,
    /// Rounding of a rescale of a ciphertext of degree 2.
    pub rescale_degree_2: f64,
    /// A switch of keys: rotation, relinearization, a giant step.
    pub switch: f64,
    /// Relative float64 error of an operation or an encoding.
    pub relative: f64,
}

/// How far the modulus of a slot goes beyond its root mean square: a slot of a polynomial with random coefficients is
/// a complex Gaussian, P(|x| > c·rms) = exp(−c²).
const TAIL: f64 = 6.0;
/// The same for a product of two such slots: P ≈ exp(−2c).
const TAIL_OF_PRODUCT: f64 = 18.0;
/// The same for a slot times the square of another: P ≈ exp(−1.5·(2c²)^⅓).
const TAIL_OF_PRODUCT_WITH_SQUARE: f64 = 75.0;
/// Relative error of the engine's float64 transforms, which grows with the degree: 2^-53 a butterfly level, with a
/// margin.
const TRANSFORM_ERROR: f64 = 1.0 / (1u64 << 44) as f64;

impl NoiseModel {
    /// The engine of `hemet-ckks`, seeded secret-key encryption included; each bound fails for fewer than 2^-47 of
    /// all slots.
    ///
    /// The root mean squares are the engine's own ([`hemet_ckks::noise`]). Slots multiply, so the rounding of a part
    /// that goes with the secret grows by the secret's slot, which over all slots is not always near its mean: hence
    /// the tails of products. For the same reason a rescale before the relinearization is far noisier than one after
    /// it.
    pub fn of_ckks(parameters: &Parameters) -> Self {
        let secret = (parameters.degree() as f64 * 2.0 / 3.0).sqrt();
        let rounding = engine::rounding(parameters).0;
        let rescale = TAIL_OF_PRODUCT * rounding;
        let level = parameters.max_level();
        Self {
            encode: TAIL * engine::encode(parameters).0,
            encrypt: TAIL * engine::fresh_secret(parameters).0,
            rescale,
            rescale_degree_2: rescale + TAIL_OF_PRODUCT_WITH_SQUARE * rounding * secret,
            switch: TAIL_OF_PRODUCT * engine::key_switch(parameters, level).0,
            relative: TRANSFORM_ERROR,
        }
    }

    /// No error but float64 rounding.
    pub fn exact() -> Self {
        Self {
            encode: 0.0,
            encrypt: 0.0,
            rescale: 0.0,
            rescale_degree_2: 0.0,
            switch: 0.0,
            relative: f64::EPSILON,
        }
    }
}

/// What is known of the slots of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    /// Largest absolute value of an exact slot.
    pub magnitude: f64,
    /// Largest distance of a slot from the exact one.
    pub error: f64,
}

/// The bounds of the outputs, in their order, for inputs whose slots are at most `input_magnitude` in absolute value.
///
/// # Errors
/// [`RuntimeError::Inconsistent`] where the schedule is not one that its verifier accepts.
pub fn error_bound(
    schedule: &Schedule,
    model: &NoiseModel,
    input_magnitude: f64,
) -> Result<Vec<Bound>> {
    let analysis = Analysis {
        schedule,
        model,
        input_magnitude,
    };
    let mut bounds: Vec<Option<Bound>> = vec![None; schedule.types.len()];
    for instruction in &schedule.instructions {
        for (k, bound) in analysis
            .results(instruction, &bounds)?
            .into_iter()
            .enumerate()
        {
            if let Some(place) = bounds.get_mut(instruction.first_result.0 as usize + k) {
                *place = Some(bound);
            }
        }
    }
    schedule
        .outputs
        .iter()
        .map(|v| known(&bounds, *v))
        .collect()
}

struct Analysis<'a> {
    schedule: &'a Schedule,
    model: &'a NoiseModel,
    input_magnitude: f64,
}

fn known(bounds: &[Option<Bound>], value: ValueId) -> Result<Bound> {
    let bound = bounds.get(value.0 as usize).copied().flatten();
    bound.ok_or_else(|| RuntimeError::Inconsistent(format!("{value} is read before it is made")))
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |m, v| m.max(v.abs()))
}

impl Analysis<'_> {
    fn scale_of(&self, scale: &Scale) -> Result<f64> {
        scale
            .to_f64(self.schedule.header.parameters.moduli())
            .ok_or_else(|| RuntimeError::Inconsistent(format!("scale {scale} is out of range")))
    }

    fn value_scale(&self, value: ValueId) -> Result<f64> {
        let ty = self.schedule.types.get(value.0 as usize);
        let ty = ty.ok_or_else(|| RuntimeError::Inconsistent(format!("{value} has no type")))?;
        self.scale_of(&ty.scale)
    }

    fn constant(&self, op: &Op) -> Result<&Constant> {
        op.constant()
            .and_then(|id| self.schedule.constants.entries.get(id.0 as usize))
            .map(|(_, constant)| constant)
            .ok_or_else(|| RuntimeError::Inconsistent("a constant is missing".into()))
    }

    fn vector(&self, op: &Op) -> Result<f64> {
        match self.constant(op)? {
            Constant::Vector(values) => Ok(largest(values)),
            Constant::Diagonals { .. } | Constant::Placed(_) => {
                Err(RuntimeError::Inconsistent("a vector was expected".into()))
            }
        }
    }

    fn results(&self, instruction: &Instruction, bounds: &[Option<Bound>]) -> Result<Vec<Bound>> {
        let result_scale = self.value_scale(instruction.first_result)?;
        let added = |bound: Bound, noise: f64| Bound {
            magnitude: bound.magnitude,
            error: bound.error + noise / result_scale + self.model.relative * bound.magnitude,
        };
        if let Op::Linear {
            inputs,
            plan,
            scale,
            ..
        } = &instruction.op
        {
            let inputs = inputs.iter().map(|x| known(bounds, *x));
            let inputs: Vec<Bound> = inputs.collect::<Result<_>>()?;
            let sums = self.linear(&instruction.op, &inputs, plan, scale)?;
            // Bringing a result back from the extended basis rounds like a switch.
            return Ok(sums
                .into_iter()
                .map(|b| added(b, self.model.switch))
                .collect());
        }
        let (bound, noise) = self.single(&instruction.op, bounds)?;
        Ok(vec![added(bound, noise)])
    }

    /// The bound of an instruction with one result before its own noise, and that noise at scale 1.
    fn single(&self, op: &Op, bounds: &[Option<Bound>]) -> Result<(Bound, f64)> {
        let model = self.model;
        Ok(match op {
            Op::Linear { .. } => {
                return Err(RuntimeError::Inconsistent(
                    "a map has no single result".into(),
                ));
            }
            Op::Input { .. } => {
                let fresh = Bound {
                    magnitude: self.input_magnitude,
                    error: 0.0,
                };
                (fresh, model.encrypt)
            }
            Op::Add { a, b } => {
                let (a, b) = (known(bounds, *a)?, known(bounds, *b)?);
                let sum = Bound {
                    magnitude: a.magnitude + b.magnitude,
                    error: a.error + b.error,
                };
                (sum, 0.0)
            }
            Op::AddPlain { x, .. } => {
                let x = known(bounds, *x)?;
                let magnitude = x.magnitude + self.vector(op)?;
                (Bound { magnitude, ..x }, model.encode)
            }
            Op::Multiply { a, b } => (multiply(known(bounds, *a)?, known(bounds, *b)?), 0.0),
            Op::Square { x } => (multiply(known(bounds, *x)?, known(bounds, *x)?), 0.0),
            Op::Rotate { x, .. } | Op::Relinearize { x } => (known(bounds, *x)?, model.switch),
            Op::Rescale { x } => {
                let degree = self
                    .schedule
                    .types
                    .get(x.0 as usize)
                    .map_or(1, |t| t.degree);
                let noise = match degree {
                    2 => model.rescale_degree_2,
                    _ => model.rescale,
                };
                (known(bounds, *x)?, noise)
            }
            Op::LevelDrop { x, .. } => (known(bounds, *x)?, 0.0),
        })
    }

    fn linear(
        &self,
        op: &Op,
        inputs: &[Bound],
        plan: &LinearPlan,
        scale: &Scale,
    ) -> Result<Vec<Bound>> {
        let slots = self.schedule.header.parameters.slots();
        let diagonals = Diagonals::of(self.constant(op)?, slots);
        let diagonals = diagonals
            .ok_or_else(|| RuntimeError::Inconsistent("diagonals were expected".into()))?;
        let model = self.model;
        let encoding_scale = self.scale_of(scale)?;
        let encoding = model.encode / encoding_scale;
        let operands = op.operands();
        let input_scale = operands.first().map_or(Ok(1.0), |x| self.value_scale(*x))?;
        let zero = Bound {
            magnitude: 0.0,
            error: 0.0,
        };
        let mut sums = vec![zero; plan.outputs as usize];
        let mut last_giant = None;
        for (index, term) in plan.terms.iter().enumerate() {
            let (Some(x), Some(sum)) = (
                inputs.get(term.input as usize),
                sums.get_mut(term.output as usize),
            ) else {
                return Err(RuntimeError::Inconsistent("a term names no operand".into()));
            };
            let mut x = *x;
            if term.baby != 0 {
                x.error += model.switch / input_scale;
            }
            let part = product(x, largest(&diagonals.get(index, term)), encoding);
            sum.magnitude += part.magnitude;
            sum.error += part.error + model.relative * part.magnitude;
            if term.giant != 0 && last_giant != Some((term.output, term.giant)) {
                last_giant = Some((term.output, term.giant));
                sum.error += model.switch / (input_scale * encoding_scale);
            }
        }
        Ok(sums)
    }
}

/// A product with a constant of absolute value at most `factor`, itself off by at most `encoding`.
fn product(x: Bound, factor: f64, encoding: f64) -> Bound {
    Bound {
        magnitude: x.magnitude * factor,
        error: x.error * (factor + encoding) + x.magnitude * encoding,
    }
}

fn multiply(a: Bound, b: Bound) -> Bound {
    Bound {
        magnitude: a.magnitude * b.magnitude,
        error: a.magnitude * b.error + b.magnitude * a.error + a.error * b.error,
    }
}
