//! The command `hemet`: parses the command line, runs one command, and turns its outcome into an exit status.

use std::process::ExitCode;

use clap::Parser;
use hemet::cli::Cli;

fn main() -> ExitCode {
    match hemet::commands::run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let status = error.exit_status();
            eprintln!("{}", error.render());
            ExitCode::from(status)
        }
    }
}
