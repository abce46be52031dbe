//! The search's side: hands trials out, waits for them, shows signs of life.

use std::fmt::Display;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hemet_queue::{
    Address, Answer, GREATEST_TEXT, Key, Purpose, Queue, StudyRecord, TaskId, new_id,
};
use hemet_search::study::{Delivery, Event, Job, read_sound_journal};
use hemet_search::train::{OnEpoch, TrainOutcome};
use hemet_search::{Error as SearchError, Outcome};
use serde::{Deserialize, Serialize};

use super::local::LocalWorkers;
use super::{ATTEMPTS, Hired, Record};
use crate::common::percent;
use crate::error::Error;
use crate::experiment::Experiment;
use crate::run::folder::RunFolder;
use crate::run::train::TrialTraining;

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
    key: Key,
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
        let trials = read_sound_journal(&journal, experiment.space()?)?;
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
        let key = storage.key.clone();
        let tally = Tally::of_journal(run, experiment)?;
        let name = &experiment.name;
        let queue = Queue::create(&storage.address)?;
        let study = entry(run, name)?;
        let entered = StudyRecord {
            id: study.clone(),
            name: name.clone(),
            record: record.seal(&key, &study)?,
        };
        queue.enter(&entered)?;
        queue.renew(&study)?;
        let local = (workers > 0).then(|| {
            let hired = Hired {
                storage: storage.text.clone(),
                study: study.clone(),
                key: key.to_hex(),
                run: run.root.clone(),
            };
            LocalWorkers::start(&hired, workers)
        });
        let shared = Arc::new(Shared {
            queue,
            study,
            key,
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
    /// What no worker that does its work can have sent is a failed trial, with its reason.
    ///
    /// # Errors
    /// A network that cannot be trained; a queue that is gone; workers that cannot work.
    pub fn train(
        &self,
        job: &Job<'_>,
        training: &TrialTraining<'_>,
        on_epoch: &mut OnEpoch<'_>,
        heard: &dyn Fn(usize),
    ) -> Result<TrainOutcome, SearchError> {
        let (queue, study, key) = (&self.shared.queue, &self.shared.study, &self.shared.key);
        let order = key.seal(Purpose::Order, study, &job.order.to_json()?);
        if order.len() > GREATEST_TEXT {
            let (found, number) = (order.len(), job.order.number);
            return Err(SearchError::Elsewhere(format!(
                "the order of trial {number} has {found} bytes, at most {GREATEST_TEXT} travel; set search.inherit to false"
            )));
        }
        let task = patiently(|| queue.ask(study, order.clone(), ATTEMPTS))?;
        let refused = |why: &dyn Display| {
            let reason = format!("the delivery of its worker is refused: {why}");
            Ok(TrainOutcome::Diverged { reason })
        };
        // The queue keeps a text with `"` as two characters.
        let limit = 2 * Delivery::greatest_length(training.graph(), training.epochs());
        let wait = Wait { task, limit, heard };
        match self.wait(&wait, job.stopped)? {
            None => Ok(TrainOutcome::Cancelled),
            Some(Answer::Done(sealed)) => match received(key, study, &order, &sealed, training) {
                Ok(delivery) => delivery.tell(on_epoch),
                Err(why) => refused(&why),
            },
            Some(Answer::TooLong(found)) => {
                refused(&format!("it has {found} bytes, at most {limit} are read"))
            }
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
        wait: &Wait<'_>,
        stopped: &(dyn Fn() -> bool + Sync),
    ) -> Result<Option<Answer>, SearchError> {
        let (queue, study) = (&self.shared.queue, &self.shared.study);
        let mut looked = Instant::now();
        loop {
            let answer = patiently(|| queue.answer(study, wait.task, wait.limit))?;
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
                if let Ok(Some(epoch)) = queue.heard(wait.task) {
                    (wait.heard)(epoch as usize);
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
        told?;
        shared.queue.clear(&shared.study)?;
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

/// What is waited for.
struct Wait<'a> {
    task: TaskId,
    /// Longer answers are not read; bytes.
    limit: u64,
    /// Is told how many epochs are done.
    heard: &'a dyn Fn(usize),
}

/// Of how many validation images one may be classified otherwise on another machine, whose sums of floats have another
/// order: one whose two greatest logits are almost equal.
const IMAGES_PER_DIFFERENCE: f64 = 500.0;

/// A delivery that answers this order, that its training can have made, and whose weights are as accurate as it says.
fn received(
    key: &Key,
    study: &str,
    order: &str,
    sealed: &str,
    training: &TrialTraining<'_>,
) -> Result<Delivery, String> {
    let text = key
        .open(Purpose::Delivery(order), study, sealed)
        .map_err(|e| e.to_string())?;
    let delivery = Delivery::from_json(text).map_err(|e| e.to_string())?;
    let (graph, recipe) = (training.graph(), training.recipe());
    delivery.check(training.order(), graph, recipe, training.epochs())?;
    let Some(told) = delivery.trained() else {
        return Ok(delivery);
    };
    let measured = training
        .accuracy(&told.weights)
        .map_err(|e| e.to_string())?;
    let images = training.validation_images() as f64;
    let allowed = (images / IMAGES_PER_DIFFERENCE).ceil() / images;
    match (measured - told.accuracy).abs() <= allowed {
        true => Ok(delivery),
        false => Err(format!(
            "its weights classify {} of the validation images correctly, not {} as it says",
            percent(measured),
            percent(told.accuracy)
        )),
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
    /// The key by which search and workers know each other.
    pub key: Key,
}

impl Storage {
    /// Of what was given.
    pub fn new(address: Address, text: &str, key: Key) -> Self {
        Self {
            address,
            text: text.to_owned(),
            key,
        }
    }

    /// The file in the run folder.
    pub fn in_run(run: &RunFolder, key: Key) -> Result<Self, Error> {
        let root = std::path::absolute(&run.root).map_err(|e| Error::file(&run.root, e))?;
        let address = Address::in_folder(&root);
        let text = format!("sqlite://{address}");
        Ok(Self { address, text, key })
    }
}

/// The id of the search in this run folder, a new one where it has none.
fn entry(run: &RunFolder, name: &str) -> Result<String, Error> {
    let path: PathBuf = run.root.join("queue.json");
    if path.exists() {
        let text = std::fs::read_to_string(&path).map_err(|e| Error::file(&path, e))?;
        let entry: Entry = serde_json::from_str(&text).map_err(|e| Error::file(&path, e))?;
        hemet_queue::check_id(&entry.study).map_err(|e| Error::file(&path, e))?;
        return Ok(entry.study);
    }
    let study = new_id(name);
    let entry = Entry {
        study: study.clone(),
    };
    let text = serde_json::to_string(&entry)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{Text, parse};
    use crate::run::images::load;
    use crate::run::train::ExperimentData;
    use hemet_search::study::Order;
    use hemet_search::train::{EpochReport, Trained};
    use hemet_spaces::Weights;

    const EXPERIMENT: &str = "\
name: e
data: {set: optdigits}
space: {input: [1, 8, 8], classes: 10, blocks: [{name: b, options: [{conv: {width: 4}}]}]}
search: {strategy: random, trials: 1}
train: {epochs: 1}
";

    /// What a worker without scruples sends for a network that it has not trained, and what comes of it.
    #[test]
    fn forged_deliveries_are_refused_with_the_reason_and_an_honest_one_is_not() {
        let text = Text::of(std::path::Path::new("e.yaml"), EXPERIMENT).expect("a text");
        let experiment: Experiment = parse(&text).expect("an experiment");
        let folder = tempfile::tempdir().expect("a folder");
        let run = RunFolder {
            root: folder.path().to_owned(),
        };
        let images = load(&experiment).expect("embedded").train;
        let data = ExperimentData::of(&experiment, &images, &run).expect("both parts");
        let space = experiment.space().expect("a space");
        let order = Order {
            number: 3,
            architecture: space.mobile(),
            contest: None,
            inherited: None,
        };
        let training = TrialTraining::of(&data, &order).expect("a network");
        let mut rng = hemet_search::Seed::new(1).rng();
        let weights = Weights::random(training.graph(), &mut rng);
        let honest = training.accuracy(&weights).expect("they fit");
        let report = EpochReport {
            epoch: 1,
            epochs: 1,
            loss: 2.0,
            training_accuracy: honest,
            validation_accuracy: None,
        };
        let delivery = |accuracy: f64, weights: &Weights| {
            let delivery = Delivery::Ended {
                outcome: TrainOutcome::Complete(Trained {
                    weights: weights.clone(),
                    accuracy,
                    epochs: vec![report],
                }),
                epochs: vec![report],
            };
            delivery.to_json().expect("written").expect("told")
        };
        let mut renamed = weights.clone();
        let tensor = renamed.tensors.pop_first().expect("some").1;
        renamed.tensors.insert("stem.other".into(), tensor);
        let (key, stranger) = (Key::random(), Key::random());
        let sealed_order = key.seal(Purpose::Order, "s", "the order");
        let seal = |key: &Key, text: &str| key.seal(Purpose::Delivery(&sealed_order), "s", text);
        let received = |sealed: &str| received(&key, "s", &sealed_order, sealed, &training);
        let good = seal(&key, &delivery(honest, &weights));
        assert_eq!(received(&good).map(|d| d.trained().is_some()), Ok(true));
        for (sealed, why) in [
            (seal(&key, &delivery(1.0, &weights)), "100.00 % as it says"),
            (seal(&key, &delivery(f64::NAN, &weights)), "NaN"),
            (seal(&key, &delivery(honest, &renamed)), "stem.other"),
            (seal(&key, "{}"), "message"),
            (seal(&stranger, &delivery(honest, &weights)), "no holder"),
            (delivery(honest, &weights), "no holder"),
            (String::new(), "no holder"),
            (
                key.seal(
                    Purpose::Delivery("another"),
                    "s",
                    &delivery(honest, &weights),
                ),
                "no holder",
            ),
        ] {
            let refused = received(&sealed).expect_err(why);
            assert!(refused.contains(why), "{refused}");
        }
    }
}
