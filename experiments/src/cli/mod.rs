//! What the command line shares: progress, images and downloads, dates, passphrases, trust in signatures.

pub mod answer;
pub mod date;
pub mod fetch;
pub mod fit_report;
pub mod image;
pub mod passphrase;
pub mod progress;
pub mod search_progress;
pub mod trust;
