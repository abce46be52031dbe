//! Models in the forms that exporters write, against what onnxruntime gave for them (`tests/fixtures/forms.py`).

use std::path::{Path, PathBuf};

use hemet_onnx::{Imported, Source, import};
use hemet_spaces::evaluate::evaluate;
use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/forms")
}

fn read(
    name: &str,
    folder: Option<&Path>,
    outputs: &[String],
) -> Result<Imported, hemet_onnx::Error> {
    let bytes = std::fs::read(self::folder().join(format!("{name}.onnx"))).expect("a fixture");
    import(Source {
        bytes: &bytes,
        folder,
        outputs,
        device_layers: 0,
    })
}

fn numbers(value: &Value) -> Vec<f64> {
    let array = value.as_array().expect("an array").iter();
    array.map(|x| x.as_f64().expect("a number")).collect()
}

/// The model's own outputs: what the network computes, and what the client makes of it.
fn own(imported: &Imported, input: &[f64]) -> Result<Vec<f64>, String> {
    let raw = evaluate(&imported.graph, &imported.weights, input).map_err(|e| e.to_string())?;
    let Some(transform) = &imported.outputs else {
        return Ok(raw);
    };
    transform.check(raw.len())?;
    let parts = transform.apply(&raw).into_iter();
    Ok(parts.flat_map(|part| part.values).collect())
}

/// Sums of at most 100 products of numbers below 10 in 32-bit floats, in onnxruntime: 100 · 10 · 2^-24 of the largest.
const TOLERANCE: f64 = 1e-4;

#[test]
fn every_form_computes_what_onnxruntime_computes() {
    let expected: Value =
        serde_json::from_str(include_str!("fixtures/forms/expected.json")).unwrap();
    let mut wrong = Vec::new();
    for case in expected.as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let outputs = case["outputs"].as_array().unwrap().iter();
        let outputs: Vec<String> = outputs.map(|o| o.as_str().unwrap().to_owned()).collect();
        let wanted = numbers(&case["logits"]);
        let found = read(name, Some(&folder()), &outputs)
            .map_err(|e| e.to_string())
            .and_then(|i| own(&i, &numbers(&case["input"])));
        let near = |found: &[f64]| {
            let close = |(f, w): (&f64, &f64)| (f - w).abs() <= TOLERANCE * w.abs().max(1.0);
            found.len() == wanted.len() && found.iter().zip(&wanted).all(close)
        };
        match found {
            Ok(found) if near(&found) => {}
            found => wrong.push(format!("{name}: {found:?}\n  expected {wanted:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn weights_in_other_files_are_read_from_the_models_folder_only() {
    let without = read("weights_beside", None, &[]).unwrap_err().to_string();
    assert!(without.contains("lie in another file"), "{without}");
    let elsewhere = tempfile::tempdir().unwrap();
    let missing = read("weights_beside", Some(elsewhere.path()), &[]).unwrap_err();
    assert!(
        missing.to_string().contains("beside the model"),
        "{missing}"
    );
    std::fs::write(elsewhere.path().join("weights_beside.data"), [0; 3]).unwrap();
    let short = read("weights_beside", Some(elsewhere.path()), &[]).unwrap_err();
    assert!(short.to_string().contains("which has 3"), "{short}");
    #[cfg(unix)]
    {
        let linked = tempfile::tempdir().unwrap();
        let target = folder().join("weights_beside.data");
        std::os::unix::fs::symlink(target, linked.path().join("weights_beside.data")).unwrap();
        let link = read("weights_beside", Some(linked.path()), &[]).unwrap_err();
        assert!(
            link.to_string()
                .contains("a link out of the model's folder"),
            "{link}"
        );
    }
}

#[test]
fn several_outputs_are_chosen_by_name() {
    let message = read("two_outputs", None, &[]).unwrap_err().to_string();
    assert!(
        message.contains("`kind`, `age`") && message.contains("--output NAME"),
        "{message}"
    );
    let wrong = read("two_outputs", None, &["size".into()]).unwrap_err();
    assert!(
        wrong
            .to_string()
            .contains("none is named `size`; there are `kind`, `age`"),
        "{wrong}"
    );
}

#[test]
fn the_page_of_operators_is_the_importers_own_table() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/onnx-operators.md");
    let written = hemet_onnx::markdown();
    if std::env::var("INSTA_UPDATE").is_ok_and(|value| value == "always") {
        std::fs::write(&page, &written).unwrap();
    }
    let found = std::fs::read_to_string(&page).unwrap_or_default();
    assert!(
        found == written,
        "{} differs: run with INSTA_UPDATE=always and read the difference",
        page.display()
    );
}
