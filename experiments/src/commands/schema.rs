//! `hemet schema`: the JSON Schema of experiment and space files.

use crate::error::Error;
use crate::reference::FileKind;

/// Print the JSON Schema of experiment or space files
///
/// Editors complete and check files by it: the published files name the schema of experiments/schema/ in their first
/// line.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  hemet schema experiment\n  hemet schema space --markdown")]
pub struct Args {
    /// Of which file
    #[arg(value_name = "FILE", default_value = "experiment")]
    pub file: FileKind,
    /// Print a page of Markdown with every key, its range, unit and default, instead
    #[arg(long)]
    pub markdown: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    match args.markdown {
        true => print!("{}", args.file.page()),
        false => print!("{}", args.file.schema()),
    }
    Ok(())
}
