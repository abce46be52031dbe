//! The files that client and server exchange: one envelope, four kinds, written aside and renamed.

mod envelope;
mod list;
mod packing;
mod spec;
mod write;

pub use envelope::{ArtifactId, FileKind, KeySetId};
pub use packing::{pack, unpack};
pub use spec::ClientSpec;
pub use write::{Access, write_atomically};

pub(crate) use envelope::{Envelope, seal};
pub(crate) use list::{Reader, join, split};
pub(crate) use write::read;
