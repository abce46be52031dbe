//! The list of schemes, and the files that say themselves which scheme they are of.

use std::path::Path;
use std::sync::Arc;

use hemet_schedule::{Scheme as SchemeId, Signature};

use crate::door::{Model, Scheme, Spec};
use crate::error::{Result, RuntimeError};
use crate::files::{
    Belongs, Envelope, FileKind, KeySetId, MadeFor, Reader, read_sealed, read_start, seal,
};

/// The door of a scheme; none where this build does not have it.
pub fn door(id: SchemeId) -> Option<&'static dyn Scheme> {
    match id {
        SchemeId::Ckks => Some(&crate::ckks::Ckks),
        SchemeId::Tfhe => crate::tfhe::DOOR,
    }
}

/// The schemes of this build.
pub fn schemes() -> impl Iterator<Item = &'static dyn Scheme> {
    SchemeId::ALL.into_iter().filter_map(door)
}

/// The door of the scheme that file `what` is of.
pub(crate) fn required(id: SchemeId, what: &'static str) -> Result<&'static dyn Scheme> {
    door(id).ok_or(RuntimeError::NoScheme { what, scheme: id })
}

/// The first bytes of a file, which say whose artifact it is.
const START: usize = 64;

/// Most bytes of a client's spec: 16 MiB.
const MAX_SPEC_BYTES: u64 = 16 << 20;

/// The scheme whose artifact lies at `path`.
///
/// # Errors
/// A file of another kind, one of a scheme that this build does not have, or one that cannot be read.
pub fn scheme_at(path: &Path) -> Result<&'static dyn Scheme> {
    let what = "an artifact";
    let id = SchemeId::of_file(&read_start(path, START)?);
    required(id.ok_or(RuntimeError::NotOurs { what })?, what)
}

/// The artifact at `path`, of whichever scheme.
///
/// # Errors
/// As [`scheme_at`]; a damaged artifact, or one that is not valid.
pub fn open(path: &Path) -> Result<Box<dyn Model>> {
    scheme_at(path)?.read(path)
}

/// What a client knows of an artifact, and who vouches for it.
#[derive(Clone)]
pub struct Known {
    /// What it must know.
    pub spec: Arc<dyn Spec>,
    /// The artifact's signature; nothing where nobody has signed it.
    pub signature: Option<Signature>,
}

impl Known {
    /// What clients know of an artifact.
    ///
    /// # Errors
    /// As [`Model::spec`].
    pub fn of(model: &dyn Model) -> Result<Self> {
        Ok(Self {
            spec: model.spec()?,
            signature: model.manifest().signature.clone(),
        })
    }

    /// What clients must know of an artifact: the spec at `path`, or that of the artifact there.
    ///
    /// # Errors
    /// A file that is neither, or a damaged one.
    pub fn open(path: &Path) -> Result<Self> {
        match SchemeId::of_file(&read_start(path, START)?) {
            Some(_) => Self::of(open(path)?.as_ref()),
            None => Self::from_bytes(&read_sealed(path, FileKind::Spec, MAX_SPEC_BYTES, |_| {
                Ok(())
            })?),
        }
    }

    /// The file of what clients must know, in an envelope: the length of the signature (32 bits, little endian, 0 for
    /// none), the signature as JSON, the spec as JSON. It holds no weight.
    ///
    /// # Errors
    /// None in practice.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let belongs = Belongs {
            scheme: self.spec.scheme(),
            made_for: MadeFor::Artifact(self.spec.facts().artifact),
            keys: KeySetId::none(),
        };
        let json = |signature| serde_json::to_vec(signature).map_err(|e| malformed(e.to_string()));
        let signature = self.signature.as_ref().map(json).transpose()?;
        let signature = signature.unwrap_or_default();
        let length = (signature.len() as u32).to_le_bytes();
        let spec = self.spec.to_json()?;
        let parts: [&[u8]; 3] = [&length, &signature, spec.as_bytes()];
        Ok(seal(FileKind::Spec, belongs, &parts))
    }

    /// Reads what [`Known::to_bytes`] wrote. Version 1 was the spec alone.
    ///
    /// # Errors
    /// Truncated, altered or foreign bytes, a spec or a signature that is none.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let what = FileKind::Spec.name();
        let envelope = Envelope::open(bytes, FileKind::Spec)?;
        let mut reader = Reader {
            what,
            rest: envelope.payload,
        };
        let length = match envelope.version {
            1 => 0,
            _ => u64::from(u32::from_le_bytes(reader.array()?)),
        };
        let signature = reader.take(length)?;
        let signature = match signature {
            [] => None,
            json => Some(serde_json::from_slice(json).map_err(|e| malformed(e.to_string()))?),
        };
        let json = std::str::from_utf8(reader.rest).map_err(|e| malformed(e.to_string()))?;
        let scheme = required(envelope.belongs.scheme, what)?;
        let spec = scheme.spec(envelope.belongs.artifact(what)?, json)?;
        Ok(Self { spec, signature })
    }
}

fn malformed(reason: String) -> RuntimeError {
    let what = FileKind::Spec.name();
    RuntimeError::Malformed { what, reason }
}
