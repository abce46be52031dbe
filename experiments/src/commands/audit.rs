//! `hemet audit`: what features that are handed over in the clear reveal, cut by cut.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use hemet_search::audit::{Defense, Effort, Place};

use crate::audit::page::Page;
use crate::audit::subject::{Similar, Subject, Wanted};
use crate::audit::{Audit, Plan};
use crate::cli::progress::Progress;
use crate::common::{self, Output};
use crate::error::Error;
use crate::run::folder::RunFolder;

/// What the features of a network reveal of its pictures, and what it costs to hand them over encrypted
///
/// For each layer at which the network can be cut, attacks try to reconstruct test pictures from the features behind it
/// (model inversion), and the compiler tells what the rest costs on encrypted features. What these attacks reach is a
/// lower bound on what is revealed. Writes a page with pictures, plots and tables.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet audit runs/digits --trial 7\n  hemet audit runs/mnist --trial 3 --data data --cut stem.act --defense dropout=0.6,noise=0.5\n  hemet audit runs/mnist --trial 3 --data data --similar fashion_mnist --similar-data data --json"
)]
pub struct Args {
    /// The run folder
    pub run: PathBuf,
    /// Number of the trial, as the report and journal.jsonl name it
    #[arg(long, value_name = "N")]
    pub trial: usize,
    /// Folder of the data set's files, if it is not embedded and lies elsewhere than at the time of the search
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The layers behind which features are handed over; without it, every one at which the network can be cut, and its
    /// outputs
    #[arg(long, value_name = "LAYER", value_delimiter = ',')]
    pub cut: Vec<String>,
    /// What a device does to features before it hands them over, to be attacked too: dropout=SHARE, noise=DEVIATIONS or
    /// smoothing=SHARE (of labels), several with commas
    #[arg(long, value_name = "DEFENSE", value_delimiter = ',')]
    pub defense: Vec<Defense>,
    /// Test pictures to be reconstructed
    #[arg(long, default_value_t = 32, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub images: u32,
    /// Pictures of the attacker's own, from the training set; without it, 4000 or as many as there are
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    pub own: Option<u32>,
    /// Data set of another kind, for an attacker who has only that; of pictures of the same shape
    #[arg(long, value_name = "SET")]
    pub similar: Option<String>,
    /// Folder of that data set's files, if it is not embedded
    #[arg(long, value_name = "DIR", requires = "similar")]
    pub similar_data: Option<PathBuf>,
    /// Steps of a descent on pixels
    #[arg(long, default_value_t = 300, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub steps: u32,
    /// Passes of an inverse network over the attacker's pictures
    #[arg(long, default_value_t = 6, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub epochs: u32,
    /// Pairs of a ciphertext and a picture that the control learns from, of the attacker's pictures; 0 for no control
    #[arg(long, default_value_t = 1000, value_name = "N", value_parser = pairs)]
    pub pairs: usize,
    /// Attacks side by side; 0 means one a core
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub threads: usize,
    /// Folder that the page is written to; without it, RUN/audit/trial-NNNN
    #[arg(short, long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// What standard output is for
    #[command(flatten)]
    pub output: Output,
}

/// Fewest pairs of the control.
const LEAST_PAIRS: usize = 10;

/// A number of pairs that something can be learned from, or none.
fn pairs(text: &str) -> Result<usize, String> {
    let number = text.parse().ok();
    let number = number.filter(|pairs| *pairs == 0 || *pairs >= LEAST_PAIRS);
    number.ok_or_else(|| format!("give a number of {LEAST_PAIRS} or more, or 0 for no control"))
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let run = RunFolder::open(&args.run)?;
    let subject = Subject::read(&run, &wanted(args))?;
    let plan = plan(args, &subject)?;
    let inner = plan
        .places
        .iter()
        .filter(|place| place.halves.is_some())
        .count();
    let parts = plan.places.len() + inner * plan.defenses.len() + 1;
    let bar = Mutex::new(Progress::new("audit", parts as u64, args.output.json));
    let audit = Audit::run(&subject, &plan, &|done, _, what| {
        let mut bar = bar.lock().unwrap_or_else(PoisonError::into_inner);
        bar.set(done as u64, what);
    });
    bar.into_inner()
        .unwrap_or_else(PoisonError::into_inner)
        .finish();
    let audit = audit?;
    let folder = match &args.out {
        Some(folder) => folder.clone(),
        None => run
            .root
            .join("audit")
            .join(format!("trial-{:04}", args.trial)),
    };
    let page = write(&run, &folder, &Page::of(&subject, &plan, &audit)?)?;
    if args.output.json {
        return common::print_json(&audit.rows());
    }
    show(&audit);
    println!("page      {}", page.display());
    Ok(())
}

/// What is to be audited.
fn wanted(args: &Args) -> Wanted<'_> {
    Wanted {
        trial: args.trial,
        data: args.data.as_deref(),
        similar: args.similar.as_deref().map(|set| Similar {
            set,
            folder: args.similar_data.as_deref(),
        }),
        targets: args.images as usize,
        own: args.own.map(|own| own as usize),
        effort: Effort {
            steps: args.steps as usize,
            epochs: args.epochs as usize,
        },
    }
}

/// Where and what is to be attacked.
fn plan(args: &Args, subject: &Subject) -> Result<Plan, Error> {
    let graph = &subject.graph;
    let mut places = match args.cut.is_empty() {
        true => Place::all(graph)?,
        false => {
            let named = args.cut.iter().map(|name| Place::behind(graph, name));
            named.collect::<Result<_, _>>()?
        }
    };
    let order = |place: &Place| graph.find(&place.name).map(|id| id.index());
    places.sort_by_key(order);
    places.dedup_by_key(|place| order(place));
    Ok(Plan {
        places,
        defenses: args.defense.clone(),
        pairs: args.pairs,
        threads: args.threads,
    })
}

/// Writes the page and what lies beside it; gives the page's path.
fn write(run: &RunFolder, folder: &std::path::Path, page: &Page) -> Result<PathBuf, Error> {
    let write = |name: &str, bytes: &[u8]| run.write(&folder.join(name), bytes);
    for drawn in page.pictures.all() {
        write(&format!("{}.svg", drawn.name), drawn.svg.as_bytes())?;
        write(&format!("{}.png", drawn.name), &drawn.png()?)?;
    }
    write("audit.csv", page.table.csv().as_bytes())?;
    write("audit.md", page.report.markdown().as_bytes())?;
    write("index.html", page.report.html()?.as_bytes())?;
    Ok(folder.join("index.html"))
}

/// The table for people.
fn show(audit: &Audit) {
    println!("what these attacks reach; a stronger one may exist");
    println!(
        "{:<16} {:<19} {:<15} {:>6} {:>6} {:>9} {:>10}",
        "behind", "attack", "defense", "SSIM", "PSNR", "accuracy", "encrypted"
    );
    for row in audit.rows() {
        let cost = row.encrypted_ms;
        let cost = cost.map_or("–".into(), |ms| {
            format!("{} ms", hemet_reports::number::milliseconds(ms))
        });
        println!(
            "{:<16} {:<19} {:<15} {:>6.3} {:>6.2} {:>9} {:>10}",
            row.cut,
            row.attack,
            row.defense,
            row.ssim,
            row.psnr,
            common::percent(row.accuracy),
            cost
        );
    }
    println!(
        "{:<16} {:<19} {:<15} {:>6.3}",
        "nothing", "mean picture", "", audit.floor.1.ssim
    );
    println!(
        "{:<16} {:<19} {:<15} {:>6.3}",
        "the class", "its mean picture", "", audit.class_floor.ssim
    );
    for note in audit.notes() {
        println!("note: {note}");
    }
}
