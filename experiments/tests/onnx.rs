//! ONNX models through the binary: activations that are no polynomials are refused, or fitted on calibration data and run encrypted.

use std::collections::HashMap;
use std::path::Path;
use std::process::Output;

use assert_cmd::Command;
use hemet_onnx::proto::*;
use prost::Message;
use safetensors::tensor::{Dtype, TensorView};

fn hemet(folder: &Path, arguments: &str) -> Output {
    Command::cargo_bin("hemet")
        .unwrap()
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .output()
        .unwrap()
}

fn good(folder: &Path, arguments: &str) -> String {
    let output = hemet(folder, arguments);
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "hemet {arguments}\n{err}");
    String::from_utf8(output.stdout).unwrap()
}

/// Numbers within ±1 without a pattern.
fn numbers(count: usize) -> Vec<f32> {
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

/// 12 inputs, a dense layer of 8, SiLU as exporters write it, a dense layer of 3.
fn silu_network() -> Vec<u8> {
    let tensor = |name: &str, dims: [i64; 2]| TensorProto {
        name: Some(name.into()),
        dims: dims.to_vec(),
        data_type: Some(data_type::FLOAT),
        float_data: numbers((dims[0] * dims[1]) as usize),
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
    ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto {
            domain: None,
            version: Some(17),
        }],
        graph: Some(GraphProto {
            node: vec![
                node("MatMul", ["x", "w1"], "h"),
                node("Sigmoid", ["h", ""], "s"),
                node("Mul", ["h", "s"], "a"),
                node("MatMul", ["a", "w2"], "y"),
            ],
            initializer: vec![tensor("w1", [12, 8]), tensor("w2", [8, 3])],
            input: vec![value("x", &[1, 12])],
            output: vec![value("y", &[1, 3])],
        }),
    }
    .encode_to_vec()
}

fn write_calibration(path: &Path) {
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
    std::fs::write(path, safetensors::serialize(tensors, None).unwrap()).unwrap();
}

#[test]
fn an_activation_is_refused_without_calibration_and_runs_encrypted_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("silu.onnx"), silu_network()).unwrap();
    write_calibration(&path.join("calibration.safetensors"));
    let costs = hemet_compiler::synthetic_table().to_json();
    std::fs::write(path.join("costs.json"), costs).unwrap();
    let refused = hemet(path, "compile silu.onnx -o model.hemet --costs costs.json");
    assert_eq!(refused.status.code(), Some(2));
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    for part in [
        "`node_s` (Sigmoid)",
        "--fit-activations DEGREE --calibrate DATA",
    ] {
        assert!(message.contains(part), "{message}");
    }
    for degree in [2, 3, 4] {
        let told = good(
            path,
            &format!(
                "compile silu.onnx -o model.hemet --costs costs.json --fit-activations {degree} --calibrate calibration.safetensors"
            ),
        );
        assert!(
            told.contains("Mul(x, Sigmoid(x))") && told.contains("accuracy"),
            "{told}"
        );
        let bench = good(path, "bench model.hemet --runs 1 --json");
        let figures: serde_json::Value = serde_json::from_str(&bench).unwrap();
        // The compiler's default promise.
        let error = figures["max_abs_error"].as_f64().unwrap();
        assert!(error < (-10.0f64).exp2(), "degree {degree}: {error}");
    }
    let half = hemet(path, "compile silu.onnx -o model.hemet --fit-activations 3");
    assert_eq!(half.status.code(), Some(2));
}

#[test]
fn a_batch_goes_through_encrypt_predict_decrypt_and_bench() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("silu.onnx"), silu_network()).unwrap();
    write_calibration(&path.join("calibration.safetensors"));
    let costs = hemet_compiler::synthetic_table().to_json();
    std::fs::write(path.join("costs.json"), costs).unwrap();
    let common = "--costs costs.json --fit-activations 2 --calibrate calibration.safetensors";
    good(path, &format!("compile silu.onnx -o one.hemet {common}"));
    good(
        path,
        &format!("compile silu.onnx -o many.hemet --target throughput {common}"),
    );
    let images: Vec<String> = numbers(3 * 12).iter().map(f32::to_string).collect();
    std::fs::write(path.join("images.txt"), images.join(" ")).unwrap();
    let mut logits = Vec::new();
    for (name, batches) in [("one", false), ("many", true)] {
        good(path, &format!("keygen {name}.hemet --out {name}"));
        let key = format!("--key {name}/client.key");
        let three = format!("encrypt {key} --image images.txt --count 3 -o x.ct");
        if !batches {
            let refused = hemet(path, &three);
            let message = String::from_utf8_lossy(&refused.stderr).into_owned();
            assert!(message.contains("3 images, room for 1"), "{message}");
            std::fs::write(path.join("images.txt"), images[12..24].join(",")).unwrap();
            good(path, &format!("encrypt {key} --image images.txt -o x.ct"));
            std::fs::write(path.join("images.txt"), images.join(" ")).unwrap();
        } else {
            good(path, &three);
        }
        good(
            path,
            &format!("predict {name}.hemet --keys {name}/server.keys x.ct -o y.ct"),
        );
        let count = if batches { "--count 3" } else { "" };
        let told = good(path, &format!("decrypt y.ct {key} {count} --json"));
        let line = told.lines().nth(usize::from(batches)).unwrap();
        let answer: serde_json::Value = serde_json::from_str(line).unwrap();
        let of_image = answer["logits"].as_array().unwrap().iter();
        logits.push(of_image.map(|x| x.as_f64().unwrap()).collect::<Vec<f64>>());
    }
    let uncounted = hemet(path, "decrypt y.ct --key many/client.key");
    let message = String::from_utf8_lossy(&uncounted.stderr).into_owned();
    assert!(message.contains("--count"), "{message}");
    for (one, many) in logits[0].iter().zip(&logits[1]) {
        // Both within the default promise.
        assert!((one - many).abs() < (-9.0f64).exp2(), "{logits:?}");
    }
    let bench = good(path, "bench many.hemet --runs 1 --json");
    let figures: serde_json::Value = serde_json::from_str(&bench).unwrap();
    let images = figures["images_per_request"].as_f64().unwrap();
    let latency = figures["measured_latency_ms"][0].as_f64().unwrap();
    assert!(images > 1000.0, "{bench}");
    assert!((figures["images_per_s"].as_f64().unwrap() - images / latency * 1e3).abs() < 1e-3);
    // The promise is three deviations for logits of unit size; these are thousands, some of them larger.
    let error = figures["max_abs_error"].as_f64().unwrap();
    assert!(error < (-8.0f64).exp2(), "{error}");
}
