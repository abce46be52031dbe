//! `hemet evaluate`: accuracy of an artifact on a data set, encrypted and in the clear, side by side.

use std::path::PathBuf;

use hemet_runtime::door::Model;
use hemet_search::data::{self, Preparation};

use crate::cli::interrupt::Told;
use crate::common::{self, Output};
use crate::error::Error;
use crate::run::accuracy::{ClassFigures, Confusion};
use crate::run::measures::{Measures, SPECIFICITY};
use crate::schemes;
use crate::schemes::clear::{ClearFigures, evaluate_clear};
use crate::schemes::evaluation::{Figures, How, evaluate};
use crate::schemes::session::Session;
use crate::schemes::simulation::simulate;

/// Accuracy of an artifact on a data set, encrypted and in the clear, side by side
///
/// Makes keys, encrypts test images, runs them, decrypts the answers. The images run side by side, each on one thread.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet evaluate runs/digits/best.hemet --set optdigits --limit 100\n  hemet evaluate runs/digits/best.hemet --clear --limit 0\n  hemet evaluate runs/digits/best.hemet --simulate --limit 0            # encryption simulated\n  hemet evaluate runs/digits/best.hemet --limit 0 --keep answers.jsonl  # goes on after an interruption"
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
    /// As if encrypted, for large sets: the first 12 images are encrypted, and the clear outputs of the others get
    /// errors as large as those had
    #[arg(long, conflicts_with_all = ["clear", "keep"])]
    pub simulate: bool,
    /// Keep the answers so far in this file until the evaluation ends: after an interruption the same command goes on
    #[arg(long, value_name = "FILE", conflicts_with = "clear")]
    pub keep: Option<PathBuf>,
    /// In the clear alone, in 64-bit floats, without keys: some ten times as many images a second
    #[arg(long)]
    pub clear: bool,
    /// Of two classes, the share of the first that must not be taken for the second where it is told how many of the
    /// second are found
    #[arg(long, default_value_t = SPECIFICITY, value_name = "SHARE", value_parser = share)]
    pub specificity: f64,
    /// Images side by side; 0 means one a core
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub threads: usize,
    /// What standard output is for
    #[command(flatten)]
    pub output: Output,
}

/// How the pictures were prepared that the network was trained on.
fn prepared(model: &dyn Model, set: &str) -> Preparation {
    let provenance = model.manifest().provenance.as_ref();
    let note = provenance.and_then(|known| known.data.as_ref());
    match note.filter(|_| set == "image_folder") {
        Some(note) => Preparation {
            resize: note.resize,
            crop: note.crop,
            gray: note.gray,
        },
        None => Preparation::default(),
    }
}

/// A share between 0 and 1.
fn share(text: &str) -> Result<f64, String> {
    let share = text
        .parse()
        .ok()
        .filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "give a share from 0 to 1, such as 0.95".into())
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
    let preparation = prepared(model.as_ref(), &set);
    let test = data::load_prepared(&set, folder.as_deref(), &preparation)?.test;
    let theirs = [test.shape.channels, test.shape.height, test.shape.width];
    if shape != theirs {
        return Err(Error::user(format!(
            "images of {set} are {}, the network takes {}x{}x{}",
            test.shape, shape[0], shape[1], shape[2]
        )));
    }
    let how = How {
        limit: args.limit,
        threads: args.threads,
        quiet: args.output.json,
        specificity: args.specificity,
        keep: args.keep.as_deref(),
    };
    if args.clear {
        let figures = evaluate_clear(model.as_ref(), &test, &how)?;
        return show_clear(&figures, &set, args.output);
    }
    let session = Session::new(model)?;
    let _told = on_interrupt(args.keep.clone());
    let figures = match args.simulate {
        true => simulate(&session, &test, &how)?,
        false => evaluate(&session, &test, &how)?,
    };
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

/// Says whether answers are kept where the evaluation is interrupted.
fn on_interrupt(kept: Option<PathBuf>) -> Told {
    Told::on_interrupt(move || match &kept {
        Some(path) => format!(
            "interrupted: the answers so far are kept in {}; the same command goes on",
            path.display()
        ),
        None => {
            "interrupted: no answer is kept; with --keep FILE the same command goes on".to_owned()
        }
    })
}

/// Of images in the clear alone.
fn show_clear(figures: &ClearFigures, set: &str, output: Output) -> Result<(), Error> {
    if output.json {
        return common::print_json(figures);
    }
    println!("images               {} of {set}, test", figures.images);
    let name = format!("{}, clear", figures.quality.name());
    println!("{name:<20} {}", figures.accuracy());
    show_measures(&figures.measures);
    show_classes(&figures.per_class, &figures.confusion);
    Ok(())
}

/// What else was measured.
fn show_measures(measures: &Measures) {
    for (name, value) in measures.told() {
        println!("{name:<20} {value}");
    }
}

/// Classes of which the whole matrix fits a terminal.
const MATRIX_CLASSES: usize = 12;

/// Class by class, and for which others their images were taken.
fn show_classes(classes: &[ClassFigures], confusion: &Confusion) {
    if classes.is_empty() {
        return;
    }
    let shown = |share: Option<f64>| share.map_or("–".to_owned(), common::percent);
    let counts: Vec<Vec<usize>> = confusion.clone().into();
    let matrix = classes.len() <= MATRIX_CLASSES;
    let numbers = |row: &[usize]| -> String {
        let cells = row.iter().map(|count| format!("{count:>5}"));
        cells.collect()
    };
    let heading = match matrix {
        true => {
            let all: Vec<usize> = (0..classes.len()).collect();
            format!("  taken for class{}", &numbers(&all)[1..])
        }
        false => String::new(),
    };
    println!(
        "{:<20} {:>6} {:>10} {:>10}{heading}",
        "class", "images", "recall", "precision"
    );
    for (number, class) in classes.iter().enumerate() {
        let row = match matrix {
            true => format!("{:17}{}", "", &numbers(&counts[number])[1..]),
            false => String::new(),
        };
        let name = match class.class == number.to_string() {
            true => class.class.clone(),
            false => format!("{number} {}", class.class),
        };
        println!(
            "{name:<20} {:>6} {:>10} {:>10}{row}",
            class.images,
            shown(class.recall),
            shown(class.precision)
        );
    }
}

/// Of the same images encrypted and in the clear, their agreement, and class by class.
fn show(figures: &Figures, set: &str, batch: usize) {
    println!("images               {} of {set}, test", figures.images);
    if let Some(measured) = figures.simulated_from {
        println!(
            "encryption           simulated, with errors as those of {measured} encrypted images"
        );
    }
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
    show_measures(&figures.measures);
    show_classes(&figures.per_class, &figures.confusion);
}
