//! Bytes from anywhere: no panic, no memory taken on a file's word.

mod common;

use common::{Random, int, ints, model};
use hemet_onnx::limits::{MAX_ELEMENTS, MAX_NUMBERS, MAX_PARTS};
use hemet_onnx::proto::*;
use hemet_onnx::{Error, import};
use prost::Message;

const FIXTURES: [&[u8]; 3] = [
    include_bytes!("fixtures/residual.onnx"),
    include_bytes!("fixtures/padding.onnx"),
    include_bytes!("fixtures/polynomial.onnx"),
];

#[test]
fn damaged_bytes_never_panic() {
    let mut random = Random(0x5eed_0003);
    let mut imported = 0;
    for round in 0..30_000 {
        let mut bytes = FIXTURES[round % 3].to_vec();
        for _ in 0..1 + random.below(4) {
            let place = random.below(bytes.len());
            match random.below(5) {
                0 => bytes.truncate(place.max(1)),
                1 => bytes.insert(place, random.below(256) as u8),
                2 => {
                    bytes.remove(place);
                }
                3 => bytes[place] ^= 1 << random.below(8),
                _ => bytes[place] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
            }
            if bytes.is_empty() {
                bytes.push(0);
            }
        }
        imported += usize::from(import(&bytes).is_ok());
    }
    // Most flips hit weights and names, so many mutants are models still.
    assert!(imported > 1000, "{imported}");
}

#[test]
fn well_formed_models_with_wild_numbers_never_panic() {
    let models = FIXTURES.map(|bytes| ModelProto::decode(bytes).unwrap());
    let mut random = Random(0x5eed_0004);
    let mut imported = 0;
    for round in 0..30_000 {
        let mut model = models[round % 3].clone();
        let graph = model.graph.as_mut().unwrap();
        for _ in 0..1 + random.below(3) {
            disturb(graph, &mut random);
        }
        imported += usize::from(import(&model.encode_to_vec()).is_ok());
    }
    assert!(imported > 1000, "{imported}");
}

fn wild(random: &mut Random) -> i64 {
    let numbers = [
        i64::MIN,
        -2,
        -1,
        0,
        1,
        2,
        3,
        4,
        7,
        64,
        4096,
        1 << 20,
        1 << 31,
        1 << 40,
        i64::MAX,
    ];
    numbers[random.below(numbers.len())]
}

fn disturb(graph: &mut GraphProto, random: &mut Random) {
    let number = wild(random);
    let (node, tensor) = (
        random.below(graph.node.len()),
        random.below(graph.initializer.len()),
    );
    match random.below(10) {
        0 | 1 => {
            let attributes = &mut graph.node[node].attribute;
            let index = random.below(attributes.len());
            if let Some(attribute) = attributes.get_mut(index) {
                attribute.i = attribute.i.map(|_| number);
                let place = random.below(attribute.ints.len());
                if let Some(value) = attribute.ints.get_mut(place) {
                    *value = number;
                }
            }
        }
        2 => {
            let dims = &mut graph.initializer[tensor].dims;
            let place = random.below(dims.len());
            if let Some(dim) = dims.get_mut(place) {
                *dim = number;
            }
        }
        3 => graph.initializer[tensor].dims.reverse(),
        4 => {
            let raw = graph.initializer[tensor].raw_data.as_mut();
            if let Some(byte) = raw.and_then(|raw| raw.last_mut()) {
                *byte = 0x7f;
            }
        }
        5 => {
            let from = random.below(graph.node.len());
            let name = graph.node[from].output[0].clone();
            let inputs = &mut graph.node[node].input;
            let place = random.below(inputs.len());
            if let Some(input) = inputs.get_mut(place) {
                *input = name;
            }
        }
        6 => {
            graph.node[node].input.pop();
        }
        7 => {
            let other = random.below(hemet_onnx::OPERATORS.len());
            graph.node[node].op_type = Some(hemet_onnx::OPERATORS[other].name.into());
        }
        8 => graph.node[node].attribute.clear(),
        _ => {
            let dims = graph.input[0]
                .r#type
                .as_mut()
                .and_then(|t| t.tensor_type.as_mut())
                .and_then(|t| t.shape.as_mut());
            let dims = &mut dims.unwrap().dim;
            let place = random.below(dims.len());
            dims[place].dim_value = Some(number);
        }
    }
}

fn too_large(result: Result<hemet_onnx::Imported, Error>, limit: usize) {
    match result.map(|imported| imported.graph.nodes().len()) {
        Err(Error::TooLarge { limit: found, .. }) => assert_eq!(found, limit),
        other => panic!("{other:?}"),
    }
}

#[test]
fn sizes_are_bounded_before_memory_is_taken() {
    // Half a million empty nodes in a megabyte.
    let nodes: Vec<u8> = [0x0a, 0x00].repeat(MAX_PARTS + 1);
    let mut bytes = vec![0x3a];
    prost::encode_length_delimiter(nodes.len(), &mut bytes).unwrap();
    bytes.extend(nodes);
    too_large(import(&bytes), MAX_PARTS);
    // An input of 2^60 elements.
    too_large(
        model(&[1, 1 << 20, 1 << 20, 1 << 20])
            .node("y = Mul(x, x)")
            .import(),
        MAX_ELEMENTS,
    );
    // A convolution of one weight whose padding makes two million times as many elements.
    let padded = model(&[1, 4096, 1, 1])
        .constant("w", &[4096, 1, 1, 1], &[1.0; 4096])
        .node_with(
            "y = Conv(x, w)",
            &[int("group", 4096), ints("pads", &[0, 0, 2047, 2047])],
        );
    assert!(padded.import().is_err());
    // Weights that many nodes share are counted for each.
    let mut shared = model(&[1, 1024]).constant("w", &[1024, 1024], &[0.0; 1 << 20]);
    for index in 0..65 {
        let input = if index == 0 {
            "x".into()
        } else {
            format!("t{}", index - 1)
        };
        shared = shared.node(&format!("t{index} = MatMul({input}, w)"));
    }
    too_large(shared.import(), MAX_NUMBERS);
}

#[test]
fn what_is_no_model_is_refused() {
    for bytes in [
        &b""[..],
        b"\0",
        b"PK\x03\x04 a zip file",
        b"\x89PNG\r\n",
        &[0xff; 64],
        &[0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f],
    ] {
        let error = import(bytes).unwrap_err();
        assert!(
            matches!(error, Error::NotOnnx(_) | Error::Opset { .. }),
            "{error}"
        );
    }
}
