//! `hemet train`: trains a network that a search found to the end.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use hemet_search::Trial;
use hemet_search::study::Order;
use hemet_search::train::{EpochReport, TrainOptions, TrainOutcome, Trained, on_threads};
use serde::Serialize;

use crate::cli::interrupt::Told;
use crate::cli::progress::Progress;
use crate::common::{self, Output};
use crate::error::Error;
use crate::experiment::{self, Experiment};
use crate::run::accuracy::Quality;
use crate::run::curves;
use crate::run::folder::RunFolder;
use crate::run::images;
use crate::run::train::{ExperimentData, TrialTraining};

/// Train a network that a search found to the end
///
/// Trains the trial anew with more epochs, on the images and with the options of its experiment, and writes into
/// RUN/trained/: weights, the curves as PNG, SVG and CSV, and a checkpoint after each epoch. Stopped or killed, the
/// same command goes on from there and ends with the same weights. `hemet compile RUN --trial N` then takes these
/// weights.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet train runs/digits --trial 7 --epochs 60\n  hemet compile runs/digits --trial 7 -o model.hemet"
)]
pub struct Args {
    /// The run folder
    pub run: PathBuf,
    /// Number of the trial, as the report and journal.jsonl name it
    #[arg(long, value_name = "N")]
    pub trial: usize,
    /// Epochs; without it, as many as the experiment says
    #[arg(long, value_name = "E")]
    pub epochs: Option<usize>,
    /// Options of the training that differ from the experiment's, as YAML, such as '{ema: 0.999, distillation: 0.5}'
    #[arg(long, value_name = "YAML")]
    pub options: Option<String>,
    /// Folder of the data set's files, if it is not embedded and lies elsewhere than at the time of the search
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// What standard output is for
    #[command(flatten)]
    pub output: Output,
}

/// What a training gave, for scripts and in `trained/trial-NNNN.json`.
#[derive(Serialize)]
struct Summary {
    trial: usize,
    architecture: String,
    epochs: usize,
    validation_accuracy: f64,
    search_validation_accuracy: Option<f64>,
    options: TrainOptions,
    weights: PathBuf,
    curves: PathBuf,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let run = RunFolder::open(&args.run)?;
    let mut experiment = run.experiment()?;
    if args.data.is_some() {
        experiment.data.path.clone_from(&args.data);
    }
    let searched = experiment.train.clone();
    experiment.train = options(args, &searched)?;
    let trial = run.trial(&experiment, args.trial)?;
    let resumable = experiment.train == searched && !experiment.search.inherit;
    if resumable {
        take_over_checkpoint(&run, &experiment, &trial)?;
    }
    let threads = experiment.search.threads(1);
    let trained = on_threads(threads, || trained(args, &run, &experiment, &trial))??;
    let summary = write(&run, &experiment, &trial, &trained)?;
    if args.output.json {
        return common::print_json(&summary);
    }
    let reached = common::percent(summary.validation_accuracy);
    let reached = match experiment.searched() {
        Quality::Accuracy => format!("{reached} of the validation images right"),
        Quality::RSquared => format!("R² {reached} on the validation rows"),
        quality @ (Quality::BalancedAccuracy | Quality::Auc) => {
            format!("{} {reached} on the validation images", quality.name())
        }
    };
    println!(
        "trial #{} trained for {} epochs: {reached}",
        summary.trial, summary.epochs
    );
    if let Some(accuracy) = summary.search_validation_accuracy {
        println!("in the search: {}", common::percent(accuracy));
    }
    println!("curves    {}", summary.curves.display());
    println!("weights   {}", summary.weights.display());
    Ok(())
}

/// The experiment's options with those of the command line in their place.
fn options(args: &Args, searched: &TrainOptions) -> Result<TrainOptions, Error> {
    let mut options = match &args.options {
        None => searched.clone(),
        Some(text) => {
            let text = experiment::Text::of(std::path::Path::new("--options"), text)?;
            experiment::over(searched, &text)?
        }
    };
    options.epochs = args.epochs.unwrap_or(options.epochs);
    options.check()?;
    Ok(options)
}

/// A training that successive halving stopped goes on from where the search left it.
fn take_over_checkpoint(
    run: &RunFolder,
    experiment: &Experiment,
    trial: &Trial,
) -> Result<(), Error> {
    let own = run.trained_checkpoint(trial.number, experiment.train.epochs);
    let folder = run.study()?;
    let left = folder.checkpoint(trial.number);
    if trial.stopped_at.is_none() || own.exists() || !left.exists() {
        return Ok(());
    }
    let bytes = std::fs::read(&left).map_err(|e| Error::file(&left, e))?;
    run.write(&own, &bytes)
}

fn trained(
    args: &Args,
    run: &RunFolder,
    experiment: &Experiment,
    trial: &Trial,
) -> Result<Trained, Error> {
    let images = images::load(experiment)?.train;
    let shared = ExperimentData::of(experiment, &images, run)?;
    let order = Order {
        number: trial.number,
        architecture: trial.architecture.clone(),
        contest: None,
        inherited: None,
    };
    let mut training = TrialTraining::of(&shared, &order)?;
    let checkpoint = run.trained_checkpoint(trial.number, experiment.train.epochs);
    run.make_folder(&checkpoint)?;
    training.checkpoint = Some(&checkpoint);
    training.validate_all = true;
    let _told = on_interrupt(args, experiment, &checkpoint);
    let quiet = args.output.json;
    let epochs = experiment.train.all_epochs() as u64;
    let mut bar = Progress::new("teacher", epochs, quiet);
    let teacher = training.teacher(&mut |report| bar.set(report.epoch as u64, &line(report)));
    bar.finish();
    let teacher = teacher?;
    let mut bar = Progress::new("train", epochs, quiet);
    let outcome = training.run(teacher.as_ref(), &mut |report| {
        bar.set(report.epoch as u64, &line(report));
        ControlFlow::Continue(())
    });
    bar.finish();
    match outcome? {
        TrainOutcome::Complete(trained) => Ok(trained),
        TrainOutcome::Diverged { reason } => Err(Error::Check(reason)),
        TrainOutcome::Cancelled => Err(Error::user("the training was broken off")),
    }
}

/// Says whether epochs are kept where the training is interrupted, and how it goes on.
fn on_interrupt(args: &Args, experiment: &Experiment, checkpoint: &Path) -> Told {
    let (epochs, checkpoint) = (experiment.train.epochs, checkpoint.to_owned());
    let again = format!(
        "hemet train {} --trial {} --epochs {epochs}",
        args.run.display(),
        args.trial
    );
    Told::on_interrupt(move || match checkpoint.exists() {
        true => format!(
            "interrupted: the epochs so far are kept in {}; go on with the same command, such as\n  {again}",
            checkpoint.display()
        ),
        false => "interrupted before the first epoch was kept".to_owned(),
    })
}

/// An epoch in a line.
fn line(report: &EpochReport) -> String {
    let validation = report.validation_accuracy.map_or(String::new(), |share| {
        format!(", validation {}", common::percent(share))
    });
    format!(
        "epoch {} of {}: loss {:.3}, training {}{validation}",
        report.epoch,
        report.epochs,
        report.loss,
        common::percent(report.training_accuracy)
    )
}

/// Under which name the files of a training lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    /// What `hemet compile` takes.
    Best,
    /// Beside it.
    Number(u32),
}

impl Version {
    /// The extension of a file of it.
    fn of(self, extension: &str) -> String {
        match self {
            Version::Best => extension.to_owned(),
            Version::Number(number) => format!("v{number}.{extension}"),
        }
    }
}

/// Keeps what an earlier training of a trial left: the better of both on the validation images is what `hemet compile`
/// takes, the other stays beside it as a version with a number. Gives the name of the new one.
fn make_room(
    run: &RunFolder,
    trial: usize,
    accuracy: f64,
    weights: &[u8],
) -> Result<Version, Error> {
    let file = |version: Version, extension: &str| run.trained_file(trial, &version.of(extension));
    let known = std::fs::read(file(Version::Best, "json")).ok();
    let known = known.and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
    let before = known.and_then(|known| known["validation_accuracy"].as_f64());
    let Some(before) = before.filter(|_| file(Version::Best, "safetensors").exists()) else {
        return Ok(Version::Best);
    };
    if std::fs::read(file(Version::Best, "safetensors")).is_ok_and(|known| known == weights) {
        return Ok(Version::Best);
    }
    let free = (1..)
        .map(Version::Number)
        .find(|version| !file(*version, "json").exists());
    let free = free.unwrap_or(Version::Number(1));
    let percent = common::percent;
    if accuracy < before {
        eprintln!(
            "note: the earlier training of trial #{trial} is better ({} against {} on the validation images) and stays what `hemet compile` \
             takes; this one lies beside it",
            percent(before),
            percent(accuracy)
        );
        return Ok(free);
    }
    for extension in FILES {
        let path = file(Version::Best, extension);
        if path.exists() {
            std::fs::rename(&path, file(free, extension)).map_err(|e| Error::file(&path, e))?;
        }
    }
    eprintln!(
        "note: what the earlier training of trial #{trial} left ({} on the validation images) is kept beside this",
        percent(before)
    );
    Ok(Version::Best)
}

/// The files that a training leaves, by their extensions.
const FILES: [&str; 7] = [
    "json",
    "safetensors",
    "csv",
    "accuracy.svg",
    "accuracy.png",
    "loss.svg",
    "loss.png",
];

fn write(
    run: &RunFolder,
    experiment: &Experiment,
    trial: &Trial,
    trained: &Trained,
) -> Result<Summary, Error> {
    let weights = trained.weights.to_safetensors()?;
    let version = make_room(run, trial.number, trained.accuracy, &weights)?;
    let file = |extension: &str| run.trained_file(trial.number, &version.of(extension));
    let title = format!("{}: training of trial #{}", experiment.name, trial.number);
    curves::write(run, &title, experiment.searched(), &trained.epochs, &file)?;
    let summary = Summary {
        trial: trial.number,
        architecture: experiment.space()?.describe(&trial.architecture)?,
        epochs: trained.epochs.len(),
        validation_accuracy: trained.accuracy,
        search_validation_accuracy: trial.outcome.accuracy(),
        options: experiment.train.clone(),
        weights: file("safetensors"),
        curves: file("accuracy.png"),
    };
    let json = serde_json::to_string_pretty(&summary)?;
    run.write(&file("json"), json.as_bytes())?;
    run.write(&file("safetensors"), &weights)?;
    Ok(summary)
}
