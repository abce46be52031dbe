//! The container of an artifact: a mark, a head with the manifest, and parts that are compressed and carry a checksum.
//!
//! ```text
//! mark (8 bytes)  version (u32)  length of head (u32)  BLAKE3 of version and head (32 bytes)  head (JSON)
//! parts, one after another
//! ```
//!
//! Numbers are little-endian. The head holds the [`Manifest`] and, for each part, name, size, stored size and BLAKE3
//! sum of the stored bytes. A part is stored as one zstd frame.
//!
//! Reading trusts nothing: sums are checked before anything is decompressed, sizes before memory is taken, and memory
//! grows only with bytes that are really there. A part may be at most [`MAX_RATIO`] times as large as it is stored,
//! beyond a MiB: real ones are 2 to 30 times as large, and a small file cannot ask for much memory.

use std::io::Read;
use std::path::{Path, PathBuf};

use hemet_files::sealed::{Damage, Fields, check_sum, hex, length, read_at_most, sum, within};

use crate::manifest::Manifest;

/// Newest version of the container.
/// Version 1 had no placed maps; version 2 no taps that share a weight, and no constants as integers.
pub const FORMAT_VERSION: u32 = 3;

/// Mark, version, length of the head, sum of the head.
const FIXED: u64 = 8 + 4 + 4 + 32;

/// Effort of compression; 3 is zstd's own default.
const LEVEL: i32 = 3;

/// Most bytes of a part for each byte that it is stored in, beyond [`FREE_BYTES`].
pub const MAX_RATIO: u64 = 128;

/// Bytes that a part may have however few it is stored in.
pub const FREE_BYTES: u64 = 1 << 20;

/// Why a file is no artifact.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It could not be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Its bytes are another file's, too many or too few, or damaged.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// A part cannot be understood.
    #[error("{part} of the artifact: {message}")]
    Part {
        /// Which part.
        part: String,
        /// What is wrong.
        message: String,
    },
}

/// What the head says of a part.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct PartHead {
    name: String,
    bytes: u64,
    stored_bytes: u64,
    blake3: String,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    manifest: Manifest,
    parts: Vec<PartHead>,
}

/// A part as it is stored.
pub(crate) struct Part {
    head: PartHead,
    stored: Vec<u8>,
}

impl Part {
    /// Compresses a part of at most `limit` bytes. One that compresses beyond [`MAX_RATIO`] is padded with zeros behind
    /// its frame, so that it can be read again.
    pub(crate) fn compress(name: &str, bytes: &[u8], limit: u64) -> Result<Self, FileError> {
        within(name, bytes.len() as u64, limit)?;
        let mut stored =
            zstd::bulk::compress(bytes, LEVEL).map_err(|e| part_error(name, e.to_string()))?;
        let least = (bytes.len() as u64)
            .saturating_sub(FREE_BYTES)
            .div_ceil(MAX_RATIO) as usize;
        stored.resize(stored.len().max(least), 0);
        Ok(Self {
            head: PartHead {
                name: name.to_owned(),
                bytes: bytes.len() as u64,
                stored_bytes: stored.len() as u64,
                blake3: hex(&sum(&[&stored])),
            },
            stored,
        })
    }
}

/// The file's bytes.
pub(crate) fn assemble(
    mark: &[u8; 8],
    manifest: &Manifest,
    parts: &[Part],
    limit: u64,
) -> Result<Vec<u8>, FileError> {
    let head = Head {
        manifest: manifest.clone(),
        parts: parts.iter().map(|part| part.head.clone()).collect(),
    };
    let head = serde_json::to_vec(&head).map_err(|e| part_error("head", e.to_string()))?;
    within("head", head.len() as u64, limit)?;
    let stored: usize = parts.iter().map(|part| part.stored.len()).sum();
    let mut bytes = Vec::with_capacity(FIXED as usize + head.len() + stored);
    bytes.extend(mark);
    bytes.extend(FORMAT_VERSION.to_le_bytes());
    bytes.extend((head.len() as u32).to_le_bytes());
    bytes.extend(head_sum(FORMAT_VERSION, &head));
    bytes.extend(head);
    for part in parts {
        bytes.extend(&part.stored);
    }
    Ok(bytes)
}

/// Reads a file part by part.
pub(crate) struct Reader<R> {
    source: R,
    path: PathBuf,
    manifest: Manifest,
    parts: std::vec::IntoIter<PartHead>,
}

impl<R: Read> Reader<R> {
    /// Reads and checks everything before the first part.
    pub(crate) fn open(
        mut source: R,
        path: &Path,
        mark: &[u8; 8],
        limit: u64,
    ) -> Result<Self, FileError> {
        let fixed = read(&mut source, path, FIXED)?;
        let mut fields = Fields::of("the artifact", &fixed);
        fields.mark(mark)?;
        let version = fields.u32()?;
        fields.check_version(version, FORMAT_VERSION)?;
        let size = fields.u32()?;
        let wanted = fields.array()?;
        within("head", size.into(), limit)?;
        let head = read_exactly(&mut source, path, "head", size.into())?;
        check_sum("head", &head_sum(version, &head), &wanted)?;
        let head: Head =
            serde_json::from_slice(&head).map_err(|e| part_error("head", e.to_string()))?;
        Ok(Self {
            source,
            path: path.to_owned(),
            manifest: head.manifest,
            parts: head.parts.into_iter(),
        })
    }

    /// Names of the parts that are left.
    pub(crate) fn names(&self) -> Vec<String> {
        let parts = self.parts.as_slice().iter();
        parts.map(|part| part.name.clone()).collect()
    }

    /// The next part, checked and decompressed.
    pub(crate) fn part(&mut self, limit: u64) -> Result<Vec<u8>, FileError> {
        let Some(head) = self.parts.next() else {
            return Err(part_error("head", "lists too few parts".into()));
        };
        within(&head.name, head.bytes, limit)?;
        within(&head.name, head.stored_bytes, limit.saturating_add(1 << 16))?;
        let most = head
            .stored_bytes
            .saturating_mul(MAX_RATIO)
            .saturating_add(FREE_BYTES);
        if head.bytes > most {
            let message = format!(
                "{} bytes are stored in {}; that many bytes hold at most {most}",
                head.bytes, head.stored_bytes
            );
            return Err(part_error(&head.name, message));
        }
        let stored = read_exactly(&mut self.source, &self.path, &head.name, head.stored_bytes)?;
        let found = sum(&[&stored]);
        if hex(&found) != head.blake3 {
            return Err(Damage::Checksum {
                part: head.name,
                wanted: head.blake3,
                found: hex(&found),
            }
            .into());
        }
        decompress(&head, &stored)
    }

    /// Ends reading: nothing may follow the last part.
    pub(crate) fn finish(mut self) -> Result<Manifest, FileError> {
        match read(&mut self.source, &self.path, 1)?.len() as u64 {
            0 => Ok(self.manifest),
            more => Err(length("the end of the file", 0, more).into()),
        }
    }
}

fn decompress(head: &PartHead, stored: &[u8]) -> Result<Vec<u8>, FileError> {
    let wrong = |e: std::io::Error| part_error(&head.name, format!("does not decompress: {e}"));
    let decoder = zstd::stream::read::Decoder::with_buffer(stored).map_err(wrong)?;
    let mut decoder = decoder.single_frame();
    let bytes = read_at_most(&mut decoder, head.bytes.saturating_add(1)).map_err(wrong)?;
    if bytes.len() as u64 != head.bytes {
        return Err(length(&head.name, head.bytes, bytes.len() as u64).into());
    }
    Ok(bytes)
}

/// Memory grows with what is there, not with what is asked for.
/// Version of the form of the artifact at `path`.
///
/// # Errors
/// A file that cannot be read or is too short.
pub fn format_version(path: &Path) -> Result<u32, FileError> {
    let io = |source| FileError::Io {
        path: path.to_owned(),
        source,
    };
    let mut file = std::fs::File::open(path).map_err(io)?;
    // Mark and version.
    let head = read_exactly(&mut file, path, "head", 12)?;
    let version = head[8..]
        .try_into()
        .map_err(|_| length("head", 12, head.len() as u64))?;
    Ok(u32::from_le_bytes(version))
}

fn read(source: &mut impl Read, path: &Path, length: u64) -> Result<Vec<u8>, FileError> {
    read_at_most(source, length).map_err(|source| FileError::Io {
        path: path.to_owned(),
        source,
    })
}

fn read_exactly(
    source: &mut impl Read,
    path: &Path,
    part: &str,
    wanted: u64,
) -> Result<Vec<u8>, FileError> {
    let bytes = read(source, path, wanted)?;
    match bytes.len() as u64 == wanted {
        true => Ok(bytes),
        false => Err(length(part, wanted, bytes.len() as u64).into()),
    }
}

/// The sum of the head; from version 3 on it covers the version too, so that a damaged one shows.
fn head_sum(version: u32, head: &[u8]) -> [u8; 32] {
    match version >= 3 {
        true => sum(&[&version.to_le_bytes(), head]),
        false => sum(&[head]),
    }
}

pub(crate) fn part_error(part: &str, message: String) -> FileError {
    FileError::Part {
        part: part.to_owned(),
        message,
    }
}
