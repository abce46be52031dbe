//! `-` in the place of a file: standard input and output.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::Error;
use crate::print;

/// Bytes that are read from standard input at most, 1 GiB.
const MOST: u64 = 1 << 30;

/// Whether a path stands for standard input or output.
pub fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}

/// The content of a file, or of standard input.
///
/// # Errors
/// What cannot be read; more than 1 GiB on standard input.
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    match is_standard(path) {
        false => std::fs::read(path).map_err(|e| Error::file(path, e)),
        true => {
            let mut bytes = Vec::new();
            copied(std::io::copy(
                &mut std::io::stdin().lock().take(MOST + 1),
                &mut bytes,
            ))?;
            Ok(bytes)
        }
    }
}

/// A file to be read: standard input is first written to a temporary one, for what looks at a file's head before it
/// reads the whole. For ciphertexts only: nothing secret belongs there.
pub struct Input {
    path: PathBuf,
    _kept: Option<NamedTempFile>,
}

impl Input {
    /// Of a path, or of standard input.
    ///
    /// # Errors
    /// As [`read`], and a temporary file that cannot be written.
    pub fn of(path: &Path) -> Result<Self, Error> {
        if !is_standard(path) {
            return Ok(Self {
                path: path.to_owned(),
                _kept: None,
            });
        }
        let failed = |e| {
            Error::user(format!(
                "standard input cannot be kept in a temporary file: {e}"
            ))
        };
        let mut kept = NamedTempFile::new().map_err(failed)?;
        copied(std::io::copy(
            &mut std::io::stdin().lock().take(MOST + 1),
            &mut kept,
        ))?;
        Ok(Self {
            path: kept.path().to_owned(),
            _kept: Some(kept),
        })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn copied(result: std::io::Result<u64>) -> Result<(), Error> {
    match result {
        Ok(length) if length > MOST => Err(Error::user(
            "standard input: more than 1 GiB came; give a file or a folder instead",
        )),
        Ok(_) => Ok(()),
        Err(error) => Err(Error::user(format!(
            "standard input cannot be read: {error}"
        ))),
    }
}

/// Writes a file whole, or to standard output; what a person is told then goes to standard error.
///
/// # Errors
/// What cannot be written.
pub fn write(path: &Path, bytes: &[u8], told: &str) -> Result<(), Error> {
    match is_standard(path) {
        false => {
            hemet_files::write_atomically(path, bytes)?;
            println!("{told}");
        }
        true => {
            let mut out = std::io::stdout().lock();
            let written = out.write_all(bytes).and_then(|()| out.flush());
            written.map_err(|e| Error::user(format!("standard output cannot be written: {e}")))?;
            print::err(format_args!("{told}\n"));
        }
    }
    Ok(())
}
