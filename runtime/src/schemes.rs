//! The list of schemes, and the files that say themselves which scheme they are of.

use std::path::Path;
use std::sync::Arc;

use hemet_schedule::Scheme as SchemeId;

use crate::door::{Model, Scheme, Spec};
use crate::error::{Result, RuntimeError};
use crate::files::{
    ArtifactId, Belongs, Envelope, FileKind, KeySetId, read_sealed, read_start, seal,
};

/// The door of a scheme; none where this build does not have it.
pub fn door(id: SchemeId) -> Option<&'static dyn Scheme> {
    match id {
        SchemeId::Ckks => Some(&crate::ckks::Ckks),
        #[cfg(feature = "tfhe")]
        SchemeId::Tfhe => Some(&crate::tfhe::Tfhe),
        #[cfg(not(feature = "tfhe"))]
        SchemeId::Tfhe => None,
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

/// The file of what clients must know: a spec in an envelope. It holds no weight.
///
/// # Errors
/// None in practice.
pub fn spec_to_bytes(spec: &dyn Spec) -> Result<Vec<u8>> {
    let belongs = Belongs {
        scheme: spec.scheme(),
        artifact: spec.facts().artifact,
        keys: KeySetId::none(),
    };
    Ok(seal(FileKind::Spec, belongs, &[spec.to_json()?.as_bytes()]))
}

/// Reads what [`spec_to_bytes`] wrote.
///
/// # Errors
/// Truncated, altered or foreign bytes, or a spec that is not valid.
pub fn spec_from_bytes(bytes: &[u8]) -> Result<Arc<dyn Spec>> {
    let what = FileKind::Spec.name();
    let envelope = Envelope::open(bytes, FileKind::Spec)?;
    let json = std::str::from_utf8(envelope.payload).map_err(|e| RuntimeError::Malformed {
        what,
        reason: e.to_string(),
    })?;
    let artifact: ArtifactId = envelope.belongs.artifact;
    required(envelope.belongs.scheme, what)?.spec(artifact, json)
}

/// What clients must know of an artifact: the spec at `path`, or that of the artifact there.
///
/// # Errors
/// A file that is neither, or a damaged one.
pub fn open_spec(path: &Path) -> Result<Arc<dyn Spec>> {
    match SchemeId::of_file(&read_start(path, START)?) {
        Some(_) => open(path)?.spec(),
        None => spec_from_bytes(&read_sealed(path, FileKind::Spec, MAX_SPEC_BYTES, |_| {
            Ok(())
        })?),
    }
}
