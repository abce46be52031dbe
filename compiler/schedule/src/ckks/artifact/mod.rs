//! Artifact: the `.hemet` file that a compiler hands to a server: manifest, schedule text, constants. It holds no
//! secret.
//!
//! In the [`crate::container`] lie the parts `schedule` (the text form), `constants` (safetensors: integers times a
//! step where all values of a constant are exactly that, otherwise 32-bit floats where they are that, otherwise 64-bit;
//! linear maps as weights with their placement), and `extra/NAME`. What is read is parsed and verified.

mod constants;
mod integers;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use crate::DevicePart;
use crate::ckks::constants::is_name_char;
use crate::ckks::{Constant, Error, Verified, text, verify};
use crate::container::{self, FileError, Part, Reader, part_error};
use crate::scheme::Scheme;
use crate::syntax::MAX_NAME_BYTES;

pub use crate::container::FORMAT_VERSION;
pub use crate::manifest::{LayerNote, Manifest};
pub use constants::{from_bytes as constants_from_bytes, to_bytes as constants_to_bytes};

/// How large the parts of an artifact may be, in bytes, before they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The head with the manifest.
    pub head: u64,
    /// The schedule's text.
    pub schedule: u64,
    /// The constants, decompressed.
    pub constants: u64,
    /// Each further part, decompressed.
    pub extra: u64,
}

impl Default for Limits {
    /// 1 MiB of head, 64 MiB of schedule, 1 GiB of constants, 16 MiB for each further part.
    fn default() -> Self {
        Self {
            head: 1 << 20,
            schedule: text::MAX_TEXT_BYTES as u64,
            constants: 1 << 30,
            extra: 16 << 20,
        }
    }
}

/// A compiled network.
#[derive(Clone, Debug, PartialEq)]
pub struct Artifact {
    /// What it is.
    pub manifest: Manifest,
    /// The schedule with its constants.
    pub schedule: Verified,
    /// Further parts by name (letters, digits, `_`, `-`, `.`, `/`); at most 16.
    pub extra: BTreeMap<String, Vec<u8>>,
    /// The layers that its clients run, where whoever holds the artifact has them too. They lie in the clients' spec,
    /// never in the artifact's file.
    pub device: Option<Arc<DevicePart>>,
}

/// Most further parts.
const MAX_EXTRA: usize = 16;

impl Artifact {
    /// An artifact without further parts.
    pub fn new(manifest: Manifest, schedule: Verified) -> Self {
        Self {
            manifest,
            schedule,
            extra: BTreeMap::new(),
            device: None,
        }
    }

    /// BLAKE3 of the content, as 64 hexadecimal digits: manifest, schedule, constants and further parts.
    ///
    /// Predictions, their machine, the notes on layers and the signature are left out: the same network compiled with
    /// another cost table has the same id, and keys made for one serve the other. Costs one pass over the constants.
    pub fn id(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut section = |name: &str, parts: &[&[u8]]| {
            let length: u64 = parts.iter().map(|part| part.len() as u64).sum();
            for number in [name.len() as u64, length] {
                hasher.update(&number.to_le_bytes());
            }
            hasher.update(name.as_bytes());
            for part in parts {
                hasher.update(part);
            }
        };
        let manifest = serde_json::to_vec(&self.manifest.identity()).unwrap_or_default();
        section("manifest", &[&manifest]);
        section("schedule", &[text::print(&self.schedule).as_bytes()]);
        for (name, constant) in &self.schedule.constants.entries {
            let period = constant.period() as u64;
            let values: Vec<u8> = constant
                .values()
                .iter()
                .flat_map(|v| v.to_le_bytes())
                .collect();
            let (kind, words): (&[u8], Vec<u32>) = match constant {
                Constant::Vector(_) => (b"v", Vec::new()),
                Constant::Diagonals { .. } => (b"d", Vec::new()),
                Constant::Placed(map) => (b"p", map.to_words()),
            };
            let words: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
            section(
                &format!("constant/{name}"),
                &[kind, &period.to_le_bytes(), &words, &values],
            );
        }
        for (name, bytes) in &self.extra {
            section(&format!("extra/{name}"), &[bytes]);
        }
        hasher.finalize().to_hex().to_string()
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// [`FileError::Part`] for a bad name of a further part or a predicted latency that is not a number, a part
    /// above the default [`Limits`], which nobody could read again.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        if self
            .manifest
            .predicted_latency_ms
            .is_some_and(|ms| !ms.is_finite())
        {
            let message = "the predicted latency is not a finite number";
            return Err(part_error("manifest", message.into()).into());
        }
        check_extra(self.extra.keys().map(String::as_str))?;
        let limits = Limits::default();
        let schedule = text::print(&self.schedule);
        let constants = constants::to_bytes(&self.schedule.constants)?;
        let mut parts = vec![
            Part::compress("schedule", schedule.as_bytes(), limits.schedule)?,
            Part::compress("constants", &constants, limits.constants)?,
        ];
        for (name, bytes) in &self.extra {
            parts.push(Part::compress(
                &format!("extra/{name}"),
                bytes,
                limits.extra,
            )?);
        }
        Ok(container::assemble(
            Scheme::Ckks.mark(),
            &self.manifest,
            &parts,
            limits.head,
        )?)
    }

    /// Writes the file aside, then renames it, so that there is never half of one.
    ///
    /// # Errors
    /// As [`Artifact::to_bytes`], and [`Error::Write`].
    pub fn write_to(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let bytes = self.to_bytes()?;
        Ok(hemet_files::write_atomically(path, &bytes)?)
    }

    /// Reads a file within the default [`Limits`].
    ///
    /// # Errors
    /// [`FileError::Io`], or what is wrong with the content.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::read_limited(path, &Limits::default())
    }

    /// Reads a file within limits.
    ///
    /// # Errors
    /// As [`Artifact::read`].
    pub fn read_limited(path: impl AsRef<Path>, limits: &Limits) -> Result<Self, Error> {
        let path = path.as_ref();
        let io = |source| FileError::Io {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(io)?;
        from_reader(BufReader::new(file), path, limits)
    }

    /// Reads the bytes of a file within the default [`Limits`].
    ///
    /// # Errors
    /// What is wrong with the content.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        from_reader(bytes, Path::new("artifact bytes"), &Limits::default())
    }
}

fn from_reader(source: impl Read, path: &Path, limits: &Limits) -> Result<Artifact, Error> {
    let mut reader = Reader::open(source, path, Scheme::Ckks.mark(), limits.head)?;
    let names = reader.names();
    let [schedule, constants, extra @ ..] = names.as_slice() else {
        let message = format!("lists {} parts, needs at least 2", names.len());
        return Err(part_error("head", message).into());
    };
    if schedule != "schedule" || constants != "constants" {
        let message = format!(
            "the first parts are `{schedule}` and `{constants}`, must be `schedule` and `constants`"
        );
        return Err(part_error("head", message).into());
    }
    let extra_names: Vec<&str> = extra
        .iter()
        .map(|name| name.strip_prefix("extra/").unwrap_or(""))
        .collect();
    check_extra(extra_names.iter().copied())?;
    let schedule = reader.part(limits.schedule)?;
    let schedule =
        String::from_utf8(schedule).map_err(|e| part_error("schedule", e.to_string()))?;
    let constants = constants::from_bytes(&reader.part(limits.constants)?)?;
    let mut extra = BTreeMap::new();
    for name in extra_names {
        extra.insert(name.to_owned(), reader.part(limits.extra)?);
    }
    let manifest = reader.finish()?;
    let schedule = verify(text::parse(&schedule, constants)?)?;
    Ok(Artifact {
        manifest,
        schedule,
        extra,
        device: None,
    })
}

fn check_extra<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> Result<(), FileError> {
    if names.len() > MAX_EXTRA {
        return Err(part_error(
            "head",
            format!(
                "{} further parts, at most {MAX_EXTRA} are allowed",
                names.len()
            ),
        ));
    }
    let mut last = "";
    for name in names {
        if name.len() > MAX_NAME_BYTES || !name.chars().all(is_name_char) || name <= last {
            let message = format!(
                "further part {name:?}: names have 1 to {MAX_NAME_BYTES} letters, digits, `_`, `-`, `.` and `/`, and ascend"
            );
            return Err(part_error("head", message));
        }
        last = name;
    }
    Ok(())
}
