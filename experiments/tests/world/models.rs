//! ONNX models and their data, made here: a small network of two dense layers.

use std::collections::HashMap;

use hemet_onnx::proto::*;
use prost::Message;
use safetensors::tensor::{Dtype, TensorView};

/// Numbers within ±1 without a pattern.
pub fn numbers(count: usize) -> Vec<f32> {
    let number = |i: usize| ((i * 7919 + 13) % 201) as f32 / 100.0 - 1.0;
    (0..count).map(number).collect()
}

fn value(name: &str, dims: &[i64]) -> ValueInfoProto {
    let dim = |n: &i64| DimensionProto {
        dim_value: Some(*n),
        dim_param: None,
    };
    ValueInfoProto {
        name: Some(name.into()),
        r#type: Some(TypeProto {
            tensor_type: Some(TensorTypeProto {
                elem_type: Some(data_type::FLOAT),
                shape: Some(TensorShapeProto {
                    dim: dims.iter().map(dim).collect(),
                }),
            }),
        }),
    }
}

/// What stands between the two layers.
#[derive(Clone, Copy, PartialEq)]
pub enum Inside {
    /// As exporters write it.
    Silu,
    Square,
}

/// 12 inputs, a dense layer of 8, an activation, a dense layer of 3.
pub fn network(inside: Inside) -> Vec<u8> {
    network_ending(inside, &[])
}

/// The same trained anew: the outputs are in another order, so that all sizes are those of the network before.
pub fn retrained(inside: Inside) -> Vec<u8> {
    let turned = |count| {
        let rows = numbers(count);
        match count {
            24 => rows
                .chunks(3)
                .flat_map(|row| row.iter().rev().copied())
                .collect(),
            _ => rows,
        }
    };
    model(inside, &[], &turned)
}

/// The same with these operators of one input behind it, which make `end`.
pub fn network_ending(inside: Inside, end: &[&str]) -> Vec<u8> {
    model(inside, end, &numbers)
}

fn model(inside: Inside, end: &[&str], weights: &dyn Fn(usize) -> Vec<f32>) -> Vec<u8> {
    let tensor = |name: &str, dims: [i64; 2]| TensorProto {
        name: Some(name.into()),
        dims: dims.to_vec(),
        data_type: Some(data_type::FLOAT),
        float_data: weights((dims[0] * dims[1]) as usize),
        ..Default::default()
    };
    let node = |operator: &str, inputs: [&str; 2], output: &str| NodeProto {
        name: Some(format!("node_{output}")),
        op_type: Some(operator.into()),
        input: inputs
            .iter()
            .filter(|i| !i.is_empty())
            .map(|i| i.to_string())
            .collect(),
        output: vec![output.into()],
        ..Default::default()
    };
    let mut nodes = vec![node("MatMul", ["x", "w1"], "h")];
    match inside {
        Inside::Silu => {
            nodes.push(node("Sigmoid", ["h", ""], "s"));
            nodes.push(node("Mul", ["h", "s"], "a"));
        }
        Inside::Square => nodes.push(node("Mul", ["h", "h"], "a")),
    }
    nodes.push(node("MatMul", ["a", "w2"], "y"));
    let mut last = "y".to_owned();
    for (number, operator) in end.iter().enumerate() {
        let output = match number + 1 == end.len() {
            true => "end".to_owned(),
            false => format!("end{number}"),
        };
        nodes.push(node(operator, [&last, ""], &output));
        last = output;
    }
    ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto {
            domain: None,
            version: Some(17),
        }],
        graph: Some(GraphProto {
            node: nodes,
            initializer: vec![tensor("w1", [12, 8]), tensor("w2", [8, 3])],
            input: vec![value("x", &[1, 12])],
            output: vec![value(&last, &[1, 3])],
        }),
    }
    .encode_to_vec()
}

/// Inputs for the network, with labels.
pub fn calibration() -> Vec<u8> {
    let inputs: Vec<u8> = numbers(200 * 12)
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    let labels: Vec<u8> = (0..200u8).map(|i| i % 3).collect();
    let tensors = HashMap::from([
        (
            "input",
            TensorView::new(Dtype::F32, vec![200, 12], &inputs).unwrap(),
        ),
        (
            "labels",
            TensorView::new(Dtype::U8, vec![200], &labels).unwrap(),
        ),
    ]);
    safetensors::serialize(tensors, None).unwrap()
}

/// Inputs of the network with a square inside, and its outputs in double precision.
pub fn cases() -> Vec<u8> {
    cases_ending(&|logits| logits.to_vec())
}

/// As [`cases`], with a number added to every output.
pub fn shifted_cases(shift: f32) -> Vec<u8> {
    cases_ending(&|logits| logits.iter().map(|x| x + shift).collect())
}

/// As [`cases`], with the first `large` of the four inputs multiplied by 3.
pub fn large_cases(large: usize) -> Vec<u8> {
    let mut inputs = numbers(4 * 12);
    inputs[..large * 12].iter_mut().for_each(|x| *x *= 3.0);
    cases_of(&inputs, &|logits| logits.to_vec())
}

/// The same where an end makes `own` of the three outputs.
pub fn cases_ending(own: &dyn Fn(&[f32]) -> Vec<f32>) -> Vec<u8> {
    cases_of(&numbers(4 * 12), own)
}

fn cases_of(inputs: &[f32], own: &dyn Fn(&[f32]) -> Vec<f32>) -> Vec<u8> {
    let weights = |rows: usize, columns: usize| {
        let all = numbers(rows * columns);
        move |row: usize, column: usize| f64::from(all[row * columns + column])
    };
    let (first, second) = (weights(12, 8), weights(8, 3));
    let mut logits = Vec::new();
    for x in inputs.chunks(12) {
        let hidden = |j: usize| (0..12).map(|i| f64::from(x[i]) * first(i, j)).sum::<f64>();
        let squares: Vec<f64> = (0..8).map(|j| hidden(j).powi(2)).collect();
        logits.extend(
            (0..3)
                .map(|k| (0..8).map(|j| squares[j] * second(j, k)).sum::<f64>())
                .map(|y| y as f32),
        );
    }
    let bytes = |values: &[f32]| {
        values
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect::<Vec<u8>>()
    };
    let logits: Vec<f32> = logits.chunks(3).flat_map(own).collect();
    let columns = logits.len() / 4;
    let (inputs, logits) = (bytes(inputs), bytes(&logits));
    let view = |data, columns| TensorView::new(Dtype::F32, vec![4, columns], data).unwrap();
    let tensors = HashMap::from([
        ("input", view(&inputs, 12)),
        ("logits", view(&logits, columns)),
    ]);
    safetensors::serialize(tensors, None).unwrap()
}

/// Inputs for the network as a NumPy array of single precision.
pub fn array() -> Vec<u8> {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (20, 12), }\n";
    let mut file = b"\x93NUMPY\x01\0".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(numbers(20 * 12).iter().flat_map(|x| x.to_le_bytes()));
    file
}

/// A safetensors file with this tensor `input`.
pub fn inputs(values: &[f32], shape: &[usize]) -> Vec<u8> {
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let view = TensorView::new(Dtype::F32, shape.to_vec(), &bytes).unwrap();
    safetensors::serialize(HashMap::from([("input", view)]), None).unwrap()
}
