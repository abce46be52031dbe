//! `hemet search`: searches a space, compiles the best network and classifies encrypted test images with it.

use std::path::PathBuf;
use std::time::Instant;

use hemet_search::data::Dataset;
use hemet_search::pareto::Point;
use hemet_search::study::{self, Resume, Study, StudyOptions};
use hemet_search::{Seed, strategy, train};
use hemet_spaces::Scheme;

use crate::cli::search_progress::SearchProgress;
use crate::common::Output;
use crate::error::Error;
use crate::experiment::Experiment;
use crate::run::clock::Clock;
use crate::run::folder::RunFolder;
use crate::run::images;
use crate::run::summary::Best;
use crate::run::teachers::Teachers;
use crate::schemes::ckks::compile::{CompilerCosts, SchemeCosts};
use crate::schemes::ckks::costs;
use crate::schemes::tfhe;
use crate::schemes::tfhe::costs::TfheCosts;
use crate::workers::Record;
use crate::workers::coordinator::{Coordinator, Storage};
use crate::{common, finish, report};

/// Search a space of networks, compile the best and classify encrypted test images with it
///
/// Writes a run folder: journal.jsonl (a line a trial), front.csv, report/ (plot and tables), best.hemet (the compiled
/// network; baseline.hemet, where the experiment has a baseline), summary.json. A search that was stopped goes on with --resume, alone or
/// with workers.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet search experiments/digits.yaml\n  hemet search experiments/digits.yaml --out runs/digits --resume\n  \
    hemet search experiments/digits.yaml --workers 2\n  \
    hemet search experiments/mnist.yaml --data data --storage postgres://me@host/hemet"
)]
pub struct Args {
    /// The experiment, a YAML file
    pub experiment: PathBuf,
    /// The run folder; without it, runs/NAME, or runs/NAME-2 and so on where that exists
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Go on with the search in the run folder
    #[arg(long)]
    pub resume: bool,
    /// Another seed than the experiment's, to see what is chance
    #[arg(long, value_name = "SEED")]
    pub seed: Option<u64>,
    /// Folder of the data set's files, if it is not embedded
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Cost table to predict with; without it, that of this machine (measured on the first run)
    #[arg(long, value_name = "FILE")]
    pub costs: Option<PathBuf>,
    /// Trials side by side: 1 trains in this process, more start as many worker processes on this machine. Without it,
    /// threads of this process, as the experiment says. The outcome does not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub workers: Option<u16>,
    /// Hand trials out through this PostgreSQL database, to `hemet worker --storage URL` on any machines (and to --workers
    /// on this one); without it, worker processes use a file in the run folder. PGPASSWORD may hold the password
    #[arg(long, value_name = "URL")]
    pub storage: Option<String>,
    /// What standard output is for
    #[command(flatten)]
    pub output: Output,
}

/// Runs the command.
pub fn run(args: Args) -> Result<(), Error> {
    let start = Instant::now();
    let storage = args.storage.as_deref().map(Storage::parse).transpose()?;
    let mut experiment = Experiment::read(&args.experiment)?;
    if args.data.is_some() {
        experiment.data.path = args.data.clone();
    }
    experiment.seed = args.seed.unwrap_or(experiment.seed);
    check_device(&experiment, storage.is_none() || args.workers.is_some())?;
    let sets = images::load(&experiment)?;
    let run = folder(&args, &experiment)?;
    let clock = Clock::resume(&run, start)?;
    let cost = costs_of(&args, &experiment, &run)?;
    let coordinator = coordinator(&args, storage, &experiment, &sets.train, &run)?;
    if let (None, Some(workers)) = (&coordinator, args.workers) {
        experiment.search.workers = usize::from(workers);
    }
    let trials = search(
        &experiment,
        &sets.train,
        &cost,
        &clock,
        &run,
        (coordinator.as_ref(), args.resume),
    )?;
    coordinator.map_or(Ok(()), Coordinator::end)?;
    let summary = finish::finish(&experiment, &sets, &cost, &run, &trials, &clock)?;
    report::show(&run, &experiment, &summary, args.output)?;
    check_exact(&summary.best)?;
    summary.baseline.as_ref().map_or(Ok(()), check_exact)
}

/// Under an exact scheme every decrypted number must be the integer network's.
fn check_exact(best: &Best) -> Result<(), Error> {
    if best.scheme != Scheme::Tfhe || best.max_abs_error == 0.0 {
        return Ok(());
    }
    Err(Error::Check(format!(
        "logits of {} encrypted images differ from the integer network's by up to {}; that is a fault and no noise",
        best.encrypted_images, best.max_abs_error
    )))
}

/// Refuses a device that cannot be trained on, before anything is written; `here` says whether this machine trains.
fn check_device(experiment: &Experiment, here: bool) -> Result<(), Error> {
    let device = experiment.train.device;
    if device == train::Device::Gpu && experiment.space()?.schemes().contains(&Scheme::Tfhe) {
        return Err(Error::user(
            "train.device is gpu, but scheme tfhe is trained on the CPU alone; set it to cpu, or scheme to ckks",
        ));
    }
    match here {
        true => device.check().map_err(Error::user),
        false => Ok(()),
    }
}

/// The run folder, with the resolved experiment in it.
fn folder(args: &Args, experiment: &Experiment) -> Result<RunFolder, Error> {
    let yaml = experiment.to_yaml()?;
    let runs = PathBuf::from("runs");
    let numbered = |n: u32| match n {
        1 => runs.join(&experiment.name),
        n => runs.join(format!("{}-{n}", experiment.name)),
    };
    let taken = (1..).take_while(|n| numbered(*n).exists()).count() as u32;
    let root = match (&args.out, args.resume) {
        (Some(out), _) => out.clone(),
        (None, true) => numbered(taken.max(1)),
        (None, false) => numbered(taken + 1),
    };
    let run = RunFolder { root };
    let path = run.experiment_path();
    if path.exists() {
        if !args.resume {
            return Err(Error::file(
                &run.root,
                "it holds a search already; --resume goes on with it, another --out keeps it",
            ));
        }
        // Read and written anew: a key may have had another name in the version that wrote it.
        if Experiment::read(&path)?.to_yaml()? != yaml {
            return Err(Error::file(
                &path,
                "the search in this folder is of another experiment; choose another --out",
            ));
        }
    } else {
        run.write(&path, yaml.as_bytes())?;
    }
    Ok(run)
}

/// The costs of the schemes of the experiment's space.
fn costs_of(args: &Args, experiment: &Experiment, run: &RunFolder) -> Result<SchemeCosts, Error> {
    let schemes = experiment.space()?.schemes();
    let ckks = match schemes.contains(&Scheme::Ckks) {
        true => Some(CompilerCosts {
            options: experiment.compile_options()?,
            table: cost_table(args, run)?,
        }),
        false => None,
    };
    let tfhe = match schemes.contains(&Scheme::Tfhe) {
        true => {
            let path = run.tfhe_costs_path();
            let table = match path.exists() {
                true => tfhe::costs::read(&path)?,
                false => tfhe::costs::of_this_machine()?,
            };
            tfhe::costs::keep(&path, &table)?;
            Some(TfheCosts {
                quantization: experiment.quantize.clone(),
                options: experiment.tfhe_options(table),
            })
        }
        false => None,
    };
    Ok(SchemeCosts { ckks, tfhe })
}

/// The table that the search in this folder began with, so that it goes on alike; else the user's or this machine's.
fn cost_table(args: &Args, run: &RunFolder) -> Result<hemet_schedule::CostTable, Error> {
    let path = run.costs_path();
    let kept = path.exists().then(|| costs::read(&path)).transpose()?;
    let given = args.costs.as_deref().map(costs::read).transpose()?;
    let table = match (kept, given) {
        (Some(kept), Some(given)) if kept != given => {
            return Err(Error::file(
                &path,
                "the search in this folder began with another cost table; leave --costs away",
            ));
        }
        (Some(kept), _) => return Ok(kept),
        (None, Some(given)) => given,
        (None, None) => costs::of_this_machine(false)?,
    };
    costs::keep(&path, &table)?;
    Ok(table)
}

/// Who hands trials out, where they are to be trained in other processes.
fn coordinator(
    args: &Args,
    storage: Option<Storage>,
    experiment: &Experiment,
    images: &Dataset,
    run: &RunFolder,
) -> Result<Option<Coordinator>, Error> {
    let asked = args.workers.map_or(0, usize::from);
    let storage = match storage {
        Some(storage) => storage,
        None if asked > 1 => Storage::in_run(run)?,
        None => return Ok(None),
    };
    let lag = experiment.search.lag;
    if asked > lag {
        eprintln!(
            "note: {asked} workers, but search.lag lets {lag} trials be in flight; more workers than that have nothing to do"
        );
    }
    let record = Record::new(experiment, images)?;
    let coordinator = Coordinator::start(run, experiment, &record, &storage, asked)?;
    eprintln!("study {} in {}", coordinator.study(), storage.address);
    if asked == 0 {
        eprintln!("its trials wait for workers: hemet worker --storage URL");
    }
    Ok(Some(coordinator))
}

/// Proposes and trains until the trials are used up.
fn search(
    experiment: &Experiment,
    images: &Dataset,
    cost: &SchemeCosts,
    clock: &Clock<'_>,
    run: &RunFolder,
    (coordinator, resume): (Option<&Coordinator>, bool),
) -> Result<Vec<hemet_search::Trial>, Error> {
    let begun = Instant::now();
    let (training, validation) = images
        .split(
            experiment.data.validation,
            images::validation_seed(experiment),
        )
        .map_err(Error::user)?;
    let space = experiment.space()?;
    eprintln!(
        "searching {} networks on {} ({} training, {} validation images), strategy {}",
        space.size(),
        experiment.data.set,
        training.len(),
        validation.len(),
        experiment.search.strategy
    );
    let folder = study::RunFolder::create(&run.root).map_err(Error::user)?;
    let earlier = study::read_journal(&folder.journal(), space).map_err(Error::user)?;
    let progress = SearchProgress::new(experiment, earlier)?;
    let objectives = experiment.objectives()?;
    let on_event = |event: study::Event<'_>| {
        if let Some(coordinator) = coordinator {
            coordinator.event(&event);
        }
        progress.event(&event);
        clock.tick();
    };
    let data = train::TrainData {
        training: &training,
        validation: &validation,
    };
    let teachers = Teachers::new(run, experiment, data);
    let train_one = |job: &study::Job<'_>, on_epoch: &mut train::OnEpoch<'_>| {
        if let Some(coordinator) = coordinator {
            return coordinator.train(job, on_epoch, &|epoch| {
                progress.heard(job.number, epoch);
                clock.tick();
            });
        }
        if job.scheme == Scheme::Tfhe {
            let training = job.training(data, &experiment.train);
            return train::quantized::run(&training, &experiment.quantize, on_epoch);
        }
        let teacher = teachers.of(job.graph, &mut |_| {})?;
        let mut training = job.training(data, &experiment.train);
        training.teacher = teacher.as_ref();
        training.run(on_epoch)
    };
    let study = Study {
        space,
        strategy: strategy::strategy(&experiment.search.strategy).map_err(Error::user)?,
        cost,
        objectives: &objectives,
        constraints: &experiment.constraints,
        train: &train_one,
        on_event: &on_event,
        should_stop: &|| false,
        out_of_time: &|| {
            experiment
                .search
                .max_minutes
                .is_some_and(|m| begun.elapsed().as_secs_f64() > 60.0 * m)
        },
    };
    let options = options(experiment, coordinator.is_some());
    let resume = if resume { Resume::Yes } else { Resume::No };
    let report = study.run(&folder, &options, resume).map_err(Error::user)?;
    progress.finish();
    if report.trials.iter().all(|t| Point::of(t).is_none()) {
        return Err(Error::user(
            "no trial was trained to the end: loosen the constraints or mend the training; journal.jsonl has the reasons",
        ));
    }
    Ok(report.trials)
}

/// How much to run, on how many threads.
fn options(experiment: &Experiment, elsewhere: bool) -> StudyOptions {
    let search = &experiment.search;
    let workers = match search.workers {
        // Threads that only wait.
        _ if elsewhere => search.lag,
        0 => common::cores(),
        n => n,
    };
    StudyOptions {
        trials: search.trials,
        lag: search.lag,
        workers: workers.min(search.lag),
        seed: Seed::new(experiment.seed),
        baseline: search.baseline,
        halving: search.halving.clone(),
        inherit: search.inherit,
    }
}
