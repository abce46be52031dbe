//! The run folder of a search: what lies where.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use hemet_search::study::StudyFolder;
use hemet_search::{Trial, study};

use crate::error::Error;
use crate::experiment::Experiment;
use crate::run::summary::Summary;

/// The files of a search.
#[derive(Clone, Debug)]
pub struct RunFolder {
    /// The folder.
    pub root: PathBuf,
}

/// What a search writes before its first trial, and with trials that are not trained.
const CLEARED: [&str; 8] = [
    "experiment.yaml",
    "journal.jsonl",
    "costs.json",
    "tfhe_costs.json",
    "time.json",
    "times.jsonl",
    "queue.json",
    "queue.sqlite",
];

/// A run folder that a search has taken.
#[derive(Debug)]
pub struct Held {
    _file: File,
}

impl RunFolder {
    /// The run folder at `root`, which must hold an experiment.
    pub fn open(root: &Path) -> Result<Self, Error> {
        let run = Self {
            root: root.to_owned(),
        };
        if run.experiment_path().exists() {
            return Ok(run);
        }
        Err(Error::file(
            root,
            "it is no run folder: it has no experiment.yaml; `hemet search` makes run folders",
        ))
    }

    /// `experiment.yaml`: the experiment, resolved.
    pub fn experiment_path(&self) -> PathBuf {
        self.root.join("experiment.yaml")
    }

    /// Takes the folder for a search: nobody else can, until what this gives is dropped or the process ends, however it
    /// ends.
    ///
    /// # Errors
    /// Another process has it, or a file that cannot be written.
    pub fn hold(&self) -> Result<Held, Error> {
        let path = self.lock_path();
        self.make_folder(&path)?;
        let mut options = OpenOptions::new();
        let options = options.create(true).truncate(false).write(true);
        let file = options.open(&path).map_err(|e| Error::file(&path, e))?;
        match file.try_lock() {
            Ok(()) => Ok(Held { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::file(
                &self.root,
                "another process runs a search here; wait for it or choose another --out",
            )),
            Err(TryLockError::Error(error)) => Err(Error::file(&path, error)),
        }
    }

    /// Whether a search has come so far here that a network was trained, or runs at this moment: its folder is not
    /// taken over by another one.
    pub fn is_begun(&self) -> bool {
        let journal = std::fs::read_to_string(self.root.join("journal.jsonl")).unwrap_or_default();
        let trained = |line: &str| {
            let line = serde_json::from_str::<serde_json::Value>(line);
            // A line that cannot be read may be anything.
            line.map_or(true, |line| line["outcome"] != "Infeasible")
        };
        self.is_held() || self.summary_path().exists() || journal.lines().any(trained)
    }

    /// Removes what a search left here that came to nothing, see [`Self::is_begun`].
    ///
    /// # Errors
    /// Files that cannot be removed.
    pub fn clear(&self) -> Result<(), Error> {
        for name in CLEARED {
            let path = self.root.join(name);
            if path.exists() {
                std::fs::remove_file(&path).map_err(|e| Error::file(&path, e))?;
            }
        }
        Ok(())
    }

    /// Whether a search holds the folder at this moment.
    pub fn is_held(&self) -> bool {
        let file = File::open(self.lock_path());
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// `lock`: locked while a search runs, from its first trial to its summary.
    fn lock_path(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// The files of the study in it, their folders made where missing.
    ///
    /// # Errors
    /// Folders that cannot be made.
    pub fn study(&self) -> Result<StudyFolder, Error> {
        Ok(StudyFolder::create(&self.root)?)
    }

    /// `costs.json`: the cost table that the search used.
    pub fn costs_path(&self) -> PathBuf {
        self.root.join("costs.json")
    }

    /// `time.json`: the seconds used so far, see [`crate::clock`].
    pub fn time_path(&self) -> PathBuf {
        self.root.join("time.json")
    }

    /// `times.jsonl`: when trials ran.
    pub fn times_path(&self) -> PathBuf {
        self.root.join("times.jsonl")
    }

    /// `summary.json`.
    pub fn summary_path(&self) -> PathBuf {
        self.root.join("summary.json")
    }

    /// `best.hemet`: the chosen network, compiled.
    pub fn artifact_path(&self) -> PathBuf {
        self.root.join("best.hemet")
    }

    /// `baseline.hemet`: the baseline, compiled, where it is not the chosen network.
    pub fn baseline_path(&self) -> PathBuf {
        self.root.join("baseline.hemet")
    }

    /// `trained/trial-NNNN.EXTENSION`: what `hemet train` made of a trial.
    pub fn trained_file(&self, trial: usize, extension: &str) -> PathBuf {
        let name = format!("trial-{trial:04}.{extension}");
        self.root.join("trained").join(name)
    }

    /// The state of the training of a trial for so many epochs.
    pub fn trained_checkpoint(&self, trial: usize, epochs: usize) -> PathBuf {
        self.trained_file(trial, &format!("{epochs}-epochs.checkpoint"))
    }

    /// All trials that have ended, as the report counts them: the journal's, of which those that a finished search
    /// could not compile count as failed.
    ///
    /// # Errors
    /// A journal that cannot be read.
    pub fn trials(
        &self,
        experiment: &Experiment,
        summary: Option<&Summary>,
    ) -> Result<Vec<Trial>, Error> {
        let mut trials = study::read_journal(&self.study()?.journal(), experiment.space()?)?;
        for dropped in summary.iter().flat_map(|summary| &summary.uncompilable) {
            dropped.leave_front(&mut trials);
        }
        Ok(trials)
    }

    /// The trial of this number.
    pub fn trial(&self, experiment: &Experiment, number: usize) -> Result<Trial, Error> {
        // It is still a network with weights where it could not be compiled once.
        let mut trials = self.trials(experiment, None)?;
        if number < trials.len() {
            return Ok(trials.swap_remove(number));
        }
        Err(Error::user(format!(
            "{} has {} trials, numbered from 0; there is no trial {number}",
            self.root.display(),
            trials.len()
        )))
    }

    /// Makes the folder of a file.
    pub fn make_folder(&self, path: &Path) -> Result<(), Error> {
        match path.parent() {
            Some(folder) => std::fs::create_dir_all(folder).map_err(|e| Error::file(folder, e)),
            None => Ok(()),
        }
    }

    /// The experiment.
    pub fn experiment(&self) -> Result<Experiment, Error> {
        Experiment::read(&self.experiment_path())
    }

    /// The summary, which a finished search has written; none where the search runs or was broken off.
    pub fn summary(&self) -> Result<Option<Summary>, Error> {
        let path = self.summary_path();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::file(&path, error)),
        };
        let summary = serde_json::from_str(&text).map_err(|e| Error::file(&path, e))?;
        Ok(Some(summary))
    }

    /// Writes a file of the folder, whole or not at all.
    pub fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        self.make_folder(path)?;
        Ok(hemet_files::write_atomically(path, bytes)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_held_by_one_search_at_a_time_and_free_when_that_ends() {
        let folder = tempfile::tempdir().expect("a folder");
        let run = RunFolder {
            root: folder.path().join("run"),
        };
        assert!(!run.is_held());
        let held = run.hold().expect("free");
        assert!(run.is_held());
        let refused = run.hold().expect_err("held").to_string();
        assert!(refused.contains("another process"), "{refused}");
        drop(held);
        assert!(!run.is_held());
        run.hold().expect("free again");
    }
}
