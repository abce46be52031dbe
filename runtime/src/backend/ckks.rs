//! Backend `ckks`: the engine of `hemet-ckks`.
//!
//! A vector constant of period 1 is encoded without a transform; diagonals are encoded for the level at which they are used.
//! The scale of a schedule's type is exact; the engine carries it as a float, equal to 2^-40.

use std::sync::Arc;

use hemet_ckks::{Ciphertext, Context, Diagonal, EvaluationKeys, LinearTerm, Plaintext};
use hemet_schedule::{Level, Scale, Type};
use rayon::prelude::*;

use super::{Backend, LinearConstant};
use crate::error::{Result, RuntimeError};
use crate::noise::NoiseModel;

/// The backend `ckks`.
#[derive(Clone)]
pub struct CkksBackend {
    context: Arc<Context>,
}

/// The diagonals of a linear map, encoded, and its plan in the engine's words.
pub struct CkksDiagonals {
    plan: hemet_ckks::LinearPlan,
    diagonals: Vec<Diagonal>,
}

impl CkksBackend {
    /// A backend for the parameters of `context`.
    pub fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// The engine.
    pub fn context(&self) -> &Arc<Context> {
        &self.context
    }

    fn scale(&self, scale: &Scale) -> Result<f64> {
        scale
            .to_f64(self.context.parameters().moduli())
            .ok_or_else(|| RuntimeError::Inconsistent(format!("scale {scale} is out of range")))
    }
}

/// Repeats `values` to fill `slots`.
fn repeated(values: &[f64], slots: usize) -> Vec<f64> {
    values.iter().copied().cycle().take(slots).collect()
}

/// Why a ciphertext does not have the type `expected`, if it does not: the property, what is needed, what there is.
pub(crate) fn type_mismatch(
    x: &Ciphertext,
    expected: &Type,
    expected_scale: f64,
) -> Option<(&'static str, String, String)> {
    let degree = usize::from(expected.degree);
    if x.degree() != degree {
        return Some(("degree", degree.to_string(), x.degree().to_string()));
    }
    let level = expected.level.0 as usize;
    if x.level() != level {
        return Some(("level", level.to_string(), x.level().to_string()));
    }
    let distance = (x.scale() / expected_scale - 1.0).abs();
    if distance.is_nan() || distance > SCALE_TOLERANCE {
        let text = |scale: f64| format!("2^{:.6}", scale.log2());
        return Some(("scale", text(expected_scale), text(x.scale())));
    }
    None
}

/// Scales that differ by less than this part are equal: the engine's own tolerance.
const SCALE_TOLERANCE: f64 = 1.0 / (1u64 << 40) as f64;

impl Backend for CkksBackend {
    type Ciphertext = Ciphertext;
    type Vector = Plaintext;
    type Diagonals = CkksDiagonals;
    type Keys = EvaluationKeys;

    fn name(&self) -> &'static str {
        "ckks"
    }

    fn slots(&self) -> usize {
        self.context.parameters().slots()
    }

    fn noise(&self) -> NoiseModel {
        NoiseModel::of_ckks(self.context.parameters())
    }

    fn encode_vector(&self, values: &[f64], level: Level, scale: &Scale) -> Result<Plaintext> {
        let (scale, level) = (self.scale(scale)?, level.0 as usize);
        match values {
            [one] => Ok(self.context.encode_constant(*one, scale, level)?),
            _ => {
                let slots = repeated(values, self.slots());
                Ok(self.context.encode(&slots, scale, level)?)
            }
        }
    }

    fn encode_diagonals(
        &self,
        map: &LinearConstant<'_>,
        level: Level,
        scale: &Scale,
    ) -> Result<CkksDiagonals> {
        let LinearConstant {
            inputs,
            plan,
            diagonals,
        } = map;
        let (scale, level) = (self.scale(scale)?, level.0 as usize);
        let diagonals = plan
            .terms
            .par_iter()
            .enumerate()
            .map(|(index, term)| {
                let slots = repeated(&diagonals.get(index, term), self.slots());
                Ok(self.context.encode_diagonal(&slots, scale, level)?)
            })
            .collect::<Result<_>>()?;
        let terms: Vec<LinearTerm> = plan
            .terms
            .iter()
            .enumerate()
            .map(|(diagonal, term)| LinearTerm {
                output: term.output as usize,
                giant: i64::from(term.giant),
                input: term.input as usize,
                baby: i64::from(term.baby),
                diagonal,
            })
            .collect();
        let plan = hemet_ckks::LinearPlan::new(*inputs, plan.outputs as usize, &terms)?;
        Ok(CkksDiagonals { plan, diagonals })
    }

    fn check_input(&self, index: usize, x: &Ciphertext, expected: &Type) -> Result<()> {
        let scale = self.scale(&expected.scale)?;
        match type_mismatch(x, expected, scale) {
            None => Ok(()),
            Some((property, expected, got)) => Err(RuntimeError::Ciphertext {
                what: "the encrypted input",
                index,
                property,
                expected,
                got,
                advice: "encrypt the image for this artifact",
            }),
        }
    }

    fn linear(
        &self,
        keys: &EvaluationKeys,
        inputs: &[&Ciphertext],
        diagonals: &CkksDiagonals,
    ) -> Result<Vec<Ciphertext>> {
        let CkksDiagonals { plan, diagonals } = diagonals;
        Ok(self.context.linear(inputs, plan, diagonals, keys)?)
    }

    fn linear_rescale(
        &self,
        keys: &EvaluationKeys,
        inputs: &[&Ciphertext],
        diagonals: &CkksDiagonals,
    ) -> Result<Vec<Ciphertext>> {
        let CkksDiagonals { plan, diagonals } = diagonals;
        Ok(self.context.linear_rescale(inputs, plan, diagonals, keys)?)
    }

    fn rotate(&self, keys: &EvaluationKeys, x: &Ciphertext, step: u32) -> Result<Ciphertext> {
        Ok(self.context.rotate(x, i64::from(step), keys)?)
    }

    fn add(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext> {
        Ok(self.context.add(a, b)?)
    }

    fn sub(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext> {
        Ok(self.context.sub(a, b)?)
    }

    fn add_plain(&self, x: &Ciphertext, constant: &Plaintext) -> Result<Ciphertext> {
        Ok(self.context.add_plain(x, constant)?)
    }

    fn mul_plain(&self, x: &Ciphertext, constant: &Plaintext) -> Result<Ciphertext> {
        Ok(self.context.mul_plain(x, constant)?)
    }

    fn multiply(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext> {
        Ok(self.context.multiply(a, b)?)
    }

    fn square(&self, x: &Ciphertext) -> Result<Ciphertext> {
        Ok(self.context.square(x)?)
    }

    fn relinearize(&self, keys: &EvaluationKeys, x: &Ciphertext) -> Result<Ciphertext> {
        Ok(self.context.relinearize(x, keys)?)
    }

    fn relinearize_rescale(&self, keys: &EvaluationKeys, x: &Ciphertext) -> Result<Ciphertext> {
        Ok(self.context.relinearize_rescale(x, keys)?)
    }

    fn rescale(&self, x: &Ciphertext) -> Result<Ciphertext> {
        Ok(self.context.rescale(x)?)
    }

    fn level_drop(&self, x: &Ciphertext, to: Level) -> Result<Ciphertext> {
        Ok(self.context.level_drop(x, to.0 as usize)?)
    }
}
