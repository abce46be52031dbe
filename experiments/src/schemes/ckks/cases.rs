//! Test cases from safetensors files: inputs, with the logits that a network should give for them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use hemet_runtime::Facts;
use hemet_schedule::Schedule;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::error::Error;

/// Inputs with their logits.
pub struct Cases {
    /// Each in channel-major order.
    pub inputs: Vec<Vec<f64>>,
    /// What the network should give for each.
    pub logits: Vec<Vec<f64>>,
    /// Whether these are the model's own outputs, after what the client does to decrypted ones.
    pub own: bool,
    /// Those with numbers outside the range that the artifact was compiled for, for which nothing is promised.
    pub outside: BTreeSet<usize>,
}

impl Cases {
    /// Greatest difference between `found` and the logits of case `index`.
    pub fn error(&self, index: usize, found: &[f64]) -> f64 {
        let pairs = self.logits[index].iter().zip(found);
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    }

    /// Largest magnitude of the logits.
    pub fn largest(&self) -> f64 {
        let all = self.logits.iter().flatten();
        all.fold(0.0, |most, x| x.abs().max(most))
    }

    /// Root mean square of the logits.
    pub fn magnitude(&self) -> f64 {
        let all = self.logits.iter().flatten();
        let (sum, count) = all.fold((0.0, 0u32), |(sum, n), x| (sum + x * x, n + 1));
        (sum / f64::from(count.max(1))).sqrt()
    }
}

/// Reads tensors `input` `[n][c][h][w]` and `logits` `[n][outputs]` (F32 or F64) and checks that they fit the schedule.
///
/// Logits are the model's own outputs, after `transform`; where they have the width of decrypted outputs only, or are
/// called `raw_logits`, they are those. Inputs that are all outside the range of `facts` are refused.
pub fn read(path: &Path, schedule: &Schedule, facts: &Facts) -> Result<Cases, Error> {
    let transform = facts.outputs.as_ref();
    let bytes = std::fs::read(path).map_err(|e| Error::file(path, e))?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|e| Error::file(path, e))?;
    let rows = |name: &str, width: usize| {
        let tensor = tensors
            .tensor(name)
            .map_err(|e| Error::file(path, format!("tensor `{name}`: {e}")))?;
        self::rows(&tensor, width)
            .map_err(|why| Error::file(path, format!("tensor `{name}` {why}")))
    };
    let inputs = rows("input", facts.elements())?;
    let decrypted = schedule.header.output.len();
    let (logits, own) = match (transform, tensors.tensor("raw_logits")) {
        (_, Ok(_)) => (rows("raw_logits", decrypted)?, false),
        (None, Err(_)) => (rows("logits", decrypted)?, false),
        (Some(transform), Err(_)) => match rows("logits", transform.len()) {
            Ok(logits) => (logits, true),
            Err(error) => (rows("logits", decrypted).map_err(|_| error)?, false),
        },
    };
    if inputs.is_empty() || inputs.len() != logits.len() {
        return Err(Error::file(
            path,
            format!(
                "{} inputs and {} rows of logits; give at least one, and equally many",
                inputs.len(),
                logits.len()
            ),
        ));
    }
    Ok(Cases {
        outside: outside(&inputs, facts).map_err(|why| Error::file(path, why))?,
        inputs,
        logits,
        own,
    })
}

/// The inputs outside the range of `facts`; why if these are all.
fn outside(inputs: &[Vec<f64>], facts: &Facts) -> Result<BTreeSet<usize>, String> {
    let Some(range) = &facts.range else {
        return Ok(BTreeSet::new());
    };
    let refusal = |(index, input): (usize, &Vec<f64>)| Some((index, range.check(input).err()?));
    let refused: BTreeMap<_, _> = inputs.iter().enumerate().filter_map(refusal).collect();
    match refused.first_key_value() {
        Some((_, first)) if refused.len() == inputs.len() => Err(format!(
            "every case is an input that the artifact was not compiled for: {first}"
        )),
        Some(_) | None => Ok(refused.into_keys().collect()),
    }
}

/// The rows of a tensor of floats, each of `width` numbers.
///
/// # Errors
/// Another type or shape, in words that follow the tensor's name.
pub fn rows(tensor: &TensorView<'_>, width: usize) -> Result<Vec<Vec<f64>>, String> {
    if !matches!(tensor.dtype(), Dtype::F32 | Dtype::F64) {
        return Err(format!("has type {:?}; give F32 or F64", tensor.dtype()));
    }
    let row: usize = tensor.shape().iter().skip(1).product();
    if row != width || width == 0 {
        return Err(format!(
            "has shape {:?}, {row} numbers a case; the network has {width}",
            tensor.shape()
        ));
    }
    let numbers = numbers(tensor)?;
    Ok(numbers.chunks_exact(width).map(<[f64]>::to_vec).collect())
}

/// All numbers of a tensor.
///
/// # Errors
/// A type that is not read, in words that follow the tensor's name.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "types of numbers that are not read are all alike, those to come too"
)]
pub fn numbers(tensor: &TensorView<'_>) -> Result<Vec<f64>, String> {
    let data = tensor.data();
    Ok(match tensor.dtype() {
        Dtype::F32 => data
            .as_chunks::<4>()
            .0
            .iter()
            .map(|b| f64::from(f32::from_le_bytes(*b)))
            .collect(),
        Dtype::F64 => data
            .as_chunks::<8>()
            .0
            .iter()
            .map(|b| f64::from_le_bytes(*b))
            .collect(),
        Dtype::U8 => data.iter().map(|b| f64::from(*b)).collect(),
        Dtype::I32 => data
            .as_chunks::<4>()
            .0
            .iter()
            .map(|b| f64::from(i32::from_le_bytes(*b)))
            .collect(),
        Dtype::I64 => data
            .as_chunks::<8>()
            .0
            .iter()
            .map(|b| i64::from_le_bytes(*b) as f64)
            .collect(),
        other => return Err(format!("has type {other:?}; give F32, F64, U8, I32 or I64")),
    })
}
