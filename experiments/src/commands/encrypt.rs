//! `hemet encrypt`: the client encrypts one image.

use std::path::PathBuf;

use hemet_runtime::Client;

use crate::common;
use crate::error::Error;
use crate::image;

/// Encrypt an image for an artifact
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet encrypt --key keys/client.key --set optdigits --index 3 -o image.ct\n  hemet encrypt --key keys/client.key --image image.txt -o image.ct\n\nAn image file holds the network's input as numbers, channel by channel and row by row, separated by spaces, commas or\nline ends, normalised as the artifact says (hemet inspect)."
)]
pub struct Args {
    /// The client's secret key file
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Which image
    #[command(flatten)]
    pub image: image::Source,
    /// Where the encrypted image goes
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let client = Client::load(&args.key).map_err(Error::user)?;
    common::tell(&client.notices());
    let image = args.image.read(client.spec().input.shape)?;
    let request = client.encrypt(&image.values).map_err(Error::user)?;
    hemet_files::write_atomically(&args.out, &request).map_err(Error::user)?;
    let label = image
        .label
        .map_or(String::new(), |l| format!(" (true class {l})"));
    println!("{} bytes to {}{label}", request.len(), args.out.display());
    Ok(())
}
