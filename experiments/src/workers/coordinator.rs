//! The search's side: hands trials out, waits for them, shows signs of life.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hemet_queue::studies::new_id;
use hemet_queue::{Address, Answer, Queue, StudyRecord, TaskId};
use hemet_search::study::{Delivery, Event, Job, read_journal};
use hemet_search::train::{OnEpoch, TrainOutcome};
use hemet_search::{Error as SearchError, Outcome};
use serde::{Deserialize, Serialize};

use super::local::LocalWorkers;
use super::{ATTEMPTS, Hired, Record};
use crate::error::Error;
use crate::experiment::Experiment;
use crate::run::folder::RunFolder;

/// How often the answer to an order is looked for.
const LOOK: Duration = Duration::from_millis(200);

/// How often the search looks how far a trial is.
const HEAR: Duration = Duration::from_secs(1);

/// How often the search shows that it lives.
const TELL: Duration = Duration::from_secs(3);

/// How long a database may be away before the search gives up (to be resumed).
const PATIENCE: Duration = Duration::from_secs(120);

/// `queue.json` in the run folder: which study of the queue is this search.
#[derive(Serialize, Deserialize)]
struct Entry {
    study: String,
}

/// A search whose trials run in other processes.
pub struct Coordinator {
    shared: Arc<Shared>,
    local: Option<LocalWorkers>,
    teller: Option<JoinHandle<()>>,
}

struct Shared {
    queue: Queue,
    study: String,
    over: AtomicBool,
    tally: Mutex<Tally>,
}

/// How many trials have ended, by outcome.
#[derive(Clone, Copy, Default)]
struct Tally {
    complete: usize,
    infeasible: usize,
    failed: usize,
}

impl Tally {
    /// Counts a trial.
    fn add(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Complete { .. } => self.complete += 1,
            Outcome::Infeasible { .. } => self.infeasible += 1,
            Outcome::Failed { .. } => self.failed += 1,
        }
    }

    /// What the journal of a search that goes on holds already.
    fn of_journal(run: &RunFolder, experiment: &Experiment) -> Result<Self, Error> {
        let journal = run.root.join("journal.jsonl");
        let trials = read_journal(&journal, experiment.space()?).map_err(Error::user)?;
        let mut tally = Self::default();
        trials.iter().for_each(|trial| tally.add(&trial.outcome));
        Ok(tally)
    }

    fn text(self) -> String {
        format!(
            "{} complete, {} infeasible, {} failed",
            self.complete, self.infeasible, self.failed
        )
    }
}

impl Coordinator {
    /// Enters the search in the queue at `storage`, and starts `workers` processes on this machine that work for it.
    pub fn start(
        run: &RunFolder,
        experiment: &Experiment,
        record: &Record,
        storage: &Storage,
        workers: usize,
    ) -> Result<Self, Error> {
        let tally = Tally::of_journal(run, experiment)?;
        let name = &experiment.name;
        let queue = Queue::create(&storage.address).map_err(Error::user)?;
        let study = entry(run, name)?;
        let entered = StudyRecord {
            id: study.clone(),
            name: name.clone(),
            record: record.to_json()?,
        };
        queue.enter(&entered).map_err(Error::user)?;
        queue.renew(&study).map_err(Error::user)?;
        let local = (workers > 0).then(|| {
            let hired = Hired {
                storage: storage.text.clone(),
                study: study.clone(),
                run: run.root.clone(),
            };
            LocalWorkers::start(&hired, workers)
        });
        let shared = Arc::new(Shared {
            queue,
            study,
            over: AtomicBool::new(false),
            tally: Mutex::new(tally),
        });
        let teller = std::thread::spawn({
            let shared = shared.clone();
            move || shared.tell_until_over()
        });
        Ok(Self {
            shared,
            local: local.transpose()?,
            teller: Some(teller),
        })
    }

    /// Id of the study in the queue.
    pub fn study(&self) -> &str {
        &self.shared.study
    }

    /// Counts what has ended.
    pub fn event(&self, event: &Event<'_>) {
        if let Event::Finished(trial) = event {
            self.shared.tally().add(&trial.outcome);
        }
    }

    /// Has a trial trained by whichever worker takes it; `heard` is told how many epochs are done, while it runs.
    ///
    /// # Errors
    /// A network that cannot be trained; a queue that is gone; workers that cannot work.
    pub fn train(
        &self,
        job: &Job<'_>,
        on_epoch: &mut OnEpoch<'_>,
        heard: &dyn Fn(usize),
    ) -> Result<TrainOutcome, SearchError> {
        let order = job.order.to_json()?;
        let (queue, study) = (&self.shared.queue, &self.shared.study);
        let task = patiently(|| queue.ask(study, order.clone(), ATTEMPTS))?;
        match self.wait(task, job.stopped, heard)? {
            None => Ok(TrainOutcome::Cancelled),
            Some(Answer::Done(text)) => Delivery::from_json(&text)?.tell(on_epoch),
            // Deadly work is this network's fault alone; workers that say that they cannot work are not.
            Some(Answer::GivenUp(reason)) => Ok(TrainOutcome::Diverged { reason }),
            Some(Answer::Failed(why)) => Err(SearchError::Elsewhere(format!(
                "trial {}: no worker could do it; the last said: {why}; mend it and go on with --resume",
                job.order.number
            ))),
        }
    }

    fn wait(
        &self,
        task: TaskId,
        stopped: &(dyn Fn() -> bool + Sync),
        heard: &dyn Fn(usize),
    ) -> Result<Option<Answer>, SearchError> {
        let mut looked = Instant::now();
        loop {
            let answer = patiently(|| self.shared.queue.answer(&self.shared.study, task))?;
            if answer.is_some() {
                return Ok(answer);
            }
            if stopped() {
                return Ok(None);
            }
            if let Some(why) = self.local.as_ref().and_then(LocalWorkers::failure) {
                return Err(SearchError::Elsewhere(why));
            }
            if looked.elapsed() >= HEAR {
                looked = Instant::now();
                // Only shown: a database that is away for a while is noticed above.
                if let Ok(Some(epoch)) = self.shared.queue.heard(task) {
                    heard(epoch as usize);
                }
            }
            std::thread::sleep(LOOK);
        }
    }

    /// The search has ended: tells the workers, which then look for other studies or end.
    pub fn end(mut self) -> Result<(), Error> {
        self.stop_telling();
        let shared = &self.shared;
        let text = shared.tally().text();
        let told = shared.queue.tell(&shared.study, &text, false);
        told.map_err(Error::user)?;
        shared.queue.clear(&shared.study).map_err(Error::user)?;
        if let Some(local) = self.local.take() {
            local.end();
        }
        Ok(())
    }

    fn stop_telling(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        if let Some(teller) = self.teller.take() {
            teller.thread().unpark();
            // It holds nothing that could be left half done.
            let _ = teller.join();
        }
    }
}

impl Drop for Coordinator {
    /// A search that broke off stays open in the queue, for --resume; its own workers end with it.
    fn drop(&mut self) {
        self.stop_telling();
    }
}

impl Shared {
    fn tally(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell_until_over(&self) {
        while !self.over.load(Ordering::SeqCst) {
            let text = self.tally().text();
            // A database that is away for a while is the business of those who wait for answers.
            let _ = self.queue.tell(&self.study, &text, true);
            std::thread::park_timeout(TELL);
        }
    }
}

/// Where a queue lies, as parsed and as given.
pub struct Storage {
    /// The address.
    pub address: Address,
    /// Its text, which may hold a password.
    pub text: String,
}

impl Storage {
    /// Reads what was given.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Ok(Self {
            address: Address::parse(text).map_err(Error::user)?,
            text: text.to_owned(),
        })
    }

    /// The file in the run folder.
    pub fn in_run(run: &RunFolder) -> Result<Self, Error> {
        let root = std::path::absolute(&run.root).map_err(|e| Error::file(&run.root, e))?;
        let address = Address::in_folder(&root);
        let text = format!("sqlite://{address}");
        Ok(Self { address, text })
    }
}

/// The id of the search in this run folder, a new one where it has none.
fn entry(run: &RunFolder, name: &str) -> Result<String, Error> {
    let path: PathBuf = run.root.join("queue.json");
    if path.exists() {
        let text = std::fs::read_to_string(&path).map_err(|e| Error::file(&path, e))?;
        let entry: Entry = serde_json::from_str(&text).map_err(|e| Error::file(&path, e))?;
        return Ok(entry.study);
    }
    let study = new_id(name);
    let entry = Entry {
        study: study.clone(),
    };
    let text = serde_json::to_string(&entry).map_err(Error::user)?;
    run.write(&path, text.as_bytes())?;
    Ok(study)
}

/// Tries again while a database is away.
fn patiently<T>(
    mut attempt: impl FnMut() -> Result<T, hemet_queue::Error>,
) -> Result<T, SearchError> {
    let begun = Instant::now();
    loop {
        match attempt() {
            Ok(value) => return Ok(value),
            Err(hemet_queue::Error::Database { .. }) if begun.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_secs(1));
            }
            Err(error) => {
                return Err(SearchError::Elsewhere(format!(
                    "{error}; the search goes on with --resume"
                )));
            }
        }
    }
}
