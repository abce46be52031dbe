//! `hemet decrypt`: the client decrypts the server's answer.

use std::path::PathBuf;

use hemet_runtime::Client;
use serde::Serialize;

use crate::common::{self, Output};
use crate::error::Error;

/// Decrypt the server's answer
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  hemet decrypt --key keys/client.key answer.ct")]
pub struct Args {
    /// The encrypted answer
    pub response: PathBuf,
    /// The client's secret key file
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// What standard output is for
    #[command(flatten)]
    pub output: Output,
}

#[derive(Serialize)]
struct Answer {
    class: usize,
    logits: Vec<f64>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let client = Client::load(&args.key).map_err(Error::user)?;
    let response = std::fs::read(&args.response).map_err(|e| Error::file(&args.response, e))?;
    let logits = client
        .decrypt(&response)
        .map_err(|e| Error::file(&args.response, e))?;
    let class = common::argmax(&logits);
    if args.output.json {
        return common::print_json(&Answer { class, logits });
    }
    println!("class {class}");
    for (index, logit) in logits.iter().enumerate() {
        println!("  {index:>3}  {logit:>9.4}");
    }
    Ok(())
}
