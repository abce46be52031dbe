//! The run of a search: its folder and what lies there.

pub mod baseline;
pub mod clock;
pub mod curves;
pub mod folder;
pub mod images;
pub mod search;
pub mod summary;
pub mod teachers;
pub mod train;
pub mod trained;
