//! Who depends on what.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::tree::{files, root};

/// `(package, its direct dependencies)` of every manifest, development dependencies left out.
fn manifests() -> Vec<(String, BTreeSet<String>)> {
    let mut found = Vec::new();
    files(&root(), "toml", &mut found);
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        let package = text.lines().find_map(|l| l.strip_prefix("name = \""))?;
        let package = package.trim_end_matches('"').to_owned();
        let section = text.split("\n[dependencies]\n").nth(1).unwrap_or("");
        let lines = section.lines().take_while(|line| !line.starts_with('['));
        let names = lines.filter_map(|line| {
            let name = line.split(['.', ' ', '=']).next()?;
            (!name.is_empty() && !name.starts_with('#')).then(|| name.to_owned())
        });
        Some((package, names.collect()))
    };
    found
        .into_iter()
        .filter(|path| path.file_name().is_some_and(|name| name == "Cargo.toml"))
        .filter_map(read)
        .collect()
}

#[test]
fn heavy_dependencies_are_confined_to_the_crates_that_need_them() {
    let confined: [(&str, &[&str]); 19] = [
        ("burn", &["hemet-search"]),
        ("petgraph", &["hemet-spaces"]),
        ("plotters", &["hemet-reports"]),
        ("askama", &["hemet-reports"]),
        ("serde_yaml", &["hemet"]),
        ("clap", &["hemet", "hemet-serve"]),
        ("ureq", &["hemet"]),
        ("tfhe-ntt", &["hemet-ckks"]),
        ("tfhe", &["hemet-tfhe"]),
        ("prost", &["hemet-onnx"]),
        ("argon2", &["hemet-runtime"]),
        ("aes-gcm", &["hemet-runtime"]),
        ("ed25519-dalek", &["hemet-runtime"]),
        ("console", &["hemet"]),
        ("apalis", &["hemet-queue"]),
        ("sqlx", &["hemet-queue"]),
        ("tokio", &["hemet-queue", "hemet-serve"]),
        ("axum", &["hemet-serve"]),
        ("hyper", &["hemet-serve"]),
    ];
    let manifests = manifests();
    for (dependency, homes) in confined {
        for (package, dependencies) in &manifests {
            if dependencies.contains(dependency) {
                let home = homes.contains(&package.as_str());
                assert!(home, "{package} depends on {dependency}");
            }
        }
    }
}
