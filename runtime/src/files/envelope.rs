//! The envelope around every file of client and server.
//!
//! | bytes | content |
//! |---|---|
//! | 0..5 | `HEMET` |
//! | 5 | kind, see [`FileKind`] |
//! | 6..8 | format version, little endian |
//! | 8..40 | what the file was made for: the id of an artifact; of evaluation keys the binding, from version 2 on |
//! | 40..56 | id of the key set |
//! | 56..64 | length of the payload in bytes, little endian |
//! | 64..96 | blake3 of bytes 0..64 and the payload |
//! | 96.. | payload |
//!
//! The checksum finds accidents; it is no signature. What a peer may send with a right checksum is checked again by
//! whoever reads the payload.

use std::io::{self, Read};

use hemet_schedule::Scheme as SchemeId;

use super::ids::{ArtifactId, KeyBinding, KeySetId, hex};
use crate::error::{Result, RuntimeError};

const MAGIC: &[u8; 5] = b"HEMET";
const SUMMED: usize = 64;
/// Length of the envelope in bytes.
pub(crate) const HEADER: usize = 96;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A client's secret key, with what it must know of the artifact. Never leaves the client.
    ClientKey,
    /// The keys that a client hands to the server.
    EvaluationKeys,
    /// Those keys as a server keeps them, to be used where they lie; the envelope is empty and they follow it.
    MappedKeys,
    /// An encrypted input.
    Request,
    /// An encrypted output.
    Response,
    /// What clients must know of an artifact.
    Spec,
    /// The constants of an artifact as a server uses them where they lie; the envelope is empty and they follow it.
    PreparedConstants,
}

impl FileKind {
    /// Every kind.
    pub const ALL: [FileKind; 7] = [
        FileKind::ClientKey,
        FileKind::EvaluationKeys,
        FileKind::MappedKeys,
        FileKind::Request,
        FileKind::Response,
        FileKind::Spec,
        FileKind::PreparedConstants,
    ];

    /// The words for it in messages.
    pub fn name(self) -> &'static str {
        match self {
            FileKind::ClientKey => "the client key",
            FileKind::EvaluationKeys => "the evaluation keys",
            FileKind::MappedKeys => "the mapped evaluation keys",
            FileKind::Request => "the encrypted input",
            FileKind::Response => "the encrypted output",
            FileKind::Spec => "the client's description of the artifact",
            FileKind::PreparedConstants => "the prepared constants",
        }
    }

    /// Its byte under the scheme that has no marks.
    fn byte(self) -> u8 {
        match self {
            FileKind::ClientKey => b'c',
            FileKind::EvaluationKeys => b'e',
            FileKind::MappedKeys => b'm',
            FileKind::Request => b'i',
            FileKind::Response => b'o',
            FileKind::Spec => b's',
            FileKind::PreparedConstants => b'p',
        }
    }

    /// The newest version of its format. Requests and answers of version 1 had no number of the request, client keys no
    /// note and no passphrase, specs no signature; evaluation keys were for one artifact.
    fn newest(self) -> u16 {
        2
    }

    /// Whether files of a version are for all artifacts of a binding.
    fn is_for_binding(self, version: u16) -> bool {
        match self {
            FileKind::EvaluationKeys | FileKind::MappedKeys => version >= 2,
            FileKind::ClientKey
            | FileKind::Request
            | FileKind::Response
            | FileKind::Spec
            | FileKind::PreparedConstants => false,
        }
    }
}

/// The kind and the scheme that a byte stands for.
fn kind_of(byte: u8) -> Option<(FileKind, SchemeId)> {
    let of = |scheme| FileKind::ALL.map(|kind: FileKind| (kind, scheme));
    let mut all = SchemeId::ALL.into_iter().flat_map(of);
    all.find(|(kind, scheme)| kind.byte() ^ scheme.file_bits() == byte)
}

/// What a file belongs to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Belongs {
    pub(crate) scheme: SchemeId,
    pub(crate) made_for: MadeFor,
    pub(crate) keys: KeySetId,
}

/// What a file can be used with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MadeFor {
    /// One artifact.
    Artifact(ArtifactId),
    /// All artifacts that need the same keys.
    Binding(KeyBinding),
}

impl MadeFor {
    fn bytes(self) -> [u8; 32] {
        match self {
            MadeFor::Artifact(ArtifactId(bytes)) | MadeFor::Binding(KeyBinding(bytes)) => bytes,
        }
    }
}

/// Puts `payload`, part by part, into an envelope.
pub(crate) fn seal(kind: FileKind, belongs: Belongs, payload: &[&[u8]]) -> Vec<u8> {
    let length: usize = payload.iter().map(|part| part.len()).sum();
    let mut bytes = Vec::with_capacity(HEADER + length);
    bytes.extend_from_slice(MAGIC);
    bytes.push(kind.byte() ^ belongs.scheme.file_bits());
    bytes.extend_from_slice(&kind.newest().to_le_bytes());
    bytes.extend_from_slice(&belongs.made_for.bytes());
    bytes.extend_from_slice(&belongs.keys.0);
    bytes.extend_from_slice(&(length as u64).to_le_bytes());
    bytes.extend_from_slice(&[0; 32]);
    for part in payload {
        bytes.extend_from_slice(part);
    }
    let sum = checksum(&bytes);
    bytes[SUMMED..HEADER].copy_from_slice(&sum);
    bytes
}

fn checksum(bytes: &[u8]) -> [u8; 32] {
    let mut hasher = hasher(bytes);
    hasher.update(&bytes[HEADER..]);
    *hasher.finalize().as_bytes()
}

/// What computes the sum of a file with this start, given its payload.
fn hasher(start: &[u8]) -> blake3::Hasher {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&start[..SUMMED]);
    hasher
}

/// Refuses a file whose sum is not the one that its `start` states.
fn check_sum(kind: FileKind, start: &[u8], computed: [u8; 32]) -> Result<()> {
    let stated = &start[SUMMED..HEADER];
    match stated == computed {
        true => Ok(()),
        false => Err(RuntimeError::Checksum {
            what: kind.name(),
            got: hex(&stated[..8]),
            computed: hex(&computed[..8]),
        }),
    }
}

/// Bytes at the beginning of a file of client or server that say what it is.
pub const START_BYTES: usize = HEADER;

/// The artifact that a file of this kind belongs to, from its first [`START_BYTES`] bytes. Nothing else of it is looked
/// at.
///
/// # Errors
/// Bytes of another kind, scheme or version, or too few of them.
pub fn artifact_of(start: &[u8], kind: FileKind) -> Result<ArtifactId> {
    Head::read(start, kind)?.belongs.artifact(kind.name())
}

/// The number of bytes that a file of this kind has, from its first [`START_BYTES`] bytes.
///
/// # Errors
/// As [`artifact_of`].
pub fn length_of(start: &[u8], kind: FileKind) -> Result<u64> {
    Ok(Head::read(start, kind)?.whole())
}

/// What an envelope says before its payload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) kind: FileKind,
    pub(crate) version: u16,
    pub(crate) belongs: Belongs,
    /// Bytes of the payload.
    pub(crate) length: u64,
}

impl Head {
    /// Checks mark, kind and version of a file's first bytes, in this order.
    pub(crate) fn read(start: &[u8], kind: FileKind) -> Result<Self> {
        let what = kind.name();
        if start.len() < MAGIC.len() || &start[..MAGIC.len()] != MAGIC {
            return Err(RuntimeError::NotOurs { what });
        }
        let header: &[u8; HEADER] = start.first_chunk().ok_or(RuntimeError::Length {
            what,
            expected: HEADER as u64,
            got: start.len() as u64,
        })?;
        let (found, scheme) = kind_of(header[5]).ok_or(RuntimeError::NotOurs { what })?;
        if found != kind {
            return Err(RuntimeError::Kind {
                expected: what,
                got: found.name(),
            });
        }
        let version = u16::from_le_bytes([header[6], header[7]]);
        if version == 0 || version > kind.newest() {
            return Err(RuntimeError::Version {
                what,
                got: version.into(),
                newest: kind.newest().into(),
            });
        }
        let made_for = match kind.is_for_binding(version) {
            true => MadeFor::Binding(KeyBinding(field(header, 8))),
            false => MadeFor::Artifact(ArtifactId(field(header, 8))),
        };
        Ok(Self {
            kind,
            version,
            belongs: Belongs {
                scheme,
                made_for,
                keys: KeySetId(field(header, 40)),
            },
            length: u64::from_le_bytes(field(header, 56)),
        })
    }

    /// Bytes of the whole file.
    fn whole(&self) -> u64 {
        self.length.saturating_add(HEADER as u64)
    }

    /// Reads the payload of a file with this start to its end and checks length and checksum, without holding it.
    ///
    /// # Errors
    /// Those of `payload`, and what is wrong.
    pub(crate) fn check_payload(&self, start: &[u8], payload: impl Read) -> io::Result<Result<()>> {
        let mut hasher = hasher(start);
        // One byte more shows a file that is longer than it says.
        hasher.update_reader(payload.take(self.length.saturating_add(1)))?;
        let got = hasher.count() - SUMMED as u64 + HEADER as u64;
        let length = self.check_length(got);
        Ok(length.and_then(|()| check_sum(self.kind, start, *hasher.finalize().as_bytes())))
    }

    /// Refuses a file of another number of bytes than it says.
    pub(crate) fn check_length(&self, got: u64) -> Result<()> {
        let expected = self.whole();
        match got == expected {
            true => Ok(()),
            false => Err(RuntimeError::Length {
                what: self.kind.name(),
                expected,
                got,
            }),
        }
    }
}

/// An opened envelope.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Envelope<'a> {
    pub(crate) kind: FileKind,
    pub(crate) version: u16,
    pub(crate) belongs: Belongs,
    pub(crate) payload: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// Checks mark, kind, version, length and checksum, in this order.
    pub(crate) fn open(bytes: &'a [u8], kind: FileKind) -> Result<Self> {
        let head = Head::read(bytes, kind)?;
        head.check_length(bytes.len() as u64)?;
        check_sum(kind, bytes, checksum(bytes))?;
        Ok(Self {
            kind,
            version: head.version,
            belongs: head.belongs,
            payload: &bytes[HEADER..],
        })
    }

    /// Refuses a file of another scheme, artifact or key set.
    pub(crate) fn of(self, ours: Belongs) -> Result<Self> {
        ours.check(self.kind.name(), self.belongs).map(|()| self)
    }
}

impl Belongs {
    /// All of it as bytes, for a lock to bind.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        [
            &[self.scheme.file_bits()],
            &self.made_for.bytes()[..],
            &self.keys.0,
        ]
        .concat()
    }

    /// The artifact that `what` is for.
    ///
    /// # Errors
    /// Where it is for all artifacts of a binding.
    pub(crate) fn artifact(self, what: &'static str) -> Result<ArtifactId> {
        match self.made_for {
            MadeFor::Artifact(artifact) => Ok(artifact),
            MadeFor::Binding(binding) => Err(RuntimeError::Malformed {
                what,
                reason: format!("it names no artifact but binding {binding:.16}"),
            }),
        }
    }

    /// Refuses `what`, which belongs to another scheme, artifact, binding or key set.
    pub(crate) fn check(self, what: &'static str, theirs: Belongs) -> Result<()> {
        let ours = self;
        match (ours.made_for, theirs.made_for) {
            (MadeFor::Artifact(ours), MadeFor::Artifact(theirs)) => ours.check(what, theirs)?,
            (MadeFor::Binding(ours), MadeFor::Binding(theirs)) => ours.check(what, theirs)?,
            (MadeFor::Artifact(_), MadeFor::Binding(_))
            | (MadeFor::Binding(_), MadeFor::Artifact(_)) => {
                return Err(RuntimeError::Malformed {
                    what,
                    reason: "it is for one artifact where all of a binding are meant, or the other way round".into(),
                });
            }
        }
        if theirs.scheme != ours.scheme {
            return Err(RuntimeError::ForeignScheme {
                what,
                theirs: theirs.scheme.name(),
                ours: ours.scheme.name(),
            });
        }
        if theirs.keys == ours.keys {
            return Ok(());
        }
        Err(RuntimeError::ForeignKeys {
            what,
            theirs: theirs.keys.to_string(),
            ours: ours.keys.to_string(),
        })
    }
}

fn field<const LEN: usize>(header: &[u8; HEADER], at: usize) -> [u8; LEN] {
    let mut out = [0; LEN];
    out.copy_from_slice(&header[at..at + LEN]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn belongs(scheme: SchemeId) -> Belongs {
        Belongs {
            scheme,
            made_for: MadeFor::Artifact(ArtifactId([7; 32])),
            keys: KeySetId([9; 16]),
        }
    }

    #[test]
    fn what_was_sealed_opens_and_every_single_changed_bit_is_refused() {
        for scheme in SchemeId::ALL {
            let parts: [&[u8]; 2] = [b"some ", b"payload"];
            let bytes = seal(FileKind::Request, belongs(scheme), &parts);
            let opened = Envelope::open(&bytes, FileKind::Request).ok().unwrap();
            assert_eq!(opened.payload, b"some payload");
            assert_eq!(opened.belongs, belongs(scheme));
            assert!(opened.of(belongs(scheme)).is_ok());
            for bit in 0..bytes.len() * 8 {
                let mut changed = bytes.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert!(
                    Envelope::open(&changed, FileKind::Request).is_err(),
                    "bit {bit}"
                );
            }
            for length in 0..bytes.len() {
                assert!(Envelope::open(&bytes[..length], FileKind::Request).is_err());
            }
            let longer = [&bytes[..], b"x"].concat();
            assert!(Envelope::open(&longer, FileKind::Request).is_err());
        }
    }

    #[test]
    fn every_kind_of_every_scheme_has_a_byte_of_its_own() {
        let mut bytes: Vec<u8> = SchemeId::ALL
            .into_iter()
            .flat_map(|scheme| FileKind::ALL.map(|kind| kind.byte() ^ scheme.file_bits()))
            .collect();
        bytes.sort_unstable();
        bytes.dedup();
        assert_eq!(bytes.len(), SchemeId::ALL.len() * FileKind::ALL.len());
    }

    fn text(result: Result<Envelope<'_>>) -> String {
        result.err().unwrap().to_string()
    }

    #[test]
    fn another_kind_scheme_artifact_or_key_set_is_named_on_both_sides() {
        let ours = belongs(SchemeId::Ckks);
        let bytes = seal(FileKind::Request, ours, &[]);
        let said = text(Envelope::open(&bytes, FileKind::Response));
        assert!(said.contains("encrypted output was expected") && said.contains("encrypted input"));
        let opened = Envelope::open(&bytes, FileKind::Request).ok().unwrap();
        let made_for = MadeFor::Artifact(ArtifactId([1; 32]));
        let said = text(opened.of(Belongs { made_for, ..ours }));
        assert!(
            said.contains(&"07".repeat(32)) && said.contains(&"01".repeat(32)),
            "{said}"
        );
        let keys = KeySetId([2; 16]);
        let said = text(opened.of(Belongs { keys, ..ours }));
        assert!(
            said.contains(&"09".repeat(16)) && said.contains(&"02".repeat(16)),
            "{said}"
        );
        for scheme in SchemeId::ALL.into_iter().skip(1) {
            let theirs = seal(FileKind::Request, belongs(scheme), &[]);
            let said = text(
                Envelope::open(&theirs, FileKind::Request)
                    .ok()
                    .unwrap()
                    .of(ours),
            );
            assert!(
                said.contains(scheme.name()) && said.contains(ours.scheme.name()),
                "{said}"
            );
        }
    }
}
