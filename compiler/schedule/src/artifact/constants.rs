//! Constants as safetensors: a vector has shape `[period]`, diagonals have shape `[terms, period]`, the weights of a placed map have
//! shape `[weights]` and lie beside a tensor of 32-bit words, named as they are with `:placement` behind, which says where they
//! belong.
//!
//! A constant whose values are all exactly 32-bit floats is stored as such. The order of the constants' ids is the entry
//! `order` of the metadata: names, one a line.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use safetensors::{Dtype, SafeTensors, View, tensor::TensorView};

use super::part_error;
use crate::{Constant, Constants, Error, PlacedMap};

/// Behind the name of a placed map's words; no constant's name has a colon.
const PLACEMENT: &str = ":placement";

/// A tensor on its way into a file; its bytes are made only as they are written.
enum Stored<'a> {
    Values {
        values: &'a [f64],
        shape: Vec<usize>,
        narrow: bool,
    },
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
            Stored::Words { .. } => Dtype::U32,
        }
    }

    fn shape(&self) -> &[usize] {
        match self {
            Stored::Values { shape, .. } => shape,
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
            Stored::Words { words, .. } => words.iter().flat_map(|w| w.to_le_bytes()).collect(),
        })
    }

    fn data_len(&self) -> usize {
        match self {
            Stored::Values { values, narrow, .. } => values.len() * if *narrow { 4 } else { 8 },
            Stored::Words { words, .. } => words.len() * 4,
        }
    }
}

pub(super) fn to_bytes(constants: &Constants) -> Result<Vec<u8>, Error> {
    let mut tensors = Vec::new();
    for (name, constant) in &constants.entries {
        let values = constant.values();
        let shape = match constant {
            Constant::Vector(_) | Constant::Placed(_) => vec![values.len()],
            Constant::Diagonals { period, values } => {
                vec![values.len() / (*period).max(1), *period]
            }
        };
        let exact = |v: &f64| f64::from(*v as f32).to_bits() == v.to_bits();
        let narrow = values.iter().all(exact);
        let stored = Stored::Values {
            values,
            shape,
            narrow,
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
    let stored: HashSet<&str> = tensors.names().into_iter().collect();
    let constants = stored.iter().filter(|n| !n.ends_with(PLACEMENT)).count();
    if names.len() != constants {
        return Err(wrong(format!(
            "`order` names {} constants, {constants} are there",
            names.len(),
        )));
    }
    let mut seen = HashSet::new();
    let mut entries = Vec::with_capacity(names.len());
    for name in names {
        if !seen.insert(name) {
            return Err(wrong(format!("`order` names `{name}` twice")));
        }
        let tensor = |name: &str| {
            let found = tensors.tensor(name);
            found.map_err(|e| wrong(format!("`{name}`: {e}")))
        };
        let placement = format!("{name}{PLACEMENT}");
        let placement = match stored.contains(placement.as_str()) {
            true => Some(tensor(&placement)?),
            false => None,
        };
        let constant = from_tensor(&tensor(name)?, placement.as_ref())
            .map_err(|message| wrong(format!("`{name}`: {message}")))?;
        entries.push((name.to_owned(), constant));
    }
    Ok(Constants { entries })
}

fn from_tensor(
    tensor: &TensorView<'_>,
    placement: Option<&TensorView<'_>>,
) -> Result<Constant, String> {
    let data = tensor.data();
    let values: Vec<f64> = match tensor.dtype() {
        Dtype::F32 => {
            let floats = data.as_chunks::<4>().0.iter();
            floats.map(|c| f64::from(f32::from_le_bytes(*c))).collect()
        }
        Dtype::F64 => {
            let floats = data.as_chunks::<8>().0.iter();
            floats.map(|c| f64::from_le_bytes(*c)).collect()
        }
        other => return Err(format!("holds {other:?} numbers, F32 or F64 are needed")),
    };
    match (tensor.shape(), placement) {
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
