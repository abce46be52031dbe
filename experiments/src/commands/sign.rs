//! `hemet sign`: whoever makes an artifact vouches for it.

use std::path::PathBuf;

use crate::cli::passphrase::Unlock;
use crate::error::Error;
use crate::schemes;

/// Sign an artifact
///
/// The signature (ed25519) covers parameters, layouts, schedule and weights, and what `client-spec` gives to clients.
/// It stands in the artifact, and `client-spec` carries it on. Clients and servers check it with --trust.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet keys signing --out owner\n  hemet sign model.hemet --key owner/signing.key\n  hemet verify model.hemet --trust owner/signing.pub"
)]
pub struct Args {
    /// The artifact
    pub artifact: PathBuf,
    /// The secret signing key, of `hemet keys signing`
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Where the signed artifact goes; without it, it replaces the artifact
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Of the signing key
    #[command(flatten)]
    pub unlock: Unlock,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let mut model = schemes::open(&args.artifact)?;
    let key = args.unlock.signing_key(&args.key)?;
    key.sign(model.as_mut())?;
    let out = args.out.as_ref().unwrap_or(&args.artifact);
    hemet_files::write_atomically(out, &model.to_bytes()?)?;
    println!("{} is signed by key {}", out.display(), key.public());
    println!("a spec written before has no signature: write it again (hemet client-spec)");
    Ok(())
}
