//! `hemet client-spec`: what clients need of an artifact, without its weights.

use std::path::PathBuf;

use hemet_runtime::schemes::Known;
use hemet_runtime::signature;

use crate::cli::trust::Trust;
use crate::error::Error;
use crate::{common, schemes};

/// Write what clients need of an artifact, without its weights
///
/// The spec holds parameters, layouts, preprocessing, the range of inputs, class names, the list of keys, and the
/// signature of a signed artifact. Give it to clients for `keygen`, and keep the artifact on the server.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet client-spec model.hemet -o model.spec\n  hemet keygen model.spec --out keys"
)]
pub struct Args {
    /// The artifact
    pub artifact: PathBuf,
    /// Where the spec goes
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// Whose signature the artifact must have
    #[command(flatten)]
    pub trust: Trust,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let model = schemes::open(&args.artifact)?;
    args.trust.model(&args.artifact, model.as_ref())?;
    let known = Known::of(model.as_ref())?;
    common::tell(&known.spec.facts().notices());
    if let Some(signature) = &known.signature {
        let own = signature::check_own(known.spec.as_ref(), signature);
        own.map_err(|e| Error::file(&args.artifact, format!("{e}; sign it again (hemet sign)")))?;
    }
    let bytes = known.to_bytes()?;
    hemet_files::write_atomically(&args.out, &bytes)?;
    println!("{} bytes to {}", bytes.len(), args.out.display());
    Ok(())
}
