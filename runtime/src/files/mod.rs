//! The files that client and server exchange: one envelope, its kinds, written aside and renamed.

mod envelope;
mod list;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::error::{Result, RuntimeError};

pub use envelope::{ArtifactId, FileKind, KeySetId};

pub(crate) use envelope::{Belongs, Envelope, HEADER, Head, seal};
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

/// The bytes of a file of this kind whose payload has at most `most` bytes. Mark, kind, version and length are looked
/// at, and by `check` what it belongs to, before the rest is read.
pub(crate) fn read_sealed(
    path: &Path,
    kind: FileKind,
    most: u64,
    check: impl FnOnce(&Head) -> Result<()>,
) -> Result<Vec<u8>> {
    let opened = Opened::open(path, HEADER)?;
    let head = Head::read(opened.start(), kind)?;
    check(&head)?;
    let (what, got) = (kind.name(), head.length);
    if got > most {
        return Err(RuntimeError::TooLong { what, got, most });
    }
    // One byte more shows a file that is longer than it says.
    let payload = opened.next(got + 1)?;
    head.check_length((HEADER + payload.len()) as u64)?;
    Ok([opened.start(), &payload].concat())
}

fn unread(path: &Path, source: io::Error) -> RuntimeError {
    RuntimeError::Read {
        path: path.to_owned(),
        source,
    }
}
