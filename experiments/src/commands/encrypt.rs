//! `hemet encrypt`: the client encrypts one image, or a batch of them.

use std::path::PathBuf;

use crate::cli::image;
use crate::cli::passphrase::Unlock;
use crate::cli::rebind::Rebind;
use crate::cli::trust::Trust;
use crate::common;
use crate::error::Error;
use crate::keys::{check_expiry, now_s};

/// Encrypt an image, or a batch of them, for an artifact
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet encrypt --key keys/client.key --set optdigits --index 3 -o image.ct\n  hemet encrypt --key keys/client.key --image photo.png -o image.ct\n  hemet encrypt --key keys/client.key --image image.txt -o image.ct\n  hemet encrypt --key keys/client.key --spec retrained.spec --image photo.png -o image.ct\n  hemet encrypt --key keys/client.key --set mnist --count 1000 -o images.ct   # for --target throughput\n  hemet encrypt --key keys/client.key --table new.csv --index 3 -o row.ct\n\nOf a picture the pixels are divided by 255, as those of an image_folder are. Any other file holds the network's input as\nnumbers, channel by channel and row by row, separated by spaces, commas or line ends, normalized as the artifact says\n(hemet inspect)."
)]
pub struct Args {
    /// The client's secret key file
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Which image
    #[command(flatten)]
    pub image: image::Source,
    /// Encrypt so many images, from that on, as one request; more than 1 for artifacts compiled for throughput. A file
    /// has the numbers of one image after those of another. Without it all rows of a table, and otherwise one image
    #[arg(long, value_name = "N")]
    pub count: Option<usize>,
    /// Where the encrypted image goes
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// Encrypt under parameters that promise no security
    #[arg(long)]
    pub allow_insecure: bool,
    /// Of the client's key
    #[command(flatten)]
    pub unlock: Unlock,
    /// For which artifact
    #[command(flatten)]
    pub rebind: Rebind,
    /// Whose signature the artifact must have
    #[command(flatten)]
    pub trust: Trust,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let client = args.rebind.client(args.unlock.client(&args.key)?)?;
    args.trust.client(&args.key, &client)?;
    check_expiry(client.note(), now_s()).map_err(|e| Error::file(&args.key, e))?;
    let facts = client.facts();
    common::check_security(&facts, args.allow_insecure)?;
    let room = facts.images;
    let refused = |got| {
        Err(Error::user(hemet_runtime::RuntimeError::Batch {
            room,
            got,
        }))
    };
    if let Some(got) = args.count.filter(|count| *count == 0 || *count > room) {
        return refused(got);
    }
    let images = args.image.read(&facts, args.count)?;
    if images.len() > room {
        return refused(images.len());
    }
    let values: Vec<&[f64]> = images.iter().map(|image| image.values.as_slice()).collect();
    let request = client.encrypt_batch(&values)?;
    hemet_files::write_atomically(&args.out, &request)?;
    let told = match images.as_slice() {
        [image] => image.label.map(|l| format!(" (true class {l})")),
        images => Some(format!(" ({} images)", images.len())),
    };
    let told = told.unwrap_or_default();
    println!("{} bytes to {}{told}", request.len(), args.out.display());
    Ok(())
}
