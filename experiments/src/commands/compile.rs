//! `hemet compile`: a trial of a run, or an ONNX model, becomes an artifact.

use std::path::PathBuf;

use hemet_schedule::CostTable;
use hemet_schedule::artifact::{Artifact, Manifest};
use hemet_search::study;

use crate::error::Error;
use crate::experiment::security_level;
use crate::run_folder::RunFolder;
use crate::{costs, network};

/// Compile a trial of a run, or an ONNX model, to an artifact
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet compile runs/digits --trial 7 -o model.hemet\n  hemet compile model.onnx -o model.hemet --precision 10"
)]
pub struct Args {
    /// A run folder (with --trial), or an ONNX file
    pub source: PathBuf,
    /// Number of the trial, as the report and journal.jsonl name it
    #[arg(long, value_name = "N")]
    pub trial: Option<usize>,
    /// For a trial that `hemet train` trained further: take the weights that it had in the search
    #[arg(long)]
    pub search_weights: bool,
    /// Where the artifact goes
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// For an ONNX file: bits of security, 128, 192 or 256
    #[arg(long, default_value_t = 128, value_name = "BITS")]
    pub security: u32,
    /// For an ONNX file: promised precision of the logits, in bits after the point
    #[arg(long, value_name = "BITS")]
    pub precision: Option<u32>,
    /// For an ONNX file: bound on the magnitude of the inputs
    #[arg(long, value_name = "X")]
    pub input_range: Option<f64>,
    /// For an ONNX file: cost table to choose with; without it, that of this machine
    #[arg(long, value_name = "FILE")]
    pub costs: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let artifact = if args.source.is_dir() {
        let Some(trial) = args.trial else {
            return Err(Error::user(
                "a run folder holds many networks; choose one with --trial",
            ));
        };
        from_run(args, trial)?
    } else {
        from_onnx(args)?
    };
    artifact.write_to(&args.out).map_err(Error::user)?;
    println!(
        "{} compiled to {}",
        artifact.manifest.network,
        args.out.display()
    );
    Ok(())
}

fn from_onnx(args: &Args) -> Result<Artifact, Error> {
    let path = &args.source;
    let bytes = std::fs::read(path).map_err(|e| Error::file(path, e))?;
    let imported = hemet_onnx::import(&bytes).map_err(|e| Error::file(path, e))?;
    let mut options = hemet_compiler::Options {
        security: security_level(args.security)?,
        ..Default::default()
    };
    if let Some(bits) = args.precision {
        options.precision_bits = bits;
    }
    if let Some(range) = args.input_range {
        options.input_range = range;
    }
    let table: CostTable = match &args.costs {
        Some(path) => costs::read(path)?,
        None => costs::of_this_machine(false)?,
    };
    let (graph, weights) = (&imported.graph, &imported.weights);
    let compiled =
        hemet_compiler::compile(graph, weights, &options, &table).map_err(Error::user)?;
    let estimate = hemet_compiler::estimate(graph, &options, &table).map_err(Error::user)?;
    let name = path
        .file_stem()
        .map_or("model".into(), |stem| stem.to_string_lossy());
    let manifest = Manifest {
        predicted_latency_ms: Some(estimate.latency_ms),
        layers: estimate.layers,
        cost_machine: Some(table.machine),
        ..Manifest::new(&name)
    };
    Ok(Artifact::new(manifest, compiled))
}

fn from_run(args: &Args, number: usize) -> Result<Artifact, Error> {
    let run = RunFolder::open(&args.source)?;
    let experiment = run.experiment()?;
    let trial = run.trial(&experiment, number)?;
    if trial.outcome.accuracy().is_none() {
        return Err(Error::user(format!(
            "trial {number} was not trained to the end ({}); choose one of the front in report/report.md",
            trial.outcome.name()
        )));
    }
    let trained = run.trained_file(number, "safetensors");
    let weights = if trained.exists() && !args.search_weights {
        eprintln!("weights: {} (of `hemet train`)", trained.display());
        let space = experiment.space()?;
        let graph = space.graph(&trial.architecture).map_err(Error::user)?;
        network::read_weights(&trained, &graph)?
    } else {
        let folder = study::RunFolder::create(&run.root).map_err(Error::user)?;
        folder.read_weights(number).map_err(Error::user)?
    };
    let table = costs::read(&run.costs_path())?;
    network::compile(&experiment, &trial.architecture, &weights, &table)
}
