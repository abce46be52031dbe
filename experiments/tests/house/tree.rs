//! The tree that the other tests read: its files, and the product code in a file.

use std::path::{Path, PathBuf};

/// The project's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// Every file below `folder` with this extension, target folders left out.
pub fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
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

/// Every Rust file of the project.
pub fn rust_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(&root(), "rs", &mut found);
    assert!(found.len() > 100, "{} Rust files found", found.len());
    found
}

/// The files of the product: no tests, examples or benches.
pub fn product_files() -> Vec<PathBuf> {
    let outside = ["/tests/", "/examples/", "/benches/"];
    let product = |path: &PathBuf| {
        let name = path.to_string_lossy().into_owned();
        name.contains("/src/") && !outside.iter().any(|folder| name.contains(folder))
    };
    rust_files().into_iter().filter(product).collect()
}

/// The text of a file up to its unit tests.
pub fn product_code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let end = text.find("\n#[cfg(test)]\nmod tests").unwrap_or(text.len());
    text[..end].to_owned()
}

/// A file's path from the root.
pub fn name(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .to_string_lossy()
        .into_owned()
}
