//! The envelope of serialized objects.
//!
//! `HEMETCKK`, version of the kind (u16), kind (u8), 0 (u8), fingerprint of the parameters (32 bytes), payload, blake3
//! of all that (32 bytes); integers little-endian. A reader checks, in this order: mark, kind, version, parameters, the
//! exact length (computed from the header before any memory is taken), checksum, each field, each residue. Of
//! evaluation keys and mapped diagonals the envelope is only the head, see `keys/list.rs` and `message/kept.rs`.

mod limbs;
mod parameters;

use std::io::{self, Write};

use crate::error::BytesError;

pub(crate) use limbs::{check_residues, packed_bytes, unpack_limb};
pub(crate) use parameters::fingerprint;
pub use parameters::{parameters_from_bytes, parameters_to_bytes};

const MAGIC: &[u8; 8] = b"HEMETCKK";
pub(crate) const HEADER: usize = 44;
const CHECKSUM: usize = 32;

/// What an envelope holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Parameters,
    SecretKey,
    PublicKey,
    EvaluationKeys,
    Ciphertext,
    SeededCiphertext,
    MappedKeys,
    MappedDiagonals,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::Parameters,
        Self::SecretKey,
        Self::PublicKey,
        Self::EvaluationKeys,
        Self::Ciphertext,
        Self::SeededCiphertext,
        Self::MappedKeys,
        Self::MappedDiagonals,
    ];

    fn code(self) -> u8 {
        match self {
            Self::Parameters => 1,
            Self::SecretKey => 2,
            Self::PublicKey => 3,
            Self::EvaluationKeys => 4,
            Self::Ciphertext => 5,
            Self::SeededCiphertext => 6,
            Self::MappedKeys => 7,
            Self::MappedDiagonals => 8,
        }
    }

    /// The format version that is written and read.
    fn version(self) -> u16 {
        match self {
            // 2: each key with the level up to which it serves. 3: each key with its checksum.
            Self::EvaluationKeys => 3,
            // 2: the seed is expanded for its purpose.
            Self::PublicKey | Self::SeededCiphertext => 2,
            // 2: with the label of what they belong to.
            Self::MappedKeys => 2,
            Self::Parameters | Self::SecretKey | Self::Ciphertext | Self::MappedDiagonals => 1,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Parameters => "parameter set",
            Self::SecretKey => "secret key",
            Self::PublicKey => "public key",
            Self::EvaluationKeys => "set of evaluation keys",
            Self::Ciphertext => "ciphertext",
            Self::SeededCiphertext => "seeded ciphertext",
            Self::MappedKeys => "set of mapped evaluation keys",
            Self::MappedDiagonals => "set of mapped diagonals",
        }
    }
}

/// Builds an envelope.
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Starts an envelope with room for a payload of `payload` bytes.
    pub(crate) fn new(kind: Kind, fingerprint: &[u8; 32], payload: usize) -> Self {
        let mut bytes = Vec::with_capacity(HEADER + payload + CHECKSUM);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&kind.version().to_le_bytes());
        bytes.extend_from_slice(&[kind.code(), 0]);
        bytes.extend_from_slice(fingerprint);
        Self { bytes }
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Closes the envelope with its checksum.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let sum = blake3::hash(&self.bytes);
        self.bytes.extend_from_slice(sum.as_bytes());
        self.bytes
    }
}

/// Reads the payload of a checked header.
pub(crate) struct Reader<'a> {
    kind: Kind,
    whole: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Checks mark, kind, version and (if given) the fingerprint.
    pub(crate) fn open(
        kind: Kind,
        bytes: &'a [u8],
        fingerprint: Option<&[u8; 32]>,
    ) -> Result<Self, BytesError> {
        Self::check_header(kind, bytes, fingerprint)?;
        Ok(Self {
            kind,
            whole: bytes,
            rest: &bytes[HEADER..bytes.len() - CHECKSUM],
        })
    }

    /// The checks of [`Reader::open`].
    pub(crate) fn check_header(
        kind: Kind,
        bytes: &[u8],
        fingerprint: Option<&[u8; 32]>,
    ) -> Result<(), BytesError> {
        if bytes.len() < MAGIC.len() || &bytes[..MAGIC.len()] != MAGIC {
            return Err(BytesError::Magic);
        }
        if bytes.len() < HEADER + CHECKSUM {
            let (given, expected) = (bytes.len(), HEADER + CHECKSUM);
            return Err(BytesError::Length {
                kind: kind.name(),
                given,
                expected,
            });
        }
        if bytes[10] != kind.code() {
            let found = Kind::ALL.iter().find(|k| k.code() == bytes[10]);
            let found =
                found.map_or_else(|| format!("kind {}", bytes[10]), |k| k.name().to_owned());
            return Err(BytesError::Kind {
                found,
                expected: kind.name(),
            });
        }
        if bytes[11] != 0 {
            return Err(BytesError::Field {
                kind: kind.name(),
                field: "the reserved byte",
                value: bytes[11].to_string(),
                allowed: "0".to_owned(),
            });
        }
        let version = u16::from_le_bytes([bytes[8], bytes[9]]);
        if version != kind.version() {
            return Err(BytesError::Version {
                kind: kind.name(),
                found: version,
                supported: kind.version(),
            });
        }
        fingerprint.map_or(Ok(()), |ours| same_parameters(kind, bytes, ours))
    }

    /// Checks that the header names these parameters.
    pub(crate) fn check_fingerprint(&self, expected: &[u8; 32]) -> Result<(), BytesError> {
        same_parameters(self.kind, self.whole, expected)
    }

    /// Takes `count` bytes of the payload.
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], BytesError> {
        if count > self.rest.len() {
            let given = self.whole.len();
            let expected = given - self.rest.len() + count;
            return Err(BytesError::Length {
                kind: self.kind.name(),
                given,
                expected,
            });
        }
        let (now, rest) = self.rest.split_at(count);
        self.rest = rest;
        Ok(now)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], BytesError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, BytesError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, BytesError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A scale: finite and above 0.
    pub(crate) fn scale(&mut self) -> Result<f64, BytesError> {
        let scale = f64::from_bits(self.u64()?);
        if scale.is_finite() && scale > 0.0 {
            return Ok(scale);
        }
        Err(self.field("scale", scale, "a finite number above 0"))
    }

    /// A number from `min` to `max`.
    pub(crate) fn number(
        &mut self,
        field: &'static str,
        min: usize,
        max: usize,
    ) -> Result<usize, BytesError> {
        let value = self.u32()? as usize;
        if (min..=max).contains(&value) {
            return Ok(value);
        }
        Err(self.field(field, value, &format!("{min} to {max}")))
    }

    pub(crate) fn field(
        &self,
        field: &'static str,
        value: impl ToString,
        allowed: &str,
    ) -> BytesError {
        let (value, allowed) = (value.to_string(), allowed.to_owned());
        BytesError::Field {
            kind: self.kind.name(),
            field,
            value,
            allowed,
        }
    }

    /// Checks that exactly `payload` bytes are left, and then the checksum of everything.
    pub(crate) fn check_rest(&self, payload: usize) -> Result<(), BytesError> {
        let kind = self.kind.name();
        if self.rest.len() != payload {
            let given = self.whole.len();
            let expected = given - self.rest.len() + payload;
            return Err(BytesError::Length {
                kind,
                given,
                expected,
            });
        }
        let (body, sum) = self.whole.split_at(self.whole.len() - CHECKSUM);
        if blake3::hash(body).as_bytes() == sum {
            Ok(())
        } else {
            Err(BytesError::Checksum { kind })
        }
    }
}

/// Whether the header of `bytes` names the parameters of this fingerprint.
fn same_parameters(kind: Kind, bytes: &[u8], expected: &[u8; 32]) -> Result<(), BytesError> {
    let found = &bytes[12..HEADER];
    if found == expected {
        return Ok(());
    }
    Err(BytesError::OtherParameters {
        kind: kind.name(),
        found: short_hex(found),
        expected: short_hex(expected),
    })
}

fn short_hex(bytes: &[u8]) -> String {
    bytes[..8].iter().map(|b| format!("{b:02x}")).collect()
}

/// Writes words in little-endian order and adds them to a checksum.
pub(crate) fn write_words(
    out: &mut dyn Write,
    hasher: &mut blake3::Hasher,
    words: &[u64],
) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(8 * 4096);
    for words in words.chunks(4096) {
        bytes.clear();
        words
            .iter()
            .for_each(|word| bytes.extend_from_slice(&word.to_le_bytes()));
        hasher.update(&bytes);
        out.write_all(&bytes)?;
    }
    Ok(())
}
