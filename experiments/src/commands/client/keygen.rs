//! `hemet client keygen`: fetches a model's spec, makes keys, uploads the evaluation keys.

use std::path::PathBuf;

use hemet_runtime::schemes::spec_from_bytes;

use super::Server;
use crate::cli::progress::Progress;
use crate::commands::keygen;
use crate::error::Error;

/// Make keys for a model and upload the evaluation keys
///
/// Writes DIR/model.spec, DIR/client.key (secret: it stays here) and DIR/server.keys. An upload that was interrupted
/// goes on with the next `hemet client predict`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet client keygen http://127.0.0.1:8080/v2/models/digits --out keys"
)]
pub struct Args {
    /// The model
    #[command(flatten)]
    pub server: Server,
    /// Folder for the key files, made if it is missing
    #[arg(long, default_value = "keys", value_name = "DIR")]
    pub out: PathBuf,
    /// Replace key files that are there already (what was encrypted with them is then lost)
    #[arg(long)]
    pub force: bool,
    /// Make keys of more than 4 GiB
    #[arg(long)]
    pub allow_large: bool,
    /// Make keys for parameters that promise no security
    #[arg(long)]
    pub allow_insecure: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let remote = args.server.remote()?;
    let bytes = remote.spec()?;
    spec_from_bytes(&bytes).map_err(|e| Error::user(format!("{}: {e}", args.server.url)))?;
    std::fs::create_dir_all(&args.out).map_err(|e| Error::file(&args.out, e))?;
    let spec = args.out.join("model.spec");
    hemet_files::write_atomically(&spec, &bytes)?;
    keygen::run(&keygen::Args {
        artifact: spec,
        out: args.out.clone(),
        force: args.force,
        allow_large: args.allow_large,
        allow_insecure: args.allow_insecure,
    })?;
    let keys = args.out.join("server.keys");
    let mut bar: Option<Progress> = None;
    let name = remote.upload(&keys, &mut |done, total| {
        let bar = bar.get_or_insert_with(|| Progress::new("upload", total, false));
        bar.set(done, "evaluation keys");
    })?;
    if let Some(bar) = bar {
        bar.finish();
    }
    println!("uploaded         {name}");
    Ok(())
}
