//! What a server tells of itself: lines for its operator, and the audit log of who did what. Neither ever holds what
//! keys or ciphertexts contain, nor tokens.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::error::{Result, ServeError};

/// The time since 1970, which never goes back. Libraries read no clock: whoever starts a server gives it one.
pub type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// Hears every line for the operator.
pub type Lines = Arc<dyn Fn(&str) + Send + Sync>;

/// An entry of the audit log.
#[derive(Debug, Serialize)]
pub(crate) struct Entry<'a> {
    /// Seconds since 1970.
    pub(crate) time_s: f64,
    pub(crate) tenant: &'a str,
    /// `infer`, `store keys` or `delete keys`.
    pub(crate) action: &'a str,
    pub(crate) model: &'a str,
    /// The artifact that was used.
    pub(crate) artifact: &'a str,
    /// The hash of the evaluation keys.
    pub(crate) keys: &'a str,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) ms: f64,
    /// The HTTP status of the answer.
    pub(crate) status: u16,
}

/// The audit log: a file of JSON, one line an entry, only ever added to.
pub(crate) struct Audit {
    file: Mutex<File>,
    lines: Lines,
}

impl Audit {
    /// Opens it or makes it, readable by its owner only.
    pub(crate) fn open(path: &Path, lines: Lines) -> Result<Self> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|e| ServeError::file(path, e))?;
        let file = Mutex::new(file);
        Ok(Self { file, lines })
    }

    /// Adds an entry; what cannot be written is told to the operator.
    pub(crate) fn add(&self, entry: &Entry<'_>) {
        let Ok(mut line) = serde_json::to_vec(entry) else {
            return;
        };
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(&line) {
            (self.lines)(&format!("the audit log cannot be written: {error}"));
        }
    }
}
