//! The files that client and server exchange: one envelope, four kinds, written aside and renamed.

mod envelope;
mod list;
mod packing;
mod spec;

use std::path::Path;

use crate::error::{Result, RuntimeError};

pub use envelope::{ArtifactId, FileKind, KeySetId};
pub use packing::{pack, unpack};
pub use spec::ClientSpec;

pub(crate) use envelope::{Envelope, seal};
pub(crate) use list::{Reader, join, split};

/// The bytes of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|source| RuntimeError::Read {
        path: path.to_owned(),
        source,
    })
}
