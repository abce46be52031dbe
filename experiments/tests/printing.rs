//! What is printed of what others wrote, and what happens where nobody reads it.

mod world;

use std::process::Stdio;

use serde_json::Value;
use world::models::{Inside, calibration, network};
use world::{World, tiny};

#[test]
fn control_characters_of_a_file_are_shown_and_never_sent_to_the_terminal() {
    let world = World::new();
    for (name, written) in [
        ("escape.yaml", "\"a\\e[2Jb\""),
        ("bell.yaml", "\"\\a\\u009b31m\""),
        ("turned.yaml", "\"a\u{202e}b\""),
    ] {
        let sound = tiny(
            "width: 4, kernel: 3",
            "search: {strategy: random, trials: 1}\n",
        );
        world.write(
            name,
            sound.replace("name: tiny", &format!("name: {written}")),
        );
        let told = world.refused(&format!("search {name}"));
        let raw = |c: char| (c.is_control() && c != '\n' && c != '\t') || c == '\u{202e}';
        assert!(!told.contains(raw), "{told:?}");
        assert!(told.contains("\\u"), "{told}");
    }
}

#[test]
fn a_closed_pipe_ends_a_command_quietly() {
    let world = World::new();
    world.write(
        "tiny.yaml",
        tiny(
            "width: 4, kernel: 3",
            "search: {strategy: random, trials: 1}\n",
        ),
    );
    for arguments in [
        "space tiny.yaml --costs costs.json",
        "data list",
        "schema",
        "completions bash",
        "man --markdown",
    ] {
        let mut child = world
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Nobody reads.
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments}: {err}");
        assert!(
            !err.contains("panicked") && !err.contains("pipe"),
            "{arguments}: {err}"
        );
    }
}

#[test]
#[cfg(target_os = "linux")]
fn output_that_cannot_be_written_fails_the_command() {
    let world = World::new();
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = world.command("schema").stdout(full).output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains("cannot write to standard output"), "{err}");
}

#[test]
fn commands_that_tell_figures_or_states_tell_them_as_json_too() {
    let world = World::new();
    world.write("model.onnx", network(Inside::Square));
    world.write("calibration.safetensors", calibration());
    world.write(
        "card.yaml",
        "purpose: Tells three shapes.\nlicense: CC-BY-4.0\n",
    );
    let compiled = "compile model.onnx -o model.hemet --costs costs.json --card card.yaml --calibrate calibration.safetensors --json";
    let lines = |arguments: &str| -> Vec<Value> {
        let told = world.good(arguments);
        let parsed = told.lines().map(serde_json::from_str);
        let parsed: Result<Vec<Value>, _> = parsed.collect();
        parsed.unwrap_or_else(|e| panic!("hemet {arguments}: {e}\n{told}"))
    };
    for (arguments, key) in [
        (compiled, "predicted_latency_ms"),
        ("verify model.hemet --json", "instructions"),
        ("inspect model.hemet --json", "provenance"),
        ("keygen model.hemet --out keys --json", "server_keys_bytes"),
        ("keys list keys --json", "key_set"),
        ("keys rotate keys --json", "old_pair"),
        ("data list --json", "about"),
        ("calibrate --list --json", "about"),
    ] {
        for line in lines(arguments) {
            for line in line.as_array().map_or(vec![line.clone()], Clone::clone) {
                assert!(!line[key].is_null(), "hemet {arguments}: {line}");
            }
        }
    }
    let told = lines("inspect model.hemet --json").remove(0);
    let provenance = &told["provenance"];
    assert_eq!(provenance["license"], "CC-BY-4.0");
    for hash in ["model", "calibration", "cost_table"] {
        assert!(
            provenance[hash].as_str().is_some_and(|h| h.len() >= 16),
            "{provenance}"
        );
    }
    let card = world.good("inspect model.hemet --card");
    assert!(
        card.contains("Tells three shapes.") && card.contains("hash of the model file"),
        "{card}"
    );
    world.write("card.yaml", "licence: CC-BY-4.0\n");
    let told = world.refused(&compiled.replace("-o model.hemet", "-o other.hemet"));
    assert!(
        told.contains("did you mean `license`?") && !world.path("other.hemet").exists(),
        "{told}"
    );
}
