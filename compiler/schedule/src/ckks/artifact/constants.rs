//! Constants as safetensors: a vector has shape `[period]`, diagonals have shape `[terms, period]`, the weights of a
//! placed map have shape `[weights]` and lie beside a tensor of 32-bit words, named as they are with `:placement`
//! behind, which says where they belong.
//!
//! A constant whose values are all integers times one power of two ([`super::integers`]) is stored as bytes, with the
//! number of planes before its shape and the power of two in a tensor named as it is with `:step` behind; one whose
//! values are all exactly 32-bit floats is stored as such. The order of the constants' ids is the entry `order` of the
//! metadata: names, one a line.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use safetensors::{Dtype, SafeTensors, View, tensor::TensorView};

use super::integers::{self, Integers};
use crate::ckks::{Constant, Constants, PlacedMap};
use crate::container::{FileError, part_error};

/// Behind the name of a placed map's words; no constant's name has a colon.
const PLACEMENT: &str = ":placement";
/// Behind the name of the step of integers.
const STEP: &str = ":step";
/// Most values of all constants: 2 GiB once they are read.
const MAX_VALUES: usize = 1 << 28;

/// A tensor on its way into a file; its bytes are made only as they are written.
enum Stored<'a> {
    Values {
        values: &'a [f64],
        shape: Vec<usize>,
        narrow: bool,
    },
    Integers {
        values: &'a [f64],
        shape: Vec<usize>,
        integers: Integers,
    },
    Step(f64),
    Words {
        words: Vec<u32>,
        shape: [usize; 1],
    },
}

impl View for Stored<'_> {
    fn dtype(&self) -> Dtype {
        match self {
            Stored::Values { narrow: true, .. } => Dtype::F32,
            Stored::Values { narrow: false, .. } => Dtype::F64,
            Stored::Integers { .. } => Dtype::U8,
            Stored::Step(_) => Dtype::F64,
            Stored::Words { .. } => Dtype::U32,
        }
    }

    fn shape(&self) -> &[usize] {
        match self {
            Stored::Values { shape, .. } | Stored::Integers { shape, .. } => shape,
            Stored::Step(_) => &[1],
            Stored::Words { shape, .. } => shape,
        }
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned(match self {
            Stored::Values { values, narrow, .. } if *narrow => values
                .iter()
                .flat_map(|v| (*v as f32).to_le_bytes())
                .collect(),
            Stored::Values { values, .. } => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Stored::Integers {
                values, integers, ..
            } => integers.bytes(values),
            Stored::Step(step) => step.to_le_bytes().to_vec(),
            Stored::Words { words, .. } => words.iter().flat_map(|w| w.to_le_bytes()).collect(),
        })
    }

    fn data_len(&self) -> usize {
        match self {
            Stored::Values { values, narrow, .. } => values.len() * if *narrow { 4 } else { 8 },
            Stored::Integers {
                values, integers, ..
            } => values.len() * integers.planes,
            Stored::Step(_) => 8,
            Stored::Words { words, .. } => words.len() * 4,
        }
    }
}

/// The part `constants` of an artifact.
///
/// # Errors
/// Only what the format cannot hold.
pub fn to_bytes(constants: &Constants) -> Result<Vec<u8>, FileError> {
    let mut tensors = Vec::new();
    for (name, constant) in &constants.entries {
        let values = constant.values();
        let mut shape = match constant {
            Constant::Vector(_) | Constant::Placed(_) => vec![values.len()],
            Constant::Diagonals { period, values } => {
                vec![values.len() / (*period).max(1), *period]
            }
        };
        let exact = |v: &f64| f64::from(*v as f32).to_bits() == v.to_bits();
        let stored = match Integers::of(values) {
            Some(integers) => {
                tensors.push((format!("{name}{STEP}"), Stored::Step(integers.step)));
                shape.insert(0, integers.planes);
                Stored::Integers {
                    values,
                    shape,
                    integers,
                }
            }
            None => Stored::Values {
                values,
                shape,
                narrow: values.iter().all(exact),
            },
        };
        tensors.push((name.clone(), stored));
        if let Constant::Placed(map) = constant {
            let words = map.to_words();
            let shape = [words.len()];
            tensors.push((format!("{name}{PLACEMENT}"), Stored::Words { words, shape }));
        }
    }
    let names: Vec<&str> = constants
        .entries
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    let metadata = HashMap::from([("order".to_owned(), names.join("\n"))]);
    safetensors::serialize(tensors, Some(metadata))
        .map_err(|e| part_error("constants", e.to_string()))
}

/// Reads what [`to_bytes`] wrote. Names and values are not checked here, that is the verifier's.
///
/// # Errors
/// Bytes that are no such part; more than 2^28 values.
pub fn from_bytes(bytes: &[u8]) -> Result<Constants, FileError> {
    let wrong = |message: String| part_error("constants", message);
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| wrong(e.to_string()))?;
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| wrong(e.to_string()))?;
    let order = metadata
        .metadata()
        .as_ref()
        .and_then(|map| map.get("order"));
    let order = order.ok_or_else(|| wrong("the metadata has no entry `order`".into()))?;
    let names: Vec<&str> = order.lines().collect();
    let stored: HashSet<&str> = tensors.names().into_iter().collect();
    let is_beside = |name: &&&str| name.ends_with(PLACEMENT) || name.ends_with(STEP);
    let constants = stored.len() - stored.iter().filter(is_beside).count();
    if names.len() != constants {
        return Err(wrong(format!(
            "`order` names {} constants, {constants} are there",
            names.len(),
        )));
    }
    let mut seen = HashSet::new();
    let mut entries = Vec::with_capacity(names.len());
    let mut count = 0;
    for name in names {
        if !seen.insert(name) {
            return Err(wrong(format!("`order` names `{name}` twice")));
        }
        let tensor = |name: &str| {
            let found = tensors.tensor(name);
            found.map_err(|e| wrong(format!("`{name}`: {e}")))
        };
        let beside = |ending: &str| {
            let name = format!("{name}{ending}");
            let found = stored.contains(name.as_str()).then(|| tensor(&name));
            found.transpose()
        };
        let (placement, step) = (beside(PLACEMENT)?, beside(STEP)?);
        let constant = values(&tensor(name)?, step.as_ref(), &mut count)
            .and_then(|(values, shape)| constant(values, &shape, placement.as_ref()))
            .map_err(|message| wrong(format!("`{name}`: {message}")))?;
        entries.push((name.to_owned(), constant));
    }
    Ok(Constants { entries })
}

/// The values of a tensor and the shape of the constant; `count` is what the constants have so far.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "types of numbers that are not read are all alike, those to come too"
)]
fn values(
    tensor: &TensorView<'_>,
    step: Option<&TensorView<'_>>,
    count: &mut usize,
) -> Result<(Vec<f64>, Vec<usize>), String> {
    let (data, shape) = (tensor.data(), tensor.shape());
    let width = match tensor.dtype() {
        Dtype::F64 => 8,
        Dtype::F32 => 4,
        Dtype::U8 => shape.first().copied().unwrap_or(1).max(1),
        other => {
            return Err(format!(
                "holds {other:?} numbers, U8, F32 or F64 are needed"
            ));
        }
    };
    *count = count.saturating_add(data.len() / width);
    if *count > MAX_VALUES {
        return Err(format!(
            "there are {count} values with those before it, at most {MAX_VALUES} are allowed"
        ));
    }
    let values = match (tensor.dtype(), step) {
        (Dtype::U8, Some(step)) => {
            let step = match (step.dtype(), step.data().try_into()) {
                (Dtype::F64, Ok(bytes)) => f64::from_le_bytes(bytes),
                _ => {
                    let (dtype, bytes) = (step.dtype(), step.data().len());
                    return Err(format!(
                        "its step is {bytes} bytes of {dtype:?}, one F64 of 8 bytes is needed"
                    ));
                }
            };
            let (planes, shape) = shape.split_first().ok_or("has no axes, needs 2 or 3")?;
            return Ok((integers::values(data, *planes, step)?, shape.to_vec()));
        }
        (Dtype::U8, None) => return Err("holds integers and has no step".into()),
        (_, Some(_)) => return Err("holds floats and has a step".into()),
        (Dtype::F32, None) => {
            let floats = data.as_chunks::<4>().0.iter();
            integers::collected(floats.map(|c| f64::from(f32::from_le_bytes(*c))))?
        }
        (_, None) => {
            let floats = data.as_chunks::<8>().0.iter();
            integers::collected(floats.map(|c| f64::from_le_bytes(*c)))?
        }
    };
    Ok((values, shape.to_vec()))
}

fn constant(
    values: Vec<f64>,
    shape: &[usize],
    placement: Option<&TensorView<'_>>,
) -> Result<Constant, String> {
    match (shape, placement) {
        ([_], None) => Ok(Constant::Vector(values)),
        ([_], Some(placement)) => {
            if placement.dtype() != Dtype::U32 {
                let dtype = placement.dtype();
                return Err(format!(
                    "its placement holds {dtype:?} numbers, U32 are needed"
                ));
            }
            let words = placement.data().as_chunks::<4>().0.iter();
            let words: Vec<u32> = words.map(|c| u32::from_le_bytes(*c)).collect();
            Ok(Constant::Placed(Arc::new(PlacedMap::from_words(
                &words, values,
            )?)))
        }
        ([_, period], None) => Ok(Constant::Diagonals {
            period: *period,
            values,
        }),
        (shape, _) => Err(format!("has {} axes, needs 1 or 2", shape.len())),
    }
}
