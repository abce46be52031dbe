//! `hemet report`: writes the report of a run folder again, or its study for another program.

use std::path::PathBuf;

use crate::common::Output;
use crate::error::Error;
use crate::export::Format;
use crate::report;
use crate::run::folder::RunFolder;
use crate::run::summary;
use crate::schemes::{CostSource, SchemeCosts};

/// Write the report of a run folder again, or its trials for another program
///
/// report/index.html is one page that holds everything and opens in any browser, offline too; beside it lie the same
/// page as Markdown, every picture as SVG and PNG, and every table as CSV. A search that has not ended gives a report
/// of what is there so far.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet report runs/digits\n  hemet report runs/digits --export optuna -o digits.log        # optuna-dashboard digits.log\n  hemet report runs/digits --export tensorboard -o events       # tensorboard --logdir events\n  hemet report runs/digits --export parquet -o trials.parquet"
)]
pub struct Args {
    /// The run folder
    pub run: PathBuf,
    /// Write the trials for another program instead
    #[arg(long, value_enum, value_name = "FORMAT", requires = "out")]
    pub export: Option<Format>,
    /// The file to export to; for tensorboard a folder
    #[arg(short, long, value_name = "FILE", requires = "export")]
    pub out: Option<PathBuf>,
    /// What standard output is for
    #[command(flatten)]
    pub output: Output,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let run = RunFolder::open(&args.run)?;
    if let (Some(format), Some(file)) = (args.export, &args.out) {
        format.write(&run, file)?;
        eprintln!("written to {}", file.display());
        return Ok(());
    }
    let experiment = run.experiment()?;
    let summary = run.summary()?;
    let trials = run.trials(&experiment, summary.as_ref())?;
    if trials.is_empty() {
        return Err(Error::file(
            &run.root,
            "no trial has ended yet; wait for one",
        ));
    }
    let source = CostSource {
        run: Some(&run),
        kept_only: true,
        ..CostSource::default()
    };
    let costs = SchemeCosts::of(experiment.space()?.schemes(), Some(&experiment), &source)?;
    let front = match &summary {
        Some(summary) => summary.front.clone(),
        None => summary::front(&experiment, &trials, &|_| None)?,
    };
    let report = report::Run {
        folder: &run,
        experiment: &experiment,
        front: &front,
        summary: summary.as_ref(),
        trials: &trials,
        costs: &costs,
    };
    report::write(&report)?;
    match &summary {
        Some(summary) => report::show(&run, &experiment, summary, args.output),
        None => report::show_unfinished(&report, args.output),
    }
}
