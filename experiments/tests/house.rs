//! The invariants of ARCHITECTURE.md that can be read off the tree: who depends on what, and the form of the files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// Every file below `folder` with this extension, target folders left out.
fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && name != "runs" && name != "fuzz" && !name.starts_with('.') {
                files(&path, extension, found);
            }
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
}

fn rust_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(&root(), "rs", &mut found);
    assert!(found.len() > 100, "{} Rust files found", found.len());
    found
}

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
fn heavy_dependencies_are_confined_to_one_crate_each() {
    let confined = [
        ("burn", "hemet-search"),
        ("petgraph", "hemet-spaces"),
        ("plotters", "hemet-reports"),
        ("askama", "hemet-reports"),
        ("serde_yaml", "hemet"),
        ("clap", "hemet"),
        ("ureq", "hemet"),
        ("tfhe-ntt", "hemet-ckks"),
        ("tfhe", "hemet-tfhe"),
        ("prost", "hemet-onnx"),
        ("apalis", "hemet-queue"),
        ("sqlx", "hemet-queue"),
        ("tokio", "hemet-queue"),
    ];
    let manifests = manifests();
    for (dependency, home) in confined {
        for (package, dependencies) in &manifests {
            if dependencies.contains(dependency) {
                assert_eq!(package, home, "{package} depends on {dependency}");
            }
        }
    }
}

#[test]
fn only_the_training_knows_burn() {
    for path in rust_files() {
        let inside = path.to_string_lossy().contains("search/src/train");
        let example = path.to_string_lossy().contains("search/examples");
        let text = std::fs::read_to_string(&path).unwrap();
        let uses = text.lines().any(|line| {
            let line = line.trim_start();
            !line.starts_with("//") && line.contains(concat!("burn", "::"))
        });
        assert!(!uses || inside || example, "{} uses burn", path.display());
    }
}

#[test]
fn every_rust_file_says_first_what_it_is() {
    for path in rust_files() {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//!"), "{}", path.display());
    }
}

#[test]
fn nothing_is_left_unfinished_and_no_test_is_ignored() {
    // Split so that this file does not find itself.
    let words = [
        concat!("to", "do!("),
        concat!("unimplemented", "!("),
        concat!("#[", "ignore"),
    ];
    for path in rust_files() {
        let text = std::fs::read_to_string(&path).unwrap();
        for word in words {
            assert!(!text.contains(word), "{} holds {word}", path.display());
        }
    }
}

#[test]
fn library_crates_do_not_print_or_read_the_environment() {
    let words = ["println!", "eprintln!", "print!(", "std::env::var"];
    for path in rust_files() {
        let name = path.to_string_lossy().into_owned();
        let library = name.contains("/src/") && !name.contains("experiments/src");
        if !library {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or("");
        for line in code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
        {
            for word in words {
                assert!(!line.contains(word), "{name}: {line}");
            }
        }
    }
}

#[test]
fn unsafe_code_is_in_the_kernels_only_and_each_block_says_why() {
    for path in rust_files() {
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let uses = code
            .filter(|line| line.contains(concat!("unsafe", " {")))
            .count();
        if uses == 0 {
            continue;
        }
        let name = path.to_string_lossy();
        let kernels = [
            "ckks/src/kernels",
            "ckks/src/ntt",
            "ckks/src/keys/mapping.rs",
            "search/src/train/kernel/",
        ];
        assert!(
            kernels.iter().any(|k| name.contains(k)),
            "{name} has unsafe code"
        );
        let reasons = text.matches("SAFETY:").count();
        assert!(
            reasons > 0,
            "{name}: {uses} unsafe blocks without a SAFETY line"
        );
    }
}
