//! Scheme `tfhe` behind the command line: costs, compilation, and what each command does with a TFHE artifact.

pub mod artifact;
pub mod bound;
pub mod compile;
pub mod costs;
pub mod session;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use hemet_runtime::tfhe::{TfheArtifact, is_artifact, is_client_key};

use crate::error::Error;

/// The TFHE artifact at `path`; none where the file is of another kind.
pub fn artifact_at(path: &Path) -> Result<Option<TfheArtifact>, Error> {
    match is_artifact(&start(path)) {
        true => TfheArtifact::read(path)
            .map(Some)
            .map_err(|e| Error::file(path, e)),
        false => Ok(None),
    }
}

/// Whether `path` is the key file of a TFHE client.
pub fn is_key_of_tfhe(path: &Path) -> bool {
    is_client_key(&start(path))
}

/// The first bytes of a file, none where it cannot be read: whoever reads it then says why.
fn start(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Ok(file) = File::open(path) {
        // What fails here fails again where the whole file is read, and is told there.
        let _ = file.take(64).read_to_end(&mut bytes);
    }
    bytes
}
