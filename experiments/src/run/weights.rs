//! The weights of a trial: those that the search left, or what `hemet train` made of it.

use hemet_search::Trial;
use hemet_spaces::Weights;

use super::folder::RunFolder;
use crate::common;
use crate::error::Error;
use crate::experiment::Experiment;

/// Whether there are weights of `hemet train` and the user does not want those of the search.
pub fn takes_trained(run: &RunFolder, trial: &Trial, search_weights: bool) -> bool {
    let path = run.trained_file(trial.number, "safetensors");
    path.exists() && !search_weights
}

/// The weights of `hemet train`, where there are some and the user does not want those of the search.
///
/// # Errors
/// Files that cannot be read or hold weights of another network.
pub fn read(
    run: &RunFolder,
    experiment: &Experiment,
    trial: &Trial,
    search_weights: bool,
) -> Result<Weights, Error> {
    let path = run.trained_file(trial.number, "safetensors");
    if !takes_trained(run, trial, search_weights) {
        let folder = run.study()?;
        return Ok(folder.read_weights(trial.number)?);
    }
    eprintln!("weights: {} (of `hemet train`)", path.display());
    let graph = experiment.space()?.graph(&trial.architecture);
    let graph = graph?;
    common::read_weights(&path, &graph)
}

/// Refuses a trial that has no weights.
///
/// # Errors
/// One that was not trained to the end.
pub fn check_trained(trial: &Trial) -> Result<(), Error> {
    match trial.outcome.accuracy() {
        Some(_) => Ok(()),
        None => Err(Error::user(format!(
            "trial {} was not trained to the end ({}); choose one of the front in report/report.md",
            trial.number,
            trial.outcome.name()
        ))),
    }
}
