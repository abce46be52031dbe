//! `hemet data`: which data sets there are, fetching published ones, checking files.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use hemet_search::data::{self, Dataset, Source, TrainTest};
use hemet_spaces::Shape;
use serde_json::json;

use crate::calibration;
use crate::cli::fetch;
use crate::cli::pictures::Pictures;
use crate::cli::progress::Progress;
use crate::common::{self, Output};
use crate::error::Error;
use crate::run::images;

/// List data sets, fetch published ones, check files
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet data list\n  hemet data fetch mnist --to data\n  hemet data check data\n  hemet data calibration photos -o calibration.safetensors\n  hemet search experiments/mnist.yaml --data data"
)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand, Debug)]
enum Task {
    /// List every data set with its size, source and licence
    List(Output),
    /// Fetch a published data set from its canonical address and verify it
    Fetch(FetchArgs),
    /// Read a folder or file of images, verify it, and say what is in it
    Check(CheckArgs),
    /// Make a calibration file for `hemet compile --calibrate` from pictures or a NumPy array
    Calibration(CalibrationArgs),
}

#[derive(clap::Args, Debug)]
struct FetchArgs {
    /// Name of the data set
    name: String,
    /// Folder that its files go to, in a folder of the set's own
    #[arg(long, value_name = "DIR", default_value = "data")]
    to: PathBuf,
    /// Another address that holds the same files
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    /// Fetch files that are there already, too
    #[arg(long)]
    again: bool,
}

#[derive(clap::Args, Debug)]
struct CheckArgs {
    /// A folder or file
    path: PathBuf,
    /// What it should hold; without it, every data set is tried
    #[arg(long, value_name = "SET")]
    set: Option<String>,
    /// What standard output is for
    #[command(flatten)]
    output: Output,
}

#[derive(clap::Args, Debug)]
struct CalibrationArgs {
    /// A folder of pictures (or of such folders, one a class), a NumPy array (.npy) or a safetensors file
    source: PathBuf,
    /// How pictures become numbers
    #[command(flatten)]
    pictures: Pictures,
    /// The safetensors file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    match &args.task {
        Task::List(output) => list(*output),
        Task::Fetch(args) => fetch_set(args),
        Task::Calibration(args) => calibration_file(args),
        Task::Check(args) => check(args),
    }
}

fn list(output: Output) -> Result<(), Error> {
    for source in data::sources() {
        let place = match (source.needs_folder(), source.published()) {
            (false, _) => "in the program",
            (true, Some(_)) => "hemet data fetch",
            (true, None) => "your own files",
        };
        let (name, about) = (source.name(), source.about());
        match output.json {
            true => common::print_json(&json!({"name": name, "from": place, "about": about}))?,
            false => println!("{name:<16} {place:<17} {about}"),
        }
    }
    Ok(())
}

fn fetch_set(args: &FetchArgs) -> Result<(), Error> {
    let source = data::source(&args.name)?;
    let Some(published) = source.published() else {
        return Err(Error::user(match source.needs_folder() {
            false => format!(
                "{} is part of the program; nothing is to be fetched",
                args.name
            ),
            true => format!(
                "{} is read from files of your own; nothing is to be fetched",
                args.name
            ),
        }));
    };
    let folder = args.to.join(published.folder);
    std::fs::create_dir_all(&folder).map_err(|e| Error::file(&folder, e))?;
    let address = args.from.as_deref().unwrap_or(published.address);
    for (number, file) in published.files.iter().enumerate() {
        let path = folder.join(file);
        let there = match published.unpack {
            [] => path.exists(),
            parts => parts.iter().all(|part| folder.join(part).exists()),
        };
        if there && !args.again {
            println!("{} is there already", path.display());
            continue;
        }
        let separator = if address.ends_with('/') { "" } else { "/" };
        let url = format!("{address}{separator}{file}{}", published.query);
        fetch_file(&url, &path)?;
        if let Some(sum) = published.sha256.get(number) {
            check_sum(&path, sum, published.address)?;
        }
        if !published.unpack.is_empty() {
            fetch::unpack(&path, published.unpack, &folder)?;
            std::fs::remove_file(&path).map_err(|e| Error::file(&path, e))?;
        }
    }
    let sets = source.load(Some(&args.to)).map_err(|error| {
        Error::Check(format!(
            "{error}\n`hemet data fetch {} --again` fetches all files again",
            args.name
        ))
    })?;
    describe(source, &sets, Output { json: false })?;
    println!("verified; use it with --data {}", args.to.display());
    Ok(())
}

/// Takes away what is not the published file.
fn check_sum(path: &Path, sum: &'static str, address: &'static str) -> Result<(), Error> {
    let content = std::fs::read(path).map_err(|e| Error::file(path, e))?;
    let checked = data::check_sha256(&path.display().to_string(), &content, sum, address);
    checked.map_err(|error| match std::fs::remove_file(path) {
        Ok(()) => Error::Check(format!("{error}\nIt was taken away again")),
        Err(_) => Error::Check(error.to_string()),
    })
}

fn fetch_file(url: &str, path: &Path) -> Result<(), Error> {
    let mut bar: Option<Progress> = None;
    let result = fetch::download(url, path, &mut |done, total| {
        let total = total.unwrap_or(0);
        let bar = bar.get_or_insert_with(|| Progress::new("fetch", total, false));
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        bar.set(
            done,
            &format!("{url}: {:.1} of {:.1} MiB", mib(done), mib(total)),
        );
    });
    if let Some(bar) = bar {
        bar.finish();
    }
    result
}

fn check(args: &CheckArgs) -> Result<(), Error> {
    if !args.path.exists() {
        return Err(Error::file(&args.path, "there is no such file or folder"));
    }
    if let Some(name) = &args.set {
        let source = data::source(name)?;
        let sets = source
            .load(Some(&args.path))
            .map_err(|error| Error::Check(error.to_string()))?;
        return describe(source, &sets, args.output);
    }
    let (published, own): (Vec<&dyn Source>, Vec<&dyn Source>) = data::sources()
        .iter()
        .copied()
        .filter(|source| source.needs_folder())
        .partition(|source| source.published().is_some());
    let mut found = false;
    let mut faults = Vec::new();
    for source in published {
        match source.load(Some(&args.path)) {
            Ok(sets) => {
                found = true;
                describe(source, &sets, args.output)?;
            }
            Err(error) if error.is_missing_file() => {}
            Err(error) => faults.push((source, error)),
        }
    }
    // Sets share names of files: where one is found, another is damaged only if its file lies in its own folder.
    faults.retain(|(source, error)| !found || in_own_folder(*source, error));
    if !found {
        for source in own {
            match source.load(Some(&args.path)) {
                Ok(sets) => return describe(source, &sets, args.output),
                Err(error) if error.is_missing_file() => {}
                Err(error) => faults.push((source, error)),
            }
        }
    }
    let told: Vec<String> = faults
        .iter()
        .map(|(source, error)| format!("{}: {error}", source.name()))
        .collect();
    match (found, told.is_empty()) {
        (true, true) => Ok(()),
        (false, true) => Err(Error::Check(format!(
            "{} holds no data set that is known; --set SET says what is missing",
            args.path.display()
        ))),
        (_, false) => Err(Error::Check(told.join("\n"))),
    }
}

/// Whether the faulty file lies in the folder in which a published set usually lies.
fn in_own_folder(source: &dyn Source, error: &hemet_search::Error) -> bool {
    let folder = source.published().map_or("", |published| published.folder);
    let file = error.data_file().map(Path::new);
    file.is_some_and(|file| file.iter().any(|part| part == folder))
}

/// What a set holds.
fn describe(source: &dyn Source, sets: &TrainTest, output: Output) -> Result<(), Error> {
    let Shape {
        channels,
        height,
        width,
    } = sets.train.shape;
    if output.json {
        return common::print_json(&json!({
            "set": source.name(),
            "shape": [channels, height, width],
            "classes": sets.train.classes,
            "training": of_each_class(&sets.train),
            "test": of_each_class(&sets.test),
        }));
    }
    println!(
        "{}: images of {} in {} classes",
        source.name(),
        sets.train.shape,
        sets.train.classes
    );
    println!(
        "  a space for them begins with {}",
        images::in_a_space(&sets.train)
    );
    for (part, set) in [("training", &sets.train), ("test", &sets.test)] {
        println!(
            "  {part:<9} {:>6} images; of each class {}",
            set.len(),
            of_each_class(set)
                .iter()
                .map(usize::to_string)
                .collect::<Vec<_>>()
                .join(" ")
        );
    }
    Ok(())
}

/// Images of each class.
fn of_each_class(set: &Dataset) -> Vec<usize> {
    let mut counts = vec![0usize; set.classes];
    set.labels
        .iter()
        .for_each(|label| counts[usize::from(*label)] += 1);
    counts
}

fn calibration_file(args: &CalibrationArgs) -> Result<(), Error> {
    let data = calibration::read(&args.source, &args.pictures)?;
    hemet_files::write_atomically(&args.output, &data.to_safetensors()?)?;
    let (low, high) = data.range();
    println!(
        "{}: {} inputs of {:?}, from {low} to {high}",
        args.output.display(),
        data.inputs.len(),
        data.shape
    );
    Ok(())
}
