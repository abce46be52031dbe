//! `hemet report`: writes the report of a run folder again.

use std::path::PathBuf;

use hemet_search::study;

use crate::common::Output;
use crate::error::Error;
use crate::run_folder::RunFolder;
use crate::{costs, report};

/// Write the report of a run folder again
///
/// report/index.html is one page that holds everything and opens in any browser, offline too; beside it lie the same page as
/// Markdown, every picture as SVG and PNG, and every table as CSV.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  hemet report runs/digits")]
pub struct Args {
    /// The run folder
    pub run: PathBuf,
    /// What standard output is for
    #[command(flatten)]
    pub output: Output,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let run = RunFolder::open(&args.run)?;
    let experiment = run.experiment()?;
    let summary = run.summary()?;
    let folder = study::RunFolder::create(&run.root).map_err(Error::user)?;
    let trials =
        study::read_journal(&folder.journal(), experiment.space()?).map_err(Error::user)?;
    let costs = costs::read(&run.costs_path())?;
    report::write(&report::Run {
        folder: &run,
        experiment: &experiment,
        summary: &summary,
        trials: &trials,
        costs: &costs,
    })?;
    report::show(&run, &summary, args.output)
}
