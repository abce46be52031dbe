//! `hemet train` from the outside: killed at any moment it goes on, and its weights are what `hemet compile` takes.

mod world;

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use world::{World, tiny};

const SETTINGS: &str = "\
search: {strategy: random, trials: 1, workers: 1}
train: {epochs: 2}
encrypted_images: 1
";

/// Kills the training after each of its first checkpoints, until it has ended before it could be killed.
fn kill_and_go_on(world: &World, checkpoint: &Path) -> usize {
    let mut kills = 0;
    loop {
        let before = std::fs::read(checkpoint).ok();
        let mut child = world
            .command("train run --trial 0 --epochs 12")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let start = Instant::now();
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                assert!(status.success());
                return kills;
            }
            if std::fs::read(checkpoint).ok() != before {
                child.kill().unwrap();
                child.wait().unwrap();
                kills += 1;
                break;
            }
            assert!(start.elapsed() < Duration::from_secs(120), "no epoch ends");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

#[test]
fn a_killed_training_goes_on_and_ends_with_the_same_weights_which_compile_takes() {
    let world = World::new();
    let path = |name: &str| world.path(name);
    world.write("tiny.yaml", tiny("width: 8, kernel: 3", SETTINGS));
    world.good("search tiny.yaml --out run --costs costs.json");

    let shown = world.good("train run --trial 0 --epochs 12");
    assert!(shown.contains("trained for 12 epochs"), "{shown}");
    for extension in [
        "csv",
        "json",
        "accuracy.png",
        "accuracy.svg",
        "loss.png",
        "loss.svg",
    ] {
        assert!(
            path("run/trained")
                .join(format!("trial-0000.{extension}"))
                .exists(),
            "{extension}"
        );
    }
    let table = std::fs::read_to_string(path("run/trained/trial-0000.csv")).unwrap();
    assert_eq!(table.lines().count(), 13, "{table}");
    let weights = std::fs::read(path("run/trained/trial-0000.safetensors")).unwrap();

    std::fs::remove_dir_all(path("run/trained")).unwrap();
    let checkpoint = path("run/trained/trial-0000.12-epochs.checkpoint");
    let kills = kill_and_go_on(&world, &checkpoint);
    assert!(kills > 0, "it was never killed in time");
    let again = std::fs::read(path("run/trained/trial-0000.safetensors")).unwrap();
    assert!(weights == again, "other weights after {kills} kills");

    world.good("compile run --trial 0 -o trained.hemet");
    // The same network is written over, nothing else is.
    world.good("compile run --trial 0 -o trained.hemet");
    let told = world.refused("compile run --trial 0 -o tiny.yaml");
    assert!(
        told.contains("no artifact") && told.contains("--force"),
        "{told}"
    );
    let told = world.refused("compile trained.onnx -o trained.hemet");
    assert!(told.contains("network `tiny`, not `trained`"), "{told}");
    world.good("compile run --trial 0 --search-weights -o searched.hemet");
    let [trained, searched] =
        ["trained.hemet", "searched.hemet"].map(|n| std::fs::read(path(n)).unwrap());
    assert!(trained != searched, "the trained weights were not taken");
    world.good("compile run --trial 0 --like searched.hemet -o kept.hemet");
    let binding = |name: &str| {
        let told = world.good(&format!("inspect {name} --json"));
        let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
        told["key_binding"].clone()
    };
    assert!(binding("kept.hemet").is_string());
    assert_eq!(binding("kept.hemet"), binding("searched.hemet"));

    world.refused("train run --trial 0 --options {emma:0.9}");
    world.refused("train run --trial 7");
}
