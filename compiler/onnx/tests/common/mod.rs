//! Builds small models for the tests.
#![allow(
    dead_code,
    reason = "every test file is a crate of its own and uses a part of this"
)]

use hemet_onnx::Imported;
use hemet_onnx::proto::*;
use hemet_spaces::evaluate::evaluate;
use prost::Message;

/// A model from `x` to the output of its last node.
#[derive(Clone)]
pub struct Model {
    pub nodes: Vec<NodeProto>,
    pub initializers: Vec<TensorProto>,
    /// Shape of `x`; 0 is a dynamic extent.
    pub input: Vec<i64>,
    pub opset: i64,
}

/// A model whose input `x` has the shape `input`.
pub fn model(input: &[i64]) -> Model {
    Model {
        nodes: Vec::new(),
        initializers: Vec::new(),
        input: input.to_vec(),
        opset: 17,
    }
}

impl Model {
    /// A constant named `name`.
    pub fn constant(mut self, name: &str, dims: &[i64], values: &[f32]) -> Self {
        self.initializers.push(TensorProto {
            name: Some(name.into()),
            dims: dims.to_vec(),
            data_type: Some(data_type::FLOAT),
            float_data: values.to_vec(),
            ..Default::default()
        });
        self
    }

    /// A constant of integers named `name`.
    pub fn integers(mut self, name: &str, values: &[i64]) -> Self {
        self.initializers.push(TensorProto {
            name: Some(name.into()),
            dims: vec![values.len() as i64],
            data_type: Some(data_type::INT64),
            int64_data: values.to_vec(),
            ..Default::default()
        });
        self
    }

    /// A node written `y = Operator(a, b)`.
    pub fn node(self, text: &str) -> Self {
        self.node_with(text, &[])
    }

    /// A node with attributes.
    pub fn node_with(mut self, text: &str, attributes: &[AttributeProto]) -> Self {
        let (output, call) = text.split_once(" = ").expect("y = Operator(a, b)");
        let (operator, inputs) = call.trim_end_matches(')').split_once('(').expect("a call");
        self.nodes.push(NodeProto {
            name: Some(format!("n_{output}")),
            op_type: Some(operator.into()),
            input: inputs.split(',').map(|i| i.trim().to_owned()).collect(),
            output: vec![output.to_owned()],
            attribute: attributes.to_vec(),
            domain: None,
        });
        self
    }

    pub fn proto(&self) -> ModelProto {
        let last = self.nodes.last().and_then(|n| n.output.first());
        ModelProto {
            ir_version: Some(8),
            opset_import: vec![OperatorSetIdProto {
                domain: None,
                version: Some(self.opset),
            }],
            graph: Some(GraphProto {
                node: self.nodes.clone(),
                initializer: self.initializers.clone(),
                input: vec![value("x", &self.input)],
                output: vec![value(last.map_or("x", String::as_str), &[])],
            }),
        }
    }

    pub fn import(&self) -> Result<Imported, hemet_onnx::Error> {
        hemet_onnx::import(&self.proto().encode_to_vec())
    }

    /// The layers' kinds without the input's, and the output for `x`.
    pub fn run(&self, x: &[f64]) -> (String, Vec<f64>) {
        let imported = self.import().unwrap_or_else(|error| panic!("{error}"));
        let kinds: Vec<&str> = imported
            .graph
            .nodes()
            .skip(1)
            .map(|(_, node)| node.layer.kind())
            .collect();
        let output = evaluate(&imported.graph, &imported.weights, x).expect("an input of its size");
        (kinds.join(" "), output)
    }
}

pub fn value(name: &str, dims: &[i64]) -> ValueInfoProto {
    let dim = dims
        .iter()
        .map(|d| DimensionProto {
            dim_value: (*d > 0).then_some(*d),
            dim_param: (*d == 0).then(|| "batch".into()),
        })
        .collect();
    ValueInfoProto {
        name: Some(name.into()),
        r#type: Some(TypeProto {
            tensor_type: Some(TensorTypeProto {
                elem_type: Some(data_type::FLOAT),
                shape: Some(TensorShapeProto { dim }),
            }),
        }),
    }
}

pub fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto {
        name: Some(name.into()),
        ints: values.to_vec(),
        r#type: Some(7),
        ..Default::default()
    }
}

pub fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: Some(name.into()),
        i: Some(value),
        r#type: Some(2),
        ..Default::default()
    }
}

pub fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto {
        name: Some(name.into()),
        f: Some(value),
        r#type: Some(1),
        ..Default::default()
    }
}

pub fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto {
        name: Some(name.into()),
        s: Some(value.as_bytes().to_vec()),
        r#type: Some(3),
        ..Default::default()
    }
}

/// A xorshift generator: the same numbers on every machine.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit.max(1)
    }

    /// Multiples of 1/8 within ±1: sums of their products are exact in 32-bit floats.
    pub fn values(&mut self, count: usize) -> Vec<f32> {
        (0..count)
            .map(|_| (self.below(17) as f32 - 8.0) / 8.0)
            .collect()
    }
}
