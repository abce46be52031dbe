//! `hemet report`: draws the plots and tables of a run folder again.

use std::path::PathBuf;

use hemet_search::study;

use crate::common::Output;
use crate::error::Error;
use crate::report;
use crate::run_folder::RunFolder;

/// Draw the plots and tables of a run folder again
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
    report::write(&run, &summary, &trials)?;
    report::show(&run, &summary, args.output)
}
