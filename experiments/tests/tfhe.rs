//! The way of a user with scheme `tfhe`: search both schemes, compile, keys, encrypt, predict, decrypt, evaluate.

use std::path::Path;

use assert_cmd::Command;
use hemet_runtime::tfhe::TfheArtifact;
use hemet_schedule::tfhe::Constant;
use serde_json::Value;

fn hemet(folder: &Path, arguments: &[&str]) -> assert_cmd::assert::Assert {
    Command::cargo_bin("hemet")
        .expect("the binary")
        .current_dir(folder)
        .env("XDG_CACHE_HOME", folder)
        .args(arguments)
        .assert()
}

fn json(assert: assert_cmd::assert::Assert) -> Value {
    let text = String::from_utf8(assert.success().get_output().stdout.clone()).expect("UTF-8");
    serde_json::from_str(text.trim()).expect("a line of JSON")
}

/// A cost table of one thread, so that no test measures.
fn costs() -> String {
    let nominal = hemet_schedule::tfhe::CostTable::nominal(1);
    serde_json::to_string(&nominal).expect("numbers")
}

fn experiment(output: &str) -> String {
    format!(
        r#"
name: both
scheme: tfhe
data: {{set: optdigits, validation: 0.15}}
space:
  input: [1, 8, 8]
  classes: 10
  blocks:
    - {{name: b1, options: [{{dense: {{width: [6, 8]}}}}]}}
quantize: {{boxes: 14}}
search: {{strategy: random, trials: 2, workers: 1}}
train: {{epochs: 3, batch: 32}}
compile: {{output: {output}}}
encrypted_images: 2
"#
    )
}

fn search(folder: &Path, output: &str) -> Value {
    std::fs::write(folder.join("both.yaml"), experiment(output)).expect("written");
    std::fs::create_dir_all(folder.join("run")).expect("made");
    std::fs::write(folder.join("run/tfhe_costs.json"), costs()).expect("written");
    json(hemet(
        folder,
        &["search", "both.yaml", "--out", "run", "--json"],
    ))
}

#[test]
fn a_space_of_scheme_tfhe_is_looked_at_with_its_experiments_integers() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    std::fs::write(at.join("both.yaml"), experiment("logits")).expect("written");
    std::fs::write(at.join("costs.json"), costs()).expect("written");
    let space = ["space", "both.yaml", "--costs", "costs.json", "--json"];
    let found = json(hemet(at, &space));
    assert_eq!(found["infeasible"], 0);
    assert_eq!(found["looked_at"], 2);
    // As many bootstraps as activations: 6 and 8.
    let ms = |which: &str| {
        let cost = &found[which]["cost"]["predicted_latency_ms"];
        cost.as_f64().expect("a number")
    };
    let ratio = ms("slowest") / ms("fastest");
    assert!((1.2..1.4).contains(&ratio), "{ratio}");
}

#[test]
fn a_search_under_tfhe_gives_an_artifact_that_every_command_takes() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    let summary = search(at, "logits");
    assert_eq!(summary["best"]["scheme"], "tfhe");
    assert_eq!(summary["best"]["agreement"], 1.0);
    assert_eq!(summary["best"]["max_abs_error"], 0.0);
    let trial = summary["best"]["trial"].to_string();
    let compile = |scheme: &str| {
        let trial = ["--trial", &trial, "--scheme", scheme, "-o", "m.hemet"];
        hemet(at, &[&["compile", "run"], &trial[..]].concat())
    };
    let refused = compile("ckks").code(2);
    let message = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
    assert!(message.contains("scheme tfhe, not ckks"), "{message}");
    compile("tfhe").success();
    let inspected = json(hemet(at, &["inspect", "m.hemet", "--json"]));
    assert_eq!(inspected["scheme"], "tfhe");
    assert!(inspected["failure_log2"].as_f64().expect("a number") <= -40.0);
    hemet(at, &["client-spec", "m.hemet", "-o", "m.spec"]).success();
    the_spec_holds_no_weight(at);
    hemet(at, &["keygen", "m.spec", "--out", "keys"]).success();
    let key = ["--key", "keys/client.key"];
    let image = ["--set", "optdigits", "--index", "3", "-o", "image.ct"];
    hemet(at, &[&["encrypt"], &key[..], &image[..]].concat()).success();
    let predict = [
        "predict",
        "m.hemet",
        "image.ct",
        "--keys",
        "keys/server.keys",
    ];
    hemet(at, &[&predict[..], &["-o", "answer.ct"]].concat()).success();
    let answer = json(hemet(
        at,
        &[&["decrypt", "answer.ct", "--json"], &key[..]].concat(),
    ));
    assert_eq!(answer["logits"].as_array().map(Vec::len), Some(10));
    // The request itself is no answer.
    hemet(at, &[&["decrypt", "image.ct"], &key[..]].concat()).code(2);
    let evaluated = json(hemet(
        at,
        &["evaluate", "m.hemet", "--limit", "2", "--json"],
    ));
    assert_eq!(evaluated["agreement"], 1.0);
    assert_eq!(evaluated["differing_images"], serde_json::json!([]));
    let bench = json(hemet(at, &["bench", "m.hemet", "--runs", "1", "--json"]));
    assert_eq!(bench["max_abs_error"], 0.0);
    assert!(bench["bound_ms"].as_f64().expect("a number") > 0.0);
}

/// No four weights, biases or table entries of the artifact stand in the spec, in any form of a number.
fn the_spec_holds_no_weight(at: &Path) {
    let artifact = TfheArtifact::read(&at.join("m.hemet")).expect("an artifact");
    let spec = std::fs::read(at.join("m.spec")).expect("a spec");
    let mut runs: Vec<Vec<i64>> = Vec::new();
    for constant in artifact.schedule.constants.values() {
        let narrow = |values: &[i32]| values.iter().copied().map(i64::from).collect();
        match constant {
            Constant::Map(map) => runs.extend([narrow(&map.weights), map.bias.clone()]),
            Constant::Table(table) => runs.extend(table.values.iter().map(|row| narrow(row))),
        }
    }
    let mut looked_for = 0;
    for four in runs.iter().flat_map(|run| run.chunks_exact(4)) {
        // Four equal ones, most of them zeros, tell nothing.
        if four.iter().all(|value| *value == four[0]) {
            continue;
        }
        looked_for += 1;
        let texts: Vec<String> = four.iter().map(i64::to_string).collect();
        let bytes = |of: fn(i64) -> Vec<u8>| four.iter().flat_map(|value| of(*value)).collect();
        let traces: [Vec<u8>; 6] = [
            bytes(|value| vec![value as u8]),
            bytes(|value| (value as i16).to_le_bytes().to_vec()),
            bytes(|value| (value as i32).to_le_bytes().to_vec()),
            bytes(|value| value.to_le_bytes().to_vec()),
            bytes(|value| (value as f32).to_le_bytes().to_vec()),
            texts.join(",").into_bytes(),
        ];
        for trace in traces {
            let found = spec.windows(trace.len()).any(|part| part == trace);
            assert!(!found, "{four:?} is in the spec");
        }
    }
    assert!(looked_for > 50, "{looked_for}");
}
