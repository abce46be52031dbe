//! The files of a study in its run folder: the journal and the weights of each completed trial.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use hemet_spaces::Weights;

use super::journal::{failed, sync_folder};
use crate::Error;

/// Where a study's files lie.
#[derive(Clone, Debug)]
pub struct RunFolder {
    root: PathBuf,
}

impl RunFolder {
    /// The run folder at `root`, created with its subfolders where missing.
    ///
    /// # Errors
    /// A folder that cannot be created.
    pub fn create(root: impl Into<PathBuf>) -> Result<Self, Error> {
        let folder = Self { root: root.into() };
        let weights = folder.root.join("weights");
        fs::create_dir_all(&weights).map_err(|e| failed("cannot create", &weights, e))?;
        Ok(folder)
    }

    /// `journal.jsonl`.
    pub fn journal(&self) -> PathBuf {
        self.root.join("journal.jsonl")
    }

    /// `weights/trial-NNNN.safetensors`.
    pub fn weights(&self, trial: usize) -> PathBuf {
        let name = format!("trial-{trial:04}.safetensors");
        self.root.join("weights").join(name)
    }

    /// Reads the weights of a completed trial.
    ///
    /// # Errors
    /// A file that is missing or damaged.
    pub fn read_weights(&self, trial: usize) -> Result<Weights, Error> {
        let path = self.weights(trial);
        let bytes = fs::read(&path).map_err(|e| failed("cannot read", &path, e))?;
        Ok(Weights::from_safetensors(&bytes)?)
    }

    /// Writes the weights of a trial: whole or not at all.
    pub(super) fn write_weights(&self, trial: usize, weights: &Weights) -> Result<(), Error> {
        write_aside(&self.weights(trial), &weights.to_safetensors()?)
    }
}

/// Writes a file aside, makes it durable, and renames it into its place.
fn write_aside(path: &Path, content: &[u8]) -> Result<(), Error> {
    let fail = |error| failed("cannot write", path, error);
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut aside = tempfile::NamedTempFile::new_in(folder).map_err(fail)?;
    aside.write_all(content).map_err(fail)?;
    aside.as_file().sync_data().map_err(fail)?;
    aside.persist(path).map_err(|error| fail(error.error))?;
    sync_folder(path).map_err(fail)
}
