//! `hemet worker`: trains trials of searches that hand them out.

use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hemet_queue::{Address, Heartbeat, Queue, Request, Serve, StudyRow, serve};

use crate::error::Error;
use crate::workers::trainer::Trainer;
use crate::workers::{ATTEMPTS, Hired, LOCAL_HEARTBEAT, Record};

/// Train trials of searches that hand them out, on this machine or many
///
/// Takes trials of the study that has run longest, one at a time, until it ends, then of the next. May be started
/// before the search and on as many machines as wanted; one that dies loses nothing, its trial goes to another.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet worker --storage postgres://me@host/hemet --data data\n  \
    PGPASSWORD=… hemet worker --storage postgres://me@host/hemet --study digits --idle-minutes 30\n  \
    hemet worker --storage runs/digits"
)]
pub struct Args {
    /// Where trials come from: a PostgreSQL database (PGPASSWORD may hold the password), or a run folder on this
    /// machine
    #[arg(long, value_name = "URL|RUN", required_unless_present = "hired")]
    pub storage: Option<String>,
    /// Only trials of the study with this name or id; without it, of any
    #[arg(long, value_name = "STUDY")]
    pub study: Option<String>,
    /// Folder of the data set's files on this machine, if the search has it elsewhere
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Folder for checkpoints and teachers; on a shared disk another worker goes on where one died
    #[arg(long, value_name = "DIR")]
    pub scratch: Option<PathBuf>,
    /// End after so many minutes without a study that runs
    #[arg(long, value_name = "M", default_value_t = 10.0)]
    pub idle_minutes: f64,
    /// Started by a search, which tells the rest on standard input and whose end is this worker's
    #[arg(long, hide = true, conflicts_with_all = ["storage", "study", "data", "scratch"])]
    pub hired: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    match &args.storage {
        Some(storage) if !args.hired => free(args, storage),
        Some(_) | None => hired(),
    }
}

/// A worker of one search on this machine.
fn hired() -> Result<(), Error> {
    let mut stdin = std::io::stdin().lock();
    let mut line = String::new();
    stdin
        .read_line(&mut line)
        .map_err(|e| Error::user(format!("cannot read standard input: {e}")))?;
    drop(stdin);
    let hired: Hired = serde_json::from_str(&line)
        .map_err(|e| Error::user(format!("--hired is for searches to use: {e}")))?;
    std::thread::spawn(|| {
        // Nothing more comes: it ends when the search does, however that happens.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let address = Address::parse(&hired.storage)?;
    let queue = Queue::open(&address)?;
    let record = Record::from_json(&queue.record(&hired.study)?)?;
    let trainer = Trainer::new(&record, None, hired.run, true)?;
    let may_end = |study: Option<&StudyRow>| study.is_none_or(|study| !study.open);
    serve_study(&queue, &hired.study, trainer, LOCAL_HEARTBEAT, may_end)
}

/// A worker of whatever study runs.
fn free(args: &Args, storage: &str) -> Result<(), Error> {
    let address = Address::parse(storage)?;
    let queue = Queue::open(&address)?;
    let idle = Duration::try_from_secs_f64(60.0 * args.idle_minutes)
        .map_err(|e| Error::user(format!("--idle-minutes {}: {e}", args.idle_minutes)))?;
    let own = tempfile::tempdir()
        .map_err(|e| Error::user(format!("cannot make a temporary folder: {e}")))?;
    eprintln!("waiting for studies in {address}");
    let mut since = Instant::now();
    loop {
        let studies = queue.studies()?;
        let wanted = |study: &&StudyRow| {
            let name = args.study.as_deref();
            study.is_running() && name.is_none_or(|name| study.id == name || study.name == name)
        };
        let Some(study) = studies.iter().find(wanted) else {
            if since.elapsed() >= idle {
                eprintln!("no study runs; {:.1} minutes idle", args.idle_minutes);
                return Ok(());
            }
            std::thread::sleep(Duration::from_secs(1));
            continue;
        };
        eprintln!("study {}", study.id);
        let record = Record::from_json(&queue.record(&study.id)?)?;
        let trainer = trainer(args, &record, &address, &study.id, own.path())?;
        let heartbeat = match address {
            Address::File(_) => LOCAL_HEARTBEAT,
            Address::Postgres(_) => Heartbeat::default(),
        };
        let may_end = |study: Option<&StudyRow>| study.is_none_or(|study| !study.is_running());
        serve_study(&queue, &study.id, trainer, heartbeat, may_end)?;
        since = Instant::now();
    }
}

/// The trainer of a study: in the run folder, in the scratch folder that was given, or in one of this worker's `own`.
fn trainer(
    args: &Args,
    record: &Record,
    address: &Address,
    study: &str,
    own: &Path,
) -> Result<Trainer, Error> {
    let data = args.data.as_deref();
    match (&args.scratch, address) {
        (None, Address::File(file)) => {
            let run = file.parent().unwrap_or(Path::new("")).to_owned();
            Trainer::new(record, data, run, true)
        }
        (Some(scratch), _) => Trainer::new(record, data, scratch.join(study), false),
        (None, Address::Postgres(_)) => Trainer::new(record, data, own.join(study), false),
    }
}

fn serve_study(
    queue: &Queue,
    study: &str,
    trainer: Trainer,
    heartbeat: Heartbeat,
    may_end: impl Fn(Option<&StudyRow>) -> bool + Send + Sync + 'static,
) -> Result<(), Error> {
    let serve = Serve {
        study: study.to_owned(),
        worker: serve::new_worker_name("worker"),
        heartbeat,
        attempts: ATTEMPTS,
    };
    let handler = move |request: Request| trainer.answer(&request);
    let served = queue.serve(&serve, Arc::new(handler), Arc::new(may_end));
    let served = served?;
    eprintln!(
        "{} trials done; the study has ended or stopped",
        served.done
    );
    Ok(())
}
