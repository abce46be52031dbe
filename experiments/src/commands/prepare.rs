//! `hemet prepare`: what a server computes before its first prediction, computed once and put into files.

use std::path::PathBuf;

use hemet_runtime::{Server, keep_keys};

use crate::cli::trust::Trust;
use crate::common;
use crate::error::Error;
use crate::schemes;

/// Prepare an artifact, or a client's keys for it, so that predictions start sooner
///
/// Without --keys the artifact's weights are encoded into a file, with --keys the client's keys are checked and
/// expanded into one. `predict` uses both where they lie (--prepared, --keys). They are several times as large as what
/// they are made of; keep them where only the server can write.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet prepare model.hemet -o model.ready\n  hemet prepare model.hemet --keys keys/server.keys -o client.ready\n  hemet predict model.hemet --prepared model.ready --keys client.ready image.ct -o answer.ct"
)]
pub struct Args {
    /// The artifact
    pub artifact: PathBuf,
    /// A client's evaluation keys, to be prepared instead
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,
    /// Where the prepared file goes
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// Threads; 0 means one a core
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub threads: usize,
    /// Whose signature the artifact must have
    #[command(flatten)]
    pub trust: Trust,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let model = schemes::open(&args.artifact)?;
    args.trust.model(&args.artifact, model.as_ref())?;
    common::pool(args.threads)?.install(|| match &args.keys {
        None => Ok(Server::new(model)?.keep_constants(&args.out)?),
        Some(path) => {
            let bytes = std::fs::read(path).map_err(|e| Error::file(path, e))?;
            let kept = keep_keys(model.spec()?.as_ref(), &bytes, &args.out);
            kept.map_err(|e| Error::file(path, e))
        }
    })?;
    let bytes = std::fs::metadata(&args.out).map_or(0, |data| data.len());
    println!("{bytes} bytes to {}", args.out.display());
    Ok(())
}
