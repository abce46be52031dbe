//! Constants as safetensors: a vector has shape `[period]`, diagonals have shape `[terms, period]`.
//!
//! A constant whose values are all exactly 32-bit floats is stored as such. The order of the constants' ids is the entry
//! `order` of the metadata: names, one a line.

use std::borrow::Cow;
use std::collections::HashMap;

use safetensors::{Dtype, SafeTensors, View, tensor::TensorView};

use super::part_error;
use crate::{Constant, Constants, Error};

/// A constant on its way into a file; its bytes are made only as they are written.
struct Stored<'a> {
    values: &'a [f64],
    shape: Vec<usize>,
    narrow: bool,
}

impl View for Stored<'_> {
    fn dtype(&self) -> Dtype {
        if self.narrow { Dtype::F32 } else { Dtype::F64 }
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let values = self.values.iter();
        Cow::Owned(if self.narrow {
            values.flat_map(|v| (*v as f32).to_le_bytes()).collect()
        } else {
            values.flat_map(|v| v.to_le_bytes()).collect()
        })
    }

    fn data_len(&self) -> usize {
        self.values.len() * if self.narrow { 4 } else { 8 }
    }
}

pub(super) fn to_bytes(constants: &Constants) -> Result<Vec<u8>, Error> {
    let tensors = constants.entries.iter().map(|(name, constant)| {
        let values = constant.values();
        let shape = match constant {
            Constant::Vector(values) => vec![values.len()],
            Constant::Diagonals { period, values } => {
                vec![values.len() / (*period).max(1), *period]
            }
        };
        let exact = |v: &f64| f64::from(*v as f32).to_bits() == v.to_bits();
        let stored = Stored {
            values,
            shape,
            narrow: values.iter().all(exact),
        };
        (name, stored)
    });
    let names: Vec<&str> = constants
        .entries
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    let metadata = HashMap::from([("order".to_owned(), names.join("\n"))]);
    safetensors::serialize(tensors, Some(metadata))
        .map_err(|e| part_error("constants", e.to_string()))
}

pub(super) fn from_bytes(bytes: &[u8]) -> Result<Constants, Error> {
    let wrong = |message: String| part_error("constants", message);
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| wrong(e.to_string()))?;
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| wrong(e.to_string()))?;
    let order = metadata
        .metadata()
        .as_ref()
        .and_then(|map| map.get("order"));
    let order = order.ok_or_else(|| wrong("the metadata has no entry `order`".into()))?;
    let names: Vec<&str> = order.lines().collect();
    if names.len() != tensors.len() {
        return Err(wrong(format!(
            "`order` names {} constants, {} are there",
            names.len(),
            tensors.len()
        )));
    }
    let mut seen = std::collections::HashSet::new();
    let mut entries = Vec::with_capacity(names.len());
    for name in names {
        if !seen.insert(name) {
            return Err(wrong(format!("`order` names `{name}` twice")));
        }
        let tensor = tensors
            .tensor(name)
            .map_err(|e| wrong(format!("`{name}`: {e}")))?;
        let constant =
            from_tensor(&tensor).map_err(|message| wrong(format!("`{name}`: {message}")))?;
        entries.push((name.to_owned(), constant));
    }
    Ok(Constants { entries })
}

fn from_tensor(tensor: &TensorView<'_>) -> Result<Constant, String> {
    let data = tensor.data();
    let values: Vec<f64> = match tensor.dtype() {
        Dtype::F32 => data
            .as_chunks::<4>()
            .0
            .iter()
            .map(|c| f64::from(f32::from_le_bytes(*c)))
            .collect(),
        Dtype::F64 => data
            .as_chunks::<8>()
            .0
            .iter()
            .map(|c| f64::from_le_bytes(*c))
            .collect(),
        other => return Err(format!("holds {other:?} numbers, F32 or F64 are needed")),
    };
    match tensor.shape() {
        [_] => Ok(Constant::Vector(values)),
        [_, period] => Ok(Constant::Diagonals {
            period: *period,
            values,
        }),
        shape => Err(format!("has {} axes, needs 1 or 2", shape.len())),
    }
}
