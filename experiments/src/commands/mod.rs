//! The commands of `hemet`, one a file.

pub mod bench;
pub mod calibrate;
pub mod compile;
pub mod data;
pub mod decrypt;
pub mod encrypt;
pub mod evaluate;
pub mod inspect;
pub mod keygen;
pub mod opt;
pub mod predict;
pub mod report;
pub mod search;
pub mod space;
pub mod studies;
pub mod train;
pub mod verify;
pub mod worker;

use crate::cli::{Cli, Command};
use crate::error::Error;

/// Runs the command of a parsed command line.
///
/// # Errors
/// What the user can mend, or a check that failed; see [`Error::exit_status`].
pub fn run(cli: Cli) -> Result<(), Error> {
    match cli.command {
        Command::Search(args) => search::run(args),
        Command::Report(args) => report::run(&args),
        Command::Worker(args) => worker::run(&args),
        Command::Studies(args) => studies::run(&args),
        Command::Train(args) => train::run(&args),
        Command::Data(args) => data::run(&args),
        Command::Space(args) => space::run(&args),
        Command::Compile(args) => compile::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Keygen(args) => keygen::run(&args),
        Command::Encrypt(args) => encrypt::run(&args),
        Command::Predict(args) => predict::run(&args),
        Command::Decrypt(args) => decrypt::run(&args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Calibrate(args) => calibrate::run(&args),
        Command::Opt(args) => opt::run(&args),
        Command::Verify(args) => verify::run(&args),
    }
}
