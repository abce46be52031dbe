//! The bytes of an artifact file: mark, head, checksummed and compressed parts.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::{FORMAT_VERSION, Manifest, part_error};
use crate::Error;

/// First bytes of every artifact. The first is no ASCII and a line end follows, so that a transfer which changes text
/// shows at once.
pub(super) const MARK: [u8; 8] = *b"\x89HEMET\r\n";

/// Mark, version, length of the head, sum of the head.
const FIXED: usize = 8 + 4 + 4 + 32;

/// Effort of compression; 3 is zstd's own default.
const LEVEL: i32 = 3;

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
pub(super) struct Part {
    head: PartHead,
    stored: Vec<u8>,
}

impl Part {
    pub(super) fn compress(name: &str, bytes: &[u8], limit: u64) -> Result<Self, Error> {
        check_size(name, bytes.len() as u64, limit)?;
        let stored =
            zstd::bulk::compress(bytes, LEVEL).map_err(|e| part_error(name, e.to_string()))?;
        Ok(Self {
            head: PartHead {
                name: name.to_owned(),
                bytes: bytes.len() as u64,
                stored_bytes: stored.len() as u64,
                blake3: blake3::hash(&stored).to_hex().to_string(),
            },
            stored,
        })
    }
}

/// The file's bytes.
pub(super) fn assemble(manifest: &Manifest, parts: &[Part], limit: u64) -> Result<Vec<u8>, Error> {
    let head = Head {
        manifest: manifest.clone(),
        parts: parts.iter().map(|part| part.head.clone()).collect(),
    };
    let head = serde_json::to_vec(&head).map_err(|e| part_error("head", e.to_string()))?;
    check_size("head", head.len() as u64, limit)?;
    let stored: usize = parts.iter().map(|part| part.stored.len()).sum();
    let mut bytes = Vec::with_capacity(FIXED + head.len() + stored);
    bytes.extend(MARK);
    bytes.extend(FORMAT_VERSION.to_le_bytes());
    bytes.extend((head.len() as u32).to_le_bytes());
    bytes.extend(head_sum(FORMAT_VERSION, &head).as_bytes());
    bytes.extend(head);
    for part in parts {
        bytes.extend(&part.stored);
    }
    Ok(bytes)
}

/// Reads a file part by part.
pub(super) struct Reader<R> {
    source: R,
    path: PathBuf,
    manifest: Manifest,
    parts: std::vec::IntoIter<PartHead>,
}

impl<R: Read> Reader<R> {
    /// Reads and checks everything before the first part.
    pub(super) fn open(mut source: R, path: &Path, limit: u64) -> Result<Self, Error> {
        let fixed = read_up_to(&mut source, path, FIXED as u64)?;
        if !fixed.starts_with(&MARK) {
            return Err(Error::NotAnArtifact { bytes: fixed.len() });
        }
        let Some((_, version, length, sum)) = split(&fixed) else {
            return Err(length_error("the start", FIXED as u64, fixed.len() as u64));
        };
        if version > FORMAT_VERSION {
            return Err(Error::NewerFormat {
                found: version,
                supported: FORMAT_VERSION,
            });
        }
        if version == 0 {
            return Err(part_error(
                "head",
                "has format version 0, which never was".into(),
            ));
        }
        check_size("head", u64::from(length), limit)?;
        let head = read_exactly(&mut source, path, "head", u64::from(length))?;
        let wanted = blake3::Hash::from_bytes(sum).to_hex();
        same_sum("head", head_sum(version, &head), &wanted)?;
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
    pub(super) fn names(&self) -> Vec<String> {
        self.parts
            .as_slice()
            .iter()
            .map(|part| part.name.clone())
            .collect()
    }

    /// The next part, checked and decompressed.
    pub(super) fn part(&mut self, limit: u64) -> Result<Vec<u8>, Error> {
        let Some(head) = self.parts.next() else {
            return Err(part_error("head", "lists too few parts".into()));
        };
        check_size(&head.name, head.bytes, limit)?;
        check_size(&head.name, head.stored_bytes, limit.saturating_add(1 << 16))?;
        let stored = read_exactly(&mut self.source, &self.path, &head.name, head.stored_bytes)?;
        check_sum(&head.name, &stored, &head.blake3)?;
        decompress(&head, &stored)
    }

    /// Ends reading: nothing may follow the last part.
    pub(super) fn finish(mut self) -> Result<Manifest, Error> {
        let more = read_up_to(&mut self.source, &self.path, 1)?;
        if more.is_empty() {
            Ok(self.manifest)
        } else {
            Err(length_error("the end of the file", 0, 1))
        }
    }
}

fn decompress(head: &PartHead, stored: &[u8]) -> Result<Vec<u8>, Error> {
    let wrong = |e: std::io::Error| part_error(&head.name, format!("does not decompress: {e}"));
    let decoder = zstd::stream::read::Decoder::with_buffer(stored).map_err(wrong)?;
    let mut bytes = Vec::new();
    decoder
        .single_frame()
        .take(head.bytes.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(wrong)?;
    if bytes.len() as u64 != head.bytes {
        return Err(length_error(&head.name, head.bytes, bytes.len() as u64));
    }
    Ok(bytes)
}

/// Mark, version, length and sum.
fn split(fixed: &[u8]) -> Option<([u8; 8], u32, u32, [u8; 32])> {
    let (mark, rest) = fixed.split_first_chunk()?;
    let (version, rest) = rest.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (sum, _) = rest.split_first_chunk()?;
    Some((
        *mark,
        u32::from_le_bytes(*version),
        u32::from_le_bytes(*length),
        *sum,
    ))
}

/// Memory grows with what is there, not with what is asked for.
fn read_up_to(source: &mut impl Read, path: &Path, length: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let result = source.take(length).read_to_end(&mut bytes);
    result.map_err(|source| Error::Io {
        path: path.to_owned(),
        source,
    })?;
    Ok(bytes)
}

fn read_exactly(
    source: &mut impl Read,
    path: &Path,
    part: &str,
    length: u64,
) -> Result<Vec<u8>, Error> {
    let bytes = read_up_to(source, path, length)?;
    if bytes.len() as u64 == length {
        Ok(bytes)
    } else {
        Err(length_error(part, length, bytes.len() as u64))
    }
}

fn check_size(part: &str, bytes: u64, limit: u64) -> Result<(), Error> {
    if bytes <= limit {
        return Ok(());
    }
    Err(Error::TooLarge {
        part: part.to_owned(),
        bytes,
        limit,
    })
}

/// The sum of the head; from version 3 on it covers the version too, so that a damaged one shows.
fn head_sum(version: u32, head: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    if version >= 3 {
        hasher.update(&version.to_le_bytes());
    }
    hasher.update(head).finalize()
}

fn check_sum(part: &str, bytes: &[u8], wanted: &str) -> Result<(), Error> {
    same_sum(part, blake3::hash(bytes), wanted)
}

fn same_sum(part: &str, found: blake3::Hash, wanted: &str) -> Result<(), Error> {
    let found = found.to_hex();
    if found.as_str() == wanted {
        return Ok(());
    }
    Err(Error::Checksum {
        part: part.to_owned(),
        wanted: wanted.to_owned(),
        found: found.to_string(),
    })
}

fn length_error(part: &str, wanted: u64, found: u64) -> Error {
    Error::Length {
        part: part.to_owned(),
        wanted,
        found,
    }
}
