//! What the command line shares: progress, images and downloads, dates.

pub mod date;
pub mod fetch;
pub mod image;
pub mod progress;
pub mod search_progress;
