//! Workers that die, stop and go on, over SQLite and PostgreSQL: every piece of work ends exactly once.
//!
//! The workers are processes: this test program, started again with an address in its environment.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hemet_queue::{
    Address, Answer, Heartbeat, Queue, Request, Serve, StudyRecord, TaskId, new_id, serve,
};

/// Missed after two seconds.
const HEARTBEAT: Heartbeat = Heartbeat {
    every: Duration::from_secs(1),
    missed: 2,
};

/// The PostgreSQL database to test with, by its URL; `.ci/run` sets it.
const POSTGRES: &str = "HEMET_TEST_POSTGRES";

/// The URL of the database, or a notice that cannot be overlooked.
fn postgres() -> Option<Address> {
    let Ok(url) = std::env::var(POSTGRES) else {
        // Not `eprintln!`, which the test harness keeps to itself.
        let notice =
            format!("\n*** SKIPPED: PostgreSQL is not tested, as {POSTGRES} is not set ***\n");
        std::io::stderr().write_all(notice.as_bytes()).unwrap();
        return None;
    };
    Some(Address::parse(&url).unwrap())
}

struct World {
    folder: tempfile::TempDir,
    address: Address,
    queue: Queue,
    study: String,
    children: Vec<Child>,
}

impl World {
    fn new(address: Option<Address>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = address.unwrap_or_else(|| Address::in_folder(folder.path()));
        let queue = Queue::create(&address).unwrap();
        let study = new_id("test");
        let record = StudyRecord {
            id: study.clone(),
            name: "test".into(),
            record: "what a worker must know".into(),
        };
        queue.enter(&record).unwrap();
        assert_eq!(queue.record(&study).unwrap(), record.record);
        Self {
            folder,
            address,
            queue,
            study,
            children: Vec::new(),
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn ask(&self, text: &str, attempts: usize) {
        self.queue.ask(&self.study, text.into(), attempts).unwrap();
    }

    fn answer(&self, text: &str) -> Option<Answer> {
        let id = TaskId::of(&self.study, text);
        self.queue.answer(&self.study, id, 1 << 20).unwrap()
    }

    /// Starts a worker; gives its process id.
    fn start(&mut self) -> u32 {
        let url = std::env::var(POSTGRES).unwrap_or_default();
        let address = match &self.address {
            Address::File(path) => format!("sqlite://{}", path.display()),
            Address::Postgres(_) => url,
        };
        let child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "a_worker_that_another_test_starts",
                "--nocapture",
            ])
            .env("HEMET_WORKER_ADDRESS", address)
            .env("HEMET_WORKER_STUDY", &self.study)
            .env("HEMET_WORKER_LOG", self.folder.path().join("log"))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let id = child.id();
        self.children.push(child);
        id
    }

    fn wait(&self, what: &str, done: impl Fn() -> bool) {
        let begun = Instant::now();
        while !done() {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "{what}\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn end(mut self) {
        self.queue.tell(&self.study, "all", false).unwrap();
        for child in &mut self.children {
            child.wait().unwrap();
        }
        let row = self.queue.studies().unwrap();
        let row = row.iter().find(|row| row.id == self.study).unwrap();
        assert_eq!((row.state(), row.progress.as_str()), ("ended", "all"));
        self.queue.clear(&self.study).unwrap();
        let row = self.queue.studies().unwrap();
        let row = row.iter().find(|row| row.id == self.study).unwrap();
        assert_eq!(row.counts, Default::default());
    }
}

impl Drop for World {
    /// No worker outlives a test that failed.
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn signal(name: &str, process: u32) {
    let sent = Command::new("kill")
        .args([name, &process.to_string()])
        .status();
    assert!(sent.unwrap().success());
}

fn append(log: &Path, line: String) {
    let file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(log);
    file.unwrap().write_all((line + "\n").as_bytes()).unwrap();
}

/// Not a test of its own: does nothing unless it has been started by one.
#[test]
fn a_worker_that_another_test_starts() {
    let Ok(address) = std::env::var("HEMET_WORKER_ADDRESS") else {
        return;
    };
    let log = PathBuf::from(std::env::var("HEMET_WORKER_LOG").unwrap());
    let queue = Queue::open(&Address::parse(&address).unwrap()).unwrap();
    let serve = Serve {
        study: std::env::var("HEMET_WORKER_STUDY").unwrap(),
        worker: serve::new_worker_name("test"),
        heartbeat: HEARTBEAT,
        attempts: 2,
    };
    let handler = move |request: Request| {
        let me = std::process::id();
        append(
            &log,
            format!("begun {} {me} {}", request.text, request.attempt),
        );
        if request.text == "die" {
            std::process::abort();
        }
        if request.text == "refuse" && request.attempt == 1 {
            return Err("this worker has no data".into());
        }
        request.heard.store(7, Ordering::SeqCst);
        let milliseconds: u64 = request.text.parse().unwrap_or(10);
        for _ in 0..milliseconds / 10 {
            std::thread::sleep(Duration::from_millis(10));
        }
        if request.lost.load(Ordering::SeqCst) {
            append(&log, format!("lost {} {me}", request.text));
        }
        Ok(format!("{} by {me}", request.text))
    };
    let ended = queue.serve(
        &serve,
        Arc::new(handler),
        Arc::new(|study| study.is_none_or(|study| !study.open)),
    );
    if let Err(error) = ended {
        assert_eq!(error.to_string(), "this worker has no data");
    }
}

/// Six pieces of work; of two workers one is killed and one stopped in the middle of its work, a third does what is
/// left.
fn killed_and_stopped(address: Option<Address>) {
    let mut world = World::new(address);
    let texts = ["1500", "1501", "100", "101", "102", "103"];
    for text in texts {
        world.ask(text, 3);
        // Asked twice is asked once.
        world.ask(text, 3);
    }
    let killed = world.start();
    let stopped = world.start();
    let has = |world: &World, process: u32| world.log().contains(&format!(" {process} "));
    world.wait("both workers begin", || {
        has(&world, killed) && has(&world, stopped)
    });
    signal("-KILL", killed);
    signal("-STOP", stopped);
    assert_eq!(world.answer("1500"), None);
    let third = world.start();
    world.wait("the third worker does all", || {
        texts.iter().all(|text| world.answer(text).is_some())
    });
    signal("-CONT", stopped);
    world.wait("the stopped worker sees its loss", || {
        world
            .log()
            .lines()
            .any(|l| l.starts_with("lost") && l.ends_with(&stopped.to_string()))
    });
    // Long enough for an answer to be refused.
    std::thread::sleep(Duration::from_secs(1));
    for text in texts {
        let Some(Answer::Done(answer)) = world.answer(text) else {
            panic!("{text}: {:?}\n{}", world.answer(text), world.log());
        };
        // The short ones were done by whoever came to it before the signals, or by the third.
        assert!(answer.starts_with(text), "{answer}");
        if text.starts_with("15") {
            assert_eq!(answer, format!("{text} by {third}"), "{}", world.log());
        }
    }
    let heard = || {
        let id = TaskId::of(&world.study, "1500");
        world.queue.heard(id).unwrap()
    };
    assert_eq!(heard(), Some(7), "told while it was in hand");
    let rows = world.queue.studies().unwrap();
    let row = rows.iter().find(|row| row.id == world.study).unwrap();
    assert_eq!(
        (row.counts.done, row.counts.waiting, row.counts.running),
        (6, 0, 0)
    );
    assert_eq!(row.counts.failed, 0);
    assert!(row.workers >= 2 && row.is_running());
    world.queue.clear(&world.study).unwrap();
    assert_eq!(heard(), None);
    world.end();
}

#[test]
fn work_of_killed_and_stopped_workers_is_done_once_in_sqlite() {
    killed_and_stopped(None);
}

#[test]
fn work_of_killed_and_stopped_workers_is_done_once_in_postgresql() {
    if let Some(address) = postgres() {
        killed_and_stopped(Some(address));
    }
}

/// Work that kills whoever takes it is given up; a worker without data gives its work to others and ends.
fn given_up_and_refused(address: Option<Address>) {
    let mut world = World::new(address);
    world.ask("die", 3);
    world.start();
    world.wait("the first dies", || world.log().contains("begun die"));
    world.start();
    world.wait("the second dies", || {
        world.log().matches("begun die").count() == 2
    });
    world.start();
    world.wait("the third gives up", || world.answer("die").is_some());
    let Some(Answer::GivenUp(why)) = world.answer("die") else {
        panic!("{:?}", world.answer("die"));
    };
    assert!(why.starts_with("2 workers took it"), "{why}");
    assert_eq!(world.log().matches("begun die").count(), 2);
    // A search that goes on after a stop asks anew.
    world.queue.renew(&world.study).unwrap();
    world.wait("it is taken again", || {
        world.log().matches("begun die").count() == 3
    });
    world.start();

    world.ask("refuse", 3);
    world.wait("it is refused", || world.log().contains("begun refuse"));
    world.start();
    world.wait("another does it", || world.answer("refuse").is_some());
    assert!(
        matches!(world.answer("refuse"), Some(Answer::Done(_))),
        "{:?}",
        world.answer("refuse")
    );
    world.end();
}

#[test]
fn deadly_work_is_given_up_and_refused_work_goes_to_others_in_sqlite() {
    given_up_and_refused(None);
}

#[test]
fn deadly_work_is_given_up_and_refused_work_goes_to_others_in_postgresql() {
    if let Some(address) = postgres() {
        given_up_and_refused(Some(address));
    }
}

#[test]
fn a_folder_without_a_queue_and_an_unknown_study_are_refused() {
    let world = World::new(None);
    let error = Queue::open(&Address::in_folder(Path::new("nowhere"))).unwrap_err();
    assert!(
        error.to_string().contains("nowhere/queue.sqlite"),
        "{error}"
    );
    let error = world.queue.record("other").unwrap_err();
    assert!(error.to_string().contains("`other`"), "{error}");
    world.end();
}
