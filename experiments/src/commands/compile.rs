//! `hemet compile`: a trial of a run, or an ONNX model, becomes an artifact.

use std::path::{Path, PathBuf};

use hemet_compiler::KeyBudget;
use hemet_onnx::{Degree, Imported, Source};
use hemet_runtime::door::Model;
use hemet_schedule::artifact::{Artifact, Manifest};
use hemet_schedule::{CostTable, Meaning, OutputTransform};
use hemet_search::Trial;
use hemet_search::data::{self, Dataset};
use hemet_spaces::{Scheme, Weights};
use serde::Serialize;

use crate::calibration::{self, Calibration};
use crate::cli::fit_report;
use crate::common;
use crate::error::Error;
use crate::experiment::{AGREEMENT_OF_SHARED, Experiment, attacks, security_level};
use crate::run::folder::RunFolder;
use crate::run::images;
use crate::schemes::ckks::compile::sharing;
use crate::schemes::ckks::costs;
use crate::schemes::{self, CostSource, SecurityWish, TrainedNetwork, Wishes};

/// Compile a trial of a run, or an ONNX model, to an artifact
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet compile runs/digits --trial 7 -o model.hemet\n  hemet compile model.onnx -o model.hemet --precision 10\n  hemet compile model.onnx -o model.hemet --agreement 99.5 --calibrate images.safetensors --json\n  hemet compile model.onnx -o batches.hemet --target throughput\n  hemet compile relu.onnx -o model.hemet --fit-activations 4 --calibrate calibration.safetensors"
)]
pub struct Args {
    /// A run folder (with --trial), or an ONNX file
    pub source: PathBuf,
    /// Number of the trial, as the report and journal.jsonl name it
    #[arg(long, value_name = "N")]
    pub trial: Option<usize>,
    /// The scheme, which must be that of the trial; without it, the trial's
    #[arg(long, value_name = "SCHEME", value_parser = scheme)]
    pub scheme: Option<Scheme>,
    /// For a trial that `hemet train` trained further: take the weights that it had in the search
    #[arg(long)]
    pub search_weights: bool,
    /// Where the artifact goes
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// What the artifact is for: one image as soon as possible, or as many images a second as possible, thousands in
    /// one request
    #[arg(long, value_enum, default_value_t)]
    pub target: Target,
    /// Bits of security, 128, 192 or 256, against classical attacks; 128-quantum, 192-quantum or 256-quantum count
    /// them against quantum attacks too; without it, the experiment's, or 128 for an ONNX file
    #[arg(long, value_name = "BITS")]
    pub security: Option<SecurityWish>,
    /// Promised precision of the logits, in bits after the point; without it, the experiment's, or 10 for an ONNX file
    #[arg(long, value_name = "BITS")]
    pub precision: Option<u32>,
    /// In place of a precision, percent of images whose class must not change through encryption, 50 to 100: the
    /// coarsest precision that keeps it is chosen, by the margins of the clean logits and the simulated errors. For an
    /// ONNX file images come with --calibrate; without it, the experiment's
    #[arg(long, value_name = "PERCENT", conflicts_with = "precision")]
    pub agreement: Option<f64>,
    /// How many results may be shown to others than the key's owner, such as 1000 or 2^20: decryption then adds noise
    /// within the promised precision; without it, the experiment's, or none for an ONNX file
    #[arg(long, value_name = "N", value_parser = results)]
    pub share_results: Option<u64>,
    /// For an ONNX file: MiB of evaluation keys that a client has to send at most, or none for the quickest schedule;
    /// without it, as many as are worth their time. `hemet inspect --keys` shows time against bytes
    #[arg(long, value_name = "MIB", value_parser = key_budget)]
    pub key_memory: Option<KeyBudget>,
    /// For an ONNX file: bound on the magnitude of the inputs
    #[arg(long, value_name = "X")]
    pub input_range: Option<f64>,
    /// For an ONNX file: fit activations that are no polynomials (ReLU, SiLU, GELU, …) by polynomials of this degree, 2
    /// to 15, or of the degree that each needs (auto)
    #[arg(long, value_name = "DEGREE", requires = "calibrate", value_parser = degree)]
    pub fit_activations: Option<Degree>,
    /// For an ONNX file with several outputs: the one to compute, or several joined in this order
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub output: Vec<String>,
    /// For an ONNX file, typical inputs: a folder of pictures, a NumPy array (.npy) or a safetensors file with `input`
    /// [n][c][h][w] and, for accuracies, `labels` [n]. Activations are fitted on them, and scales are set for them;
    /// without them for independent elements within the input range
    #[arg(long, value_name = "DATA")]
    pub calibrate: Option<PathBuf>,
    /// For an ONNX file: largest magnitude of an output that must decrypt rightly; without it, what the calibration
    /// data show, with a margin
    #[arg(long, value_name = "LARGEST")]
    pub output_range: Option<f64>,
    /// For an ONNX file: promise outputs smaller than 1 as many bits as others, so that errors are relative to their
    /// size
    #[arg(long)]
    pub relative_precision: bool,
    /// For an ONNX file: cost table to choose with; without it, that of this machine
    #[arg(long, value_name = "FILE")]
    pub costs: Option<PathBuf>,
    /// Print what was chosen as JSON
    #[arg(long)]
    pub json: bool,
}

impl Args {
    /// Refuses options that a run folder decides itself.
    fn only_for_onnx(&self) -> Result<(), Error> {
        let given = [
            ("--key-memory", self.key_memory.is_some()),
            ("--input-range", self.input_range.is_some()),
            ("--fit-activations", self.fit_activations.is_some()),
            ("--output", !self.output.is_empty()),
            ("--calibrate", self.calibrate.is_some()),
            ("--costs", self.costs.is_some()),
            ("--output-range", self.output_range.is_some()),
            ("--relative-precision", self.relative_precision),
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

/// A number of results, also as a power of two.
fn results(text: &str) -> Result<u64, String> {
    let number = match text.strip_prefix("2^") {
        Some(power) => power.parse().ok().and_then(|power| 1u64.checked_shl(power)),
        None => text.parse().ok(),
    };
    let number = number.filter(|results| *results > 0);
    number.ok_or_else(|| "give a whole number from 1 on, such as 1000 or 2^20".into())
}

/// A budget of evaluation keys.
fn key_budget(text: &str) -> Result<KeyBudget, String> {
    match text {
        "none" => Ok(KeyBudget::Unbounded),
        text => text
            .parse()
            .map(KeyBudget::AtMost)
            .map_err(|_| "write a whole number of MiB, or none".into()),
    }
}

/// The scheme with this name.
fn scheme(name: &str) -> Result<Scheme, String> {
    let all = || Scheme::ALL.into_iter();
    let names: Vec<&str> = all().map(Scheme::name).collect();
    all().find(|scheme| scheme.name() == name).ok_or_else(|| {
        format!(
            "there is none of this name; choose one of {}",
            names.join(", ")
        )
    })
}

/// One in so many calibration inputs is held out of fitting activations, and the report is on those.
const HELD_OUT: usize = 4;

/// Of an ONNX file's artifact.
const DEFAULT_SECURITY: SecurityWish = SecurityWish {
    bits: 128,
    post_quantum: false,
};

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
    let model: Box<dyn Model> = match args.source.is_dir() {
        true => {
            args.only_for_onnx()?;
            let trial = args.trial.ok_or_else(|| {
                Error::user("a run folder holds many networks; choose one with --trial")
            })?;
            from_run(args, trial)?
        }
        false => Box::new(from_onnx(args)?),
    };
    let bytes = model.to_bytes()?;
    hemet_files::write_atomically(&args.out, &bytes)?;
    if args.json {
        let artifact = Artifact::from_bytes(&bytes).map_err(|e| Error::file(&args.out, e))?;
        return common::print_json(&Chosen::of(&artifact));
    }
    let manifest = model.manifest();
    println!("{} compiled to {}", manifest.network, args.out.display());
    if let Some(promise) = &manifest.promise {
        println!("{promise}");
    }
    if let Some(agreement) = &manifest.agreement {
        println!("{agreement}");
    }
    Ok(())
}

/// What was chosen for an artifact.
#[derive(Serialize)]
struct Chosen {
    network: String,
    /// Promised precision of the logits, in bits after the point.
    precision_bits: u32,
    /// Percent of images that keep their class, where the precision was chosen by that.
    predicted_agreement: Option<f64>,
    /// Images that it was predicted on.
    agreement_images: Option<usize>,
    predicted_latency_ms: Option<f64>,
    /// Largest error of a logit that is promised.
    promised_error: Option<f64>,
    log_n: u32,
    log_qp: f64,
    special_primes: usize,
    evaluation_key_bytes: u64,
}

impl Chosen {
    fn of(artifact: &Artifact) -> Self {
        let (manifest, header) = (&artifact.manifest, &artifact.schedule.header);
        let parameters = &header.parameters;
        let agreement = manifest.agreement;
        Self {
            network: manifest.network.clone(),
            precision_bits: header.precision_bits,
            predicted_agreement: agreement.map(|a| a.predicted),
            agreement_images: agreement.map(|a| a.images),
            predicted_latency_ms: manifest.predicted_latency_ms,
            promised_error: manifest.promise.as_ref().map(|promise| promise.error),
            log_n: parameters.log_n(),
            log_qp: parameters.log_qp_bits(),
            special_primes: parameters.special().len(),
            evaluation_key_bytes: artifact.schedule.key_bytes().sent,
        }
    }
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
    let calibration = args.calibrate.as_deref().map(calibration::read);
    let calibration = calibration.transpose()?;
    if let (Some(data), Some(path)) = (&calibration, &args.calibrate) {
        hemet_compiler::check_samples(&data.inputs, None).map_err(|e| Error::file(path, e))?;
    }
    if args.agreement.is_some() && args.share_results.is_some() {
        return Err(Error::user(AGREEMENT_OF_SHARED));
    }
    let (imported, fit_error) = import(args, &bytes, calibration.as_ref())?;
    check_classes(args, &imported)?;
    if let (Some(data), Some(file)) = (&calibration, &args.calibrate) {
        let fits = tell_calibration(data, &imported, args);
        fits.map_err(|why| Error::file(file, why))?;
    }
    let mut options = wished(args, &imported)?;
    if let Some(range) = args.input_range.or(calibration.as_ref().and_then(range)) {
        options.input_range = range;
    }
    options.fit_activation(&imported.graph, &imported.weights)?;
    let table: CostTable = match &args.costs {
        Some(path) => costs::read(path)?,
        None => costs::of_this_machine(false)?,
    };
    let known = hemet_compiler::Known {
        graph: &imported.graph,
        weights: &imported.weights,
        moments: &imported.moments,
    };
    let samples = calibration.map_or(Vec::new(), |data| data.inputs);
    let compiled = hemet_compiler::compile_known(&samples, &known, &options, &table);
    let compiled = compiled?;
    let seen = schemes::ckks::compile::input_range(&samples, compiled.input_transform.as_ref());
    let transformed = compiled.input_transform.is_some();
    let input_range = checked_range(args.input_range, options.input_range, seen, transformed);
    let name = path
        .file_stem()
        .map_or("model".into(), |stem| stem.to_string_lossy());
    let manifest = Manifest {
        predicted_latency_ms: Some(compiled.estimate.latency_ms),
        layers: compiled.estimate.layers,
        input_range,
        input_transform: compiled.input_transform,
        output_transform: imported.outputs,
        classes: imported.classes,
        sharing: sharing(args.share_results, compiled.promise.error),
        promise: Some(compiled.promise),
        agreement: compiled.agreement,
        keys: compiled.keys,
        cost_machine: Some(table.machine),
        fit_error,
        ..Manifest::new(&name)
    };
    Ok(Artifact::new(manifest, compiled.schedule))
}

/// Says what the network is calibrated on, or why it does not fit the network.
fn tell_calibration(data: &Calibration, imported: &Imported, args: &Args) -> Result<(), String> {
    let graph = &imported.graph;
    let elements = graph.node(graph.input()).shape.len();
    data.fits(elements, args.input_range)?;
    let (low, high) = data.range();
    eprintln!(
        "calibrating on {} inputs of {:?}, from {low} to {high}",
        data.inputs.len(),
        data.shape
    );
    Ok(())
}

/// An agreement counts classes: outputs must be the scores of one list of them.
fn check_classes(args: &Args, imported: &Imported) -> Result<(), Error> {
    let parts = imported.outputs.as_ref();
    let parts = parts.map_or(&[][..], |outputs| outputs.parts.as_slice());
    let other = parts.len() > 1 || parts.iter().any(|part| part.meaning == Meaning::Values);
    match args.agreement.is_some() && other {
        true => Err(Error::user(format!(
            "--agreement counts images whose class stays, and {} gives values or several outputs: ask for a --precision, or \
             choose one output of scores with --output",
            args.source.display()
        ))),
        false => Ok(()),
    }
}

/// The range that the client holds inputs to: the one seen on samples, else the one that scales were made for. What was
/// stated is about inputs before a transform, and the check comes behind it.
fn checked_range(
    stated: Option<f64>,
    compiled_for: f64,
    seen: Option<[f64; 2]>,
    transformed: bool,
) -> Option<[f64; 2]> {
    match (seen, transformed) {
        (Some(seen), false) if stated.is_none() => Some(seen),
        (_, false) => Some([-compiled_for, compiled_for]),
        (seen, true) => seen,
    }
}

/// The compiler's options as the command line wishes them.
fn wished(args: &Args, imported: &Imported) -> Result<hemet_compiler::Options, Error> {
    let security = args.security.unwrap_or(DEFAULT_SECURITY);
    let mut options = hemet_compiler::Options {
        target: args.target.into(),
        security: security_level(security.bits)?,
        attacks: attacks(security.post_quantum),
        ..Default::default()
    };
    options.output_range = args.output_range;
    options.relative_precision = args.relative_precision;
    if args.fit_activations.is_some() {
        // A fitted quadratic may be nearly a line, which completing the square cannot take.
        options.activation = hemet_compiler::Activation::PowerBasis;
    }
    if let Some(bits) = args.precision {
        options.precision_bits = bits;
    }
    options.agreement = args.agreement;
    if let Some(results) = args.share_results {
        let graph = &imported.graph;
        let numbers = graph.node(graph.output()).shape.len();
        options.precision_bits += hemet_ckks_params::hidden_bits(results, numbers);
    }
    if let Some(budget) = args.key_memory {
        options.key_budget = budget;
    }
    Ok(options)
}

/// The network, its activations fitted on the calibration data where that is asked for; then with the error that this
/// makes.
fn import(
    args: &Args,
    bytes: &[u8],
    calibration: Option<&Calibration>,
) -> Result<(Imported, Option<f64>), Error> {
    let wrong = |e: hemet_onnx::Error| Error::file(&args.source, e);
    let folder = args
        .source
        .parent()
        .map(|folder| match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        });
    let source = Source {
        bytes,
        folder,
        outputs: &args.output,
    };
    let (Some(degree), Some(data)) = (args.fit_activations, calibration) else {
        let imported = hemet_onnx::import(source).map_err(wrong)?;
        say_what_is_left(imported.outputs.as_ref(), args.json);
        return Ok((imported, None));
    };
    let calibration = hemet_onnx::Calibration {
        inputs: &data.inputs,
        labels: &data.labels,
        held_out: data.inputs.len() / HELD_OUT,
    };
    let (imported, report) =
        hemet_onnx::import_fitted(source, degree, calibration).map_err(wrong)?;
    if !args.json {
        fit_report::print(&report);
    }
    say_what_is_left(imported.outputs.as_ref(), args.json);
    Ok((imported, Some(report.max_abs_error)))
}

/// Prints what of the model the client does after decrypting; on standard error where standard output is for JSON.
fn say_what_is_left(outputs: Option<&OutputTransform>, json: bool) {
    for part in outputs.iter().flat_map(|outputs| &outputs.parts) {
        let words: Vec<&str> = part.steps.iter().map(|step| step.name()).collect();
        if words.is_empty() {
            continue;
        }
        let text = format!(
            "left to the client, which applies it exactly to the decrypted outputs: {} for `{}`",
            words.join(", then "),
            part.name
        );
        match json {
            true => eprintln!("{text}"),
            false => println!("{text}"),
        }
    }
}

/// The degree of fitted activations as the command line has it.
fn degree(text: &str) -> Result<Degree, String> {
    match text {
        "auto" => Ok(Degree::Auto),
        text => text
            .parse()
            .map(Degree::Fixed)
            .map_err(|_| "write a degree from 2 to 15, or auto".into()),
    }
}

/// The greatest magnitude of an input.
fn range(calibration: &Calibration) -> Option<f64> {
    let magnitudes = calibration.inputs.iter().flatten().map(|x| x.abs());
    let range = magnitudes.fold(0.0, f64::max);
    (range > 0.0).then_some(range)
}

fn from_run(args: &Args, number: usize) -> Result<Box<dyn Model>, Error> {
    let run = RunFolder::open(&args.source)?;
    let mut experiment = run.experiment()?;
    let trial = run.trial(&experiment, number)?;
    let scheme = experiment.space()?.scheme(&trial.architecture);
    if let Some(wanted) = args.scheme.filter(|wanted| *wanted != scheme) {
        return Err(Error::user(format!(
            "trial {number} was trained for scheme {scheme}, not {wanted}; choose one of that scheme in report/report.md"
        )));
    }
    if trial.outcome.accuracy().is_none() {
        return Err(untrained(&trial));
    }
    if args.json && scheme != Scheme::Ckks {
        return Err(Error::user(format!(
            "--json tells parameters of scheme ckks; trial {number} is of scheme {scheme}: use `hemet inspect --json`"
        )));
    }
    let door = schemes::door(scheme);
    let wishes = Wishes {
        target: args.target.into(),
        security: args.security,
        precision_bits: args.precision,
        agreement: args.agreement,
        share_results: args.share_results,
    };
    door.wish(&mut experiment, &wishes)?;
    let weights = weights(args, &run, &experiment, &trial)?;
    let source = CostSource {
        run: Some(&run),
        kept_only: true,
        ..CostSource::default()
    };
    let costs = door.costs(Some(&experiment), &source)?;
    let images = training_images(&experiment);
    let columns = images.as_ref().and_then(|images| images.columns.clone());
    if experiment.is_regression() && columns.is_none() {
        return Err(Error::user(
            "the table of the run cannot be read, and without it nobody knows the unit of its values; put it where it was",
        ));
    }
    let trained = TrainedNetwork {
        experiment: &experiment,
        architecture: &trial.architecture,
        weights: &weights,
        samples: &|| images.as_ref().map_or(Vec::new(), schemes::samples),
        class_names: &images::class_names(&experiment, images.as_ref())?,
        columns: columns.as_ref(),
    };
    Ok(costs.compile(&trained, wishes.target)?.0)
}

/// The weights of `hemet train`, where there are some and the user does not want those of the search.
fn weights(
    args: &Args,
    run: &RunFolder,
    experiment: &Experiment,
    trial: &Trial,
) -> Result<Weights, Error> {
    let path = run.trained_file(trial.number, "safetensors");
    if !path.exists() || args.search_weights {
        let folder = run.study()?;
        return Ok(folder.read_weights(trial.number)?);
    }
    eprintln!("weights: {} (of `hemet train`)", path.display());
    let graph = experiment.space()?.graph(&trial.architecture);
    let graph = graph?;
    common::read_weights(&path, &graph)
}

/// The training images, which scales are set by and which name their classes, where they can be read.
fn training_images(experiment: &Experiment) -> Option<Dataset> {
    match data::load(&experiment.data.set, experiment.data.path.as_deref()) {
        Ok(sets) => Some(sets.train),
        Err(error) => {
            eprintln!(
                "note: no training images to set scales by ({error}); they are set for independent pixels"
            );
            None
        }
    }
}
