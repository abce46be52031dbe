//! The programs of `experiments/harness` go from pixels to predictions, as the public benchmark runs them.
#![cfg(unix)]

mod world;

use std::path::Path;
use std::process::Command;

use world::World;
use world::models::{Inside, network, numbers};

const STAGES: [&str; 5] = [
    "client_preprocess_input",
    "client_encode_encrypt_input",
    "server_encrypted_compute",
    "client_decrypt_decode",
    "client_postprocess",
];

fn run(world: &World, program: &Path, arguments: &[&str]) {
    let mut command = Command::new(program);
    let hemet = world.command("keys");
    command.args(arguments).env("HEMET", hemet.get_program());
    command.envs(
        hemet
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let output = command.current_dir(world.path(".")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{} {arguments:?}: {said}",
        program.display()
    );
}

/// The class of an input in the clear.
fn class(input: &[f32]) -> usize {
    let dense = |x: &[f64], outputs: usize| -> Vec<f64> {
        let weights = numbers(x.len() * outputs);
        let sum = |j: usize| {
            x.iter()
                .enumerate()
                .map(|(i, x)| x * f64::from(weights[i * outputs + j]))
                .sum()
        };
        (0..outputs).map(sum).collect()
    };
    let input: Vec<f64> = input.iter().map(|x| f64::from(*x)).collect();
    let hidden: Vec<f64> = dense(&input, 8).iter().map(|x| x * x).collect();
    let logits = dense(&hidden, 3);
    let larger = |best: usize, i: usize| if logits[i] > logits[best] { i } else { best };
    (0..3).reduce(larger).unwrap()
}

#[test]
fn every_stage_of_the_benchmark_runs_and_the_predictions_are_those_in_the_clear() {
    let world = World::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("harness");
    for file in [
        "submission/stages.sh",
        "submission/prepare.sh",
        "scripts/build_task.sh",
    ] {
        std::fs::create_dir_all(world.path(file).parent().unwrap()).unwrap();
        std::fs::copy(root.join(file), world.path(file)).unwrap();
    }
    world.write("model.onnx", network(Inside::Square));
    run(
        &world,
        &world.path("submission/prepare.sh"),
        &["model.onnx", "--costs", "costs.json"],
    );
    run(
        &world,
        &world.path("scripts/build_task.sh"),
        &["submission"],
    );
    let stage = |stage: &str, size: &str| {
        run(
            &world,
            &world.path(&format!("submission/build/{stage}")),
            &[size],
        )
    };
    for (size, name, count) in [
        ("0", "single", 1),
        ("1", "small", 15),
        ("2", "medium", 1000),
    ] {
        let all = numbers(12 * count + 40);
        let inputs: Vec<&[f32]> = all[40..].chunks(12).collect();
        let line = |input: &&[f32]| {
            input
                .iter()
                .map(|x| format!("{x:.6}"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        let lines: Vec<String> = inputs.iter().map(line).collect();
        let folder = format!("datasets/{name}/intermediate");
        std::fs::create_dir_all(world.path(&folder)).unwrap();
        world.write(
            &format!("{folder}/test_pixels.txt"),
            lines.join("\n") + "\n",
        );
        stage("client_key_generation", size);
        stage("server_preprocess_model", size);
        STAGES.iter().for_each(|name| stage(name, size));
        let found = world.read(&format!("io/{name}/encrypted_model_predictions.txt"));
        let found: Vec<usize> = found.lines().map(|class| class.parse().unwrap()).collect();
        let expected: Vec<usize> = inputs.iter().map(|input| class(input)).collect();
        // Two nearly equal logits may change places.
        let same = found.iter().zip(&expected).filter(|(a, b)| a == b).count();
        assert!(
            found.len() == count && same * 100 >= count * 99,
            "{name}: {same} of {count}"
        );
        for file in [
            "public_keys/server.keys",
            "server_ready/client.ready",
            "ciphertexts_upload",
            "ciphertexts_download",
        ] {
            assert!(
                world.path(&format!("io/{name}/{file}")).exists(),
                "{name}: {file}"
            );
        }
    }
}
