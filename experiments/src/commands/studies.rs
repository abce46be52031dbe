//! `hemet studies`: the searches in a database or a folder, with their trials by state.

use std::path::{Path, PathBuf};

use hemet_queue::{Address, Queue, StudyRow};
use hemet_search::study;
use serde::Serialize;

use crate::common;
use crate::error::Error;
use crate::run::counts::Counts;
use crate::run::folder::RunFolder;
use crate::workers;

/// List searches with their trials by state
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet studies --storage runs\n  hemet studies --storage postgres://me@host/hemet"
)]
pub struct Args {
    /// A PostgreSQL database, a run folder, or a folder of run folders
    #[arg(long, value_name = "URL|FOLDER", default_value = "runs")]
    pub storage: String,
    /// What standard output is for
    #[command(flatten)]
    pub output: common::Output,
}

/// A search, as it is listed.
#[derive(Serialize)]
struct Row {
    study: String,
    /// `running`, `ended`, `interrupted` (it began to hand trials to workers and is gone); `stopped` for a run folder
    /// without workers that has not ended; `damaged` for one that cannot be read.
    state: &'static str,
    complete: usize,
    stopped: usize,
    infeasible: usize,
    failed: usize,
    /// Trained by a worker at this moment.
    training: u64,
    /// Wait for a worker.
    waiting: u64,
    /// Workers that live.
    workers: u64,
    /// What is damaged.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let address = workers::address(&args.storage)?;
    let rows: Vec<Row> = match &address {
        Address::Postgres(_) => {
            let studies = Queue::open(&address)?.studies()?;
            studies.iter().map(Row::of_database).collect()
        }
        Address::File(_) => {
            let folders = folders(Path::new(&args.storage))?;
            folders
                .iter()
                .map(|folder| Row::of_folder(folder))
                .collect()
        }
    };
    if args.output.json {
        return common::print_json(&rows);
    }
    show(&rows);
    Ok(())
}

fn show(rows: &[Row]) {
    let wide = rows.iter().map(|row| row.study.chars().count());
    let wide = wide.fold("study".len(), usize::max);
    println!(
        "{:<wide$} {:<11} {:>8} {:>7} {:>10} {:>6} {:>8} {:>7} {:>7}",
        "study",
        "state",
        "complete",
        "stopped",
        "infeasible",
        "failed",
        "training",
        "waiting",
        "workers"
    );
    for row in rows {
        println!(
            "{:<wide$} {:<11} {:>8} {:>7} {:>10} {:>6} {:>8} {:>7} {:>7}",
            row.study,
            row.state,
            row.complete,
            row.stopped,
            row.infeasible,
            row.failed,
            row.training,
            row.waiting,
            row.workers
        );
    }
    for row in rows {
        if let Some(fault) = &row.fault {
            eprintln!("{}: {fault}", row.study);
        }
    }
}

impl Row {
    fn new(study: String, state: &'static str) -> Self {
        Self {
            study,
            state,
            complete: 0,
            stopped: 0,
            infeasible: 0,
            failed: 0,
            training: 0,
            waiting: 0,
            workers: 0,
            fault: None,
        }
    }

    /// A study of a database: outcomes as its search last told them.
    fn of_database(study: &StudyRow) -> Self {
        let mut told = study
            .progress
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|number| number.parse().ok());
        let mut next = || told.next().unwrap_or(0);
        Self {
            complete: next(),
            infeasible: next(),
            failed: next(),
            training: study.counts.running,
            waiting: study.counts.waiting,
            workers: study.workers,
            ..Self::new(study.id.clone(), study.state())
        }
    }

    /// A run folder. One that cannot be read is a row like any other.
    fn of_folder(root: &Path) -> Self {
        let name = root.display().to_string();
        Self::read(root).unwrap_or_else(|error| Self {
            fault: Some(error.to_string()),
            ..Self::new(name, "damaged")
        })
    }

    /// Whether it runs by the lock that a search holds, outcomes from its journal, trials in flight from its queue,
    /// where it has one.
    fn read(root: &Path) -> Result<Self, Error> {
        let run = RunFolder::open(root)?;
        let experiment = run.experiment()?;
        let journal = root.join("journal.jsonl");
        let counts = Counts::of(&study::read_journal(&journal, experiment.space()?)?);
        let address = Address::in_folder(root);
        let has_queue = matches!(&address, Address::File(file) if file.exists());
        let state = match (run.is_held(), run.summary_path().exists(), has_queue) {
            (true, ..) => "running",
            (false, true, _) => "ended",
            (false, false, true) => "interrupted",
            (false, false, false) => "stopped",
        };
        let mut row = Self {
            complete: counts.complete,
            stopped: counts.stopped,
            infeasible: counts.infeasible,
            failed: counts.failed,
            ..Self::new(root.display().to_string(), state)
        };
        let queued = match has_queue {
            true => Queue::open(&address)?.studies()?,
            false => Vec::new(),
        };
        for study in queued {
            row.training = study.counts.running;
            row.waiting = study.counts.waiting;
            row.workers = study.workers;
        }
        Ok(row)
    }
}

/// The run folders at `folder`: itself, or those in it.
fn folders(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let is_run = |path: &Path| path.join("experiment.yaml").exists();
    if is_run(folder) {
        return Ok(vec![folder.to_owned()]);
    }
    let entries = std::fs::read_dir(folder).map_err(|e| Error::file(folder, e))?;
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| is_run(path))
        .collect();
    found.sort();
    match found.is_empty() {
        true => Err(Error::file(
            folder,
            "it holds no run folders; `hemet search` makes run folders in runs/",
        )),
        false => Ok(found),
    }
}
