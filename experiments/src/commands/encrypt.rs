//! `hemet encrypt`: the client encrypts images: one, a batch, or a whole folder or table of them.

use std::path::{Path, PathBuf};

use hemet_runtime::{Client, Facts, RuntimeError};

use crate::cli::image::{self, Image};
use crate::cli::passphrase::Unlock;
use crate::cli::progress::Progress;
use crate::cli::rebind::Rebind;
use crate::cli::requests::{self, Filling, Names};
use crate::cli::stream;
use crate::cli::trust::Trust;
use crate::common;
use crate::error::Error;
use crate::keys::{check_expiry, now_s};

/// Encrypt images for an artifact: one, a batch, or a folder or table of them
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet encrypt --key keys/client.key --set optdigits --index 3 -o image.ct\n  hemet encrypt --key keys/client.key --image photo.png -o image.ct\n  hemet encrypt --key keys/client.key --image photos -o requests          # a request a photo; answers come with their names\n  hemet encrypt --key keys/client.key --table new.csv -o requests/        # a request a row\n  cat photo.png | hemet encrypt --key keys/client.key --image - -o - > image.ct\n  hemet encrypt --key keys/client.key --spec retrained.spec --image photo.png -o image.ct\n  hemet encrypt --key keys/client.key --set mnist --count 1000 -o images.ct   # for --target throughput\n  hemet encrypt --key keys/client.key --table new.csv --index 3 -o row.ct\n\nA picture becomes what training saw, as far as the artifact says how (hemet inspect); where it does not say, pixels are\ndivided by 255. Any other file holds the network's input as\nnumbers, channel by channel and row by row, separated by spaces, commas or line ends, normalized as the artifact says\n(hemet inspect)."
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
    /// Where the encrypted image goes; `-` for standard output. A folder (one that is there, or with a / at its end)
    /// for as many requests as there are images
    #[arg(short, long, value_name = "FILE|DIR/")]
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
    let folder = args.image.image.as_ref().filter(|path| path.is_dir());
    if let Some(folder) = folder {
        return encrypt_folder(args, &client, folder);
    }
    match args.out.is_dir() || ends_in_slash(&args.out) {
        true => encrypt_many(args, &client),
        false => encrypt_one(args, &client),
    }
}

fn ends_in_slash(path: &Path) -> bool {
    path.to_string_lossy().ends_with('/')
}

/// What to say of so many images that one request has no room for.
fn no_room(room: usize, got: usize) -> Error {
    let batch = RuntimeError::Batch { room, got };
    match got {
        0 => Error::user(batch),
        _ => Error::user(format!(
            "{batch}; or give a folder, -o DIR/, for several requests"
        )),
    }
}

/// One request in a file of its own.
fn encrypt_one(args: &Args, client: &Client) -> Result<(), Error> {
    let facts = client.facts();
    let room = facts.images;
    if let Some(got) = args.count.filter(|count| *count == 0 || *count > room) {
        return Err(no_room(room, got));
    }
    let images = args.image.read(&facts, args.count)?;
    if images.len() > room {
        return Err(no_room(room, images.len()));
    }
    let request = encrypted(client, &images)?;
    let told = match images.as_slice() {
        [image] => image.label.map(|l| format!(" (true class {l})")),
        images => Some(format!(" ({} images)", images.len())),
    };
    let told = told.unwrap_or_default();
    let out = match stream::is_standard(&args.out) {
        true => "standard output".into(),
        false => args.out.display().to_string(),
    };
    stream::write(
        &args.out,
        &request,
        &format!("{} bytes to {out}{told}", request.len()),
    )
}

fn encrypted(client: &Client, images: &[Image]) -> Result<Vec<u8>, Error> {
    let values: Vec<&[f64]> = images.iter().map(|image| image.values.as_slice()).collect();
    Ok(client.encrypt_batch(&values)?)
}

/// Rows of a table, images of a set or of a file of numbers, as many requests as they need.
fn encrypt_many(args: &Args, client: &Client) -> Result<(), Error> {
    let facts = client.facts();
    let images = args.image.read(&facts, args.count)?;
    let what = if args.image.table.is_some() {
        "row"
    } else {
        "image"
    };
    let name = |place: usize| format!("{what}-{:05}", args.image.index + place);
    let names: Vec<String> = (0..images.len()).map(name).collect();
    let image = |place: usize| -> Result<Image, Error> { Ok(images[place].clone()) };
    write_all(&args.out, client, &names, &image)
}

/// Every picture or file of numbers below a folder. All are read before anything is written.
fn encrypt_folder(args: &Args, client: &Client, folder: &Path) -> Result<(), Error> {
    if args.count.is_some() {
        return Err(Error::user(
            "--count is for a set, a table or a file of numbers; of a folder all files are encrypted",
        ));
    }
    let (facts, names) = (client.facts(), requests::files(folder)?);
    let read = |place: usize| -> Result<Image, Error> {
        let path = folder.join(&names[place]);
        read_file(args, &facts, path)
    };
    let faults: Vec<String> = (0..names.len())
        .filter_map(|place| read(place).err())
        .map(|error| error.to_string())
        .collect();
    if !faults.is_empty() {
        let listed: Vec<String> = faults.iter().take(MOST_LISTED).cloned().collect();
        let more = faults.len() - listed.len();
        let more = if more > 0 {
            format!("\n… and {more} more")
        } else {
            String::new()
        };
        let what = format!(
            "{} of {} files cannot be encrypted:\n{}{more}",
            faults.len(),
            names.len(),
            listed.join("\n")
        );
        return Err(Error::file(folder, what));
    }
    write_all(&args.out, client, &names, &read)
}

/// Most faults that an error lists.
const MOST_LISTED: usize = 10;

fn read_file(args: &Args, facts: &Facts, path: PathBuf) -> Result<Image, Error> {
    let source = image::Source {
        image: Some(path.clone()),
        ..args.image.clone()
    };
    let none = || Error::file(&path, "it holds no image");
    let image = source.read(facts, None)?.pop().ok_or_else(none)?;
    if let Some(range) = &facts.range {
        range
            .check(&image.values)
            .map_err(|e| Error::file(&path, e))?;
    }
    Ok(image)
}

/// Writes requests with as many images each as one takes.
fn write_all(
    out: &Path,
    client: &Client,
    names: &[String],
    image: &dyn Fn(usize) -> Result<Image, Error>,
) -> Result<(), Error> {
    let room = client.facts().images;
    let filling = Filling::of(out)?;
    let (mut inside, mut bytes, mut count) = (Names::new(), 0, 0);
    let mut progress = Progress::new("encrypt", names.len() as u64, false);
    for first in (0..names.len()).step_by(room) {
        let places = first..names.len().min(first + room);
        let images = places
            .clone()
            .map(image)
            .collect::<Result<Vec<Image>, Error>>()?;
        let request = encrypted(client, &images)?;
        let name = match room {
            1 => names[first].clone(),
            _ => {
                let name = format!("batch-{count:05}");
                inside.insert(requests::file(&name), names[places].to_vec());
                name
            }
        };
        filling.add(&name, &request)?;
        (bytes, count) = (bytes + request.len(), count + 1);
        progress.set((first + images.len()) as u64, &name);
    }
    filling.finish(&inside)?;
    progress.finish();
    println!(
        "{count} requests of {} images, {bytes} bytes, in {}",
        names.len(),
        out.display()
    );
    Ok(())
}
