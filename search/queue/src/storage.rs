//! apalis's storages, set up for pieces of work that take minutes: one at a time, and soon missed.

use std::time::Duration;

use apalis_postgres::PostgresStorage;
use apalis_sqlite::SqliteStorage;
use sqlx::postgres::PgPool;
use sqlx::sqlite::SqlitePool;

/// Signs of life of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// Time from one to the next; whole seconds, at least 1.
    pub every: Duration,
    /// After so many missed ones others take the worker's work. (apalis's own default is 10 in PostgreSQL, 2 in
    /// SQLite.)
    pub missed: usize,
}

impl Default for Heartbeat {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(3),
            missed: 5,
        }
    }
}

/// The name of a study's queue in apalis.
pub(crate) fn name(study: &str) -> String {
    format!("hemet/{study}")
}

/// A pool that apalis has a storage for.
pub(crate) trait Stored {
    /// The storage.
    type Storage;

    /// The storage of a study's work.
    fn storage(&self, study: &str, heartbeat: Heartbeat) -> Self::Storage;
}

impl Stored for SqlitePool {
    type Storage = SqliteStorage<String>;

    fn storage(&self, study: &str, heartbeat: Heartbeat) -> Self::Storage {
        let config = apalis_sqlite::Config::default()
            .queue(name(study))
            .batch_size(1)
            .heartbeat_interval(heartbeat.every)
            .missed_heartbeats(heartbeat.missed);
        SqliteStorage::new(self).with_config(config)
    }
}

impl Stored for PgPool {
    type Storage = PostgresStorage<String>;

    fn storage(&self, study: &str, heartbeat: Heartbeat) -> Self::Storage {
        let config = apalis_postgres::Config::default()
            .queue(name(study))
            .batch_size(1)
            .heartbeat_interval(heartbeat.every)
            .missed_heartbeats(heartbeat.missed);
        PostgresStorage::new(self).with_config(config)
    }
}
