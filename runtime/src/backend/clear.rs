//! Backend `clear`: float64 slots without encryption, the reference for the others.
//!
//! Scales, levels and degrees do not exist here, so rescale, relinearization and level drop change nothing. The only
//! error is float64 rounding, relative 2^-53 an operation.

use hemet_schedule::{Level, Scale, Type};

use super::{Backend, LinearConstant};
use crate::ckks::packing::{pack, unpack};
use crate::error::{Result, RuntimeError};
use crate::execute::Program;
use crate::noise::NoiseModel;
use crate::observe::unobserved;

/// The backend `clear`, for values of a given number of slots.
#[derive(Clone, Debug)]
pub struct ClearBackend {
    slots: usize,
}

impl ClearBackend {
    /// A backend for vectors of `slots` numbers.
    pub fn new(slots: usize) -> Self {
        Self { slots }
    }

    fn zip(&self, a: &[f64], b: &[f64], f: impl Fn(f64, f64) -> f64) -> Result<Vec<f64>> {
        if a.len() != b.len() {
            return Err(RuntimeError::Inconsistent(format!(
                "vectors of {} and {} slots meet",
                a.len(),
                b.len()
            )));
        }
        Ok(a.iter().zip(b).map(|(a, b)| f(*a, *b)).collect())
    }
}

impl Program<ClearBackend> {
    /// What the schedule computes from a tensor in channel-major order, without encryption: the reference for encrypted
    /// outputs, in the order of the output's shape.
    ///
    /// # Errors
    /// A tensor of another size.
    pub fn evaluate(&self, tensor: &[f64]) -> Result<Vec<f64>> {
        let slots = self.backend().slots();
        let header = &self.schedule().header;
        let repeat = |v: Vec<f64>| v.iter().copied().cycle().take(slots).collect();
        let inputs = pack(&header.input, tensor, slots)?;
        let inputs = inputs.into_iter().map(repeat).collect();
        unpack(
            &header.output,
            &self.run(&(), inputs, &mut unobserved)?,
            slots,
        )
    }
}

/// `out[i] = x[(i + step) mod len]`.
fn rotated(x: &[f64], step: u32) -> Vec<f64> {
    let mut out = x.to_vec();
    if !out.is_empty() {
        out.rotate_left(step as usize % x.len());
    }
    out
}

impl Backend for ClearBackend {
    type Ciphertext = Vec<f64>;
    type Vector = Vec<f64>;
    type Maps = Vec<LinearConstant>;
    type Pass<'a> = &'a [LinearConstant];
    type Keys = ();

    fn name(&self) -> &'static str {
        "clear"
    }

    fn slots(&self) -> usize {
        self.slots
    }

    fn noise(&self) -> NoiseModel {
        NoiseModel::exact()
    }

    fn encode_vector(&self, values: &[f64], _level: Level, _scale: &Scale) -> Result<Vec<f64>> {
        if values.is_empty() {
            return Err(RuntimeError::Inconsistent(
                "a vector constant is empty".into(),
            ));
        }
        Ok(values.iter().copied().cycle().take(self.slots).collect())
    }

    /// Nothing is encoded: diagonals are found each time that they are used.
    fn encode_maps(&self, maps: Vec<LinearConstant>) -> Result<Vec<LinearConstant>> {
        Ok(maps)
    }

    fn begin<'a>(&self, maps: &'a Vec<LinearConstant>) -> &'a [LinearConstant] {
        maps
    }

    fn is_in_order(&self, _maps: &Vec<LinearConstant>) -> bool {
        false
    }

    fn check_input(&self, index: usize, x: &Vec<f64>, _expected: &Type) -> Result<()> {
        if x.len() == self.slots {
            return Ok(());
        }
        Err(RuntimeError::Ciphertext {
            what: "the input",
            index,
            property: "slots",
            expected: self.slots.to_string(),
            got: x.len().to_string(),
            advice: "pack the input for this schedule",
        })
    }

    fn linear(
        &self,
        _keys: &(),
        inputs: &[&Vec<f64>],
        pass: &&[LinearConstant],
        map: usize,
    ) -> Result<Vec<Vec<f64>>> {
        let missing = || RuntimeError::Inconsistent("a term names no operand or result".into());
        let LinearConstant {
            plan, diagonals, ..
        } = pass.get(map).ok_or_else(missing)?;
        let mut outputs = vec![vec![0.0; self.slots]; plan.outputs as usize];
        for (index, term) in plan.terms.iter().enumerate() {
            let values = diagonals.get(index, term);
            let period = values.len();
            if period == 0 {
                return Err(missing());
            }
            let input = inputs.get(term.input as usize).ok_or_else(missing)?;
            let output = outputs.get_mut(term.output as usize).ok_or_else(missing)?;
            if input.len() != output.len() {
                return Err(missing());
            }
            // rotate(d ⊙ rotate(x, baby), giant)[i] = d[i + giant] · x[i + giant + baby], indices modulo the slots.
            let (giant, baby) = (term.giant as usize, term.baby as usize);
            if let ([one], 0, 0) = (&*values, giant, baby) {
                let products = output.iter_mut().zip(input.iter());
                products.for_each(|(sum, x)| *sum += one * x);
                continue;
            }
            for (slot, sum) in output.iter_mut().enumerate() {
                let at = (slot + giant) % self.slots;
                *sum += values[at % period] * input[(at + baby) % self.slots];
            }
        }
        Ok(outputs)
    }

    fn rotate(&self, _keys: &(), x: &Vec<f64>, step: u32) -> Result<Vec<f64>> {
        Ok(rotated(x, step))
    }

    fn add(&self, a: &Vec<f64>, b: &Vec<f64>) -> Result<Vec<f64>> {
        self.zip(a, b, |a, b| a + b)
    }

    fn add_plain(&self, x: &Vec<f64>, constant: &Vec<f64>) -> Result<Vec<f64>> {
        self.zip(x, constant, |a, b| a + b)
    }

    fn multiply(&self, a: &Vec<f64>, b: &Vec<f64>) -> Result<Vec<f64>> {
        self.zip(a, b, |a, b| a * b)
    }

    fn square(&self, x: &Vec<f64>) -> Result<Vec<f64>> {
        Ok(x.iter().map(|x| x * x).collect())
    }

    fn relinearize(&self, _keys: &(), x: &Vec<f64>) -> Result<Vec<f64>> {
        Ok(x.clone())
    }

    fn rescale(&self, x: &Vec<f64>) -> Result<Vec<f64>> {
        Ok(x.clone())
    }

    fn level_drop(&self, x: &Vec<f64>, _to: Level) -> Result<Vec<f64>> {
        Ok(x.clone())
    }
}
