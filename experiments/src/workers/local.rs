//! Workers that a search starts on its own machine: one process each, started again when one dies.
//!
//! Each hears from the search on its standard input and ends when that ends, so none outlives a search that was killed.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Hired;
use crate::error::Error;

/// How often the processes are looked at.
const LOOK: Duration = Duration::from_millis(200);

/// How long a worker may take to end when the search has ended.
const GRACE: Duration = Duration::from_secs(5);

/// So many deaths a worker are made good.
const RESTARTS: usize = 3;

/// The processes.
pub struct LocalWorkers {
    shared: Arc<Shared>,
    watcher: Option<JoinHandle<()>>,
}

struct Shared {
    hired: Hired,
    children: Mutex<Vec<Child>>,
    over: AtomicBool,
    failure: Mutex<Option<String>>,
}

impl LocalWorkers {
    /// Starts `count` of them.
    pub fn start(hired: &Hired, count: usize) -> Result<Self, Error> {
        let mut children = Vec::new();
        for index in 0..count {
            children.push(spawn(hired, index)?);
        }
        let shared = Arc::new(Shared {
            hired: hired.clone(),
            children: Mutex::new(children),
            over: AtomicBool::new(false),
            failure: Mutex::new(None),
        });
        let watcher = std::thread::spawn({
            let shared = shared.clone();
            move || shared.watch(count * RESTARTS)
        });
        Ok(Self {
            shared,
            watcher: Some(watcher),
        })
    }

    /// Why there are no more workers, once too many have died.
    pub fn failure(&self) -> Option<String> {
        let failure = self.shared.failure.lock();
        failure.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The search has told its workers that it has ended: waits for them a little, then ends them.
    pub fn end(self) {
        let begun = Instant::now();
        self.shared.over.store(true, Ordering::SeqCst);
        while begun.elapsed() < GRACE && self.shared.alive() {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for LocalWorkers {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        if let Some(watcher) = self.watcher.take() {
            let _ = watcher.join();
        }
        for child in self.shared.children().iter_mut() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Shared {
    fn children(&self) -> std::sync::MutexGuard<'_, Vec<Child>> {
        self.children.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn alive(&self) -> bool {
        let mut children = self.children();
        children
            .iter_mut()
            .any(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Starts again who died, as often as `restarts`.
    fn watch(&self, mut restarts: usize) {
        while !self.over.load(Ordering::SeqCst) {
            std::thread::sleep(LOOK);
            for (index, child) in self.children().iter_mut().enumerate() {
                let Ok(Some(status)) = child.try_wait() else {
                    continue;
                };
                if self.over.load(Ordering::SeqCst) {
                    return;
                }
                let why = match restarts {
                    0 => "too many workers died".to_owned(),
                    _ => match spawn(&self.hired, index) {
                        Ok(new) => {
                            restarts -= 1;
                            *child = new;
                            continue;
                        }
                        Err(error) => error.render(),
                    },
                };
                let log = log(&self.hired, index);
                let why = format!("{why}; the last ended with {status}; see {}", log.display());
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
                return;
            }
        }
    }
}

/// What a worker has to say: a file a worker.
fn log(hired: &Hired, index: usize) -> PathBuf {
    hired.run.join("workers").join(format!("{index}.log"))
}

fn spawn(hired: &Hired, index: usize) -> Result<Child, Error> {
    let fail = |e: std::io::Error| Error::user(format!("cannot start a worker: {e}"));
    let path = log(hired, index);
    std::fs::create_dir_all(hired.run.join("workers")).map_err(fail)?;
    let log = File::options().create(true).append(true).open(&path);
    let log = log.map_err(|e| Error::file(&path, e))?;
    let program = std::env::current_exe().map_err(fail)?;
    let mut child = Command::new(program)
        .args(["worker", "--hired"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .map_err(fail)?;
    let text = serde_json::to_string(hired)? + "\n";
    // The pipe stays with the child's handle, open until the search ends.
    if let Some(stdin) = &mut child.stdin {
        stdin.write_all(text.as_bytes()).map_err(fail)?;
    }
    Ok(child)
}
