//! The program `hemet-serve`: a server alone, without compiler and training.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use clap::Parser;
use hemet_serve::Host;
use hemet_serve::options::Options;

/// Answer encrypted requests over HTTP
#[derive(Parser, Debug)]
#[command(name = "hemet-serve", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    options: Options,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let (start, since) = (Instant::now(), SystemTime::now().duration_since(UNIX_EPOCH));
    let since = since.unwrap_or_default();
    let clock = Arc::new(move || since + start.elapsed());
    let lines = Arc::new(|line: &str| eprintln!("{line}"));
    let host = Host::new(clock, lines, std::env::vars_os());
    match cli.options.run(host) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
