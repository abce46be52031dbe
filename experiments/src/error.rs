//! What ends a command: a user's mistake (exit status 2) or a failure of the work itself (exit status 1).

use std::fmt;
use std::path::Path;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode, SourceSpan};

/// Why a command ended without success.
#[derive(Debug)]
pub enum Error {
    /// Something that the user can mend: a file, an option, a value. Exit status 2.
    User(String),
    /// A mistake at a known place of a text file. Exit status 2.
    Source(Box<SourceError>),
    /// The work was done and its result is not good enough (a check failed). Exit status 1.
    Check(String),
    /// A network with its weights cannot be compiled as asked for. Exit status 1.
    Uncompilable(String),
}

/// A mistake in a text file, shown with the line that it is on.
#[derive(Debug)]
pub struct SourceError {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The file.
    pub source: NamedSource<String>,
    /// Where.
    pub span: SourceSpan,
}

impl Error {
    /// A user's mistake, said in one message.
    pub fn user(message: impl fmt::Display) -> Self {
        Error::User(message.to_string())
    }

    /// A mistake in the file `path`: what happened and where.
    pub fn file(path: &Path, what: impl fmt::Display) -> Self {
        Error::User(format!("{}: {what}", path.display()))
    }

    /// A mistake at `line` and `column` (from 1) of a text.
    pub fn at(
        path: &Path,
        text: &str,
        (line, column): (usize, usize),
        message: impl fmt::Display,
        help: Option<String>,
    ) -> Self {
        let start: usize = text
            .split_inclusive('\n')
            .take(line.saturating_sub(1))
            .map(str::len)
            .sum();
        let row = text[start.min(text.len())..].lines().next().unwrap_or("");
        let offset: usize = row
            .chars()
            .take(column.saturating_sub(1))
            .map(char::len_utf8)
            .sum();
        let rest = &row[offset..];
        let word = rest
            .find(|c: char| c.is_whitespace() || c == ':' || c == ',')
            .unwrap_or(rest.len())
            .max(1)
            .min(rest.len());
        Error::Source(Box::new(SourceError {
            message: format!("{}:{line}:{column}: {message}", path.display()),
            help,
            source: NamedSource::new(path.display().to_string(), text.to_owned()),
            span: (start + offset, word).into(),
        }))
    }

    /// The exit status of the process.
    pub fn exit_status(&self) -> u8 {
        match self {
            Error::User(_) | Error::Source(_) => 2,
            Error::Check(_) | Error::Uncompilable(_) => 1,
        }
    }

    /// The text for standard error.
    pub fn render(self) -> String {
        match self {
            Error::User(message) | Error::Check(message) | Error::Uncompilable(message) => {
                format!("error: {message}")
            }
            Error::Source(source) => format!("{:?}", miette::Report::new(*source)),
        }
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SourceError {}

impl Diagnostic for SourceError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help.clone()) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(
            Some("here".into()),
            self.span,
        ))))
    }
}
