//! The journal: a line a trial, in the order of their numbers, each on the disk before the next begins.
//!
//! A line that a crash tore off (the last, without its line break) is dropped and its trial done again, and so are
//! the last lines where they cannot be read. A line before others that cannot be read costs its trial, which counts
//! as failed: the study goes on. What the journal held before is kept beside it. While a study runs, its journal is
//! locked.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use hemet_spaces::{Architecture, Space};

use crate::{Error, Outcome, Trial};

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
    /// Its lines, in the order of the trials' numbers.
    pub lines: Vec<Line>,
}

/// How the reason of a trial begins whose line could not be read.
const LOST: &str = "its outcome is lost";

/// What a line holds.
#[derive(Debug)]
pub(super) enum Line {
    /// A trial.
    Trial(Trial),
    /// None that can be read.
    Damaged(Damage),
}

impl Line {
    /// Whether the outcome of its trial is not the one from which later trials were proposed: it cannot be read now,
    /// or could not once.
    pub fn is_lost(&self) -> bool {
        match self {
            Self::Damaged(_) => true,
            Self::Trial(trial) => {
                let reason = trial.outcome.reason();
                reason.is_some_and(|reason| reason.starts_with(LOST))
            }
        }
    }
}

/// A line that cannot be read.
#[derive(Debug)]
pub(super) struct Damage {
    /// Number of the line, from 1.
    line: usize,
    /// What is wrong.
    why: String,
    /// The architecture of its trial, where that much can be read.
    pub architecture: Option<Architecture>,
}

impl Damage {
    /// The trial that is lost with the line.
    pub fn trial(&self, number: usize, architecture: Architecture) -> Trial {
        let reason = format!("{LOST}, line {} of the journal: {}", self.line, self.why);
        Trial {
            leak: None,
            number,
            architecture,
            cost: None,
            outcome: Outcome::Failed { reason },
            rungs: Vec::new(),
            stopped_at: None,
        }
    }
}

/// Reads the trials of a journal, without the torn last line if there is one; empty where there is no file. The trial
/// of a line that cannot be read counts as failed, if at least its architecture can be read.
///
/// # Errors
/// A file that cannot be read; a line that is no trial of this space or out of order.
pub fn read(path: &Path, space: &Space) -> Result<Vec<Trial>, Error> {
    let mut trials = Vec::new();
    for (number, line) in lines(path, space)?.into_iter().enumerate() {
        trials.push(match line {
            Line::Trial(trial) => trial,
            Line::Damaged(damage) => match &damage.architecture {
                Some(architecture) => damage.trial(number, architecture.clone()),
                None => {
                    return Err(Error::Journal {
                        path: path.to_owned(),
                        line: damage.line,
                        why: format!(
                            "{}; a search that goes on with --resume counts its trial as failed",
                            damage.why
                        ),
                    });
                }
            },
        });
    }
    Ok(trials)
}

/// Reads the trials of a journal that can be read, and no others.
///
/// # Errors
/// A file that cannot be read; lines out of order.
pub fn read_sound(path: &Path, space: &Space) -> Result<Vec<Trial>, Error> {
    let sound = |line| match line {
        Line::Trial(trial) => Some(trial),
        Line::Damaged(_) => None,
    };
    Ok(lines(path, space)?.into_iter().filter_map(sound).collect())
}

fn lines(path: &Path, space: &Space) -> Result<Vec<Line>, Error> {
    match std::fs::read(path) {
        Ok(content) => Ok(parse(path, &content, space)?.lines),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(failed("cannot read", path, source)),
    }
}

impl Journal {
    /// Opens or creates a journal, locks it, and gives what is in it.
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
        let parsed = parse(path, &content, space)?;
        let mut journal = Self {
            path: path.to_owned(),
            file,
            len: parsed.len,
        };
        journal
            .cut()
            .map_err(|e| fail("cannot drop the torn last line of", e))?;
        sync_folder(path).map_err(|e| fail("cannot write", e))?;
        let lines = parsed.lines;
        Ok(Past { journal, lines })
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

    /// Writes the journal anew with these trials, whole or not at all; what it held is kept beside it.
    pub fn replace(&mut self, trials: &[Trial]) -> Result<(), Error> {
        let fail = |source| failed("cannot mend", &self.path, source);
        let old = std::fs::read(&self.path).map_err(fail)?;
        hemet_files::write_atomically(self.path.with_extension("damaged.jsonl"), &old)?;
        let new = self.path.with_extension("jsonl.new");
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(true);
        let mut file = options.open(&new).map_err(fail)?;
        // Locked before it stands in the place of the old one, so that at no time another process can open it.
        file.lock().map_err(fail)?;
        let text: String = trials.iter().map(|trial| trial.to_json() + "\n").collect();
        file.write_all(text.as_bytes()).map_err(fail)?;
        file.sync_all().map_err(fail)?;
        std::fs::rename(&new, &self.path).map_err(fail)?;
        sync_folder(&self.path).map_err(fail)?;
        (self.file, self.len) = (file, text.len() as u64);
        Ok(())
    }

    /// Cuts the file to its whole lines and goes to its end.
    fn cut(&mut self) -> std::io::Result<()> {
        self.file.set_len(self.len)?;
        self.file.seek(SeekFrom::Start(self.len))?;
        Ok(())
    }
}

/// What a journal holds.
struct Parsed {
    lines: Vec<Line>,
    /// Length in bytes of the lines that count.
    len: u64,
}

fn parse(path: &Path, content: &[u8], space: &Space) -> Result<Parsed, Error> {
    let mut parsed = Parsed {
        lines: Vec::new(),
        len: 0,
    };
    let mut damaged: Vec<Damage> = Vec::new();
    let mut end = 0;
    for (index, line) in content.split_inclusive(|b| *b == b'\n').enumerate() {
        end += line.len() as u64;
        let line = line.strip_suffix(b"\n");
        let Some(line) = line else {
            // A torn one.
            break;
        };
        let read = std::str::from_utf8(line).map_err(|e| e.to_string());
        let trial = match read.and_then(|text| Trial::from_json(text, space)) {
            Ok(trial) => trial,
            Err(why) => {
                damaged.push(Damage {
                    line: index + 1,
                    why,
                    architecture: architecture(&String::from_utf8_lossy(line), space),
                });
                continue;
            }
        };
        let expected = parsed.lines.len();
        if trial.number == expected + damaged.len() {
            parsed.lines.extend(damaged.drain(..).map(Line::Damaged));
        } else if trial.number != expected {
            return Err(Error::Journal {
                path: path.to_owned(),
                line: index + 1,
                why: format!("it holds trial {}, expected trial {expected}", trial.number),
            });
        }
        // Where the numbers say so, what cannot be read stood between two trials.
        damaged.clear();
        parsed.lines.push(Line::Trial(trial));
        parsed.len = end;
    }
    Ok(parsed)
}

/// The architecture that a damaged line names.
fn architecture(line: &str, space: &Space) -> Option<Architecture> {
    let (_, after) = line.split_once("\"architecture\":\"")?;
    let (text, _) = after.split_once('"')?;
    space.parse(text).ok()
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
