//! What all requests share.

use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hemet_runtime::signature::PublicKey;
use tokio::sync::Semaphore;

use crate::cache::KeyCache;
use crate::config::{BucketPlace, Config, Limits};
use crate::error::{Result, ServeError};
use crate::log::{Audit, Clock, Lines};
use crate::metrics::Metrics;
use crate::models::{Catalog, Changes, Seen, Terms};
use crate::pools::Pools;
use crate::queue::Queue;
use crate::shared_store::SharedStore;
use crate::store::{Quotas, Store};
use crate::tenants::Tenants;
use crate::tls::Tls;

/// See the module.
pub(crate) struct App {
    pub(crate) limits: Limits,
    pub(crate) tenants: Tenants,
    /// What encrypts connections, where they are.
    pub(crate) tls: Option<Tls>,
    pub(crate) catalog: Catalog,
    /// What the folder of models was at the last look; whoever looks holds it.
    seen: Mutex<Seen>,
    pub(crate) store: Store,
    pub(crate) cache: KeyCache,
    pub(crate) queue: Queue,
    pub(crate) metrics: Metrics,
    pub(crate) audit: Audit,
    /// What computes.
    pub(crate) pools: Pools,
    /// Pieces of keys that are in memory at a time.
    pub(crate) pieces: Arc<Semaphore>,
    /// Whole keys that are checked at a time: each is in memory meanwhile.
    pub(crate) checks: Arc<Semaphore>,
    pub(crate) connections: AtomicUsize,
    /// Whether the server ends.
    pub(crate) is_ending: AtomicBool,
    clock: Clock,
    lines: Lines,
}

/// Pieces of uploads in memory at a time.
const PIECES: usize = 8;

impl App {
    /// Loads everything that a server needs; also what `--check` does.
    pub(crate) fn open(config: &Config) -> Result<Self> {
        let limits = config.limits.clone();
        limits.check()?;
        let tenants = match &config.tokens {
            Some(path) => Tenants::read(path)?,
            None => Tenants::anybody(),
        };
        let trusted = config.trust.as_ref().map(|path| {
            let key = PublicKey::read(path);
            key.map_err(|e| ServeError::file(path, e))
        });
        let terms = Terms {
            trusted: trusted.transpose()?,
            constant_bytes: limits.constant_bytes,
        };
        let quotas = Quotas {
            tenant_bytes: limits.tenant_store_bytes,
            all_bytes: limits.store_bytes,
        };
        let shared = config.bucket.as_ref();
        let shared = shared.map(|place| shared_store(place, config.lines.clone()));
        let store = Store::open(
            &config.store,
            quotas,
            config.clock.clone(),
            shared.transpose()?,
        )?;
        let audit = Audit::open(&config.store.join("audit.jsonl"), config.lines.clone())?;
        let pools = Pools::new(limits.threads, limits.at_once).map_err(|e| {
            ServeError::Option(format!("cannot start {} threads: {e}", limits.threads))
        })?;
        let app = Self {
            tenants,
            tls: config.tls.as_ref().map(Tls::read).transpose()?,
            catalog: Catalog::new(&config.models, terms),
            seen: Mutex::default(),
            store,
            cache: KeyCache::new(limits.key_memory_bytes),
            queue: Queue::new(limits.at_once, limits.queue),
            metrics: Metrics::default(),
            audit,
            pools,
            pieces: Arc::new(Semaphore::new(PIECES)),
            checks: Arc::new(Semaphore::new(1)),
            connections: AtomicUsize::new(0),
            is_ending: AtomicBool::new(false),
            clock: config.clock.clone(),
            lines: config.lines.clone(),
            limits,
        };
        let changes = app.look()?;
        match app.catalog.names().is_empty() {
            true => Err(ServeError::NoModels {
                folder: config.models.clone(),
                problems: changes.problems,
            }),
            false => Ok(app),
        }
    }

    /// Looks for new, exchanged and removed models.
    pub(crate) fn look(&self) -> Result<Changes> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let seen: &mut Seen = &mut seen;
        let changes = self.pools.alone(|| self.catalog.look(seen))?;
        for line in &changes.lines {
            self.tell(line);
        }
        for problem in &changes.problems {
            self.tell(&format!("not served: {problem}"));
        }
        self.cache
            .forget(|name| changes.gone.contains(&name.artifact));
        Ok(changes)
    }

    /// Takes a renewed certificate.
    pub(crate) fn look_at_certificate(&self) {
        match self.tls.as_ref().map_or(Ok(false), Tls::look) {
            Ok(true) => self.tell("the certificate was renewed"),
            Ok(false) => {}
            Err(error) => self.tell(&format!("the old certificate stays: {error}")),
        }
    }

    /// A line for the operator.
    pub(crate) fn tell(&self, line: &str) {
        (self.lines)(line);
    }

    /// The time since 1970.
    pub(crate) fn now(&self) -> Duration {
        (self.clock)()
    }
}

/// The store that servers share.
#[cfg(feature = "s3")]
fn shared_store(place: &BucketPlace, lines: Lines) -> Result<Box<dyn SharedStore>> {
    Ok(Box::new(crate::bucket::Bucket::open(place, lines)?))
}

/// Without the feature nobody speaks with a bucket.
#[cfg(not(feature = "s3"))]
fn shared_store(place: &BucketPlace, _lines: Lines) -> Result<Box<dyn SharedStore>> {
    Err(ServeError::Option(format!(
        "{place}: this program was built without stores in buckets; build it with --features s3"
    )))
}
