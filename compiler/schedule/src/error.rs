//! The one error type of this crate.

use std::path::PathBuf;

use thiserror::Error;

use crate::cost::MissingCost;
use crate::text::ParseError;
use crate::verify::Faults;

/// Why a schedule, a cost table or an artifact was refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// An instruction does not suit its operands.
    #[error("layer `{layer}`, instruction {instruction} ({op}): {message}")]
    Build {
        /// Name of the layer.
        layer: String,
        /// Position of the instruction.
        instruction: usize,
        /// The instruction's word.
        op: &'static str,
        /// What is wrong.
        message: String,
    },
    /// The text form does not parse.
    #[error("schedule text, {0}")]
    Parse(#[from] ParseError),
    /// The verifier refused a schedule.
    #[error(transparent)]
    Faults(#[from] Faults),
    /// The cost table has no measurement for what the schedule uses.
    #[error(transparent)]
    MissingCost(#[from] MissingCost),
    /// A cost table file is wrong.
    #[error("cost table: {message}")]
    CostTable {
        /// What and where.
        message: String,
    },
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] hemet_files::WriteError),
    /// A file could not be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The bytes are not an artifact at all.
    #[error(
        "not a hemet artifact: the file has {bytes} bytes and does not start with the artifact's mark"
    )]
    NotAnArtifact {
        /// Length of the file.
        bytes: usize,
    },
    /// A newer program wrote the artifact.
    #[error(
        "the artifact has format version {found}, this program reads up to {supported}; use a newer hemet"
    )]
    NewerFormat {
        /// Version in the file.
        found: u32,
        /// Newest known version.
        supported: u32,
    },
    /// The file ends early or is longer than it says.
    #[error(
        "the artifact is damaged: {part} needs {wanted} bytes, {found} are there; copy or compile it again"
    )]
    Length {
        /// Which part.
        part: String,
        /// Bytes that it should have.
        wanted: u64,
        /// Bytes that there are.
        found: u64,
    },
    /// A checksum differs.
    #[error(
        "the artifact is damaged: the checksum of {part} is {found}, it should be {wanted}; copy or compile it again"
    )]
    Checksum {
        /// Which part.
        part: String,
        /// Sum in the file.
        wanted: String,
        /// Sum of the bytes.
        found: String,
    },
    /// A part is larger than the limit.
    #[error(
        "{part} of the artifact has {bytes} bytes, the limit is {limit}; if the file is trusted, raise the limit"
    )]
    TooLarge {
        /// Which part.
        part: String,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// A part cannot be understood.
    #[error("{part} of the artifact: {message}")]
    Part {
        /// Which part.
        part: String,
        /// What is wrong.
        message: String,
    },
}
