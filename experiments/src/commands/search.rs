//! `hemet search`: searches a space, compiles the best network and classifies encrypted test images with it.

use std::path::PathBuf;
use std::time::Instant;

use hemet_queue::Address;
use hemet_reports::number;
use hemet_search::data::Dataset;
use hemet_search::study::Resume;

use crate::cli::interrupt::Told;
use crate::common::{self, Output};
use crate::error::Error;
use crate::experiment::Experiment;
use crate::finish::ending::Ending;
use crate::report::{compared, follow};
use crate::run::clock::Clock;
use crate::run::folder::RunFolder;
use crate::run::images;
use crate::run::outlook::Outlook;
use crate::run::resume;
use crate::run::search::Search;
use crate::run::summary::Best;
use crate::run::train::{self, ExperimentData};
use crate::schemes::{self, CostSource, SchemeCosts};
use crate::workers::coordinator::{Coordinator, Storage};
use crate::workers::{self, Record, key};
use crate::{finish, report};

/// Search a space of networks, compile the best and classify encrypted test images with it
///
/// Writes a run folder: journal.jsonl (a line a trial), front.csv, report/ (plot and tables), best.hemet (the
/// compiled network; baseline.hemet, where the experiment has a baseline), summary.json. A search that was stopped
/// goes on with --resume, alone or with workers.
#[derive(clap::Args, Clone, Debug)]
#[command(
    after_help = "Example:\n  hemet search experiments/digits.yaml\n  hemet search experiments/digits.yaml --out runs/digits --resume\n  \
    hemet search experiments/digits.yaml --check\n  \
    hemet search experiments/digits.yaml --seeds 1..3               # what is chance?\n  \
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
    #[arg(long, value_name = "SEED", allow_negative_numbers = true)]
    pub seed: Option<u64>,
    /// Search once with each of these seeds (1..3, or 1,4,9), each in a run folder of its own, NAME-seed1 and so on;
    /// then compare them: what differs between seeds is chance
    #[arg(long, value_name = "SEEDS", conflicts_with_all = ["seed", "check"])]
    pub seeds: Option<Seeds>,
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
    /// Hand trials out through this PostgreSQL database, to `hemet worker --storage URL` on any machines (and to
    /// --workers on this one); without it, worker processes use a file in the run folder. The password is
    /// taken from ~/.pgpass or PGPASSWORD
    #[arg(long, value_name = "URL")]
    pub storage: Option<String>,
    /// Check the experiment and say what its search will be like: networks, the share of them that keep the
    /// constraints, predicted extremes, hours. Nothing is searched or written
    #[arg(long, conflicts_with_all = ["out", "resume", "workers", "storage"])]
    pub check: bool,
    /// Serve the report while the search runs, at this host and port; 0 for a free port, which is printed. Whoever can
    /// reach the address can read the report
    #[arg(long, value_name = "HOST:PORT", num_args = 0..=1, default_missing_value = follow::FREE_PORT, conflicts_with_all = ["check", "seeds"])]
    pub live: Option<String>,
    /// File of the study's key, which workers of a database need too; without it, queue.key in the run folder. Made
    /// where it is missing
    #[arg(long, value_name = "FILE", requires = "storage")]
    pub key: Option<PathBuf>,
    /// What standard output is for
    #[command(flatten)]
    pub output: Output,
}

/// Seeds as a user writes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeds(Vec<u64>);

/// Most seeds of one command.
const MOST_SEEDS: u64 = 100;

impl std::str::FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("write seeds as 1..3 or 1,4,9; up to {MOST_SEEDS} whole numbers, each once");
        let number = |text: &str| text.trim().parse::<u64>().map_err(|_| wrong());
        let seeds = match text.split_once("..") {
            Some((first, last)) => {
                let (first, last) = (number(first)?, number(last.trim_start_matches('='))?);
                match last.checked_sub(first) {
                    Some(more) if more < MOST_SEEDS => (first..=last).collect(),
                    Some(_) | None => return Err(wrong()),
                }
            }
            None => text
                .split(',')
                .map(number)
                .collect::<Result<Vec<u64>, String>>()?,
        };
        let distinct: std::collections::BTreeSet<&u64> = seeds.iter().collect();
        match distinct.len() == seeds.len() && seeds.len() as u64 <= MOST_SEEDS {
            true => Ok(Self(seeds)),
            false => Err(wrong()),
        }
    }
}

/// Runs the command.
pub fn run(args: Args) -> Result<(), Error> {
    match args.seeds.clone() {
        Some(seeds) => run_seeds(&args, &seeds),
        None => run_once(args),
    }
}

/// Searches with one seed after the other and compares what came out.
fn run_seeds(args: &Args, Seeds(seeds): &Seeds) -> Result<(), Error> {
    let experiment = Experiment::read(&args.experiment)?;
    let folder = |seed: &u64| match &args.out {
        Some(out) => out.join(format!("seed{seed}")),
        None => PathBuf::from("runs").join(format!("{}-seed{seed}", experiment.name)),
    };
    let folders: Vec<PathBuf> = seeds.iter().map(folder).collect();
    let taken = folders
        .iter()
        .find(|folder| folder.exists() && !args.resume);
    if let Some(taken) = taken {
        let what = "it is there already; --resume goes on with its search, another --out keeps it";
        return Err(Error::file(taken, what));
    }
    for (seed, folder) in seeds.iter().zip(&folders) {
        let run = RunFolder {
            root: folder.clone(),
        };
        // What has ended is not done again.
        if args.resume && run.summary()?.is_some() {
            continue;
        }
        eprintln!("seed {seed}: {}", folder.display());
        run_once(Args {
            seed: Some(*seed),
            seeds: None,
            out: Some(folder.clone()),
            resume: args.resume && run.experiment_path().exists(),
            ..args.clone()
        })?;
    }
    if folders.len() < 2 {
        return Ok(());
    }
    let runs = folders
        .iter()
        .map(|folder| compared::Compared::read(folder));
    let runs = runs.collect::<Result<Vec<_>, Error>>()?;
    let page = compared::write(&runs, &folders[0].join("report"))?;
    if args.output.json {
        return common::print_json(&compared::json(&runs, &page));
    }
    println!("{}", compared::told(&runs, &page));
    Ok(())
}

fn run_once(args: Args) -> Result<(), Error> {
    let start = Instant::now();
    let address = args.storage.as_deref().map(workers::address).transpose()?;
    let mut experiment = Experiment::read(&args.experiment)?;
    if args.data.is_some() {
        experiment.data.path = args.data.clone();
    }
    experiment.seed = args.seed.unwrap_or(experiment.seed);
    check_options(&experiment, address.is_none() || args.workers.is_some())?;
    let seen = images::seen(&experiment)?;
    if args.check {
        return check(&args, &experiment, &seen.sets().train);
    }
    if args.resume && ended(&args, &experiment)? {
        return Ok(());
    }
    check_table(&args, &experiment)?;
    let live = args.live.as_deref().map(follow::serve).transpose()?;
    let run = folder(&args, &experiment)?;
    let _held = run.hold()?;
    if let Some(page) = live {
        follow::follow(page, &run.root);
    }
    let _told = on_interrupt(&args, &experiment, &run);
    let clock = Clock::resume(&run, start)?;
    let source = CostSource {
        given: args.costs.as_deref(),
        run: Some(&run),
        ..CostSource::default()
    };
    let cost = SchemeCosts::of(experiment.space()?.schemes(), Some(&experiment), &source)?;
    let coordinator = coordinator(&args, address, &experiment, &seen.sets().train, &run)?;
    if let (None, Some(workers)) = (&coordinator, args.workers) {
        experiment.search.workers = usize::from(workers);
    }
    let search = Search {
        data: &ExperimentData::of(&experiment, &seen.sets().train, &run)?,
        cost: &cost,
        clock: &clock,
        run: &run,
        coordinator: coordinator.as_ref(),
    };
    let resume = match args.resume {
        true => Resume::Yes,
        false => Resume::No,
    };
    let trials = search.trials(resume)?;
    coordinator.map_or(Ok(()), Coordinator::end)?;
    let ending = Ending {
        experiment: &experiment,
        sets: seen.sets(),
        images: &seen.images,
        costs: &cost,
        run: &run,
    };
    let summary = finish::finish(&ending, &trials, &clock)?;
    report::show(&run, &experiment, &summary, args.output)?;
    check_exact(&summary.best)?;
    summary.baseline.as_ref().map_or(Ok(()), check_exact)
}

/// Says how many trials are kept where the search is interrupted, and how it goes on.
fn on_interrupt(args: &Args, experiment: &Experiment, run: &RunFolder) -> Told {
    let (run, experiment) = (run.clone(), experiment.clone());
    let file = args.experiment.clone();
    Told::on_interrupt(move || {
        let kept = run
            .trials(&experiment, None)
            .map_or(0, |trials| trials.len());
        format!(
            "interrupted: {kept} of {} trials are done and kept in {root}; go on with\n  hemet search {} --out {root} --resume",
            experiment.search.trials,
            file.display(),
            root = run.root.display()
        )
    })
}

/// Says what the search will be like.
fn check(args: &Args, experiment: &Experiment, images: &Dataset) -> Result<(), Error> {
    let source = CostSource {
        given: args.costs.as_deref(),
        quiet: args.output.json,
        ..CostSource::default()
    };
    let costs = SchemeCosts::of(experiment.space()?.schemes(), Some(experiment), &source)?;
    let outlook = Outlook::of(experiment, images, &costs)?;
    if args.output.json {
        return common::print_json(&outlook);
    }
    let percent = common::percent;
    println!("{} is sound", args.experiment.display());
    println!("networks  {}", outlook.networks);
    println!(
        "feasible  {} of {} that were looked at ({} to {} of all)",
        percent(outlook.feasible_share),
        outlook.looked_at,
        percent(outlook.feasible_low),
        percent(outlook.feasible_high)
    );
    if let (Some(fastest), Some(slowest)) = (outlook.fastest_ms, outlook.slowest_ms) {
        let ms = number::milliseconds;
        println!("latency   {} to {} ms, predicted", ms(fastest), ms(slowest));
    }
    if let (Some(least), Some(greatest)) = (outlook.least_depth, outlook.greatest_depth) {
        println!("depth     {least} to {greatest}");
    }
    if let Some(reason) = &outlook.commonest_reason {
        println!("kept out  mostly by the like of: {reason}");
    }
    match outlook.hours {
        Some(hours) => println!(
            "time      about {} of training here",
            number::duration(3600.0 * hours)
        ),
        None => println!("time      none: no network that was looked at can be trained"),
    }
    Ok(())
}

/// Under an exact scheme every decrypted number must be the integer network's.
fn check_exact(best: &Best) -> Result<(), Error> {
    if !schemes::door(best.scheme).is_exact() || best.max_abs_error == 0.0 {
        return Ok(());
    }
    Err(Error::Check(format!(
        "logits of {} encrypted images differ from the integer network's by up to {}; that is a fault and no noise",
        best.encrypted_images, best.max_abs_error
    )))
}

/// Refuses options that the schemes cannot follow, and a device that is not there, before anything is written; `here`
/// says whether this machine trains.
fn check_options(experiment: &Experiment, here: bool) -> Result<(), Error> {
    for scheme in experiment.space()?.schemes() {
        let recipe = train::recipe(experiment, *scheme);
        recipe.check(&experiment.train)?;
    }
    match here {
        true => Ok(experiment.train.device.check()?),
        false => Ok(()),
    }
}

/// Refuses a cost table that cannot be read, before there is a folder.
fn check_table(args: &Args, experiment: &Experiment) -> Result<(), Error> {
    let Some(given) = args.costs.as_deref() else {
        return Ok(());
    };
    let source = CostSource {
        given: Some(given),
        quiet: true,
        ..CostSource::default()
    };
    let schemes = experiment.space()?.schemes();
    let first: Vec<_> = schemes.iter().min().copied().into_iter().collect();
    SchemeCosts::of(&first, Some(experiment), &source).map(|_| ())
}

/// Whether the search that is to be gone on with has ended, and nothing in its experiment has changed since: then what
/// it found is shown, and nothing is done again.
fn ended(args: &Args, experiment: &Experiment) -> Result<bool, Error> {
    let run = RunFolder {
        root: root(args, experiment),
    };
    let kept = std::fs::read_to_string(run.experiment_path());
    if kept.ok() != Some(experiment.to_yaml()?) || run.is_held() {
        return Ok(false);
    }
    let Some(summary) = run.summary()?.filter(|_| run.artifact_path().exists()) else {
        return Ok(false);
    };
    eprintln!(
        "note: the search in {} has ended; nothing is done again. More trials (`search.trials`) or other `encrypted_images` go on \
         with it, `hemet report` draws its report anew",
        run.root.display()
    );
    report::show(&run, experiment, &summary, args.output)?;
    Ok(true)
}

/// Where the run folder lies.
fn root(args: &Args, experiment: &Experiment) -> PathBuf {
    let runs = PathBuf::from("runs");
    let numbered = |n: u32| match n {
        1 => runs.join(&experiment.name),
        n => runs.join(format!("{}-{n}", experiment.name)),
    };
    // One that came to nothing is free.
    let is_taken = |n: &u32| {
        let root = numbered(*n);
        root.exists()
            && (RunFolder { root: root.clone() }.is_begun()
                || !root.join("experiment.yaml").exists())
    };
    let taken = (1..).take_while(is_taken).count() as u32;
    match (&args.out, args.resume) {
        (Some(out), _) => out.clone(),
        (None, true) => numbered(taken.max(1)),
        (None, false) => numbered(taken + 1),
    }
}

/// The run folder, with the resolved experiment in it.
fn folder(args: &Args, experiment: &Experiment) -> Result<RunFolder, Error> {
    let yaml = experiment.to_yaml()?;
    let run = RunFolder {
        root: root(args, experiment),
    };
    let path = run.experiment_path();
    if path.exists() && !run.is_begun() && !args.resume {
        run.clear()?;
    }
    if path.exists() {
        if !args.resume {
            return Err(Error::file(
                &run.root,
                "it holds a search already; --resume goes on with it, another --out keeps it",
            ));
        }
        resume::check(&path, &Experiment::read(&path)?, experiment)?;
    }
    run.write(&path, yaml.as_bytes())?;
    Ok(run)
}

/// Who hands trials out, where they are to be trained in other processes.
fn coordinator(
    args: &Args,
    address: Option<Address>,
    experiment: &Experiment,
    images: &Dataset,
    run: &RunFolder,
) -> Result<Option<Coordinator>, Error> {
    let asked = args.workers.map_or(0, usize::from);
    if address.is_none() && asked <= 1 {
        return Ok(None);
    }
    let file = args.key.clone().unwrap_or_else(|| key::in_run(run));
    let key = key::read_or_make(&file)?;
    let storage = match address.zip(args.storage.as_deref()) {
        Some((address, text)) => Storage::new(address, text, key),
        None => Storage::in_run(run, key)?,
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
        eprintln!(
            "its trials wait for workers: hemet worker --storage URL --key FILE, with a copy of {}",
            file.display()
        );
    }
    Ok(Some(coordinator))
}

#[cfg(test)]
mod tests {
    use super::Seeds;

    #[test]
    fn seeds_are_a_range_or_a_list_and_nothing_else() {
        let read = |text: &str| text.parse::<Seeds>().map(|Seeds(seeds)| seeds);
        assert_eq!(read("1..3"), Ok(vec![1, 2, 3]));
        assert_eq!(read("1..=3"), Ok(vec![1, 2, 3]));
        assert_eq!(read("9, 4"), Ok(vec![9, 4]));
        assert_eq!(read("7"), Ok(vec![7]));
        for wrong in ["", "3..1", "1,1", "a", "1..", "0..100", "1;2", "-1"] {
            assert!(
                read(wrong).is_err_and(|told| told.contains("1..3")),
                "{wrong}"
            );
        }
    }
}
