//! A schedule with its constants as one safetensors file: the text form in the metadata, constants as tensors.
//!
//! Metadata key `hemet-tfhe-schedule` holds the text. A constant `c` has the tensors `c:row_starts`, `c:columns` (U32),
//! `c:weights` (I32), `c:bias` (I64), or `c:values`, `c:flip` (I32) and `c:shape` (U32: half, elements a channel).

use std::collections::{BTreeSet, HashMap};

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::tfhe::{
    Constant, Constants, Error, MAX_COUNT, MapConstant, TableConstant, Verified, parse, print,
    verify,
};

const KEY: &str = "hemet-tfhe-schedule";

/// Longest file that is read: 1 GiB.
pub const MAX_FILE_BYTES: usize = 1 << 30;

/// The bytes of the file. Equal schedules give equal bytes.
///
/// # Errors
/// Only what the format cannot hold.
pub fn to_bytes(verified: &Verified) -> Result<Vec<u8>, Error> {
    let tensors: Vec<Tensor> = (verified.constants.iter())
        .flat_map(|(name, constant)| parts(name, constant))
        .collect();
    let mut views = Vec::with_capacity(tensors.len());
    for tensor in &tensors {
        let view = TensorView::new(tensor.dtype, vec![tensor.len], &tensor.bytes);
        views.push((&tensor.name, view.map_err(|e| Error::File(e.to_string()))?));
    }
    let metadata = HashMap::from([(KEY.to_owned(), print(verified.schedule()))]);
    safetensors::serialize(views, Some(metadata)).map_err(|e| Error::File(e.to_string()))
}

/// A part of a constant on its way into a file.
struct Tensor {
    name: String,
    dtype: Dtype,
    len: usize,
    bytes: Vec<u8>,
}

fn parts(name: &str, constant: &Constant) -> Vec<Tensor> {
    let part = |part: &str, dtype, len, bytes| Tensor {
        name: format!("{name}:{part}"),
        dtype,
        len,
        bytes,
    };
    let unsigned = |name, values: &[u32]| part(name, Dtype::U32, values.len(), words(values));
    let integers = |name, values: &[i32]| part(name, Dtype::I32, values.len(), signed(values));
    match constant {
        Constant::Map(map) => {
            let bias = map.bias.iter().flat_map(|v| v.to_le_bytes()).collect();
            vec![
                unsigned("row_starts", &map.row_starts),
                unsigned("columns", &map.columns),
                integers("weights", &map.weights),
                part("bias", Dtype::I64, map.bias.len(), bias),
                unsigned("inputs", &[map.inputs]),
            ]
        }
        Constant::Table(table) => vec![
            integers("values", &table.values.concat()),
            integers("flip", &table.flip),
            unsigned("shape", &[table.half, table.channel_len]),
        ],
    }
}

/// Reads and verifies the bytes of a file.
///
/// # Errors
/// Bytes that are no such file, constants of another kind, a text or a schedule that is not valid.
pub fn from_bytes(bytes: &[u8]) -> Result<Verified, Error> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(Error::File(format!(
            "{} bytes, at most {MAX_FILE_BYTES} are read",
            bytes.len()
        )));
    }
    let (_, metadata) =
        SafeTensors::read_metadata(bytes).map_err(|e| Error::File(e.to_string()))?;
    let file = SafeTensors::deserialize(bytes).map_err(|e| Error::File(e.to_string()))?;
    let text = metadata.metadata().as_ref().and_then(|m| m.get(KEY));
    let text = text.ok_or_else(|| Error::File(format!("its metadata has no `{KEY}`")))?;
    let names: BTreeSet<String> = (file.names().into_iter())
        .filter_map(|name| {
            name.rsplit_once(':')
                .map(|(constant, _)| constant.to_owned())
        })
        .collect();
    let mut constants = Constants::new();
    for name in names {
        let constant = read_constant(&file, &name)?;
        constants.insert(name, constant);
    }
    Ok(verify(parse(text, constants)?)?)
}

fn read_constant(file: &SafeTensors<'_>, name: &str) -> Result<Constant, Error> {
    let read = |part: &str, dtype: Dtype| -> Result<Vec<u8>, Error> {
        let view = file
            .tensor(&format!("{name}:{part}"))
            .map_err(|e| Error::File(e.to_string()))?;
        match view.dtype() == dtype {
            true => Ok(view.data().to_vec()),
            false => Err(Error::File(format!(
                "`{name}:{part}` has type {}, needed is {dtype}",
                view.dtype()
            ))),
        }
    };
    let unsigned = |part: &str| read(part, Dtype::U32).map(|b| to_words(&b));
    let integers = |part: &str| -> Result<Vec<i32>, Error> {
        Ok(to_words(&read(part, Dtype::I32)?)
            .into_iter()
            .map(|w| w as i32)
            .collect())
    };
    if file.tensor(&format!("{name}:shape")).is_ok() {
        let [half, channel_len] = unsigned("shape")?[..] else {
            return Err(Error::File(format!("`{name}:shape` needs two numbers")));
        };
        let (half_len, values) = (half.max(1) as usize, integers("values")?);
        // Each table takes memory of its own, so that many short ones take a multiple of the file.
        let tables = values.len().div_ceil(half_len);
        if tables > MAX_COUNT as usize {
            return Err(Error::File(format!(
                "`{name}:values` has {tables} tables, at most {MAX_COUNT} are allowed"
            )));
        }
        let values = values.chunks(half_len).map(<[i32]>::to_vec).collect();
        return Ok(Constant::Table(TableConstant {
            half,
            channel_len,
            values,
            flip: integers("flip")?,
        }));
    }
    let [inputs] = unsigned("inputs")?[..] else {
        return Err(Error::File(format!("`{name}:inputs` needs one number")));
    };
    let bias = (read("bias", Dtype::I64)?.chunks_exact(8))
        .map(|b| i64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]))
        .collect();
    Ok(Constant::Map(MapConstant {
        inputs,
        row_starts: unsigned("row_starts")?,
        columns: unsigned("columns")?,
        weights: integers("weights")?,
        bias,
    }))
}

fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn signed(values: &[i32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn to_words(bytes: &[u8]) -> Vec<u32> {
    bytes
        .chunks_exact(4)
        .map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect()
}
