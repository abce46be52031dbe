//! What a deployed server does not contain.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

const FORBIDDEN: [&str; 6] = [
    "hemet-compiler",
    "hemet-spaces",
    "hemet-search",
    "burn",
    "petgraph",
    "plotters",
];

#[test]
fn runtime_and_service_depend_on_neither_compiler_nor_training_nor_graphs() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    // A build has fetched the packages of this platform only.
    let version = Command::new(&cargo).arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--offline"])
        .args(["--filter-platform", host.unwrap()])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    for package in ["hemet-runtime", "hemet-serve"] {
        let names = reachable(&metadata, package);
        assert!(
            names.contains("hemet-ckks") && names.contains("rand_chacha"),
            "{names:?}"
        );
        for name in FORBIDDEN {
            assert!(!names.contains(name), "{package} depends on {name}");
        }
    }
}

/// Names of the packages that `root` needs to build and run, tests aside.
fn reachable(metadata: &Value, root: &str) -> BTreeSet<String> {
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    let names: BTreeMap<String, String> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| (text(&package["id"]), text(&package["name"])))
        .collect();
    let nodes: BTreeMap<String, &Value> = metadata["resolve"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| (text(&node["id"]), node))
        .collect();
    let start = names.iter().find(|(_, name)| *name == root).unwrap().0;
    let mut seen = BTreeSet::from([start.clone()]);
    let mut open = vec![start.clone()];
    while let Some(id) = open.pop() {
        for dependency in nodes[&id]["deps"].as_array().unwrap() {
            let kinds = dependency["dep_kinds"].as_array().unwrap();
            let id = text(&dependency["pkg"]);
            if kinds.iter().any(|kind| kind["kind"] != "dev") && seen.insert(id.clone()) {
                open.push(id);
            }
        }
    }
    seen.iter().map(|id| names[id].clone()).collect()
}

#[test]
fn only_the_client_and_the_two_suites_that_play_it_name_the_secret_key() {
    let allowed = ["client.rs", "measure.rs"];
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let named = std::fs::read_to_string(&path)
                .unwrap()
                .contains("SecretKey");
            let file = path.file_name().unwrap().to_str().unwrap();
            assert!(
                !named || allowed.contains(&file),
                "{} names SecretKey",
                path.display()
            );
        }
    }
    assert!(files > 10);
}

/// `Debug` would print secrets into logs. If a type had it, both traits below would apply and this would not compile.
#[test]
fn a_client_cannot_be_printed() {
    trait NotDebug<A> {
        fn holds() -> bool {
            true
        }
    }
    impl<T> NotDebug<()> for T {}
    struct Printable;
    impl<T: std::fmt::Debug> NotDebug<Printable> for T {}
    assert!(<hemet_runtime::Client as NotDebug<_>>::holds());
    assert!(<hemet_ckks::SecretKey as NotDebug<_>>::holds());
}
