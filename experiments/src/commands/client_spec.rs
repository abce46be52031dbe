//! `hemet client-spec`: what clients need of an artifact, without its weights.

use std::path::PathBuf;

use hemet_runtime::schemes::spec_to_bytes;

use crate::error::Error;
use crate::{common, schemes};

/// Write what clients need of an artifact, without its weights
///
/// The spec holds parameters, layouts, preprocessing, the range of inputs, class names and the list of keys. Give it to
/// clients for `keygen`, and keep the artifact on the server.
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
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let spec = schemes::open(&args.artifact)?.spec()?;
    common::tell(&spec.facts().notices());
    let bytes = spec_to_bytes(spec.as_ref())?;
    hemet_files::write_atomically(&args.out, &bytes)?;
    println!("{} bytes to {}", bytes.len(), args.out.display());
    Ok(())
}
