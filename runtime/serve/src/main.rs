//! The program `hemet-serve`: a server alone, without compiler and training.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use clap::Parser;
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
    match cli.options.run(clock, Arc::new(|line| eprintln!("{line}"))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
