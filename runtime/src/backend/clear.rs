//! Backend `clear`: float64 slots without encryption, the reference for the others.
//!
//! Scales, levels and degrees do not exist here, so rescale, relinearization and level drop change nothing. The only
//! error is float64 rounding, relative 2^-53 an operation.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hemet_schedule::{Diagonals, Level, Scale, Type};

use super::{Backend, LinearConstant};
use crate::ckks::packing::{pack, unpack};
use crate::error::{Result, RuntimeError};
use crate::execute::Program;
use crate::noise::NoiseModel;
use crate::observe::unobserved;

/// Most values of diagonals that are kept between inputs, 512 MiB: finding them takes most of the time of an input.
const MOST_KEPT: usize = 1 << 26;

/// The backend `clear`, for values of a given number of slots.
#[derive(Clone, Debug)]
pub struct ClearBackend {
    slots: usize,
    /// Values of diagonals that are kept, or were too many to be.
    kept: Arc<AtomicUsize>,
}

impl ClearBackend {
    /// A backend for vectors of `slots` numbers.
    pub fn new(slots: usize) -> Self {
        Self {
            slots,
            kept: Arc::default(),
        }
    }

    /// The map with its diagonals found, as long as there is room.
    fn found(&self, mut map: LinearConstant) -> LinearConstant {
        let (terms, period) = (&map.plan.terms, map.diagonals.period());
        let values = terms.len().saturating_mul(period);
        let before = match map.diagonals {
            Diagonals::Dense { .. } => return map,
            Diagonals::Placed(_) => self.kept.fetch_add(values, Ordering::Relaxed),
        };
        if before.saturating_add(values) > MOST_KEPT {
            return map;
        }
        let mut all = Vec::with_capacity(values);
        for (index, term) in terms.iter().enumerate() {
            all.extend_from_slice(&map.diagonals.get(index, term));
        }
        if all.len() == values {
            map.diagonals = Diagonals::Dense {
                period,
                values: all,
            };
        }
        map
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

    /// Nothing is encoded; diagonals beyond those that are kept are found each time that they are used.
    fn encode_maps(&self, maps: Vec<LinearConstant>) -> Result<Vec<LinearConstant>> {
        Ok(maps.into_iter().map(|map| self.found(map)).collect())
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
            let mut slot = 0;
            // As far as no index wraps around, in one go: a division an element would take most of the time.
            while slot < self.slots {
                let at = (slot + giant) % self.slots;
                let (value, from) = (at % period, (at + baby) % self.slots);
                let rest = (self.slots - slot).min(self.slots - at);
                let len = rest.min(self.slots - from).min(period - value);
                let products = values[value..value + len].iter().zip(&input[from..]);
                let sums = output[slot..slot + len].iter_mut();
                sums.zip(products).for_each(|(sum, (d, x))| *sum += d * x);
                slot += len;
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
