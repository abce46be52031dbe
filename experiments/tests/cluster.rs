//! The files in `experiments/cluster`: well-formed, and what they start is a command line that `hemet` takes.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Parser;
use hemet::commands::{self, Cli};
use serde_yaml::Value;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("cluster")
        .join(name)
}

/// Whether these arguments start a worker; gives its storage.
fn storage_of_worker(arguments: &[String]) -> String {
    let line = std::iter::once("hemet".to_owned()).chain(arguments.iter().cloned());
    let parsed = Cli::try_parse_from(line).unwrap_or_else(|e| panic!("{arguments:?}\n{e}"));
    let commands::Command::Worker(worker) = parsed.command else {
        panic!("{arguments:?} starts no worker");
    };
    worker.storage.expect("required")
}

fn strings(value: &Value) -> Vec<String> {
    let items = value.as_sequence().expect("a list").iter();
    items
        .map(|v| v.as_str().expect("a string").to_owned())
        .collect()
}

#[test]
fn the_kubernetes_job_starts_workers() {
    let text = std::fs::read_to_string(file("kubernetes_workers.yaml")).unwrap();
    let job: Value = serde_yaml::from_str(&text).unwrap();
    assert_eq!(
        (&job["apiVersion"], &job["kind"]),
        (&"batch/v1".into(), &"Job".into())
    );
    let spec = &job["spec"];
    // A work queue: Kubernetes takes `parallelism` pods and no number of completions.
    assert!(spec["parallelism"].as_u64().is_some_and(|n| n > 1));
    assert!(spec.get("completions").is_none());
    let pod = &spec["template"]["spec"];
    assert_eq!(pod["restartPolicy"], Value::from("OnFailure"));
    assert_eq!(
        spec["template"]["metadata"]["labels"],
        job["metadata"]["labels"]
    );
    let [container] = &pod["containers"].as_sequence().expect("a list")[..] else {
        panic!("one container");
    };
    assert_eq!(strings(&container["command"]), ["hemet"]);
    let storage = storage_of_worker(&strings(&container["args"]));
    assert!(storage.starts_with("postgres://"), "{storage}");
    // Every mount is of a volume.
    let names = |list: &Value| -> Vec<String> {
        let items = list.as_sequence().expect("a list").iter();
        items
            .map(|v| v["name"].as_str().expect("a name").to_owned())
            .collect()
    };
    assert_eq!(names(&container["volumeMounts"]), names(&pod["volumes"]));
    // The password comes from a secret and from nowhere else.
    let variable = &container["env"][0];
    assert_eq!(variable["name"], Value::from("PGPASSWORD"));
    assert!(variable["valueFrom"]["secretKeyRef"]["name"].is_string());
}

#[test]
fn the_slurm_script_starts_workers() {
    let script = file("slurm_workers.sh");
    let text = std::fs::read_to_string(&script).unwrap();
    let options: Vec<&str> = text
        .lines()
        .filter_map(|l| l.strip_prefix("#SBATCH "))
        .collect();
    assert!(
        options.iter().any(|o| o.starts_with("--array=")),
        "{options:?}"
    );
    for option in options {
        let plain = option
            .strip_prefix("--")
            .unwrap_or_else(|| panic!("{option}"));
        let (name, value) = plain.split_once('=').unwrap_or((plain, ""));
        assert!(
            name.chars().all(|c| c.is_ascii_lowercase() || c == '-'),
            "{option}"
        );
        assert!(!value.contains(' '), "{option}");
    }
    // Run with a `hemet` that only says what it was asked.
    let folder = tempfile::tempdir().unwrap();
    let stub = folder.path().join("hemet");
    std::fs::write(&stub, "#!/bin/sh\nprintf '%s\\n' \"$@\"\n").unwrap();
    let marked = Command::new("chmod").arg("+x").arg(&stub).status().unwrap();
    assert!(marked.success());
    let path = format!(
        "{}:{}",
        folder.path().display(),
        std::env::var("PATH").unwrap()
    );
    let run = |storage: Option<&str>| {
        let mut command = Command::new("bash");
        command
            .arg(&script)
            .env("PATH", &path)
            .env_remove("HEMET_STORAGE")
            .env("HEMET_KEY", "study.key");
        command
            .env("HEMET_DATA", "/a folder")
            .env("SLURM_SUBMIT_DIR", "project");
        if let Some(storage) = storage {
            command.env("HEMET_STORAGE", storage);
        }
        command.output().unwrap()
    };
    let output = run(Some("postgres://me@host/db"));
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let arguments: Vec<String> = said.lines().map(str::to_owned).collect();
    assert_eq!(storage_of_worker(&arguments), "postgres://me@host/db");
    assert!(arguments.contains(&"/a folder".to_owned()), "{arguments:?}");
    assert!(arguments.contains(&"study.key".to_owned()), "{arguments:?}");
    let without = run(None);
    assert!(!without.status.success());
    assert!(String::from_utf8_lossy(&without.stderr).contains("HEMET_STORAGE"));
}
