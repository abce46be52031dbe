//! `hemet worker`: trains trials of searches that hand them out.

use std::collections::BTreeSet;
use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hemet_queue::{Address, Heartbeat, Key, Purpose, Queue, Request, Serve, StudyRow, serve};

use crate::error::Error;
use crate::run::folder::RunFolder;
use crate::workers::trainer::{DataPlace, Study, Trainer};
use crate::workers::{self, ATTEMPTS, Hired, LOCAL_HEARTBEAT, Record, key};

/// Train trials of searches that hand them out, on this machine or many
///
/// Takes trials of the study that has run longest, one at a time, until it ends, then of the next. May be started
/// before the search and on as many machines as wanted; one that dies loses nothing, its trial goes to another.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet worker --storage postgres://me@host/hemet --key queue.key --data data\n  \
    hemet worker --storage postgres://me@host/hemet --key queue.key --study digits --idle-minutes 30\n  \
    hemet worker --storage runs/digits"
)]
pub struct Args {
    /// Where trials come from: a PostgreSQL database (its password is taken from ~/.pgpass or PGPASSWORD), or a run
    /// folder on this machine
    #[arg(long, value_name = "URL|RUN", required_unless_present = "hired")]
    pub storage: Option<String>,
    /// File of the study's key, a copy of queue.key in the run folder of its search; not needed on a run folder itself.
    /// Studies with another key are left to others
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Only trials of the study with this name or id; without it, of any
    #[arg(long, value_name = "STUDY")]
    pub study: Option<String>,
    /// Folder of the data set's files on this machine, if the search has it elsewhere
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Read the data set where the study says, on a machine where every path that a search may name is fit to be read
    #[arg(long, conflicts_with = "data")]
    pub allow_data_path: bool,
    /// Folder for checkpoints and teachers; on a shared disk another worker goes on where one died
    #[arg(long, value_name = "DIR")]
    pub scratch: Option<PathBuf>,
    /// End after so many minutes without a study that runs
    #[arg(long, value_name = "M", default_value_t = 10.0)]
    pub idle_minutes: f64,
    /// Started by a search, which tells the rest on standard input and whose end is this worker's
    #[arg(long, hide = true, conflicts_with_all = ["storage", "key", "study", "data", "allow_data_path", "scratch"])]
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
    let key = Key::from_hex(&hired.key)?;
    let sealed = queue.record(&hired.study)?;
    let study = Study {
        id: &hired.study,
        record: Record::open(&key, &hired.study, &sealed)?,
        key,
    };
    let trainer = Trainer::new(study, DataPlace::OfRecord, hired.run, true)?;
    let may_end = |study: Option<&StudyRow>| study.is_none_or(|study| !study.open);
    serve_study(&queue, &hired.study, trainer, LOCAL_HEARTBEAT, may_end)
}

/// A worker of whatever study runs.
fn free(args: &Args, storage: &str) -> Result<(), Error> {
    let address = workers::address(storage)?;
    let (queue, key) = open(args, &address)?;
    let idle = Duration::try_from_secs_f64(60.0 * args.idle_minutes)
        .map_err(|e| Error::user(format!("--idle-minutes {}: {e}", args.idle_minutes)))?;
    let own = tempfile::tempdir()
        .map_err(|e| Error::user(format!("cannot make a temporary folder: {e}")))?;
    eprintln!("waiting for studies in {address}");
    let mut since = Instant::now();
    let mut foreign = BTreeSet::new();
    loop {
        let studies = queue.studies()?;
        let wanted = |study: &&StudyRow| {
            let name = args.study.as_deref();
            let named = name.is_none_or(|name| study.id == name || study.name == name);
            study.is_running() && named && !foreign.contains(&study.id)
        };
        let Some(study) = studies.iter().find(wanted) else {
            if since.elapsed() >= idle {
                eprintln!("no study runs; {:.1} minutes idle", args.idle_minutes);
                return Ok(());
            }
            std::thread::sleep(Duration::from_secs(1));
            continue;
        };
        let sealed = queue.record(&study.id)?;
        if let Err(error) = key.open(Purpose::Record, &study.id, &sealed) {
            eprintln!("study {} is left to others: {error}", study.id);
            foreign.insert(study.id.clone());
            continue;
        }
        eprintln!("study {}", study.id);
        let known = Study {
            id: &study.id,
            record: Record::open(&key, &study.id, &sealed)?,
            key: key.clone(),
        };
        let trainer = trainer(args, known, &address, own.path())?;
        let heartbeat = match address {
            Address::File(_) => LOCAL_HEARTBEAT,
            Address::Postgres(_) => Heartbeat::default(),
        };
        let may_end = |study: Option<&StudyRow>| study.is_none_or(|study| !study.is_running());
        serve_study(&queue, &study.id, trainer, heartbeat, may_end)?;
        since = Instant::now();
    }
}

/// The queue, and the key that was given or that lies in the run folder.
fn open(args: &Args, address: &Address) -> Result<(Queue, Key), Error> {
    let given = args.key.as_deref().map(key::read).transpose()?;
    match (given, address) {
        (Some(key), _) => Ok((Queue::open(address)?, key)),
        (None, Address::File(file)) => {
            let queue = Queue::open(address)?;
            let root = file.parent().unwrap_or(Path::new("")).to_owned();
            Ok((queue, key::read(&key::in_run(&RunFolder { root }))?))
        }
        (None, Address::Postgres(_)) => Err(Error::user(
            "workers of a database need the study's key: give --key FILE, a copy of queue.key in the run folder of the search",
        )),
    }
}

/// The trainer of a study: in the run folder, in the scratch folder that was given, or in one of this worker's `own`.
fn trainer(args: &Args, study: Study<'_>, address: &Address, own: &Path) -> Result<Trainer, Error> {
    let id = study.id;
    let data = match (&args.data, address) {
        (Some(data), _) => DataPlace::Own(Some(data)),
        // The run folder is the user's own, and so is the search.
        (None, Address::File(_)) => DataPlace::OfRecord,
        (None, Address::Postgres(_)) if args.allow_data_path => DataPlace::OfRecord,
        (None, Address::Postgres(_)) => DataPlace::Own(None),
    };
    match (&args.scratch, address) {
        (None, Address::File(file)) => {
            let run = file.parent().unwrap_or(Path::new("")).to_owned();
            Trainer::new(study, data, run, true)
        }
        (Some(scratch), _) => Trainer::new(study, data, scratch.join(id), false),
        (None, Address::Postgres(_)) => Trainer::new(study, data, own.join(id), false),
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
