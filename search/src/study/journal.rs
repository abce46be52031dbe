//! The journal: a line a trial, in the order of their numbers, each on the disk before the next begins.
//!
//! A line that a crash tore off (the last, without its line break) is dropped and its trial done again. Any other line
//! that cannot be read is an error: nothing is repaired by guessing. While a study runs, its journal is locked.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use hemet_spaces::Space;

use crate::{Error, Trial};

/// A journal that is open, locked and at its end.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    /// Length of the file in bytes: whole lines.
    len: u64,
}

/// A journal that was opened, and what it held.
#[derive(Debug)]
pub(super) struct Past {
    pub journal: Journal,
    /// The trials in it, in the order of their numbers.
    pub trials: Vec<Trial>,
}

/// Reads the trials of a journal, without the torn last line if there is one; empty where there is no file.
///
/// # Errors
/// A file that cannot be read; a line that is no trial of this space or out of order.
pub fn read(path: &Path, space: &Space) -> Result<Vec<Trial>, Error> {
    match std::fs::read(path) {
        Ok(content) => Ok(parse(path, &content, space)?.0),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(failed("cannot read", path, source)),
    }
}

impl Journal {
    /// Opens or creates a journal, locks it, and gives the trials in it.
    pub fn open(path: &Path, space: &Space) -> Result<Past, Error> {
        let fail = |action, source| failed(action, path, source);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(|e| fail("cannot open", e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let path = path.to_owned();
                return Err(Error::InUse { path });
            }
            Err(TryLockError::Error(error)) => return Err(fail("cannot lock", error)),
        }
        let mut content = Vec::new();
        file.read_to_end(&mut content)
            .map_err(|e| fail("cannot read", e))?;
        let (trials, len) = parse(path, &content, space)?;
        let mut journal = Self {
            path: path.to_owned(),
            file,
            len,
        };
        journal
            .cut()
            .map_err(|e| fail("cannot drop the torn last line of", e))?;
        sync_folder(path).map_err(|e| fail("cannot write", e))?;
        Ok(Past { journal, trials })
    }

    /// Writes a trial; it is on the disk when this returns. After an error the journal is as it was.
    pub fn append(&mut self, trial: &Trial) -> Result<(), Error> {
        let line = trial.to_json() + "\n";
        let written = self
            .file
            .write_all(line.as_bytes())
            .and_then(|()| self.file.sync_data());
        match written {
            Ok(()) => {
                self.len += line.len() as u64;
                Ok(())
            }
            Err(source) => {
                // If even this fails, the torn line is dropped by the next run.
                let _ = self.cut();
                Err(failed("cannot write", &self.path, source))
            }
        }
    }

    /// Cuts the file to its whole lines and goes to its end.
    fn cut(&mut self) -> std::io::Result<()> {
        self.file.set_len(self.len)?;
        self.file.seek(SeekFrom::Start(self.len))?;
        Ok(())
    }
}

/// The trials, and the length of the whole lines in bytes.
fn parse(path: &Path, content: &[u8], space: &Space) -> Result<(Vec<Trial>, u64), Error> {
    let whole = content
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |last| last + 1);
    let mut trials = Vec::new();
    for (index, line) in content[..whole]
        .split_inclusive(|b| *b == b'\n')
        .enumerate()
    {
        let refuse = |why: String| Error::Journal {
            path: path.to_owned(),
            line: index + 1,
            why,
        };
        let text = std::str::from_utf8(line).map_err(|error| refuse(error.to_string()))?;
        let trial = Trial::from_json(text.trim_end_matches('\n'), space).map_err(refuse)?;
        if trial.number != index {
            return Err(refuse(format!(
                "it holds trial {}, expected trial {index}",
                trial.number
            )));
        }
        trials.push(trial);
    }
    Ok((trials, whole as u64))
}

/// Makes the file's entry in its folder durable.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

pub(super) fn failed(action: &'static str, path: &Path, source: std::io::Error) -> Error {
    Error::Io {
        action,
        path: path.to_owned(),
        source,
    }
}
