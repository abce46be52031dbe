//! `hemet keys`: a client's key pairs (list, rotate, passphrase, forget), and the pair that signs artifacts.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use hemet_runtime::signature::SigningKey;
use hemet_runtime::{Client, KeyFile, Note};
use serde::Serialize;

use crate::cli::passphrase::{self, Protect, Unlock};
use crate::common::{self, Output};
use crate::error::Error;
use crate::keys::{DAY_S, KeyPair, Listed, now_s, told};

/// List, rotate, protect and forget key pairs; make the keys that sign artifacts
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet keys list keys\n  hemet keys rotate keys/digits\n  hemet keys forget keys/digits/old-0f3c55a1b2c4d6e8 --yes\n  hemet keys signing --out owner"
)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand, Debug)]
enum Task {
    /// List the key pairs in a folder and those below it
    ///
    /// Each with its label, network, dates, and what is wrong with it. No passphrase is needed.
    #[command(after_help = "Example:\n  hemet keys list keys")]
    List(ListArgs),
    /// Make a new pair for the same artifact and set the old one aside
    ///
    /// The old pair goes to DIR/old-ID: it still decrypts answers to older requests. Give the new server.keys to the
    /// server, and forget the old pair when its answers are read.
    #[command(after_help = "Example:\n  hemet keys rotate keys --valid-days 365")]
    Rotate(RotateArgs),
    /// Put the secret key of a pair under a passphrase, another one, or none
    ///
    /// The old file is overwritten. Copies elsewhere (backups, snapshots, worn blocks of a flash disk) are not reached.
    #[command(
        after_help = "Example:\n  hemet keys passphrase keys --new-passphrase-file passphrase.txt"
    )]
    Passphrase(PassphraseArgs),
    /// Overwrite and remove a key pair: what was encrypted with it is lost
    ///
    /// Copies elsewhere (backups, snapshots, worn blocks of a flash disk) are not reached.
    #[command(after_help = "Example:\n  hemet keys forget keys --yes")]
    Forget(ForgetArgs),
    /// Make the pair of keys that signs artifacts
    ///
    /// Writes DIR/signing.key (secret: it stays with whoever vouches for artifacts) and DIR/signing.pub (for --trust).
    #[command(after_help = "Example:\n  hemet keys signing --out owner --passphrase")]
    Signing(SigningArgs),
}

#[derive(clap::Args, Debug)]
struct ListArgs {
    /// The folder
    #[arg(default_value = "keys")]
    folder: PathBuf,
    /// What standard output is for
    #[command(flatten)]
    output: Output,
}

#[derive(clap::Args, Debug)]
struct RotateArgs {
    /// The folder of the pair
    folder: PathBuf,
    /// Encrypt with the new pair for so many days; without it, as long as the old one was made for
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=36_500))]
    valid_days: Option<u64>,
    /// How both pairs are kept: a passphrase given here opens the old one too
    #[command(flatten)]
    protect: Protect,
    /// What standard output is for
    #[command(flatten)]
    output: Output,
}

#[derive(clap::Args, Debug)]
struct PassphraseArgs {
    /// The folder of the pair
    folder: PathBuf,
    /// How the key is opened now, where it has a passphrase already
    #[command(flatten)]
    unlock: Unlock,
    /// A file whose first line is the new passphrase; without it, you are asked
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
    /// Keep the key without a passphrase
    #[arg(long, conflicts_with = "new_passphrase_file")]
    none: bool,
}

#[derive(clap::Args, Debug)]
struct ForgetArgs {
    /// The folder of the pair
    folder: PathBuf,
    /// Really do it
    #[arg(long)]
    yes: bool,
}

#[derive(clap::Args, Debug)]
struct SigningArgs {
    /// Folder for the two key files, made if it is missing
    #[arg(long, default_value = "owner", value_name = "DIR")]
    out: PathBuf,
    /// What you call the key
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    /// How the secret key is kept
    #[command(flatten)]
    protect: Protect,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    match &args.task {
        Task::List(args) => list(args),
        Task::Rotate(args) => rotate(args),
        Task::Passphrase(args) => passphrase(args),
        Task::Forget(args) => forget(args),
        Task::Signing(args) => signing(args),
    }
}

/// A pair as a line of JSON.
#[derive(Serialize)]
struct Row {
    folder: PathBuf,
    label: String,
    network: String,
    artifact: String,
    key_set: String,
    created: Option<String>,
    expires: Option<String>,
    is_expired: bool,
    is_locked: bool,
    fault: Option<String>,
}

impl Row {
    fn of(pair: &KeyPair) -> Self {
        let Listed {
            note,
            is_locked,
            artifact,
            key_set,
            fault,
        } = pair.list();
        Row {
            folder: pair.folder.clone(),
            created: note.created_s.map(told),
            expires: note.expires_s.map(told),
            is_expired: note.expires_s.is_some_and(|expires| expires <= now_s()),
            label: note.label,
            network: note.network,
            artifact,
            key_set,
            is_locked,
            fault,
        }
    }

    fn show(&self) {
        let date = |moment: &Option<String>| match moment {
            Some(moment) => moment[..10].to_owned(),
            None => "not known".to_owned(),
        };
        println!("{}", self.folder.display());
        if !self.label.is_empty() {
            println!("  label    {}", self.label);
        }
        println!(
            "  network  {} (artifact {:.16})",
            self.network, self.artifact
        );
        println!(
            "  pair     {:.16}, made {}",
            self.key_set,
            date(&self.created)
        );
        match (&self.expires, self.is_expired) {
            (Some(_), true) => println!("  expired  {}", date(&self.expires)),
            (Some(_), false) => println!("  expires  {}", date(&self.expires)),
            (None, _) => {}
        }
        let kept = if self.is_locked {
            "under a passphrase"
        } else {
            "no passphrase"
        };
        println!("  kept     {kept}");
        if let Some(fault) = &self.fault {
            println!("  fault    {fault}");
        }
    }
}

fn list(args: &ListArgs) -> Result<(), Error> {
    let pairs = KeyPair::below(&args.folder)?;
    if pairs.is_empty() {
        return Err(Error::file(
            &args.folder,
            "no client.key or server.keys is in it or below it",
        ));
    }
    for row in pairs.iter().map(Row::of) {
        match args.output.json {
            true => common::print_json(&row)?,
            false => row.show(),
        }
    }
    Ok(())
}

fn rotate(args: &RotateArgs) -> Result<(), Error> {
    let pair = KeyPair::of(&args.folder);
    let path = pair.client();
    let file = KeyFile::read(&path).map_err(|e| Error::file(&path, e))?;
    let passphrase = match file.is_locked() {
        true => {
            let passphrase_file = args.protect.passphrase_file.clone();
            Unlock { passphrase_file }.of(&path, true)?
        }
        false => args.protect.new_passphrase()?,
    };
    let old = file.open(passphrase.as_ref());
    let old = old.map_err(|e| Error::file(&path, e))?;
    common::tell(&old.facts().notices());
    let (client, keys) = Client::generate(old.spec().clone())?;
    let client = client.noted(renewed(old.note(), args.valid_days))?;
    let aside = pair.set_aside(file.key_set())?;
    pair.write(&client, &keys, passphrase.as_ref())?;
    if args.output.json {
        let told = serde_json::json!({"pair": pair.folder, "server_keys": pair.server(), "old_pair": aside.folder});
        return common::print_json(&told);
    }
    println!("new pair         {}", pair.folder.display());
    println!(
        "evaluation keys  {}  (for the server)",
        pair.server().display()
    );
    println!(
        "old pair         {}  (until its answers are read)",
        aside.folder.display()
    );
    Ok(())
}

/// The note of a pair that takes the place of another.
fn renewed(old: &Note, valid_days: Option<u64>) -> Note {
    let created_s = now_s();
    let before = old.expires_s.zip(old.created_s);
    let before = before.map(|(expires_s, created_s)| expires_s.saturating_sub(created_s));
    let valid_s = valid_days.map(|days| days * DAY_S).or(before);
    Note {
        created_s: Some(created_s),
        expires_s: valid_s.map(|valid_s| created_s.saturating_add(valid_s)),
        ..old.clone()
    }
}

fn passphrase(args: &PassphraseArgs) -> Result<(), Error> {
    let pair = KeyPair::of(&args.folder);
    let client = args.unlock.client(&pair.client())?;
    let passphrase = match args.none {
        true => None,
        false => Some(passphrase::new(args.new_passphrase_file.as_deref())?),
    };
    pair.keep_under(&client, passphrase.as_ref())?;
    let kept = match args.none {
        true => "without a passphrase",
        false => "under the new passphrase",
    };
    println!("{} is kept {kept}", pair.client().display());
    Ok(())
}

fn forget(args: &ForgetArgs) -> Result<(), Error> {
    let pair = KeyPair::of(&args.folder);
    let files = pair.files();
    if files.is_empty() {
        return Err(Error::file(
            &args.folder,
            "no client.key or server.keys is in it",
        ));
    }
    let names: Vec<String> = files
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let names = names.join(" and ");
    if !args.yes {
        return Err(Error::user(format!(
            "{names} would be removed, and what was encrypted with this pair could never be decrypted; give --yes if this is meant"
        )));
    }
    pair.forget()?;
    println!("removed {names}");
    Ok(())
}

fn signing(args: &SigningArgs) -> Result<(), Error> {
    let (secret, public) = (args.out.join("signing.key"), args.out.join("signing.pub"));
    refuse_existing(&[&secret, &public])?;
    let note = Note {
        label: args.label.clone().unwrap_or_default(),
        created_s: Some(now_s()),
        ..Note::default()
    };
    note.check()?;
    let passphrase = args.protect.new_passphrase()?;
    let key = SigningKey::generate(note)?;
    std::fs::create_dir_all(&args.out).map_err(|e| Error::file(&args.out, e))?;
    key.save(&secret, passphrase.as_ref())?;
    hemet_files::write_atomically(&public, key.public().to_text().as_bytes())?;
    println!("secret key  {}  (keep it)", secret.display());
    println!(
        "public key  {}  (for --trust): {}",
        public.display(),
        key.public()
    );
    Ok(())
}

fn refuse_existing(paths: &[&Path]) -> Result<(), Error> {
    match paths.iter().find(|path| path.exists()) {
        Some(path) => Err(Error::file(
            path,
            "there is a key already; choose another --out",
        )),
        None => Ok(()),
    }
}
