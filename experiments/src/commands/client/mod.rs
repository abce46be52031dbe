//! `hemet client`: predictions by a server that sees neither images nor answers.

pub mod keygen;
pub mod predict;

use std::path::PathBuf;

use clap::Subcommand;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::remote::Remote;

/// Ask a server (hemet serve) for predictions on encrypted images
///
/// Keys are made, images encrypted and answers decrypted here; the server gets evaluation keys and ciphertexts only.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet client keygen http://127.0.0.1:8080/v2/models/digits --out keys\n  hemet client predict http://127.0.0.1:8080/v2/models/digits --keys keys photo.png"
)]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What a client does.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Make keys for a model and upload the evaluation keys
    Keygen(keygen::Args),
    /// Encrypt images, have them classified, decrypt the answers
    Predict(predict::Args),
}

/// The model and who asks.
#[derive(clap::Args, Debug)]
pub struct Server {
    /// Address of the model, as in http://127.0.0.1:8080/v2/models/digits
    pub url: String,
    /// The token, where the server wants one; others on this machine can see it in the list of processes
    #[arg(long, value_name = "TOKEN", conflicts_with = "token_file")]
    pub token: Option<String>,
    /// File that holds the token
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Certificates (PEM) of who vouches for the server, instead of the authorities that browsers trust
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
}

impl Server {
    fn remote(&self) -> Result<Remote, Error> {
        let token = match (&self.token, &self.token_file) {
            (Some(token), _) => Some(token.clone()),
            (None, Some(path)) => {
                let text = std::fs::read_to_string(path).map_err(|e| Error::file(path, e))?;
                Some(text.trim().to_owned())
            }
            (None, None) => None,
        };
        let words = token
            .iter()
            .any(|token| !token.bytes().all(|b| b.is_ascii_graphic()));
        if words || token.as_ref().is_some_and(String::is_empty) {
            return Err(Error::user(
                "a token is one word of printable ASCII characters",
            ));
        }
        let token = token.map(Zeroizing::new);
        Remote::new(&self.url, token, self.ca.as_deref())
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    match &args.command {
        Command::Keygen(args) => keygen::run(args),
        Command::Predict(args) => predict::run(args),
    }
}
