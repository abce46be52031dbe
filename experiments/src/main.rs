//! The command `hemet`: parses the command line, runs one command, and turns its outcome into an exit status.

use std::process::ExitCode;

use clap::Parser;
use hemet::commands::Cli;

fn main() -> ExitCode {
    hemet::common::exit(hemet::commands::run(Cli::parse()))
}
