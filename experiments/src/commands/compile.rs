//! `hemet compile`: a trial of a run, or an ONNX model, becomes an artifact.

use std::path::PathBuf;

use hemet_onnx::{FitReport, Imported};
use hemet_runtime::tfhe::TfheArtifact;
use hemet_schedule::CostTable;
use hemet_schedule::artifact::{Artifact, Manifest};
use hemet_search::{Trial, data, study};
use hemet_spaces::{Scheme, Weights};

use crate::common;
use crate::error::Error;
use crate::experiment::security_level;
use crate::run::folder::RunFolder;
use crate::schemes::ckks::cases;
use crate::schemes::ckks::compile;
use crate::schemes::ckks::costs;
use crate::schemes::tfhe;

/// Compile a trial of a run, or an ONNX model, to an artifact
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet compile runs/digits --trial 7 -o model.hemet\n  hemet compile runs/digits_tfhe --trial 3 --scheme tfhe -o model.hemet\n  hemet compile model.onnx -o model.hemet --precision 10\n  hemet compile model.onnx -o batches.hemet --target throughput\n  hemet compile relu.onnx -o model.hemet --fit-activations 4 --calibrate calibration.safetensors"
)]
pub struct Args {
    /// A run folder (with --trial), or an ONNX file
    pub source: PathBuf,
    /// Number of the trial, as the report and journal.jsonl name it
    #[arg(long, value_name = "N")]
    pub trial: Option<usize>,
    /// The scheme, which must be that of the trial; without it, the trial's
    #[arg(long, value_name = "ckks|tfhe", value_parser = ["ckks", "tfhe"])]
    pub scheme: Option<String>,
    /// For a trial that `hemet train` trained further: take the weights that it had in the search
    #[arg(long)]
    pub search_weights: bool,
    /// Where the artifact goes
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// What the artifact is for: one image as soon as possible, or as many images a second as possible, thousands in one request
    #[arg(long, value_enum, default_value_t)]
    pub target: Target,
    /// Bits of security, 128, 192 or 256; without it, the experiment's, or 128 for an ONNX file
    #[arg(long, value_name = "BITS")]
    pub security: Option<u32>,
    /// Promised precision of the logits, in bits after the point; without it, the experiment's, or 10 for an ONNX file
    #[arg(long, value_name = "BITS")]
    pub precision: Option<u32>,
    /// For an ONNX file: MiB of evaluation keys that a client should have to send at most; fewer keys make a slower schedule
    #[arg(long, value_name = "MIB")]
    pub key_memory: Option<u32>,
    /// For an ONNX file: bound on the magnitude of the inputs
    #[arg(long, value_name = "X")]
    pub input_range: Option<f64>,
    /// For an ONNX file: fit activations that are no polynomials (ReLU, SiLU, GELU, …) by polynomials of this degree, 2 to 15
    #[arg(long, value_name = "DEGREE", requires = "calibrate")]
    pub fit_activations: Option<usize>,
    /// For an ONNX file, typical inputs: a safetensors file with `input` [n][c][h][w] and, for accuracies, `labels` [n]. Activations are
    /// fitted on them, and scales are set for them; without them for independent elements within the input range
    #[arg(long, value_name = "DATA")]
    pub calibrate: Option<PathBuf>,
    /// For an ONNX file: cost table to choose with; without it, that of this machine
    #[arg(long, value_name = "FILE")]
    pub costs: Option<PathBuf>,
}

impl Args {
    /// Refuses options that a run folder decides itself.
    fn only_for_onnx(&self) -> Result<(), Error> {
        let given = [
            ("--key-memory", self.key_memory.is_some()),
            ("--input-range", self.input_range.is_some()),
            ("--fit-activations", self.fit_activations.is_some()),
            ("--calibrate", self.calibrate.is_some()),
            ("--costs", self.costs.is_some()),
        ];
        match given.into_iter().find(|(_, given)| *given) {
            Some((option, _)) => Err(Error::user(format!(
                "{option} is for ONNX files; {} is a run folder, whose experiment and cost table decide it",
                self.source.display()
            ))),
            None => Ok(()),
        }
    }
}

/// Of an ONNX file's artifact.
const DEFAULT_SECURITY: u32 = 128;

/// What an artifact is for.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default)]
pub enum Target {
    /// One image at a time
    #[default]
    Latency,
    /// Batches: an image a slot, a ciphertext an element
    Throughput,
}

impl From<Target> for hemet_compiler::Target {
    fn from(target: Target) -> Self {
        match target {
            Target::Latency => Self::Latency,
            Target::Throughput => Self::Throughput,
        }
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    if args.source.is_dir() {
        args.only_for_onnx()?;
    }
    if args.source.is_dir()
        && let Some(number) = args.trial
        && let Some(artifact) = tfhe_from_run(args, number)?
    {
        artifact.write_to(&args.out).map_err(Error::user)?;
        println!(
            "{} compiled to {}",
            artifact.manifest.network,
            args.out.display()
        );
        return Ok(());
    }
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

/// The artifact of a trial of scheme `tfhe`; none for one of CKKS.
fn tfhe_from_run(args: &Args, number: usize) -> Result<Option<TfheArtifact>, Error> {
    let run = RunFolder::open(&args.source)?;
    let experiment = run.experiment()?;
    let trial = run.trial(&experiment, number)?;
    let scheme = experiment.space()?.scheme(&trial.architecture);
    if let Some(wanted) = args.scheme.as_deref().filter(|w| *w != scheme.name()) {
        return Err(Error::user(format!(
            "trial {number} was trained for scheme {scheme}, not {wanted}; choose one of that scheme in report/report.md"
        )));
    }
    if scheme == Scheme::Ckks {
        return Ok(None);
    }
    if matches!(args.target, Target::Throughput) {
        return Err(Error::user(
            "--target throughput is for scheme ckks; under tfhe a request takes one image",
        ));
    }
    if args.security.is_some() || args.precision.is_some() {
        return Err(Error::user(
            "--security and --precision are for scheme ckks; under tfhe parameter sets have at least 128 bits and results are exact",
        ));
    }
    if trial.outcome.accuracy().is_none() {
        return Err(untrained(&trial));
    }
    let trained = run.trained_file(number, "safetensors");
    let weights = if trained.exists() && !args.search_weights {
        eprintln!("weights: {} (of `hemet train`)", trained.display());
        let bytes = std::fs::read(&trained).map_err(|e| Error::file(&trained, e))?;
        Weights::from_safetensors(&bytes).map_err(|e| Error::file(&trained, e))?
    } else {
        let folder = study::RunFolder::create(&run.root).map_err(Error::user)?;
        folder.read_weights(number).map_err(Error::user)?
    };
    let table = tfhe::costs::read(&run.tfhe_costs_path())?;
    let (artifact, _) = tfhe::compile::compile(&experiment, &trial.architecture, &weights, &table)?;
    Ok(Some(artifact))
}

fn untrained(trial: &Trial) -> Error {
    Error::user(format!(
        "trial {} was not trained to the end ({}); choose one of the front in report/report.md",
        trial.number,
        trial.outcome.name()
    ))
}

fn from_onnx(args: &Args) -> Result<Artifact, Error> {
    let path = &args.source;
    let bytes = std::fs::read(path).map_err(|e| Error::file(path, e))?;
    let calibration = args.calibrate.as_deref().map(cases::read_calibration);
    let calibration = calibration.transpose()?;
    let imported = import(args, &bytes, calibration.as_ref())?;
    let mut options = hemet_compiler::Options {
        target: args.target.into(),
        security: security_level(args.security.unwrap_or(DEFAULT_SECURITY))?,
        ..Default::default()
    };
    if args.fit_activations.is_some() {
        // A fitted quadratic may be nearly a line, which completing the square cannot take.
        options.activation = hemet_compiler::Activation::PowerBasis;
    }
    if let Some(bits) = args.precision {
        options.precision_bits = bits;
    }
    if let Some(mib) = args.key_memory {
        options.key_budget_mib = mib;
    }
    if let Some(range) = args.input_range.or(calibration.as_ref().and_then(range)) {
        options.input_range = range;
    }
    options
        .fit_shift(&imported.graph, &imported.weights)
        .map_err(Error::user)?;
    let table: CostTable = match &args.costs {
        Some(path) => costs::read(path)?,
        None => costs::of_this_machine(false)?,
    };
    let (graph, weights) = (&imported.graph, &imported.weights);
    let samples = calibration.map_or(Vec::new(), |data| data.inputs);
    let compiled = hemet_compiler::compile_for(&samples, graph, weights, &options, &table);
    let (compiled, estimate) = compiled.map_err(Error::user)?;
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

/// The network, its activations fitted on the calibration data where that is asked for.
fn import(
    args: &Args,
    bytes: &[u8],
    calibration: Option<&cases::Calibration>,
) -> Result<Imported, Error> {
    let wrong = |e: hemet_onnx::Error| Error::file(&args.source, e);
    let (Some(degree), Some(data)) = (args.fit_activations, calibration) else {
        return hemet_onnx::import(bytes).map_err(wrong);
    };
    let calibration = hemet_onnx::Calibration {
        inputs: &data.inputs,
        labels: &data.labels,
    };
    let (imported, report) =
        hemet_onnx::import_fitted(bytes, degree, calibration).map_err(wrong)?;
    show(&report, degree);
    Ok(imported)
}

/// The greatest magnitude of an input.
fn range(calibration: &cases::Calibration) -> Option<f64> {
    let magnitudes = calibration.inputs.iter().flatten().map(|x| x.abs());
    let range = magnitudes.fold(0.0, f64::max);
    (range > 0.0).then_some(range)
}

/// Prints what fitting cost.
fn show(report: &FitReport, degree: usize) {
    let percent = common::percent;
    println!(
        "{:<24} {:>22} {:>10}  function, fitted at degree {degree}",
        "activation", "range seen", "error"
    );
    for fitted in &report.activations {
        let range = format!("{:.3} to {:.3}", fitted.range.0, fitted.range.1);
        let (error, function) = (percent(fitted.relative_error), &fitted.function);
        println!("{:<24} {range:>22} {error:>10}  {function}", fitted.layer);
    }
    println!(
        "fitted: on {} inputs the logits differ by {} in the root mean square, {:.2e} at most; the largest logit is the same for {}",
        report.inputs,
        percent(report.relative_error),
        report.max_abs_error,
        percent(report.agreement)
    );
    if let Some((exact, fitted)) = report.accuracy {
        println!(
            "accuracy on them: {} as it was, {} fitted",
            percent(exact),
            percent(fitted)
        );
    }
}

fn from_run(args: &Args, number: usize) -> Result<Artifact, Error> {
    let run = RunFolder::open(&args.source)?;
    let mut experiment = run.experiment()?;
    let trial = run.trial(&experiment, number)?;
    if trial.outcome.accuracy().is_none() {
        return Err(untrained(&trial));
    }
    let compile = &mut experiment.compile;
    compile.security_bits = args.security.unwrap_or(compile.security_bits);
    compile.precision_bits = args.precision.unwrap_or(compile.precision_bits);
    let trained = run.trained_file(number, "safetensors");
    let weights = if trained.exists() && !args.search_weights {
        eprintln!("weights: {} (of `hemet train`)", trained.display());
        let space = experiment.space()?;
        let graph = space.graph(&trial.architecture).map_err(Error::user)?;
        compile::read_weights(&trained, &graph)?
    } else {
        let folder = study::RunFolder::create(&run.root).map_err(Error::user)?;
        folder.read_weights(number).map_err(Error::user)?
    };
    let table = costs::read(&run.costs_path())?;
    let samples = match data::load(&experiment.data.set, experiment.data.path.as_deref()) {
        Ok(sets) => compile::samples(&sets.train),
        Err(error) => {
            eprintln!(
                "note: no training images to set scales by ({error}); they are set for independent pixels"
            );
            Vec::new()
        }
    };
    let how = (&table, args.target.into());
    compile::compile(&experiment, &trial.architecture, &weights, &samples, how)
}
