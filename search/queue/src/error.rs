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
    /// The id of a study has other characters than ids have.
    #[error("`{}` is no id of a study: an id has 1 to 64 characters of a-z, 0-9, `_` and `-`", found.escape_default())]
    StudyId {
        /// What was found, its beginning.
        found: String,
    },
    /// A key is not 64 hexadecimal digits.
    #[error(
        "a study's key is 64 hexadecimal digits, as the search writes them into queue.key of its run folder"
    )]
    Key,
    /// A text was not written by a holder of the study's key.
    #[error(
        "no holder of the study's key wrote this: it was changed on its way, or its writer has another key"
    )]
    Seal,
    /// A text is longer than is read.
    #[error("it has {found} bytes, at most {limit} are read")]
    TooLong {
        /// Its length in bytes.
        found: u64,
        /// The greatest length.
        limit: u64,
    },
    /// The worker's own work could not be done, such as data that are not there.
    #[error("{0}")]
    Handler(String),
    /// The asynchronous runtime could not be started.
    #[error("cannot start the threads of the queue: {0}")]
    Runtime(std::io::Error),
}
