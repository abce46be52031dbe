//! The text of a YAML file: read within limits, so that no file takes more time or memory than its size accounts for.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use hemet_spaces::schema::{self, Fault, Step, Wrong};

use super::place;
use crate::error::{Error, Place, SourceError};

/// Largest file that is read. The largest published one has 3 KiB.
const MAX_BYTES: usize = 256 << 10;

/// Brackets within brackets, at most: the parser takes time by their number times the length of the text.
const MAX_DEPTH: usize = 64;

/// Opening brackets, at most, those in quotes and comments too: what a text hides from the count of depth is bounded by
/// this. Published files have up to 37.
const MAX_BRACKETS: usize = 1024;

/// Mistakes that are shown at once.
const MAX_SHOWN: usize = 10;

/// A YAML text with the file that it comes from.
pub struct Text {
    path: PathBuf,
    text: String,
}

impl Text {
    /// Reads the file at `path`; a byte order mark is left out.
    ///
    /// # Errors
    /// A file that cannot be read, is too large or nested too deeply, or is no text in UTF-8.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(|e| Error::file(path, e))?;
        let most = MAX_BYTES as u64 + 1;
        file.take(most)
            .read_to_end(&mut bytes)
            .map_err(|e| Error::file(path, e))?;
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            let what = "it is text in UTF-16; save it as UTF-8";
            return Err(Error::file(path, what));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            Error::file(
                path,
                format!("it is no text in UTF-8 (byte {at}); save it as UTF-8"),
            )
        })?;
        Self::of(path, &text)
    }

    /// A text that is there already; `path` names it in messages.
    ///
    /// # Errors
    /// A text that is too large or nested too deeply.
    pub fn of(path: &Path, text: &str) -> Result<Self, Error> {
        if text.len() > MAX_BYTES {
            let what = format!("it has more than {MAX_BYTES} bytes; that is no file for hemet");
            return Err(Error::file(path, what));
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).to_owned();
        let text = Self {
            path: path.to_owned(),
            text,
        };
        if let Some(place) = too_deep(&text.text) {
            let what = format!("more than {MAX_DEPTH} brackets stand within each other");
            return Err(text.at(place, what, None));
        }
        let brackets = text.text.matches(['[', '{']).count();
        if brackets > MAX_BRACKETS {
            return Err(text.wrong_whole(format!(
                "it has {brackets} opening brackets, at most {MAX_BRACKETS} are read; write lists and mappings line by \
                 line"
            )));
        }
        Ok(text)
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// A mistake at the part of this path.
    pub fn wrong(&self, path: &schema::Path, what: impl Into<String>) -> Error {
        self.at(place::of_value(&self.text, path), what.into(), None)
    }

    /// A mistake in the file as a whole.
    pub fn wrong_whole(&self, what: impl std::fmt::Display) -> Error {
        Error::file(&self.path, what)
    }

    /// A mistake at a place.
    pub fn at(&self, place: Place, what: String, help: Option<String>) -> Error {
        Error::Source(Box::new(self.mistake(place, what, help)))
    }

    fn mistake(&self, place: Place, what: String, help: Option<String>) -> SourceError {
        SourceError::new(&self.path, &self.text, place, what, help)
    }

    /// All mistakes, in the order of their places.
    pub fn all_wrong(&self, faults: &[Fault]) -> Option<Error> {
        let place = |fault: &Fault| match fault.wrong {
            Wrong::UnknownKey { .. } => place::of_key(&self.text, &fault.path),
            Wrong::MissingKey { .. } | Wrong::NotOne { .. } | Wrong::Value { .. } => {
                place::of_value(&self.text, &fault.path)
            }
        };
        let shown = faults.iter().take(MAX_SHOWN);
        let mut all: Vec<(Place, &Fault)> = shown.map(|f| (place(f), f)).collect();
        all.sort_by_key(|(place, _)| *place);
        let mut all = all
            .into_iter()
            .map(|(place, fault)| self.mistake(place, fault.to_string(), nearest(fault)));
        let mut first = all.next()?;
        first.others = all.collect();
        if faults.len() > MAX_SHOWN {
            let more = format!("{} more mistakes are not shown", faults.len() - MAX_SHOWN);
            first.help = Some(match first.help {
                Some(help) => format!("{help}; {more}"),
                None => more,
            });
        }
        Some(Error::Source(Box::new(first)))
    }
}

/// What might have been meant.
fn nearest(fault: &Fault) -> Option<String> {
    let (given, known) = match &fault.wrong {
        Wrong::UnknownKey { known } => match fault.path.0.last()? {
            Step::Key(key) => (key.as_str(), known),
            Step::Item(_) => return None,
        },
        Wrong::Value { found, words, .. } => (found.trim_matches('`'), words),
        Wrong::MissingKey { .. } | Wrong::NotOne { .. } => return None,
    };
    let likeness = |word: &str| strsim::jaro_winkler(given, word);
    let near = known
        .iter()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(near) > 0.7).then(|| format!("did you mean `{near}`?"))
}

/// Where brackets first stand too deeply within each other. Quoted texts and comments are left out as their first
/// characters tell.
fn too_deep(text: &str) -> Option<Place> {
    let (mut depth, mut quote, mut before) = (0usize, None, '\n');
    for (line, row) in text.split('\n').enumerate() {
        for (column, now) in row.chars().enumerate() {
            let begins = before.is_whitespace() || "[{,:".contains(before);
            match (quote, now) {
                (Some(open), now) if open == now => quote = None,
                (Some(_), _) => {}
                (None, '#') if before.is_whitespace() => break,
                (None, '"' | '\'') if begins => quote = Some(now),
                (None, '[' | '{') => depth += 1,
                (None, ']' | '}') => depth = depth.saturating_sub(1),
                (None, _) => {}
            }
            if depth > MAX_DEPTH {
                return Some(Place {
                    line: line + 1,
                    column: column + 1,
                });
            }
            before = now;
        }
        before = '\n';
    }
    None
}
