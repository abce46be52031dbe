//! `hemet serve`: answers encrypted requests over HTTP.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use hemet_serve::Host;
use hemet_serve::options::Options;

use crate::error::Error;

/// Answer encrypted requests over HTTP with the models of a folder
///
/// Follows the Open Inference Protocol, version 2. The server sees neither images nor answers; it needs no secret. It
/// ends in order at SIGTERM. `hemet client` is the other side.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet serve models --store keys-of-clients\n  hemet serve models --store /var/lib/hemet --listen 0.0.0.0:8443 --tokens tokens.txt --tls-cert cert.pem --tls-key key.pem\n  hemet serve models --store s3://keys/hemet --cache copies-of-keys\n  hemet serve models --store keys-of-clients --check"
)]
pub struct Args {
    /// What the server is told
    #[command(flatten)]
    pub options: Options,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let (start, since) = (Instant::now(), SystemTime::now().duration_since(UNIX_EPOCH));
    let since = since.unwrap_or_default();
    let clock = Arc::new(move || since + start.elapsed());
    let lines = Arc::new(|line: &str| eprintln!("{line}"));
    let host = Host::new(clock, lines, std::env::vars_os());
    Ok(args.options.run(host)?)
}
