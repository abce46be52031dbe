//! The files of a study in its run folder: the journal and the weights of each completed trial.

use std::fs;
use std::path::PathBuf;

use hemet_spaces::Weights;

use super::journal::failed;
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
        Ok(hemet_files::write_atomically(
            self.weights(trial),
            &weights.to_safetensors()?,
        )?)
    }
}
