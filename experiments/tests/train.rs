//! `hemet train` from the outside: killed at any moment it goes on, and its weights are what `hemet compile` takes.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const EXPERIMENT: &str = "\
name: tiny
seed: 3
data: {set: optdigits, validation: 0.2}
space:
  input: [1, 8, 8]
  classes: 10
  stem: {conv: {width: 4, kernel: 3, stride: 2}}
  blocks:
    - name: b1
      options: [skip, {conv: {width: 8, kernel: 3}}]
  activation: quadratic
search: {strategy: random, trials: 1, workers: 1}
train: {epochs: 2}
encrypted_images: 1
";

fn hemet(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hemet"));
    command
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .env("XDG_CACHE_HOME", folder.join("cache"));
    command
}

fn good(folder: &Path, arguments: &str) -> Output {
    let output = hemet(folder, arguments).output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "hemet {arguments}\n{err}");
    output
}

/// Kills the training after each of its first checkpoints, until it has ended before it could be killed.
fn kill_and_go_on(folder: &Path, checkpoint: &Path) -> usize {
    let mut kills = 0;
    loop {
        let before = std::fs::read(checkpoint).ok();
        let mut child = hemet(folder, "train run --trial 0 --epochs 12")
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
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| -> PathBuf { folder.path().join(name) };
    std::fs::write(path("tiny.yaml"), EXPERIMENT).unwrap();
    let table = hemet_compiler::synthetic_table().to_json();
    std::fs::write(path("costs.json"), table).unwrap();
    good(
        folder.path(),
        "search tiny.yaml --out run --costs costs.json",
    );

    let shown = good(folder.path(), "train run --trial 0 --epochs 12");
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
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
    let kills = kill_and_go_on(folder.path(), &checkpoint);
    assert!(kills > 0, "it was never killed in time");
    let again = std::fs::read(path("run/trained/trial-0000.safetensors")).unwrap();
    assert!(weights == again, "other weights after {kills} kills");

    good(folder.path(), "compile run --trial 0 -o trained.hemet");
    good(
        folder.path(),
        "compile run --trial 0 --search-weights -o searched.hemet",
    );
    let [trained, searched] =
        ["trained.hemet", "searched.hemet"].map(|n| std::fs::read(path(n)).unwrap());
    assert!(trained != searched, "the trained weights were not taken");

    let told = hemet(folder.path(), "train run --trial 0 --options {emma:0.9}")
        .output()
        .unwrap();
    assert_eq!(told.status.code(), Some(2));
    let refused = hemet(folder.path(), "train run --trial 7")
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2));
}
