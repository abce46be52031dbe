//! The errors of this crate.

use std::path::PathBuf;

/// What can go wrong between a coordinator, a queue and its workers.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address of an unknown scheme.
    #[error(
        "`{scheme}://` is no storage that is known; give a run folder, sqlite://FILE or postgres://USER@HOST/DATABASE"
    )]
    Address {
        /// What stands before `://`.
        scheme: String,
    },
    /// A folder without a queue.
    #[error(
        "`{}` is not there: no search with workers ran in that folder; `hemet search … --workers 2` makes it", path.display()
    )]
    NoQueue {
        /// The file that was looked for.
        path: PathBuf,
    },
    /// The database refused or could not be reached.
    #[error("{action} ({place}): {why}")]
    Database {
        /// What was tried, such as `cannot connect`.
        action: &'static str,
        /// The queue's address without secrets.
        place: String,
        /// The database's reason.
        why: String,
    },
    /// No study has this id.
    #[error(
        "{place} holds no study `{study}`; `hemet studies --storage …` lists those that it holds"
    )]
    NoStudy {
        /// The queue's address without secrets.
        place: String,
        /// Id of the study.
        study: String,
    },
    /// The worker's own work could not be done, such as data that are not there.
    #[error("{0}")]
    Handler(String),
    /// The asynchronous runtime could not be started.
    #[error("cannot start the threads of the queue: {0}")]
    Runtime(std::io::Error),
}
