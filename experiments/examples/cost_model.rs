//! How well the cost model predicts: compiles networks sampled from the published spaces with random weights, runs them
//! encrypted, and compares predicted with measured latency.
//!
//! `cargo run --release -p hemet --example cost_model -- OUT [--networks 30] [--costs FILE]` writes
//! OUT/cost_model.{svg,png,csv} and prints the mean absolute error and Kendall's tau. Networks are drawn from the
//! presets in turn; those without secure parameters or with a prediction above `--most-ms` are passed over. Predictions
//! are from the cost table of this machine, which knows nothing of these networks; measured is what one thread computes
//! for a request (the median of five runs of each network), on a quiet machine the time on the wall.

use std::path::{Path, PathBuf};

use clap::Parser;
use hemet::cli::progress::Progress;
use hemet::common;
use hemet::error::Error;
use hemet::schemes::session::Session;
use hemet_reports::{Cell, Column};
use hemet_schedule::CostTable;
use hemet_schedule::artifact::{Artifact, Manifest};
use hemet_search::Seed;
use hemet_spaces::{Architecture, LayerGraph, Weights, presets};
use predicted::{Figure, Study};

mod predicted;

#[derive(Parser)]
struct Args {
    /// Folder for plot and table
    out: PathBuf,
    /// How many networks
    #[arg(long, default_value_t = 30)]
    networks: usize,
    /// Cost table; without it, that of this machine
    #[arg(long)]
    costs: Option<PathBuf>,
    /// Presets to sample from, by commas
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "digits,squeezenet,inception,mobilenet,vgg,resnet"
    )]
    presets: Vec<String>,
    /// Pass over networks that are predicted to take longer, in milliseconds
    #[arg(long, default_value_t = 4000.0)]
    most_ms: f64,
}

fn main() -> std::process::ExitCode {
    hemet::common::exit(run(&Args::parse()))
}

fn run(args: &Args) -> Result<(), Error> {
    std::fs::create_dir_all(&args.out).map_err(|e| Error::file(&args.out, e))?;
    let table = match &args.costs {
        Some(path) => hemet::schemes::ckks::costs::read(path)?,
        None => hemet::schemes::ckks::costs::of_this_machine(false)?,
    };
    let mut figures = Vec::new();
    let mut progress = Progress::new("networks", args.networks as u64, false);
    for index in 0.. {
        if figures.len() == args.networks || index == MOST_DRAWN * args.networks {
            break;
        }
        let preset = &args.presets[index % args.presets.len()];
        let drawn = draw(preset, index)?;
        let message = format!("{preset} {}", drawn.architecture.text());
        progress.set(figures.len() as u64, &message);
        figures.extend(measure(drawn, &table, args.most_ms)?);
    }
    progress.finish();
    let study = Study {
        subtitle: format!("one thread, {}", table.machine),
        tolerance: 0.25,
        columns: vec![
            Column::words("space", "space"),
            Column::words("architecture", "architecture"),
            Column::numbers("log_n", "log2 of ring degree", ""),
            Column::numbers("depth", "depth", "levels"),
        ],
        file: "cost_model",
    };
    study.write(&args.out, &figures)
}

/// Networks that are drawn at most for each that is measured.
const MOST_DRAWN: usize = 8;

struct Drawn {
    preset: String,
    architecture: Architecture,
    graph: LayerGraph,
    weights: Weights,
    /// Of the input.
    elements: usize,
}

/// Samples the `index`-th network from a preset.
fn draw(preset: &str, index: usize) -> Result<Drawn, Error> {
    let text = presets::find(preset)
        .ok_or_else(|| Error::user(format!("there is no preset `{preset}`")))?;
    let space =
        hemet::experiment::space_of(&hemet::experiment::Text::of(Path::new(preset), text)?)?;
    let mut rng = Seed::new(1).derive(&format!("{preset}/{index}")).rng();
    let architecture = space.sample(&mut rng);
    let graph = space.graph(&architecture).map_err(Error::user)?;
    let weights = Weights::random(&graph, &mut rng);
    Ok(Drawn {
        preset: preset.to_owned(),
        architecture,
        graph,
        weights,
        elements: space.input().len(),
    })
}

/// Compiles a network and runs it encrypted; `None` where it is passed over.
fn measure(drawn: Drawn, table: &CostTable, most_ms: f64) -> Result<Option<Figure>, Error> {
    let options = hemet_compiler::Options {
        precision_bits: 7,
        ..Default::default()
    };
    let estimate = match hemet_compiler::estimate(&drawn.graph, &options, table) {
        Ok(estimate) if estimate.latency_ms <= most_ms => estimate,
        Ok(_) | Err(hemet_compiler::Error::NoParameters { .. }) => return Ok(None),
        Err(error) => return Err(Error::user(error)),
    };
    let compiled = hemet_compiler::compile(&drawn.graph, &drawn.weights, &options, table);
    let artifact = Artifact::new(Manifest::new(&drawn.preset), compiled.map_err(Error::user)?);
    let input = vec![0.5; drawn.elements];
    let times = common::pool(1)?.install(|| -> Result<Vec<f64>, Error> {
        let session = Session::new(Box::new(artifact))?;
        session.predict(&input)?;
        (0..5)
            .map(|_| Ok(session.predict(&input)?.computed_ms))
            .collect()
    })?;
    Ok(Some(Figure {
        series: drawn.preset.clone(),
        what: vec![
            Cell::from(drawn.preset),
            Cell::from(drawn.architecture.text()),
            Cell::Whole(i64::from(estimate.log_n)),
            Cell::Whole(i64::from(estimate.depth)),
        ],
        predicted_ms: estimate.latency_ms,
        measured_ms: common::median(&times),
    }))
}
