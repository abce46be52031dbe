//! Finding and reading the files of a dataset, and comparing them with the published ones.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::Error;

/// The first of `names` that lies in `folder` or in its folder `usual`; else the most usual place, for errors to name.
pub(super) fn find(folder: &Path, usual: &str, names: &[String]) -> PathBuf {
    let places: Vec<PathBuf> = names
        .iter()
        .flat_map(|name| [folder.join(usual).join(name), folder.join(name)])
        .collect();
    let found = places.iter().find(|path| path.is_file());
    found.unwrap_or(&places[0]).clone()
}

/// The bytes of a file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::Io {
        action: "cannot read",
        path: path.to_owned(),
        source,
    })
}

/// Refuses content whose BLAKE3 sum `found` is not the published one.
pub(super) fn check_sum(
    file: &str,
    found: String,
    expected: &'static str,
    address: &'static str,
) -> Result<(), Error> {
    check(file, ["blake3", &found], expected, address)
}

/// Refuses a sum of this kind that is not the published one.
fn check(
    file: &str,
    [kind, found]: [&str; 2],
    expected: &'static str,
    address: &'static str,
) -> Result<(), Error> {
    match found == expected {
        true => Ok(()),
        false => Err(Error::Checksum {
            file: file.to_owned(),
            found: format!("{kind} sum {found}"),
            expected,
            address,
        }),
    }
}

/// Refuses content whose SHA-256 sum is not the published one.
///
/// # Errors
/// Both sums, and where the file is published.
pub fn check_sha256(
    file: &str,
    content: &[u8],
    expected: &'static str,
    address: &'static str,
) -> Result<(), Error> {
    let sum = Sha256::digest(content);
    let found: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
    check(file, ["SHA-256", &found], expected, address)
}

/// Refuses the content of a file, saying why.
pub(super) fn refuse<T>(file: &str, why: impl Into<String>) -> Result<T, Error> {
    Err(Error::DataFormat {
        file: file.to_owned(),
        why: why.into(),
    })
}

/// The entries of a folder, by name; hidden ones (that begin with a dot) left out.
pub(super) fn list(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let io = |source| Error::Io {
        action: "cannot list",
        path: folder.to_owned(),
        source,
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
