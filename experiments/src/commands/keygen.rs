//! `hemet keygen`: the client makes a secret key and the evaluation keys for an artifact.

use std::path::PathBuf;

use hemet_runtime::Client;

use crate::error::Error;
use crate::{common, schemes};

/// Make a secret key and the evaluation keys for an artifact
///
/// Writes DIR/client.key (secret: it stays with the client) and DIR/server.keys (for the server; they reveal nothing of
/// the images).
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  hemet keygen model.hemet --out keys")]
pub struct Args {
    /// The artifact
    pub artifact: PathBuf,
    /// Folder for the two key files, made if it is missing
    #[arg(long, default_value = "keys", value_name = "DIR")]
    pub out: PathBuf,
    /// Replace key files that are there already (what was encrypted with them is then lost)
    #[arg(long)]
    pub force: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let (secret_path, keys_path) = (args.out.join("client.key"), args.out.join("server.keys"));
    if secret_path.exists() && !args.force {
        return Err(Error::file(
            &secret_path,
            "there is a key already; choose another --out, or --force to replace it",
        ));
    }
    std::fs::create_dir_all(&args.out).map_err(|e| Error::file(&args.out, e))?;
    let spec = schemes::open(&args.artifact)?.spec()?;
    common::tell(&spec.facts().notices());
    let (client, keys) = Client::generate(spec)?;
    hemet_files::write_atomically(&keys_path, &keys)?;
    client.save(&secret_path)?;
    println!("secret key       {}  (keep it)", secret_path.display());
    println!("evaluation keys  {}  (for the server)", keys_path.display());
    Ok(())
}
