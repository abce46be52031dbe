//! `hemet inspect`: what is in an artifact, layer by layer, and its level diagram.

use std::path::PathBuf;

use crate::common::Output;
use crate::error::Error;
use crate::schemes;

/// Show what is in an artifact: parameters, layers, costs
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet inspect model.hemet\n  hemet inspect model.hemet --costs runs/digits/costs.json   # predict with this machine's costs\n  hemet inspect model.hemet --svg levels.svg\n  hemet inspect model.hemet --schedule                       # every instruction"
)]
pub struct Args {
    /// The artifact
    pub artifact: PathBuf,
    /// Print the schedule's text
    #[arg(long)]
    pub schedule: bool,
    /// Draw the level diagram of the schedule (SVG; PNG where FILE ends in .png)
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Cost table for predicted times; without it, those that the compiler predicted
    #[arg(long, value_name = "FILE")]
    pub costs: Option<PathBuf>,
    /// What standard output is for
    #[command(flatten)]
    pub output: Output,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let door = schemes::at(&args.artifact)?;
    if args.schedule {
        print!("{}", schemes::open(&args.artifact)?.text());
        return Ok(());
    }
    door.inspect(args)
}
