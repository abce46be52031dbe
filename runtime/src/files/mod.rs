//! The files that client and server exchange: one envelope, its kinds, written aside and renamed.

mod envelope;
mod ids;
mod list;

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::error::{Result, RuntimeError};

pub use envelope::{FileKind, START_BYTES, artifact_of, length_of};
pub use ids::{ArtifactId, KeyBinding, KeySetId};

pub(crate) use envelope::{Belongs, Envelope, HEADER, Head, MadeFor, seal};
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

    /// The first bytes, for whoever needs no more.
    pub(crate) fn into_start(self) -> Vec<u8> {
        self.start
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
        self.append(&mut bytes, count)?;
        Ok(bytes)
    }

    /// The payload of the file, whose first [`HEADER`] bytes are read; its checksum holds. A file on a disk is read
    /// twice, so that it need not be in memory.
    ///
    /// # Errors
    /// Another length or sum than the file says, and what the system says.
    pub(crate) fn payload(&self, head: &Head) -> Result<Box<dyn Read + '_>> {
        let failed = |source| unread(&self.path, source);
        if !self.file.metadata().map_err(failed)?.is_file() {
            let payload = self.next(head.length.saturating_add(1))?;
            let checked = head.check_payload(&self.start, payload.as_slice());
            checked.map_err(failed)??;
            return Ok(Box::new(io::Cursor::new(payload)));
        }
        let checked = head.check_payload(&self.start, &self.file);
        checked.map_err(failed)??;
        let mut file = &self.file;
        file.seek(SeekFrom::Start(HEADER as u64)).map_err(failed)?;
        Ok(Box::new(BufReader::new(file).take(head.length)))
    }

    /// As [`Opened::next`], behind what `bytes` has.
    fn append(&self, bytes: &mut Vec<u8>, count: u64) -> Result<()> {
        let read = (&self.file).take(count).read_to_end(bytes);
        read.map_err(|source| unread(&self.path, source))?;
        Ok(())
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
    let there = opened.file.metadata().map_or(0, |data| data.len());
    let head = Head::read(opened.start(), kind)?;
    check(&head)?;
    let (what, got) = (kind.name(), head.length);
    if got > most {
        return Err(RuntimeError::TooLong { what, got, most });
    }
    // Room for all of it at once: where a vector grows it leaves copies, and this may be a secret.
    let room = usize::try_from(there.min(got + HEADER as u64)).unwrap_or(0);
    let mut bytes = Vec::new();
    if bytes.try_reserve_exact(room + 1).is_err() {
        return Err(unread(path, io::ErrorKind::OutOfMemory.into()));
    }
    bytes.extend_from_slice(opened.start());
    // One byte more shows a file that is longer than it says.
    opened.append(&mut bytes, got + 1)?;
    head.check_length(bytes.len() as u64)?;
    Ok(bytes)
}

/// What one `keygen` made the evaluation keys at `path`; they are not read whole.
///
/// # Errors
/// A file of another kind, and what the system says.
pub fn key_set_at(path: &Path) -> Result<KeySetId> {
    let start = read_start(path, HEADER)?;
    Ok(Head::read(&start, FileKind::EvaluationKeys)?.belongs.keys)
}

fn unread(path: &Path, source: io::Error) -> RuntimeError {
    RuntimeError::Read {
        path: path.to_owned(),
        source,
    }
}
