//! Trials of a study handed to workers on one machine (SQLite) or many (PostgreSQL), through apalis.
//!
//! | module | purpose |
//! |---|---|
//! | [`address`] | where a queue lies: a file in a run folder, or a PostgreSQL database |
//! | [`queue`] | the open queue: connections, tables |
//! | [`studies`] | the studies that lie in it: record, signs of life, counts |
//! | [`task`] | what the coordinator does: ask for a piece of work, look for its answer |
//! | [`Key`] | seals of what travels, so that a database or a stranger cannot speak for search or worker |
//! | [`serve`] | what a worker does: take work, one piece at a time, answer, show signs of life |
//!
//! This crate knows no networks: work, answers and records are texts. Claiming, signs of life, the recovery of work
//! whose worker died and the refusal of answers of workers that have lost their work are apalis's (`apalis-sqlite`
//! and `apalis-postgres` 1.0), one implementation each by address. What is added here, because apalis does not do it:
//!
//! - a limit on how often work is taken again (apalis counts attempts at recovery, but does not stop there);
//! - the same piece of work asked for twice is one piece: its id is made from what is asked;
//! - a worker that was stopped and has lost its work is told so while it works;
//! - a worker tells how far it is, for the progress that a search shows.
//!
//! The journal in the run folder stays the only truth on a study: a lost queue loses the work in flight and nothing
//! else.

pub mod address;
mod error;
mod heard;
mod permissions;
pub mod queue;
mod seal;
pub mod serve;
mod storage;
pub mod studies;
mod study_id;
pub mod task;
mod task_id;

pub use address::Address;
pub use error::Error;
pub use queue::Queue;
pub use seal::{GREATEST_TEXT, Key, Purpose};
pub use serve::{Request, Serve, Served};
pub use storage::Heartbeat;
pub use studies::{StudyRecord, StudyRow};
pub use study_id::{check_id, is_id, new_id};
pub use task::{Answer, Counts};
pub use task_id::TaskId;
