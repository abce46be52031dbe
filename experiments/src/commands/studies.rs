//! `hemet studies`: the searches in a database or a folder, with their trials by state.

use std::path::{Path, PathBuf};

use hemet_queue::{Address, Queue, StudyRow};
use hemet_search::{Outcome, study};
use serde::Serialize;

use crate::common;
use crate::error::Error;
use crate::run::folder::RunFolder;

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
    /// `running`, `interrupted`, `ended`; `stopped` for a run folder without workers that has not ended.
    state: &'static str,
    complete: usize,
    infeasible: usize,
    failed: usize,
    /// Trained by a worker at this moment.
    training: u64,
    /// Wait for a worker.
    waiting: u64,
    /// Workers that live.
    workers: u64,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let address = Address::parse(&args.storage)?;
    let rows = match &address {
        Address::Postgres(_) => {
            let queue = Queue::open(&address)?;
            let studies = queue.studies()?;
            studies.iter().map(row).collect()
        }
        Address::File(_) => folders(Path::new(&args.storage))?
            .iter()
            .map(|folder| of_folder(folder))
            .collect::<Result<Vec<_>, _>>()?,
    };
    if args.output.json {
        return common::print_json(&rows);
    }
    println!(
        "{:<44} {:<11} {:>8} {:>10} {:>6} {:>8} {:>7} {:>7}",
        "study", "state", "complete", "infeasible", "failed", "training", "waiting", "workers"
    );
    for row in &rows {
        println!(
            "{:<44} {:<11} {:>8} {:>10} {:>6} {:>8} {:>7} {:>7}",
            row.study,
            row.state,
            row.complete,
            row.infeasible,
            row.failed,
            row.training,
            row.waiting,
            row.workers
        );
    }
    Ok(())
}

/// A study of a database: outcomes as its search last told them.
fn row(study: &StudyRow) -> Row {
    let mut told = study
        .progress
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|number| number.parse().ok());
    let mut next = || told.next().unwrap_or(0);
    Row {
        study: study.id.clone(),
        state: study.state(),
        complete: next(),
        infeasible: next(),
        failed: next(),
        training: study.counts.running,
        waiting: study.counts.waiting,
        workers: study.workers,
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

/// A run folder: outcomes from its journal, which is the truth; trials in flight from its queue, where it has one.
fn of_folder(root: &Path) -> Result<Row, Error> {
    let run = RunFolder::open(root)?;
    let experiment = run.experiment()?;
    let journal = root.join("journal.jsonl");
    let trials = study::read_journal(&journal, experiment.space()?)?;
    let count = |is: fn(&Outcome) -> bool| trials.iter().filter(|t| is(&t.outcome)).count();
    let ended = run.summary_path().exists();
    let mut found = Row {
        study: root.display().to_string(),
        state: if ended { "ended" } else { "stopped" },
        complete: count(|o| matches!(o, Outcome::Complete { .. })),
        infeasible: count(|o| matches!(o, Outcome::Infeasible { .. })),
        failed: count(|o| matches!(o, Outcome::Failed { .. })),
        training: 0,
        waiting: 0,
        workers: 0,
    };
    let address = Address::in_folder(root);
    if matches!(&address, Address::File(file) if file.exists()) {
        let queue = Queue::open(&address)?;
        for study in queue.studies()? {
            let queued = row(&study);
            if !ended {
                found.state = queued.state;
            }
            (found.training, found.waiting) = (queued.training, queued.waiting);
            found.workers = queued.workers;
        }
    }
    Ok(found)
}
