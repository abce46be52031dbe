//! Trials of a study handed to workers on one machine (SQLite) or many (PostgreSQL), through apalis.
//!
//! | module | purpose |
//! |---|---|
//! | [`address`] | where a queue lies: a file in a run folder, or a PostgreSQL database |
//! | [`queue`] | the open queue: connections, tables |
//! | [`studies`] | the studies that lie in it: record, signs of life, counts |
//! | [`task`] | what the coordinator does: ask for a piece of work, look for its answer |
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
pub mod queue;
pub mod serve;
mod storage;
pub mod studies;
pub mod task;
mod task_id;

pub use address::Address;
pub use error::Error;
pub use queue::Queue;
pub use serve::{Request, Serve, Served};
pub use storage::Heartbeat;
pub use studies::{StudyRecord, StudyRow};
pub use task::{Answer, Counts};
pub use task_id::TaskId;
