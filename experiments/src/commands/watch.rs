//! `hemet watch`: serves the report of a run folder while its search runs.

use std::path::PathBuf;

use crate::error::Error;
use crate::export::Format;
use crate::report::follow;
use crate::report::opened::stamp;
use crate::run::folder::RunFolder;

/// Serve the report of a run folder while its search runs, or after it
///
/// The page is the report's own, made anew when a trial has ended; a browser that shows it follows by itself. It ends
/// with Ctrl-C. `hemet search --live` does the same within a search.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet watch runs/digits                             # prints the address\n  hemet watch runs/digits --listen 127.0.0.1:8000\n  hemet watch runs/digits --dashboard digits.log      # then: optuna-dashboard digits.log"
)]
pub struct Args {
    /// The run folder
    pub run: PathBuf,
    /// Where the page is served: host and port, 0 for a free one. Whoever can reach it can read the report
    #[arg(long, default_value = follow::FREE_PORT, value_name = "HOST:PORT")]
    pub listen: String,
    /// Keep this file as Optuna's journal of the search, for optuna-dashboard, instead of serving the page
    #[arg(long, value_name = "FILE", conflicts_with = "listen")]
    pub dashboard: Option<PathBuf>,
    /// End when the search has ended
    #[arg(long)]
    pub until_end: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let folder = RunFolder::open(&args.run)?;
    let page = match &args.dashboard {
        Some(_) => None,
        None => Some(follow::serve(&args.listen)?),
    };
    let mut seen = None;
    loop {
        let now = stamp(&folder);
        if seen != Some(now) {
            seen = Some(now);
            match (&page, &args.dashboard) {
                (Some(page), _) => follow::show(&folder, page),
                (None, Some(file)) => Format::Optuna.write(&folder, file)?,
                (None, None) => {}
            }
        }
        if args.until_end && !folder.is_held() && folder.summary()?.is_some() {
            return Ok(());
        }
        std::thread::sleep(follow::LOOK);
    }
}
