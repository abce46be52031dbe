//! Making a pair of keys, of a spec from a file or from a server.

use std::path::{Path, PathBuf};

use hemet_runtime::schemes::Known;
use hemet_runtime::{Client, Facts, Note};
use serde_json::json;

use super::{DAY_S, KeyPair, now_s};
use crate::cli::passphrase::Protect;
use crate::cli::trust::Trust;
use crate::common::{self, Output};
use crate::error::Error;

/// What is said of new keys on the command line.
#[derive(clap::Args, Debug)]
pub struct Options {
    /// Folder for the two key files, made if it is missing
    #[arg(long, default_value = "keys", value_name = "DIR")]
    pub out: PathBuf,
    /// Replace a pair that is there already (what was encrypted with it is then lost); `hemet keys rotate` keeps it
    #[arg(long)]
    pub force: bool,
    /// What you call the key
    #[arg(long, value_name = "TEXT")]
    pub label: Option<String>,
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
    /// What standard output is for
    #[command(flatten)]
    pub output: Output,
}

/// Most bytes of evaluation keys that are made without --allow-large.
const LARGE: u64 = 4 << 30;

impl Options {
    /// Refuses a folder with keys, unless they are to be replaced.
    ///
    /// # Errors
    /// The key that is there.
    pub fn check_free(&self) -> Result<(), Error> {
        match KeyPair::of(&self.out).files().first() {
            Some(path) if !self.force => Err(Error::file(
                path,
                "there is a key already; choose another --out, or --force to replace the pair",
            )),
            Some(_) | None => Ok(()),
        }
    }
}

/// Makes a pair for what is known of an artifact from `source`.
///
/// # Errors
/// A signature, a security or a size that is not wanted; what cannot be written.
pub fn make(known: Known, source: &Path, options: &Options) -> Result<KeyPair, Error> {
    let pair = KeyPair::of(&options.out);
    options.trust.known(source, &known)?;
    let facts = known.spec.facts();
    common::check_security(&facts, options.allow_insecure)?;
    common::check_device(&facts).map_err(|e| Error::file(source, e))?;
    check_size(options, source, &facts)?;
    let note = note(options, &facts, &known);
    note.check()?;
    let passphrase = options.protect.new_passphrase()?;
    let (client, keys) = Client::generate(known.spec)?;
    pair.write(&client.noted(note)?, &keys, passphrase.as_ref())?;
    if passphrase.is_none() {
        eprintln!(
            "note: the secret key has no passphrase: whoever can read the file can decrypt (--passphrase)"
        );
    }
    Ok(pair)
}

/// Says where the pair lies, and under which name a server has its half, where it was sent to one.
///
/// # Errors
/// A pair that is not there.
pub fn tell(pair: &KeyPair, uploaded: Option<&str>, output: Output) -> Result<(), Error> {
    let (secret, keys) = (pair.client(), pair.server());
    if output.json {
        let bytes = std::fs::metadata(&keys).map_err(|e| Error::file(&keys, e))?;
        return common::print_json(&json!({
            "client_key": secret,
            "server_keys": keys,
            "server_keys_bytes": bytes.len(),
            "uploaded": uploaded,
        }));
    }
    println!("secret key       {}  (keep it)", secret.display());
    println!("evaluation keys  {}  (for the server)", keys.display());
    if let Some(name) = uploaded {
        println!("uploaded         {name}");
    }
    Ok(())
}

/// Says how large the keys will be, and refuses what is not meant.
fn check_size(options: &Options, source: &Path, facts: &Facts) -> Result<(), Error> {
    let key_bytes = facts.evaluation_key_bytes;
    let mib = key_bytes as f64 / 1_048_576.0;
    if key_bytes > LARGE && !options.allow_large {
        return Err(Error::file(
            source,
            format!(
                "its evaluation keys take {mib:.0} MiB, above 4096 MiB; give --allow-large if this is meant"
            ),
        ));
    }
    eprintln!("making {mib:.1} MiB of evaluation keys …");
    Ok(())
}

fn note(options: &Options, facts: &Facts, known: &Known) -> Note {
    let created_s = now_s();
    Note {
        label: options.label.clone().unwrap_or_default(),
        network: facts.network.clone(),
        created_s: Some(created_s),
        expires_s: options.valid_days.map(|days| created_s + days * DAY_S),
        signature: known.signature.clone(),
    }
}
