//! `hemet decrypt`: the client decrypts the server's answer.

use std::path::PathBuf;

use crate::cli::answer::Shown;
use crate::cli::passphrase::Unlock;
use crate::cli::rebind::Rebind;
use crate::common::{self, Output};
use crate::error::Error;

/// Decrypt the server's answer
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet decrypt --key keys/client.key --request image.ct answer.ct\n  hemet decrypt --key keys/client.key --request images.ct --count 1000 --json answers.ct   # a batch: a line of JSON an image"
)]
pub struct Args {
    /// The encrypted answer
    pub response: PathBuf,
    /// The client's secret key file
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// The request that was sent: an answer to any other request is refused (exit status 1)
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
    let response = client.read_response(&args.response);
    let response = response.map_err(|e| Error::file(&args.response, e))?;
    let count = match (args.count, facts.images) {
        (Some(count), _) => count,
        (None, 1) => 1,
        (None, most) => {
            return Err(Error::user(format!(
                "an answer to this artifact holds up to {most} images; say how many were encrypted with --count"
            )));
        }
    };
    let answers = match &args.request {
        Some(path) => {
            let request = std::fs::read(path).map_err(|e| Error::file(path, e))?;
            client.decrypt_for(&request, &response, count)
        }
        None => {
            eprintln!(
                "note: nothing says that this is the answer to your request; give the request with --request"
            );
            client.decrypt_batch(&response, count)
        }
    };
    let answers = answers.map_err(|e| match e.is_failed_check() {
        true => Error::Check(format!("{}: {e}", args.response.display())),
        false => Error::file(&args.response, e),
    })?;
    if args.raw && facts.precision.is_some() {
        eprintln!(
            "warning: --raw prints the noise of encryption, from which the secret key can be computed; show these numbers to nobody, \
             least of all to the server"
        );
    }
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
