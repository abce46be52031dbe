//! The files that client and server exchange: one envelope, its kinds, written aside and renamed.

mod envelope;
mod list;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::error::{Result, RuntimeError};

pub use envelope::{ArtifactId, FileKind, KeySetId};

pub(crate) use envelope::{Belongs, Envelope, HEADER, seal};
pub(crate) use list::{Reader, join, split};

/// The bytes of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|source| unread(path, source))
}

/// The first bytes of a file, fewer where it is shorter.
pub(crate) fn read_start(path: &Path, count: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|source| unread(path, source))?;
    let read = file.take(count as u64).read_to_end(&mut bytes);
    read.map_err(|source| unread(path, source))?;
    Ok(bytes)
}

fn unread(path: &Path, source: io::Error) -> RuntimeError {
    RuntimeError::Read {
        path: path.to_owned(),
        source,
    }
}
