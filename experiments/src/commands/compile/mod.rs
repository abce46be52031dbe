//! `hemet compile`: a trial of a run, or an ONNX model, becomes an artifact.

mod like;
mod memory;
mod onnx;
mod place;
mod trial;

use std::path::PathBuf;

use hemet_compiler::KeyBudget;
use hemet_onnx::Degree;
use hemet_runtime::door::Model;
use hemet_schedule::artifact::Artifact;
use hemet_spaces::Scheme;
use serde::Serialize;

use like::Earlier;

use crate::cli::pictures::Pictures;
use crate::common;
use crate::error::Error;
use crate::schemes::{self, SecurityWish};

/// Compile a trial of a run, or an ONNX model, to an artifact
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet compile runs/digits --trial 7 -o model.hemet\n  hemet compile model.onnx -o model.hemet --precision 10\n  hemet compile model.onnx -o model.hemet --agreement 99.5 --calibrate images.safetensors --json\n  hemet compile model.onnx -o batches.hemet --target throughput\n  hemet compile runs/digits --trial 7 -o model.hemet --device-layers 1   # clients run the first layer; model.spec has it\n  hemet compile relu.onnx -o model.hemet --fit-activations 4 --calibrate calibration.safetensors"
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
    /// For an ONNX file, for comparison alone: uniform gives every level a prime of 50 bits that nothing shares, at
    /// scales as large whatever the precision, as networks had them before anybody chose
    #[arg(long, value_enum, default_value_t, conflicts_with_all = ["agreement", "like"])]
    pub parameters: Parameters,
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
    /// For an ONNX file that takes pictures
    #[command(flatten)]
    pub pictures: Pictures,
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
    /// Leave the first K convolutions and dense layers, with the norms, activations and pools behind them, to the
    /// clients, which run them in the clear before they encrypt; 0 for none. These layers are PUBLIC: they lie in the
    /// spec beside the artifact, which every client needs, and never in the artifact. Without it, the experiment's
    /// `deploy: {device_layers: K}`, or none for an ONNX file
    #[arg(long, value_name = "K")]
    pub device_layers: Option<usize>,
    /// Keep the schedule of this artifact, made of an earlier training of the same network: clients go on with their
    /// keys. What is promised is what the new weights keep; refused where that is less than half as exact
    #[arg(long, value_name = "FILE", conflicts_with_all = ["precision", "agreement"])]
    pub like: Option<PathBuf>,
    /// For an ONNX file: a YAML file with `purpose`, `limits` and `license`, for `hemet inspect --card`; for a run they
    /// stand in its experiment
    #[arg(long, value_name = "FILE")]
    pub card: Option<PathBuf>,
    /// Write over FILE even where it holds another network, or something that is no artifact
    #[arg(long)]
    pub force: bool,
    /// Print what was chosen as JSON
    #[arg(long)]
    pub json: bool,
}

impl Args {
    /// Refuses options that a run folder decides itself.
    fn only_for_onnx(&self) -> Result<(), Error> {
        let given = [
            ("--key-memory", self.key_memory.is_some()),
            ("--parameters", self.parameters == Parameters::Uniform),
            ("--input-range", self.input_range.is_some()),
            ("--fit-activations", self.fit_activations.is_some()),
            ("--output", !self.output.is_empty()),
            ("--calibrate", self.calibrate.is_some()),
            ("--costs", self.costs.is_some()),
            ("--output-range", self.output_range.is_some()),
            ("--relative-precision", self.relative_precision),
            ("--card", self.card.is_some()),
            (
                "--resize, --crop, --gray, --mean or --deviation",
                self.pictures.is_given(),
            ),
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

/// How parameters are chosen.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Parameters {
    /// For the least latency at the promised precision
    #[default]
    Chosen,
    /// All of one size, for comparison alone
    Uniform,
}

impl From<Parameters> for hemet_compiler::Primes {
    fn from(parameters: Parameters) -> Self {
        match parameters {
            Parameters::Chosen => Self::Fitted,
            Parameters::Uniform => Self::Uniform,
        }
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    if !args.force {
        place::check(args)?;
    }
    let earlier = args.like.as_deref().map(Earlier::read).transpose()?;
    let like = earlier.as_ref().and_then(Earlier::numbers);
    let model: Box<dyn Model> = match args.source.is_dir() {
        true => {
            args.only_for_onnx()?;
            let trial = args.trial.ok_or_else(|| {
                Error::user("a run folder holds many networks; choose one with --trial")
            })?;
            trial::from_run(args, trial, like)?
        }
        false => Box::new(onnx::from_onnx(args, like)?),
    };
    if let Some(earlier) = &earlier {
        earlier.check_keys(model.as_ref())?;
    }
    match model.manifest().device {
        Some(_) => schemes::write(model.as_ref(), &args.out)?,
        None => hemet_files::write_atomically(&args.out, &model.to_bytes()?)?,
    }
    if args.json {
        let artifact = Artifact::read(&args.out).map_err(|e| Error::file(&args.out, e))?;
        return common::print_json(&Chosen::of(&artifact));
    }
    let manifest = model.manifest();
    println!("{} compiled to {}", manifest.network, args.out.display());
    if let Some(device) = &manifest.device {
        println!(
            "{} layers run on the client in the clear: {} has them, PUBLIC, for clients; the server needs {} alone",
            device.layers,
            schemes::spec_beside(&args.out).display(),
            args.out.display()
        );
    }
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
    /// Of a steady answer on one thread, all constants encoded.
    predicted_latency_ms: Option<f64>,
    /// Of the first answer under a client's keys, likewise.
    predicted_first_ms: Option<f64>,
    /// Largest error of a logit that is promised.
    promised_error: Option<f64>,
    log_n: u32,
    log_qp: f64,
    special_primes: usize,
    evaluation_key_bytes: u64,
    /// Layers that clients run, and their multiplications for one input.
    #[serde(skip_serializing_if = "Option::is_none")]
    device_layers: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_products: Option<u64>,
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
            predicted_first_ms: manifest.predicted_first_ms(),
            promised_error: manifest.promise.as_ref().map(|promise| promise.error),
            log_n: parameters.log_n(),
            log_qp: parameters.log_qp_bits(),
            special_primes: parameters.special().len(),
            evaluation_key_bytes: artifact.schedule.key_bytes().sent,
            device_layers: manifest.device.as_ref().map(|device| device.layers),
            device_products: manifest.device.as_ref().map(|device| device.products),
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
