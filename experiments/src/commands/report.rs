//! `hemet report`: writes the report of a run folder again, or its study for another program.

use std::path::PathBuf;

use crate::common::{self, Output};
use crate::error::Error;
use crate::export::Format;
use crate::report::opened::Opened;
use crate::report::{self, compared};
use crate::run::folder::RunFolder;

/// Write the report of a run folder again, or its trials for another program
///
/// report/index.html is one page that holds everything and opens in any browser, offline too; beside it lie the same
/// page as Markdown, every picture as SVG and PNG, and every table as CSV. A search that has not ended gives a report
/// of what is there so far.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet report runs/digits\n  hemet report runs/digits runs/digits-2                        # both on one page\n  hemet report runs/digits --export optuna -o digits.log        # optuna-dashboard digits.log\n  hemet report runs/digits --export tensorboard -o events       # tensorboard --logdir events\n  hemet report runs/digits --export parquet -o trials.parquet"
)]
pub struct Args {
    /// The run folder
    pub run: PathBuf,
    /// Further runs: writes a page that compares them with the first, compared.html in the first one's report
    pub others: Vec<PathBuf>,
    /// Write the trials for another program instead
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        requires = "out",
        conflicts_with = "others"
    )]
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
    if !args.others.is_empty() {
        return compare(args);
    }
    let run = RunFolder::open(&args.run)?;
    if let (Some(format), Some(file)) = (args.export, &args.out) {
        format.write(&run, file)?;
        eprintln!("written to {}", file.display());
        return Ok(());
    }
    let opened = Opened::of(&run)?;
    report::write(&opened.run())?;
    match &opened.summary {
        Some(summary) => report::show(&run, &opened.experiment, summary, args.output),
        None => report::show_unfinished(&opened.run(), args.output),
    }
}

/// Compares several runs.
fn compare(args: &Args) -> Result<(), Error> {
    let paths = std::iter::once(&args.run).chain(&args.others);
    let runs = paths.map(|path| compared::Compared::read(path));
    let runs = runs.collect::<Result<Vec<_>, Error>>()?;
    let page = compared::write(&runs, &args.run.join("report"))?;
    if args.output.json {
        return common::print_json(&compared::json(&runs, &page));
    }
    println!("{}", compared::told(&runs, &page));
    Ok(())
}
