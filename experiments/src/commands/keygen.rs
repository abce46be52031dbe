//! `hemet keygen`: the client makes a secret key and the evaluation keys for an artifact.

use std::path::PathBuf;

use hemet_runtime::Client;
use hemet_runtime::schemes::open_spec;

use crate::common;
use crate::error::Error;

/// Make a secret key and the evaluation keys for an artifact
///
/// Writes DIR/client.key (secret: it stays with the client) and DIR/server.keys (for the server; they reveal nothing of
/// the images).
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  hemet keygen model.spec --out keys")]
pub struct Args {
    /// The artifact's spec (of `hemet client-spec`), or the artifact itself
    pub artifact: PathBuf,
    /// Folder for the two key files, made if it is missing
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

/// Most bytes of evaluation keys that are made without --allow-large.
const LARGE: u64 = 4 << 30;

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let (secret_path, keys_path) = (args.out.join("client.key"), args.out.join("server.keys"));
    if let Some(path) = [&secret_path, &keys_path]
        .into_iter()
        .find(|path| path.exists())
        && !args.force
    {
        return Err(Error::file(
            path,
            "there is a key already; choose another --out, or --force to replace it",
        ));
    }
    let spec = open_spec(&args.artifact).map_err(|e| Error::file(&args.artifact, e))?;
    let facts = spec.facts();
    common::check_security(&facts, args.allow_insecure)?;
    let key_bytes = facts.evaluation_key_bytes;
    let mib = key_bytes as f64 / 1_048_576.0;
    if key_bytes > LARGE && !args.allow_large {
        return Err(Error::file(
            &args.artifact,
            format!(
                "its evaluation keys take {mib:.0} MiB, above 4096 MiB; give --allow-large if this is meant"
            ),
        ));
    }
    eprintln!("making {mib:.1} MiB of evaluation keys …");
    std::fs::create_dir_all(&args.out).map_err(|e| Error::file(&args.out, e))?;
    let (client, keys) = Client::generate(spec)?;
    hemet_files::write_atomically(&keys_path, &keys)?;
    client.save(&secret_path)?;
    println!("secret key       {}  (keep it)", secret_path.display());
    println!("evaluation keys  {}  (for the server)", keys_path.display());
    Ok(())
}
