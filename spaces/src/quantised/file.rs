//! An integer network as a safetensors file: structure as JSON in the metadata, integers as tensors.
//!
//! Metadata key `hemet-quantised` holds the version, the logit scale and one record a node; node `n` has the
//! tensors `n.row_starts`, `n.columns` (U32), `n.weights` (I32), `n.bias` (I64), or `n.tables`, `n.flip` (I32).

use std::collections::HashMap;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};

use super::{
    IntegerMap, Limits, Operation, QuantisedNetwork, QuantisedNode, TableLayer, ValueRange, refuse,
};
use crate::Error;

const KEY: &str = "hemet-quantised";
const VERSION: u32 = 1;
/// Most nodes that a file may have.
const MAX_NODES: usize = 4096;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    version: u32,
    logit_scale: f64,
    nodes: Vec<Record>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    name: String,
    shape: [usize; 3],
    inputs: Vec<usize>,
    operation: Kind,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Kind {
    Input(ValueRange),
    Linear {
        inputs: usize,
        limits: Limits,
    },
    Table {
        half: u32,
        shift: u32,
        channel_len: usize,
    },
    Add,
    Concat,
}

impl QuantisedNetwork {
    /// The bytes of a safetensors file. Equal networks give equal bytes.
    ///
    /// # Errors
    /// Only what the file format cannot hold.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, Error> {
        let mut tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
        let nodes = self.nodes().iter().enumerate().map(|(n, node)| Record {
            name: node.name.clone(),
            shape: node.shape,
            inputs: node.inputs.clone(),
            operation: write_operation(n, &node.operation, &mut tensors),
        });
        let header = Header {
            version: VERSION,
            logit_scale: self.logit_scale(),
            nodes: nodes.collect(),
        };
        let json = serde_json::to_string(&header).map_err(|e| file_error(e.to_string()))?;
        let mut views = Vec::with_capacity(tensors.len());
        for (name, dtype, shape, bytes) in &tensors {
            let view = TensorView::new(*dtype, shape.clone(), bytes)
                .map_err(|e| file_error(e.to_string()))?;
            views.push((name, view));
        }
        let metadata = HashMap::from([(KEY.to_owned(), json)]);
        safetensors::serialize(views, Some(metadata)).map_err(|e| file_error(e.to_string()))
    }

    /// Reads the bytes of a safetensors file and checks the network whole.
    ///
    /// # Errors
    /// Bytes that are no such file, another version, a tensor that is missing or of another kind, or a network that
    /// [`Self::new`] refuses.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self, Error> {
        let (_, metadata) =
            SafeTensors::read_metadata(bytes).map_err(|e| file_error(e.to_string()))?;
        let file = SafeTensors::deserialize(bytes).map_err(|e| file_error(e.to_string()))?;
        let json = metadata.metadata().as_ref().and_then(|m| m.get(KEY));
        let json = json.ok_or_else(|| file_error(format!("its metadata has no `{KEY}`")))?;
        let header: Header = serde_json::from_str(json).map_err(|e| file_error(e.to_string()))?;
        if header.version != VERSION {
            let why = format!("version {}, this program reads {VERSION}", header.version);
            return Err(file_error(why));
        }
        if header.nodes.len() > MAX_NODES {
            let why = format!(
                "{} nodes, at most {MAX_NODES} are possible",
                header.nodes.len()
            );
            return Err(file_error(why));
        }
        let mut nodes = Vec::with_capacity(header.nodes.len());
        for (n, record) in header.nodes.into_iter().enumerate() {
            let operation =
                read_operation(n, &record, &file).map_err(|why| refuse(&record.name, why))?;
            nodes.push(QuantisedNode {
                name: record.name,
                shape: record.shape,
                inputs: record.inputs,
                operation,
            });
        }
        Self::new(nodes, header.logit_scale)
    }
}

fn file_error(why: String) -> Error {
    Error::Weights(format!("integer network: {why}"))
}

type Tensors = Vec<(String, Dtype, Vec<usize>, Vec<u8>)>;

fn write_operation(n: usize, operation: &Operation, tensors: &mut Tensors) -> Kind {
    let mut put = |name: &str, dtype, len: usize, bytes: Vec<u8>| {
        tensors.push((format!("{n}.{name}"), dtype, vec![len], bytes));
    };
    fn i32_bytes<'a>(values: impl Iterator<Item = &'a i32>) -> Vec<u8> {
        values.flat_map(|v| v.to_le_bytes()).collect()
    }
    fn u32_bytes(values: &[u32]) -> Vec<u8> {
        values.iter().flat_map(|v| v.to_le_bytes()).collect()
    }
    match operation {
        Operation::Input(range) => Kind::Input(*range),
        Operation::Linear { map, limits } => {
            put(
                "row_starts",
                Dtype::U32,
                map.row_starts.len(),
                u32_bytes(&map.row_starts),
            );
            put(
                "columns",
                Dtype::U32,
                map.columns.len(),
                u32_bytes(&map.columns),
            );
            put(
                "weights",
                Dtype::I32,
                map.weights.len(),
                i32_bytes(map.weights.iter()),
            );
            let bias = map.bias.iter().flat_map(|v| v.to_le_bytes()).collect();
            put("bias", Dtype::I64, map.bias.len(), bias);
            Kind::Linear {
                inputs: map.inputs,
                limits: *limits,
            }
        }
        Operation::Table(table) => {
            let len = table.tables.iter().map(Vec::len).sum();
            put(
                "tables",
                Dtype::I32,
                len,
                i32_bytes(table.tables.iter().flatten()),
            );
            put(
                "flip",
                Dtype::I32,
                table.flip.len(),
                i32_bytes(table.flip.iter()),
            );
            Kind::Table {
                half: table.half,
                shift: table.shift,
                channel_len: table.channel_len,
            }
        }
        Operation::Add => Kind::Add,
        Operation::Concat => Kind::Concat,
    }
}

fn read_operation(n: usize, record: &Record, file: &SafeTensors<'_>) -> Result<Operation, String> {
    let read = |name: &str, dtype: Dtype| -> Result<Vec<u8>, String> {
        let name = format!("{n}.{name}");
        let view = file
            .tensor(&name)
            .map_err(|e| format!("tensor `{name}`: {e}"))?;
        match view.dtype() == dtype {
            true => Ok(view.data().to_vec()),
            false => Err(format!(
                "tensor `{name}` has type {}, needed is {dtype}",
                view.dtype()
            )),
        }
    };
    let words = |bytes: Vec<u8>| -> Vec<u32> {
        bytes
            .chunks_exact(4)
            .map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect()
    };
    let signed =
        |bytes: Vec<u8>| -> Vec<i32> { words(bytes).into_iter().map(|w| w as i32).collect() };
    Ok(match record.operation {
        Kind::Input(range) => Operation::Input(range),
        Kind::Add => Operation::Add,
        Kind::Concat => Operation::Concat,
        Kind::Linear { inputs, limits } => {
            let bias: Vec<i64> = (read("bias", Dtype::I64)?.chunks_exact(8))
                .map(|b| i64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]))
                .collect();
            let map = IntegerMap {
                inputs,
                outputs: bias.len(),
                row_starts: words(read("row_starts", Dtype::U32)?),
                columns: words(read("columns", Dtype::U32)?),
                weights: signed(read("weights", Dtype::I32)?),
                bias,
            };
            Operation::Linear { map, limits }
        }
        Kind::Table {
            half,
            shift,
            channel_len,
        } => {
            let values = signed(read("tables", Dtype::I32)?);
            let flip = signed(read("flip", Dtype::I32)?);
            let tables: Vec<Vec<i32>> = values
                .chunks(half.max(1) as usize)
                .map(<[i32]>::to_vec)
                .collect();
            Operation::Table(TableLayer {
                half,
                shift,
                channel_len,
                tables,
                flip,
            })
        }
    })
}
