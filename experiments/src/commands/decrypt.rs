//! `hemet decrypt`: the client decrypts the server's answer.

use std::path::{Path, PathBuf};

use hemet_runtime::Client;
use hemet_runtime::door::Answer;
use serde::Serialize;

use crate::cli::answer::Shown;
use crate::cli::passphrase::Unlock;
use crate::cli::rebind::Rebind;
use crate::cli::requests;
use crate::cli::stream;
use crate::common::{self, Output};
use crate::error::Error;

/// Decrypt the server's answer
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet decrypt --key keys/client.key --request image.ct answer.ct\n  hemet decrypt --key keys/client.key --request images.ct --count 1000 --json answers.ct   # a batch: a line of JSON an image\n  hemet decrypt --key keys/client.key --request requests answers        # folders: a line an image, with its name"
)]
pub struct Args {
    /// The encrypted answer, or a folder of answers; `-` for standard input
    pub response: PathBuf,
    /// The client's secret key file
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// The request that was sent, or the folder of requests: an answer to any other request is refused (exit status 1)
    #[arg(long, value_name = "FILE")]
    pub request: Option<PathBuf>,
    /// Print every digit: whoever sees digits beyond the promised precision can find the secret key, so show them to
    /// nobody
    #[arg(long)]
    pub raw: bool,
    /// Print the numbers that were decrypted, not what the model makes of them at its end (a softmax, a label, units);
    /// --json always has both
    #[arg(long)]
    pub logits: bool,
    /// How many images were encrypted in the request; needed where an artifact takes batches
    #[arg(long, value_name = "N")]
    pub count: Option<usize>,
    /// Of the client's key
    #[command(flatten)]
    pub unlock: Unlock,
    /// Of which artifact
    #[command(flatten)]
    pub rebind: Rebind,
    /// What standard output is for
    #[command(flatten)]
    pub output: Output,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let client = args.rebind.client(args.unlock.client(&args.key)?)?;
    let facts = client.facts();
    common::tell(&facts.notices());
    if args.raw && facts.precision.is_some() {
        eprintln!(
            "warning: --raw prints the noise of encryption, from which the secret key can be computed; show these numbers to nobody, \
             least of all to the server"
        );
    }
    match args.response.is_dir() {
        true => decrypt_all(args, &client),
        false => decrypt_one(args, &client),
    }
}

/// An answer with the name of what was encrypted.
#[derive(Serialize)]
struct Named<'a> {
    file: &'a str,
    #[serde(flatten)]
    shown: &'a Shown,
}

/// The answers of a folder, a line an image.
fn decrypt_all(args: &Args, client: &Client) -> Result<(), Error> {
    let (facts, answered) = (client.facts(), requests::listed(&args.response)?);
    let (asked, inside) = match &args.request {
        Some(folder) if folder.is_dir() => (requests::listed(folder)?, requests::names(folder)?),
        Some(file) => {
            return Err(Error::file(
                file,
                "it is no folder; the answers are one, so name the folder of their requests",
            ));
        }
        None => {
            eprintln!(
                "note: nothing says that these answer your requests; give their folder with --request"
            );
            (answered.clone(), requests::Names::new())
        }
    };
    let missing: Vec<&String> = asked
        .iter()
        .filter(|name| !answered.contains(name))
        .collect();
    if let Some(first) = missing.first() {
        let what = format!(
            "it answers {} of {} requests; {first} is not among them: have it answered, or take it out of the requests",
            asked.len() - missing.len(),
            asked.len()
        );
        return Err(Error::file(&args.response, what));
    }
    for name in &asked {
        let file = requests::file(name);
        let names =
            inside
                .get(&file)
                .cloned()
                .unwrap_or_else(|| match (facts.images, args.count) {
                    (1, _) | (_, None) => vec![name.clone()],
                    (_, Some(count)) => (0..count).map(|place| format!("{name} {place}")).collect(),
                });
        let request = args.request.as_ref().map(|folder| folder.join(&file));
        let answers = answers(
            client,
            &args.response.join(&file),
            request.as_deref(),
            names.len(),
        )?;
        for (name, answer) in names.iter().zip(answers) {
            common::tell(&facts.output_notices(&answer.clone().logits()));
            let shown = Shown::of(&facts, answer, args.raw);
            match args.output.json {
                true => common::print_json(&Named {
                    file: name,
                    shown: &shown,
                })?,
                false => println!("{name}  {}", shown.line()),
            }
        }
    }
    Ok(())
}

/// Decrypts an answer to a request of so many images, which must be that request where it is given.
fn answers(
    client: &Client,
    path: &Path,
    request: Option<&Path>,
    count: usize,
) -> Result<Vec<Answer>, Error> {
    let response = client
        .read_response(path)
        .map_err(|e| Error::file(path, e))?;
    let answers = match request {
        Some(path) => {
            let request = std::fs::read(path).map_err(|e| Error::file(path, e))?;
            client.decrypt_for(&request, &response, count)
        }
        None => client.decrypt_batch(&response, count),
    };
    answers.map_err(|e| match e.is_failed_check() {
        true => Error::Check(format!("{}: {e}", path.display())),
        false => Error::file(path, e),
    })
}

fn decrypt_one(args: &Args, client: &Client) -> Result<(), Error> {
    let facts = client.facts();
    let count = match (args.count, facts.images) {
        (Some(count), _) => count,
        (None, 1) => 1,
        (None, most) => {
            return Err(Error::user(format!(
                "an answer to this artifact holds up to {most} images; say how many were encrypted with --count"
            )));
        }
    };
    let input = stream::Input::of(&args.response)?;
    if args.request.is_none() {
        eprintln!(
            "note: nothing says that this is the answer to your request; give the request with --request"
        );
    }
    let answers = answers(client, input.path(), args.request.as_deref(), count)?;
    for (number, answer) in answers.into_iter().enumerate() {
        common::tell(&facts.output_notices(&answer.clone().logits()));
        let shown = Shown::of(&facts, answer, args.raw);
        if args.output.json {
            common::print_json(&shown)?;
        } else if count > 1 {
            println!("image {number:>5}  {}", shown.line());
        } else {
            shown.print(&facts, args.logits);
        }
    }
    Ok(())
}
