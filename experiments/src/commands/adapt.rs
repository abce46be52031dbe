//! `hemet adapt`: a network that was trained on public images learns from a few labeled images of another kind.

use std::path::PathBuf;
use std::time::Instant;

use hemet_search::data::TrainTest;
use hemet_search::{Outcome, Seed, Trial};
use hemet_spaces::{LayerGraph, Scheme, Weights};
use serde::Serialize;

use crate::common::{self, Output};
use crate::error::Error;
use crate::experiment::{self, Experiment};
use crate::finish::{self, ending::Ending};
use crate::run::adapt::{self, Adaptation, Adapted};
use crate::run::clock::Clock;
use crate::run::folder::RunFolder;
use crate::run::images;
use crate::run::ranges::Ranges;
use crate::run::train::Split;
use crate::schemes::{CostSource, SchemeCosts};

/// Adapt a network to images of another kind, of which few have labels
///
/// Takes the weights of a trial, learns on from images of the run and from N labeled images a class of the other set
/// (chosen by the seed), gives batch norms the statistics of the other images without labels, and compiles the result
/// into a run folder of its own. The table compares it with the network as it was, with the statistics alone, and with
/// one that learned from the few labels alone, on the other set's test images.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet adapt runs/public --trial 12 --set image_folder --data photos --labels 10\n  hemet adapt runs/drawn --trial 3 --set optdigits --labels 10 --limit 0 --json"
)]
pub struct Args {
    /// The run folder
    pub run: PathBuf,
    /// Number of the trial, as the report and journal.jsonl name it
    #[arg(long, value_name = "N")]
    pub trial: usize,
    /// The data set to adapt to
    #[arg(long, value_name = "SET")]
    pub set: String,
    /// Folder of that set's files, if it is not embedded
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Folder of the files of the run's own set, if it is not embedded and lies elsewhere than at the time of the
    /// search
    #[arg(long, value_name = "DIR")]
    pub source_data: Option<PathBuf>,
    /// Labeled images of each class
    #[arg(long, value_name = "N")]
    pub labels: usize,
    /// Which images have labels, and all other random choices; without it, the experiment's seed
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    /// Passes over the run's own images; without it, half as many as the experiment's
    #[arg(long, value_name = "E")]
    pub epochs: Option<usize>,
    /// Options of the training that differ from the experiment's, as YAML, such as '{range_penalty: 1, shift: 1}'
    #[arg(long, value_name = "YAML")]
    pub options: Option<String>,
    /// Adapt with the labels of all images too, as an upper bound
    #[arg(long)]
    pub all_labels: bool,
    /// How many test images of the other set are classified encrypted; 0 means all; without it, as many as the
    /// experiment says
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// The new run folder; without it, RUN-SET
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// What standard output is for
    #[command(flatten)]
    pub output: Output,
}

/// What an adaptation gave, for scripts and in `adapt.json`. Accuracies are of the other set's test images, 0 to 1.
#[derive(Serialize)]
struct Summary {
    trial: usize,
    set: String,
    labels: usize,
    seed: u64,
    source_only: f64,
    /// With the batch-norm statistics of unlabeled images.
    statistics: f64,
    target_only: f64,
    adapted: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    all_labels: Option<f64>,
    test_images: usize,
    encrypted: f64,
    encrypted_images: usize,
    /// Encrypted images that have the class of the clear network.
    agreement: f64,
    /// Share of images that drive a polynomial beyond its range.
    out_of_range: f64,
    run: PathBuf,
    artifact: PathBuf,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let start = Instant::now();
    let task = Task::read(args)?;
    let Task { target, sets, .. } = &task;
    let split = Split::of(&task.source, &images::load(&task.source)?.train)?;
    let adaptation = Adaptation {
        graph: &task.graph,
        weights: &task.weights,
        source: &split.training,
        target: sets,
        labels: args.labels,
        options: &target.train,
        seed: Seed::new(target.seed),
        quiet: args.output.json,
    };
    let few = adaptation.few()?;
    let run = folder(args)?;
    let adapted = adaptation.run(&few, args.all_labels)?;
    let (weights, range) = (&adapted.trained.weights, target.train.range);
    let ranges = Ranges::of(&task.graph, weights, few.unlabeled(), range)?;
    show(&adapted, sets, args);
    ranges.check(&args.set)?;
    let best = task.finish(&run, &adapted, start)?.best;
    let told = Summary {
        trial: args.trial,
        set: args.set.clone(),
        labels: args.labels,
        seed: target.seed,
        source_only: adapted.source_only,
        statistics: adapted.statistics,
        target_only: adapted.target_only,
        adapted: adapted.adapted,
        all_labels: adapted.all_labels,
        test_images: sets.test.len(),
        encrypted: best.encrypted_accuracy,
        encrypted_images: best.encrypted_images,
        agreement: best.agreement,
        out_of_range: ranges.outside as f64 / ranges.images.max(1) as f64,
        run: run.root.clone(),
        artifact: run.artifact_path(),
    };
    let json = serde_json::to_string_pretty(&told)?;
    run.write(&run.root.join("adapt.json"), json.as_bytes())?;
    if args.output.json {
        return common::print_json(&told);
    }
    println!(
        "encrypted        {} of {} images",
        common::percent(told.encrypted),
        told.encrypted_images
    );
    println!("artifact         {}", told.artifact.display());
    Ok(())
}

/// What is adapted, and to what.
struct Task {
    run: RunFolder,
    trial: Trial,
    source: Experiment,
    graph: LayerGraph,
    weights: Weights,
    /// The experiment of the new run folder.
    target: Experiment,
    sets: TrainTest,
}

impl Task {
    fn read(args: &Args) -> Result<Self, Error> {
        let run = RunFolder::open(&args.run)?;
        let mut source = run.experiment()?;
        if args.source_data.is_some() {
            source.data.path.clone_from(&args.source_data);
        }
        let trial = run.trial(&source, args.trial)?;
        let space = source.space()?;
        if space.scheme(&trial.architecture) != Scheme::Ckks || source.is_regression() {
            return Err(Error::user(format!(
                "trial {} is no classifier of scheme ckks; only those are adapted",
                args.trial
            )));
        }
        if source.deploy.prefix.is_some() {
            return Err(Error::user(
                "networks behind a prefix are not adapted; search again on the target's images",
            ));
        }
        let graph = space.graph(&trial.architecture)?;
        let weights = weights(&run, &trial, &graph)?;
        let mut target = target(args, &source)?;
        let sets = images::read(&target)?;
        target.encrypted_images = match args.limit {
            Some(0) => sets.test.len(),
            limit => limit.unwrap_or(target.encrypted_images),
        };
        Ok(Self {
            run,
            trial,
            source,
            graph,
            weights,
            target,
            sets,
        })
    }

    /// Writes the new run folder, compiles the network and classifies images encrypted.
    fn finish(
        &self,
        run: &RunFolder,
        adapted: &Adapted,
        start: Instant,
    ) -> Result<crate::run::summary::Summary, Error> {
        let experiment = &self.target;
        run.write(&run.experiment_path(), experiment.to_yaml()?.as_bytes())?;
        let costs = std::fs::read(self.run.costs_path());
        let costs = costs.map_err(|e| Error::file(&self.run.costs_path(), e))?;
        run.write(&run.costs_path(), &costs)?;
        let own = Trial {
            number: 0,
            outcome: Outcome::Complete {
                accuracy: adapted.trained.accuracy,
            },
            rungs: Vec::new(),
            stopped_at: None,
            ..self.trial.clone()
        };
        let (weights, epochs) = (&adapted.trained.weights, &adapted.trained.epochs);
        run.study()?.adopt(&own, weights, epochs)?;
        let source = CostSource {
            run: Some(run),
            kept_only: true,
            ..CostSource::default()
        };
        let schemes = experiment.space()?.schemes();
        let costs = SchemeCosts::of(schemes, Some(experiment), &source)?;
        let ending = Ending {
            experiment,
            sets: &self.sets,
            images: &self.sets,
            costs: &costs,
            run,
        };
        finish::finish(&ending, &[own], &Clock::resume(run, start)?)
    }
}

/// The weights that are adapted: those of `hemet train`, where there are some.
fn weights(run: &RunFolder, trial: &Trial, graph: &LayerGraph) -> Result<Weights, Error> {
    let path = run.trained_file(trial.number, "safetensors");
    match path.exists() {
        true => common::read_weights(&path, graph),
        false => Ok(run.study()?.read_weights(trial.number)?),
    }
}

/// The experiment of the new run folder.
fn target(args: &Args, source: &Experiment) -> Result<Experiment, Error> {
    let known = hemet_search::data::source(&args.set)?;
    if known.is_regression() {
        return Err(Error::user(format!(
            "{} holds values; a network is adapted to classes",
            args.set
        )));
    }
    let mut target = source.clone();
    target.name = format!("{}-{}", source.name, args.set);
    target.data.set.clone_from(&args.set);
    target.data.path.clone_from(&args.data);
    target.seed = args.seed.unwrap_or(source.seed);
    target.search.trials = 1;
    target.search.baseline = None;
    target.search.halving = None;
    target.choose = experiment::Choose::default();
    let half = source.train.epochs.div_ceil(2);
    target.train = match &args.options {
        None => source.train.clone(),
        Some(text) => {
            let text = experiment::Text::of(std::path::Path::new("--options"), text)?;
            experiment::over(&source.train, &text)?
        }
    };
    target.train.epochs = args.epochs.unwrap_or(half);
    target.train = adapt::options(&target.train);
    target.train.check()?;
    Ok(target)
}

/// The new run folder, which must not be there yet.
fn folder(args: &Args) -> Result<RunFolder, Error> {
    let root = args.out.clone().unwrap_or_else(|| {
        let mut name = args.run.as_os_str().to_owned();
        name.push(format!("-{}", args.set));
        name.into()
    });
    let run = RunFolder { root };
    match run.root.exists() {
        true => Err(Error::file(
            &run.root,
            "it is there already; another --out keeps it",
        )),
        false => Ok(run),
    }
}

/// The accuracies in a table.
fn show(adapted: &Adapted, sets: &TrainTest, args: &Args) {
    if args.output.json {
        return;
    }
    println!("{} test images of {}", sets.test.len(), args.set);
    let rows = [
        ("source only", Some(adapted.source_only)),
        ("with statistics", Some(adapted.statistics)),
        ("target only", Some(adapted.target_only)),
        ("adapted", Some(adapted.adapted)),
        ("all labels", adapted.all_labels),
    ];
    for (name, share) in rows {
        if let Some(share) = share {
            println!("{name:<16} {}", common::percent(share));
        }
    }
}
