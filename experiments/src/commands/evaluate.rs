//! `hemet evaluate`: accuracy of an artifact on a data set, encrypted and in the clear, side by side.

use std::path::PathBuf;

use hemet_search::data;

use crate::common::{self, Output};
use crate::error::Error;
use crate::run::accuracy::Accuracy;
use crate::schemes;
use crate::schemes::evaluation::{Figures, evaluate, evaluate_clear};
use crate::schemes::session::Session;

/// Accuracy of an artifact on a data set, encrypted and in the clear, side by side
///
/// Makes keys, encrypts test images, runs them, decrypts the answers. The images run side by side, each on one thread.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet evaluate runs/digits/best.hemet --set optdigits --limit 100\n  hemet evaluate runs/digits/best.hemet --clear --limit 0"
)]
pub struct Args {
    /// The artifact
    pub artifact: PathBuf,
    /// The data set; without it, the one that the artifact names
    #[arg(long, value_name = "SET")]
    pub set: Option<String>,
    /// Folder of the data set's files, if it is not embedded (or, as a name, the set itself)
    #[arg(long, value_name = "DIR|SET")]
    pub data: Option<PathBuf>,
    /// How many test images, from the first; 0 means all
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub limit: usize,
    /// In the clear alone, in 64-bit floats, without keys: some ten times as many images a second
    #[arg(long)]
    pub clear: bool,
    /// Images side by side; 0 means one a core
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub threads: usize,
    /// What standard output is for
    #[command(flatten)]
    pub output: Output,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let model = schemes::open(&args.artifact)?;
    let dataset = model.manifest().dataset.clone();
    let shape = model.spec()?.facts().shape;
    let shape = shape.map(|n| n as usize);
    let as_name = args.data.as_ref().and_then(|path| path.to_str());
    let (set, folder) = match (&args.set, as_name) {
        (Some(set), _) => (set.clone(), args.data.clone()),
        (None, Some(name)) if data::source(name).is_ok() => (name.to_owned(), None),
        (None, _) => match &dataset {
            Some(set) => (set.clone(), args.data.clone()),
            None => {
                return Err(Error::user(
                    "the artifact names no data set; give one with --set",
                ));
            }
        },
    };
    let test = data::load(&set, folder.as_deref())?.test;
    let theirs = [test.shape.channels, test.shape.height, test.shape.width];
    if shape != theirs {
        return Err(Error::user(format!(
            "images of {set} are {}, the network takes {}x{}x{}",
            test.shape, shape[0], shape[1], shape[2]
        )));
    }
    let (limit, threads, quiet) = (args.limit, args.threads, args.output.json);
    if args.clear {
        let accuracy = evaluate_clear(model.as_ref(), &test, limit, threads)?;
        return show_clear(accuracy, &set, quiet);
    }
    let session = Session::new(model)?;
    let figures = evaluate(&session, &test, limit, threads, quiet)?;
    if args.output.json {
        common::print_json(&figures)?;
    } else {
        show(&figures, &set, session.images());
    }
    if let Some(warning) = figures.warning() {
        eprintln!("{warning}");
    }
    figures.check()
}

/// Of images in the clear alone.
fn show_clear(accuracy: Accuracy, set: &str, json: bool) -> Result<(), Error> {
    if json {
        return common::print_json(&serde_json::json!({
            "images": accuracy.images,
            "plaintext_accuracy": accuracy.share,
        }));
    }
    println!("images           {} of {set}, test", accuracy.images);
    let name = format!("{}, clear", accuracy.quality.name());
    println!("{name:<16} {accuracy}");
    Ok(())
}

/// Of the same images encrypted and in the clear, their agreement, and class by class.
fn show(figures: &Figures, set: &str, batch: usize) {
    println!("images               {} of {set}, test", figures.images);
    let name = figures.quality.name();
    let row = |how: &str| format!("{name}, {how}");
    println!("{:<20} {}", row("encrypted"), figures.encrypted());
    let clear = common::percent(figures.plaintext_accuracy);
    println!("{:<20} {clear} of the same images", row("clear"));
    let same = match figures.quality.is_accuracy() {
        true => "same class ",
        false => "same value ",
    };
    println!("{same}          {}", common::percent(figures.agreement));
    println!("greatest error       {:.1e}", figures.max_abs_error);
    let latency = hemet_reports::number::milliseconds(figures.mean_latency_ms);
    let how = match batch {
        1 => "one thread an image".to_owned(),
        most => format!("an image's share of batches of up to {most}"),
    };
    println!("mean latency         {latency} ms, {how}");
    if let Some(differing) = &figures.differing_images {
        let equal = figures.images - differing.len();
        println!("equal to the clear   {equal} of {}", figures.images);
    }
    if !figures.quality.is_accuracy() {
        return;
    }
    let shown = |share: Option<f64>| share.map_or("–".to_owned(), common::percent);
    println!(
        "{:<20} {:>6} {:>10} {:>10}",
        "class", "images", "recall", "precision"
    );
    for class in &figures.per_class {
        println!(
            "{:<20} {:>6} {:>10} {:>10}",
            class.class,
            class.images,
            shown(class.recall),
            shown(class.precision)
        );
    }
}
