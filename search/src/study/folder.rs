//! The files of a study in its run folder: the journal, the weights and the curve of each completed trial, checkpoints.

use std::fs;
use std::path::PathBuf;

use hemet_spaces::Weights;

use super::journal::failed;
use crate::train::EpochReport;
use crate::{Error, Trial};

/// Where a study's files lie.
#[derive(Clone, Debug)]
pub struct StudyFolder {
    root: PathBuf,
}

impl StudyFolder {
    /// The run folder at `root`, created with its subfolders where missing.
    ///
    /// # Errors
    /// A folder that cannot be created.
    pub fn create(root: impl Into<PathBuf>) -> Result<Self, Error> {
        let folder = Self { root: root.into() };
        for name in ["weights", "curves", "checkpoints"] {
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

    /// `curves/trial-NNNN.json`: what each epoch of a completed trial gave.
    pub fn curve(&self, trial: usize) -> PathBuf {
        self.root
            .join("curves")
            .join(format!("trial-{trial:04}.json"))
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

    /// What each epoch of a completed trial gave; none where the run was made before curves were kept.
    ///
    /// # Errors
    /// A file that is damaged.
    pub fn read_curve(&self, trial: usize) -> Result<Option<Vec<EpochReport>>, Error> {
        let path = self.curve(trial);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|e| failed("cannot read", &path, e.into())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("cannot read", &path, error)),
        }
    }

    /// Makes this the only trial of the study, with its weights and what each epoch gave; the study proposed none.
    ///
    /// # Errors
    /// Files that cannot be written.
    pub fn adopt(
        &self,
        trial: &Trial,
        weights: &Weights,
        epochs: &[EpochReport],
    ) -> Result<(), Error> {
        self.write_weights(trial.number, weights)?;
        self.write_curve(trial.number, epochs)?;
        let line = format!("{}\n", trial.to_json());
        Ok(hemet_files::write_atomically(
            self.journal(),
            line.as_bytes(),
        )?)
    }

    /// Writes what each epoch of a trial gave: whole or not at all.
    pub(super) fn write_curve(&self, trial: usize, epochs: &[EpochReport]) -> Result<(), Error> {
        let path = self.curve(trial);
        let json =
            serde_json::to_vec(epochs).map_err(|e| failed("cannot write", &path, e.into()))?;
        Ok(hemet_files::write_atomically(path, &json)?)
    }
}
