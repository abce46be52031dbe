//! `hemet client keygen`: fetches a model's spec, makes keys, uploads the evaluation keys.

use std::path::Path;

use hemet_runtime::schemes::Known;

use super::Server;
use crate::cli::progress::Progress;
use crate::error::Error;
use crate::keys::make::{Options, make, tell};

/// Make keys for a model and upload the evaluation keys
///
/// Writes DIR/client.key (secret: it stays here) and DIR/server.keys. An upload that was interrupted goes on with the
/// next `hemet client predict`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet client keygen http://127.0.0.1:8080/v2/models/digits --out keys"
)]
pub struct Args {
    /// The model
    #[command(flatten)]
    pub server: Server,
    /// The keys
    #[command(flatten)]
    pub options: Options,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let source = Path::new(&args.server.url);
    args.options.check_free()?;
    let remote = args.server.remote()?;
    let known = Known::from_bytes(&remote.spec()?).map_err(|e| Error::file(source, e))?;
    let pair = make(known, source, &args.options)?;
    let mut bar: Option<Progress> = None;
    let name = remote.upload(&pair.server(), &mut |done, total| {
        let bar =
            bar.get_or_insert_with(|| Progress::new("upload", total, args.options.output.json));
        bar.set(done, "evaluation keys");
    })?;
    if let Some(bar) = bar {
        bar.finish();
    }
    tell(&pair, Some(&name.to_string()), args.options.output)
}
