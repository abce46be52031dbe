//! `hemet keygen`: the client makes a secret key and the evaluation keys for an artifact.

use std::path::PathBuf;

use hemet_runtime::schemes::Known;
use hemet_runtime::{Client, Facts, Note};

use crate::cli::passphrase::Protect;
use crate::cli::trust::Trust;
use crate::common;
use crate::error::Error;
use crate::keys::{DAY_S, KeyPair, now_s};

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
    /// Folder for the two key files, made if it is missing
    #[arg(long, default_value = "keys", value_name = "DIR")]
    pub out: PathBuf,
    /// Replace a pair that is there already (what was encrypted with it is then lost); `hemet keys rotate` keeps it
    #[arg(long)]
    pub force: bool,
    /// What you call the key
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub label: String,
    /// Encrypt with the key for so many days, and no longer
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=36_500))]
    pub valid_days: Option<u64>,
    /// How the secret key is kept
    #[command(flatten)]
    pub protect: Protect,
    /// Whose signature the artifact must have
    #[command(flatten)]
    pub trust: Trust,
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
    let pair = KeyPair::of(&args.out);
    if let Some(path) = pair.files().first()
        && !args.force
    {
        return Err(Error::file(
            path,
            "there is a key already; choose another --out, or --force to replace the pair",
        ));
    }
    let known = Known::open(&args.artifact).map_err(|e| Error::file(&args.artifact, e))?;
    args.trust.known(&args.artifact, &known)?;
    let facts = known.spec.facts();
    common::check_security(&facts, args.allow_insecure)?;
    check_size(args, &facts)?;
    let note = note(args, &facts, &known);
    note.check()?;
    let passphrase = args.protect.new_passphrase()?;
    let (client, keys) = Client::generate(known.spec)?;
    pair.write(&client.noted(note)?, &keys, passphrase.as_ref())?;
    let (secret, keys) = (pair.client(), pair.server());
    println!("secret key       {}  (keep it)", secret.display());
    println!("evaluation keys  {}  (for the server)", keys.display());
    if passphrase.is_none() {
        eprintln!(
            "note: the secret key has no passphrase: whoever can read the file can decrypt (--passphrase)"
        );
    }
    Ok(())
}

/// Says how large the keys will be, and refuses what is not meant.
fn check_size(args: &Args, facts: &Facts) -> Result<(), Error> {
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
    Ok(())
}

fn note(args: &Args, facts: &Facts, known: &Known) -> Note {
    let created_s = now_s();
    Note {
        label: args.label.clone(),
        network: facts.network.clone(),
        created_s: Some(created_s),
        expires_s: args.valid_days.map(|days| created_s + days * DAY_S),
        signature: known.signature.clone(),
    }
}
