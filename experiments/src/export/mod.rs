//! A study for other programs: one file and one line in [`Format::write`] each.

mod optuna;
mod table;
mod tensorboard;

use std::collections::BTreeMap;
use std::path::Path;

use hemet_search::Trial;
use hemet_search::study::StudyFolder;

use crate::error::Error;
use crate::experiment::Experiment;
use crate::run::folder::RunFolder;
use crate::run::times::{self, Time};

/// What to write.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Optuna's journal file, for Optuna itself and optuna-dashboard
    Optuna,
    /// A line a trial, with a column for each choice of the space
    Csv,
    /// The same table for data frames
    Parquet,
    /// A folder of event files: curves of every trial, hypervolume and best accuracy of the search
    Tensorboard,
}

/// A study, finished or not.
pub struct Exported<'a> {
    /// What was searched, and how.
    pub experiment: &'a Experiment,
    /// All trials.
    pub trials: &'a [Trial],
    /// Where the curves lie.
    pub folder: &'a StudyFolder,
    /// When trials ran, where that was kept.
    pub times: &'a BTreeMap<usize, Time>,
}

impl Format {
    /// Writes the study of a run folder to `path`: whole or not at all; a folder for TensorBoard, file by file.
    ///
    /// # Errors
    /// Files that cannot be read or written.
    pub fn write(self, run: &RunFolder, path: &Path) -> Result<(), Error> {
        let experiment = run.experiment()?;
        let folder = run.study()?;
        let trials = run.trials(&experiment, run.summary()?.as_ref())?;
        let study = Exported {
            experiment: &experiment,
            trials: &trials,
            folder: &folder,
            times: &times::read(run),
        };
        let table = || table::table(&study);
        match self {
            Format::Optuna => run.write(path, optuna::journal(&study)?.as_bytes()),
            Format::Csv => run.write(path, table()?.csv().as_bytes()),
            Format::Parquet => run.write(path, &table()?.parquet()?),
            Format::Tensorboard => {
                for (name, bytes) in tensorboard::files(&study)? {
                    run.write(&path.join(name), &bytes)?;
                }
                Ok(())
            }
        }
    }
}
