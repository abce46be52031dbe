//! What the command line shares: progress, images and downloads, dates, passphrases, trust in signatures, keys used for
//! another artifact.

pub mod answer;
pub mod date;
pub mod fetch;
pub mod fit_report;
pub mod image;
pub mod interrupt;
pub mod live;
pub mod machine;
pub mod passphrase;
pub mod pictures;
pub mod progress;
pub mod rebind;
pub mod requests;
pub mod search_progress;
pub mod stream;
pub mod trust;
