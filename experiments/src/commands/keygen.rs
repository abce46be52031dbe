//! `hemet keygen`: the client makes a secret key and the evaluation keys for an artifact.

use std::path::PathBuf;

use crate::error::Error;
use crate::keys::make::{Options, make, tell};
use crate::schemes;

/// Make a secret key and the evaluation keys for an artifact
///
/// Writes DIR/client.key (secret: it stays with the client) and DIR/server.keys (for the server; they reveal nothing of
/// the images).
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet keygen model.spec --out keys\n  hemet keygen model.spec --out keys --passphrase --label laptop --valid-days 365\n\nThe passphrase is asked for, or read from the first line of the file --passphrase-file, or from the environment variable\nHEMET_PASSPHRASE. `hemet keys` lists, rotates and forgets pairs."
)]
pub struct Args {
    /// The artifact's spec (of `hemet client-spec`), or the artifact itself
    pub artifact: PathBuf,
    /// The keys
    #[command(flatten)]
    pub options: Options,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let path = &args.artifact;
    args.options.check_free()?;
    let pair = make(schemes::known(path)?, path, &args.options)?;
    tell(&pair, None, args.options.output)
}
