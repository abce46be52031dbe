//! The files that client and server exchange: one envelope, its kinds, written aside and renamed.

mod envelope;
mod list;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::error::{Result, RuntimeError};

pub use envelope::{ArtifactId, FileKind, KeySetId};

pub(crate) use envelope::{Belongs, Envelope, HEADER, seal};
pub(crate) use list::{Reader, join, split};

/// The bytes of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|source| unread(path, source))
}

/// A file that is opened once, so that what was checked of it is what is used.
pub struct Opened {
    file: File,
    path: PathBuf,
    start: Vec<u8>,
}

impl Opened {
    /// Opens a file and reads its first bytes, at most `count`.
    pub(crate) fn open(path: &Path, count: usize) -> Result<Self> {
        let file = File::open(path).map_err(|source| unread(path, source))?;
        let mut opened = Self {
            file,
            path: path.to_owned(),
            start: Vec::new(),
        };
        opened.start = opened.next(count as u64)?;
        Ok(opened)
    }

    /// The first bytes.
    pub fn start(&self) -> &[u8] {
        &self.start
    }

    /// The whole file, of which a part is read already.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// The next bytes, at most `count`, fewer at the end; memory grows with what there is.
    ///
    /// # Errors
    /// What the system says.
    pub fn next(&self, count: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = (&self.file).take(count).read_to_end(&mut bytes);
        read.map_err(|source| unread(&self.path, source))?;
        Ok(bytes)
    }
}

/// The first bytes of a file, fewer where it is shorter.
pub(crate) fn read_start(path: &Path, count: usize) -> Result<Vec<u8>> {
    Ok(Opened::open(path, count)?.start)
}

fn unread(path: &Path, source: io::Error) -> RuntimeError {
    RuntimeError::Read {
        path: path.to_owned(),
        source,
    }
}
