//! The errors of this crate.

use std::path::PathBuf;

/// What can go wrong in data, training, strategies and studies.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error("{action} `{}`: {source}", path.display())]
    Io {
        /// What was tried, such as `cannot read`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] hemet_files::WriteError),
    /// A data file is not what its format demands.
    #[error("data file `{file}`: {why}")]
    DataFormat {
        /// The file.
        file: String,
        /// What is wrong, both numbers, what to do.
        why: String,
    },
    /// A data file has another content than the published one.
    #[error("data file `{file}` has {found}, expected {expected}; fetch it again from {address}")]
    Checksum {
        /// The file.
        file: String,
        /// The kind of sum, and the sum that the content has.
        found: String,
        /// The sum that it should have.
        expected: &'static str,
        /// The canonical address.
        address: &'static str,
    },
    /// No dataset, strategy or the like has this name.
    #[error("no {kind} is named `{name}`; known: {known}")]
    Unknown {
        /// What was looked up.
        kind: &'static str,
        /// The name that was given.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// A dataset that lies in a folder was asked for without one.
    #[error("dataset `{dataset}` is read from a folder; give one (it needs {files})")]
    NoFolder {
        /// The dataset.
        dataset: &'static str,
        /// The files that it needs.
        files: String,
    },
    /// Two sets of images that do not go together.
    #[error(
        "{ours} do not go with {theirs}: a network is adapted to images of the same size in the same classes"
    )]
    Alike {
        /// What one set has.
        ours: String,
        /// What the other has.
        theirs: String,
    },
    /// An option has an impossible value.
    #[error("option `{option}` is {found}; it must be {allowed}")]
    Option {
        /// Its name.
        option: &'static str,
        /// The value.
        found: String,
        /// The range.
        allowed: String,
    },
    /// An option departs from its schema.
    #[error("{0}")]
    Form(hemet_spaces::schema::Fault),
    /// A network does not fit the data.
    #[error(
        "the network takes {network} and gives {outputs} outputs, dataset `{dataset}` has images of {images} and {classes} classes"
    )]
    Mismatch {
        /// Shape of the network's input.
        network: hemet_spaces::Shape,
        /// Number of the network's outputs.
        outputs: usize,
        /// Name of the dataset.
        dataset: String,
        /// Shape of its images.
        images: hemet_spaces::Shape,
        /// Number of its classes.
        classes: usize,
    },
    /// A network cannot be trained.
    #[error("layer `{layer}`: {why}")]
    Untrainable {
        /// Name of the layer.
        layer: String,
        /// Why, and what to do.
        why: String,
    },
    /// A checkpoint cannot be gone on from.
    #[error("checkpoint `{}`: {why}; delete the file to train from the start", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A line of the journal cannot be understood.
    #[error("journal `{}`, line {line}: {why}; restore the file or start a new run", path.display())]
    Journal {
        /// The journal.
        path: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// Another process runs a study in this folder.
    #[error("`{}` is in use by another process; wait for it or choose another folder", path.display())]
    InUse {
        /// The journal.
        path: PathBuf,
    },
    /// A run folder already holds trials and resuming was not asked for.
    #[error("journal `{}` already holds {trials} trials; resume it or choose another folder", path.display())]
    NotEmpty {
        /// The journal.
        path: PathBuf,
        /// How many trials it holds.
        trials: usize,
    },
    /// Trials that run elsewhere could not be handed out or brought in.
    #[error("{0}")]
    Elsewhere(String),
    /// A space, graph or weights were refused.
    #[error(transparent)]
    Spaces(#[from] hemet_spaces::Error),
}

impl Error {
    /// The data file that is damaged, if that is the error.
    pub fn data_file(&self) -> Option<&str> {
        if let Self::DataFormat { file, .. } | Self::Checksum { file, .. } = self {
            return Some(file);
        }
        None
    }

    /// Whether a file is simply not there.
    pub fn is_missing_file(&self) -> bool {
        use std::io::ErrorKind::{IsADirectory, NotADirectory, NotFound};
        let Self::Io { source, .. } = self else {
            return false;
        };
        [NotFound, NotADirectory, IsADirectory].contains(&source.kind())
    }
}
