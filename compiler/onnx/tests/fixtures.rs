//! Exported models against the outputs that onnxruntime gave for them (`tests/fixtures/make.py`).

use hemet_spaces::evaluate::evaluate;
use hemet_spaces::{Layer, LayerGraph};
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    let array = value.as_array().expect("an array");
    array
        .iter()
        .map(|x| x.as_f64().expect("a number"))
        .collect()
}

/// 32-bit weights and, in onnxruntime, 32-bit sums: 2^-24 relative to the numbers met on the way, which are some tens
/// here, over a few hundred operations.
const TOLERANCE: f64 = 2e-4;

#[test]
fn the_fixtures_compute_what_onnxruntime_computes() {
    let expected: Value = serde_json::from_str(include_str!("fixtures/expected.json")).unwrap();
    for case in expected.as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let path = format!("{}/tests/fixtures/{name}.onnx", env!("CARGO_MANIFEST_DIR"));
        let bytes = std::fs::read(path).unwrap();
        let source = hemet_onnx::Source {
            device_layers: case["device_layers"].as_u64().unwrap_or(0) as usize,
            ..(&bytes).into()
        };
        let imported = hemet_onnx::import(source).unwrap();
        assert_eq!(imported.input_name, "input");
        let pairs = case["inputs"].as_array().unwrap().iter();
        for (input, output) in pairs.zip(case["outputs"].as_array().unwrap()) {
            let found = evaluate(&imported.graph, &imported.weights, &numbers(input)).unwrap();
            let wanted = numbers(output);
            assert_eq!(found.len(), wanted.len(), "{name}");
            for (f, w) in found.iter().zip(&wanted) {
                let bound = TOLERANCE * w.abs().max(1.0);
                assert!(
                    (f - w).abs() <= bound,
                    "{name}: {found:?}, expected {wanted:?}"
                );
            }
        }
    }
}

/// Name and kind of each layer.
fn layers(bytes: &[u8]) -> Vec<String> {
    let graph = hemet_onnx::import(bytes).unwrap().graph;
    graph
        .nodes()
        .map(|(_, node)| match &node.layer {
            Layer::Poly(poly) => format!("{} poly {}", node.name, poly.degree),
            Layer::Conv(conv) => format!(
                "{} conv {}{}",
                node.name,
                conv.window.kernel[0],
                if conv.bias { "b" } else { "" }
            ),
            Layer::Input(_)
            | Layer::Dense(_)
            | Layer::Affine(_)
            | Layer::AveragePool(_)
            | Layer::Sparse(_)
            | Layer::Clear(_)
            | Layer::Add
            | Layer::Concat => format!("{} {}", node.name, node.layer.kind()),
        })
        .collect()
}

#[test]
fn comparisons_are_read_in_front_of_a_cut_and_nowhere_else() {
    let bytes: &[u8] = include_bytes!("fixtures/device.onnx");
    let read = |device_layers| {
        hemet_onnx::import(hemet_onnx::Source {
            device_layers,
            ..bytes.into()
        })
    };
    let graph = read(2).unwrap().graph;
    let clear = graph.nodes().filter_map(|(_, node)| {
        let Layer::Clear(clear) = &node.layer else {
            return None;
        };
        Some(clear.to_string())
    });
    assert_eq!(
        clear.collect::<Vec<_>>(),
        [
            "leaky ReLU of slope 0.25",
            "max pool",
            "ReLU up to 1",
            "ReLU",
            "max pool"
        ]
    );
    assert_eq!(LayerGraph::parse(&graph.to_string()).unwrap(), graph);
    let whole = read(0).unwrap_err().to_string();
    assert!(whole.contains("LeakyRelu"), "{whole}");
    let one = read(1).unwrap_err().to_string();
    assert!(one.contains("Relu_6"), "{one}");
    let beyond = read(7).unwrap_err().to_string();
    assert!(beyond.contains("possible: 1, 2, 3"), "{beyond}");
}

#[test]
fn arithmetic_on_one_tensor_becomes_one_layer() {
    assert_eq!(
        layers(include_bytes!("fixtures/polynomial.onnx")),
        [
            "input input",
            "net.Add_8 poly 3",
            "net.Conv_9 conv 2b",
            "net.Add_11 affine",
            "net.Neg_13 poly 2",
            "net.Gemm_15 dense",
        ]
    );
}

#[test]
fn an_ordinary_export_has_the_layers_that_it_looks_like() {
    assert_eq!(
        layers(include_bytes!("fixtures/residual.onnx")),
        [
            "input input",
            "net.Conv_1 conv 3",
            "net.BatchNormalization_2 affine",
            "net.Mul_3 poly 2",
            "net.Conv_4 conv 3b",
            "net.BatchNormalization_5 affine",
            "net.Add_6 add",
            "net.Pow_7 poly 2",
            "net.AveragePool_8 average_pool",
            "net.Conv_9 conv 1b",
            "net.Conv_10 conv 3",
            "net.Concat_11 concat",
            "net.GlobalAveragePool_13 average_pool",
            "net.Gemm_15 dense",
        ]
    );
}
