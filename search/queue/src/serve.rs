//! A worker: takes pieces of work of one study, one at a time, and answers them.
//!
//! The work runs on a thread of its own, so that signs of life go on meanwhile. If the process dies, the work dies
//! with it and is taken by another worker when enough signs of life are missing. A process that was stopped and
//! continued finds its work taken: it is told so while it works, and its answer, if it gives one all the same, is not
//! accepted.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use apalis::prelude::{
    AbortError, Attempt, BackendExt, BoxDynError, TaskId, WorkerBuilder, WorkerBuilderExt,
    WorkerContext,
};

use crate::queue::{Pool, on_pool};
use crate::storage::{Heartbeat, Stored};
use crate::{Error, Queue, StudyRow};

/// How often a worker with nothing to do looks for work.
const LOOK: Duration = Duration::from_millis(200);

/// How often a worker looks whether its work is still its own, and whether it may end.
const CHECK: Duration = Duration::from_millis(500);

/// A piece of work, as the handler gets it.
#[derive(Clone, Debug)]
pub struct Request {
    /// What the coordinator asks.
    pub text: String,
    /// How often it has been taken, this time included.
    pub attempt: usize,
    /// Becomes true when the work has been given to another worker: whatever the handler answers then is not used.
    pub lost: Arc<AtomicBool>,
    /// How far the work is, in a unit of its own; what the handler puts here reaches the coordinator, see
    /// [`Queue::heard`].
    pub heard: Arc<AtomicU64>,
}

/// Does a piece of work on a thread that may block. An error is one of this worker (data that are not there), not of
/// the work: it ends this worker, and the work goes to others.
pub type Handler = dyn Fn(Request) -> Result<String, String> + Send + Sync;

/// Whether a worker may end, by its study as it stands in the queue; `None` if it is no longer there.
pub type MayEnd = dyn Fn(Option<&StudyRow>) -> bool + Send + Sync;

/// How a worker serves.
#[derive(Clone, Debug)]
pub struct Serve {
    /// The study.
    pub study: String,
    /// Name of the worker, unique in the queue.
    pub worker: String,
    /// Its signs of life; those of other workers are expected alike.
    pub heartbeat: Heartbeat,
    /// How often a piece of work may be taken.
    pub attempts: usize,
}

/// How a worker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served {
    /// Pieces of work answered.
    pub done: usize,
}

/// What the tasks of a worker share.
struct Shared {
    pool: Pool,
    serve: Serve,
    handler: Arc<Handler>,
    /// Pieces of work in hand: 0 or 1.
    busy: AtomicBool,
    /// Whether what is in hand has become another's.
    lost: Arc<AtomicBool>,
    done: Mutex<Result<usize, String>>,
}

impl Queue {
    /// Serves until `may_end` says so of the study as it stands in the queue, asked twice a second while there is
    /// nothing in hand.
    ///
    /// # Errors
    /// The handler's error; the database.
    pub fn serve(
        &self,
        serve: &Serve,
        handler: Arc<Handler>,
        may_end: Arc<MayEnd>,
    ) -> Result<Served, Error> {
        let shared = Arc::new(Shared {
            pool: self.pool.clone(),
            serve: serve.clone(),
            handler,
            busy: AtomicBool::new(false),
            lost: Arc::default(),
            done: Mutex::new(Ok(0)),
        });
        let context = WorkerContext::new(&serve.worker);
        let ran = self.runtime.block_on(async {
            let watch = tokio::spawn(watch(shared.clone(), context.clone(), may_end));
            let ran = run(&self.pool, context, shared.clone()).await;
            watch.abort();
            ran
        });
        // If the queue was lost in the middle of work, nobody waits for it any more.
        shared.lost.store(true, Ordering::SeqCst);
        let done = shared.done.lock().unwrap_or_else(PoisonError::into_inner);
        match &*done {
            Err(why) => Err(Error::Handler(why.clone())),
            Ok(done) => {
                ran.map_err(self.failed("the worker lost the queue"))?;
                Ok(Served { done: *done })
            }
        }
    }
}

/// Runs apalis's worker to its end.
async fn run(pool: &Pool, context: WorkerContext, shared: Arc<Shared>) -> Result<(), String> {
    let serve = shared.serve.clone();
    on_pool!(pool, pool => {
        let backend = pool.storage(&serve.study, serve.heartbeat).poll_with_interval(LOOK);
        let worker = WorkerBuilder::new(context)
            .backend(backend)
            .concurrency(1)
            .build(move |text: String, attempt: Attempt, id: TaskId, context: WorkerContext| {
                work(shared.clone(), text, attempt.current(), id, context)
            });
        worker.run().await.map_err(|e| e.to_string())
    })
}

/// Does one piece of work.
async fn work(
    shared: Arc<Shared>,
    text: String,
    attempt: usize,
    id: TaskId,
    context: WorkerContext,
) -> Result<String, BoxDynError> {
    if attempt > shared.serve.attempts {
        let why = format!(
            "{} workers took it and none came to its end: killed, out of memory, or cut off",
            attempt - 1
        );
        return Err(AbortError::new(why).into());
    }
    shared.busy.store(true, Ordering::SeqCst);
    let lost = shared.lost.clone();
    lost.store(false, Ordering::SeqCst);
    let heard = Arc::new(AtomicU64::new(0));
    let guard = tokio::spawn(watch_work(shared.clone(), id.to_string(), heard.clone()));
    let handler = shared.handler.clone();
    let request = Request {
        text,
        attempt,
        lost: lost.clone(),
        heard,
    };
    let answered = tokio::task::spawn_blocking(move || handler(request)).await;
    guard.abort();
    let answered = answered.unwrap_or_else(|panic| Err(format!("the worker panicked: {panic}")));
    let mut done = shared.done.lock().unwrap_or_else(PoisonError::into_inner);
    match (&answered, &mut *done) {
        (Ok(_), Ok(done)) if !lost.load(Ordering::SeqCst) => *done += 1,
        (Ok(_), _) => {}
        (Err(why), _) => {
            *done = Err(why.clone());
            // It has nothing else in hand; what it was doing goes back to the others.
            let _ = context.stop();
        }
    }
    shared.busy.store(false, Ordering::SeqCst);
    Ok(answered?)
}

/// Says when a piece of work has become another worker's, and tells how far it is.
async fn watch_work(shared: Arc<Shared>, id: String, heard: Arc<AtomicU64>) {
    let mut told = 0;
    loop {
        tokio::time::sleep(CHECK).await;
        let owner = crate::task::owner(&shared.pool, &id).await;
        // A database that does not answer proves nothing.
        if owner.is_ok_and(|owner| owner.as_deref() != Some(&shared.serve.worker)) {
            shared.lost.store(true, Ordering::SeqCst);
            return;
        }
        let number = heard.load(Ordering::SeqCst);
        if number != told {
            let place = (shared.serve.study.as_str(), id.as_str());
            // For watchers only: a failure is made good by the next change.
            if crate::heard::tell(&shared.pool, place, number)
                .await
                .is_ok()
            {
                told = number;
            }
        }
    }
}

/// Ends the worker when it may end and has nothing in hand.
async fn watch(shared: Arc<Shared>, context: WorkerContext, may_end: Arc<MayEnd>) {
    loop {
        tokio::time::sleep(CHECK).await;
        if shared.busy.load(Ordering::SeqCst) {
            continue;
        }
        let Ok(rows) = crate::studies::rows(&shared.pool, Some(&shared.serve.study)).await else {
            continue;
        };
        if may_end(rows.first()) {
            let _ = context.stop();
            return;
        }
    }
}

/// A name that no other worker has.
pub fn new_worker_name(host: &str) -> String {
    let id = ulid::Ulid::generate().to_string().to_lowercase();
    format!("{host}-{}-{id}", std::process::id())
}
