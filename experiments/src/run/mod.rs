//! The run of a search: its folder and what lies there.

pub mod clock;
pub mod curves;
pub mod folder;
pub mod teachers;
