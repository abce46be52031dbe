//! `hemet client predict`: encrypts images, has a server classify them, decrypts the answers.

use std::path::{Path, PathBuf};
use std::time::Instant;

use hemet_runtime::door::Answer;
use hemet_runtime::schemes::Known;
use hemet_runtime::{Client, Facts};
use serde::Serialize;

use super::Server;
use crate::cli::answer::{Part, Shown};
use crate::cli::image::{Fit, Image, Source};
use crate::cli::passphrase::Unlock;
use crate::cli::trust::Trust;
use crate::common::{self, Output};
use crate::error::Error;
use crate::keys::{KeyPair, check_expiry, now_s};
use crate::remote::Remote;

/// Encrypt images, have them classified, decrypt the answers
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet client predict http://127.0.0.1:8080/v2/models/digits --keys keys photo.png photos/\n  hemet client predict http://127.0.0.1:8080/v2/models/digits --keys keys --set optdigits --index 3"
)]
pub struct Args {
    /// The model
    #[command(flatten)]
    pub server: Server,
    /// PNG or JPEG pictures, text files of numbers, CSV files with the network's columns, or folders of them
    #[arg(
        value_name = "FILE",
        required_unless_present = "set",
        conflicts_with = "set"
    )]
    pub files: Vec<PathBuf>,
    /// Bring pictures to the size and the colors that the network takes: `stretch` them, or `crop` the middle first
    #[arg(long, value_enum, value_name = "HOW", conflicts_with = "set")]
    pub fit: Option<Fit>,
    /// Folder of the keys, of `hemet client keygen`
    #[arg(long, value_name = "DIR")]
    pub keys: PathBuf,
    /// A data set instead of files; one of its test images is classified
    #[arg(long, value_name = "SET")]
    pub set: Option<String>,
    /// Position of the test image, from 0
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub index: usize,
    /// Folder of the data set's files, if it is not embedded
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// How the secret key is opened
    #[command(flatten)]
    pub unlock: Unlock,
    /// Whose signature the model must have
    #[command(flatten)]
    pub trust: Trust,
    /// Encrypt under parameters that promise no security
    #[arg(long)]
    pub allow_insecure: bool,
    /// Print a line of JSON for each image
    #[command(flatten)]
    pub output: Output,
}

/// What is told of an image.
#[derive(Serialize)]
struct Line<'a> {
    file: &'a str,
    /// None where the network gives values.
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<usize>,
    /// What the class is called; its number where it has no name.
    #[serde(skip_serializing_if = "Option::is_none")]
    class_name: Option<&'a String>,
    /// The model's own outputs, where they are not the decrypted numbers.
    #[serde(skip_serializing_if = "<[Part]>::is_empty")]
    outputs: &'a [Part],
    /// Rounded to the promised precision; none where the client learns the class alone.
    logits: &'a [f64],
    /// Whether the promised precision holds for them.
    trusted: bool,
    server_ms: f64,
    total_ms: f64,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let remote = args.server.remote()?;
    let pair = KeyPair::of(&args.keys);
    let client = args.unlock.client(&pair.client())?;
    let client = for_model(client, &remote, args)?;
    args.trust.client(&pair.client(), &client)?;
    check_expiry(client.note(), now_s())?;
    let facts = client.facts();
    common::check_security(&facts, args.allow_insecure)?;
    let sources = sources(args)?;
    let keys = remote.upload(&pair.server(), &mut |_, _| {})?;
    let asked = Asked {
        remote: &remote,
        client: &client,
        facts: &facts,
        keys: &keys,
    };
    for (name, source) in &sources {
        let images = source.read(&facts, None)?;
        for (row, image) in images.iter().enumerate() {
            let name = match images.len() {
                1 => name.clone(),
                _ => format!("{name} {row}"),
            };
            asked.predict(&name, image, args.output)?;
        }
    }
    Ok(())
}

/// The client for what the model is now, where that needs the same keys: it was trained anew since they were made.
fn for_model(client: Client, remote: &Remote, args: &Args) -> Result<Client, Error> {
    let known = Known::from_bytes(&remote.spec()?);
    let known = known.map_err(|e| Error::file(Path::new(&args.server.url), e))?;
    let (ours, theirs) = (client.facts(), known.spec.facts());
    if ours.artifact == theirs.artifact {
        return Ok(client);
    }
    if ours.binding != theirs.binding {
        eprintln!(
            "note: the model has another schedule than the one that these keys were made for, and needs other keys (hemet client \
             keygen); until the server takes the old version down, it still answers"
        );
        return Ok(client);
    }
    let path = KeyPair::of(&args.keys).client();
    client.rebound(&known).map_err(|e| Error::file(&path, e))
}

/// Every image with the name that it is told by; folders by their files, in order of names.
fn sources(args: &Args) -> Result<Vec<(String, Source)>, Error> {
    let of = |file: Option<PathBuf>| {
        let is_table = |path: &PathBuf| path.extension().is_some_and(|e| e == "csv");
        let table = file.clone().filter(is_table);
        Source {
            image: file.filter(|path| !is_table(path)),
            table,
            fit: args.fit,
            set: args.set.clone(),
            index: args.index,
            data: args.data.clone(),
        }
    };
    if let Some(set) = &args.set {
        return Ok(vec![(format!("{set} {}", args.index), of(None))]);
    }
    let mut found = Vec::new();
    for path in &args.files {
        let files = match path.is_dir() {
            true => files_of(path)?,
            false => vec![path.clone()],
        };
        let named = |file: PathBuf| (file.display().to_string(), of(Some(file)));
        found.extend(files.into_iter().map(named));
    }
    Ok(found)
}

fn files_of(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |e| Error::file(folder, e);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let hidden = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_file() && !hidden {
            files.push(path);
        }
    }
    files.sort();
    match files.is_empty() {
        true => Err(Error::file(folder, "there is no file in this folder")),
        false => Ok(files),
    }
}

/// Who asks whom.
struct Asked<'a> {
    remote: &'a Remote,
    client: &'a Client,
    facts: &'a Facts,
    /// The name of the uploaded keys.
    keys: &'a str,
}

impl Asked<'_> {
    fn predict(&self, name: &str, image: &Image, output: Output) -> Result<(), Error> {
        let begun = Instant::now();
        let request = self
            .client
            .encrypt(&image.values)
            .map_err(|e| Error::user(format!("{name}: {e}")))?;
        let predicted = self.remote.infer(self.keys, &request)?;
        let answers = self.client.decrypt_for(&request, &predicted.response, 1);
        let answer = answers.map_err(|e| match e.is_failed_check() {
            true => Error::Check(format!("{name}: {e}")),
            false => Error::user(format!("{name}: {e}")),
        })?;
        let answer = answer
            .into_iter()
            .next()
            .unwrap_or(Answer::Logits(Vec::new()));
        common::tell(&self.facts.output_notices(&answer.clone().logits()));
        let shown = Shown::of(self.facts, answer, false);
        let total_ms = begun.elapsed().as_secs_f64() * 1e3;
        let number = shown.class.map(|class| class.to_string());
        let line = Line {
            file: name,
            class: shown.class,
            class_name: shown.name.as_ref().or(number.as_ref()),
            outputs: &shown.outputs,
            logits: &shown.logits,
            trusted: shown.trusted,
            server_ms: predicted.server_ms,
            total_ms,
        };
        if output.json {
            return common::print_json(&line);
        }
        let of = image.label.map(|label| format!(" (true class {label})"));
        println!(
            "{name}: {}{}, {:.1} ms on the server, {total_ms:.1} ms in all",
            shown.line(),
            of.unwrap_or_default(),
            line.server_ms
        );
        Ok(())
    }
}
