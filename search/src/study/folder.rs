//! The files of a study in its run folder: the journal, the weights of each completed trial, checkpoints.

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
        for name in ["weights", "checkpoints"] {
            let path = folder.root.join(name);
            fs::create_dir_all(&path).map_err(|e| failed("cannot create", &path, e))?;
        }
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

    /// `checkpoints/trial-NNNN`: the state of a training that runs, was killed or was stopped early.
    pub fn checkpoint(&self, trial: usize) -> PathBuf {
        self.root
            .join("checkpoints")
            .join(format!("trial-{trial:04}"))
    }

    /// Removes the checkpoint of a trial, if there is one.
    pub(super) fn remove_checkpoint(&self, trial: usize) -> Result<(), Error> {
        let path = self.checkpoint(trial);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(failed("cannot remove", &path, error))
            }
            _ => Ok(()),
        }
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
