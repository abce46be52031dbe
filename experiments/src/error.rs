//! What ends a command: a user's mistake (exit status 2) or a failure of the work itself (exit status 1).

use std::fmt;
use std::path::{Path, PathBuf};

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode, SourceSpan};

use crate::print;

/// Why a command ended without success: a variant for each crate whose error it is, and what this one finds itself.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something that the user can mend: an option, a value, what does not fit together. Exit status 2.
    #[error("{0}")]
    User(String),
    /// A file that is not there, not readable or not what it should be. Exit status 2.
    #[error("{}: {what}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        what: String,
    },
    /// A mistake at a known place of a text file. Exit status 2.
    #[error(transparent)]
    Source(Box<SourceError>),
    /// The work was done and its result is not good enough (a check failed). Exit status 1.
    #[error("{0}")]
    Check(String),
    /// A network with its weights cannot be compiled as asked for. Exit status 1.
    #[error("{0}")]
    Uncompilable(String),
    /// A space, graph or weights were refused. Exit status 2.
    #[error(transparent)]
    Spaces(#[from] hemet_spaces::Error),
    /// Data, training, strategies, studies. Exit status 2.
    #[error(transparent)]
    Search(#[from] hemet_search::Error),
    /// The queue between a search and its workers. Exit status 2.
    #[error(transparent)]
    Queue(#[from] hemet_queue::Error),
    /// The compiler for CKKS. Exit status 2.
    #[error(transparent)]
    Compiler(#[from] hemet_compiler::Error),
    /// An ONNX model. Exit status 2.
    #[error(transparent)]
    Onnx(#[from] hemet_onnx::Error),
    /// A schedule or an artifact. Exit status 2.
    #[error(transparent)]
    Schedule(#[from] hemet_schedule::Error),
    /// An artifact's file. Exit status 2.
    #[error(transparent)]
    Artifact(#[from] hemet_schedule::FileError),
    /// A cost table lacks what is asked of it. Exit status 2.
    #[error(transparent)]
    MissingCost(#[from] hemet_schedule::MissingCost),
    /// Client, server, calibration. Exit status 2, or 1 for an answer that was checked and is wrong.
    #[error(transparent)]
    Runtime(Box<hemet_runtime::RuntimeError>),
    /// A server over HTTP. Exit status 2.
    #[error(transparent)]
    Serve(#[from] hemet_serve::ServeError),
    /// What one scheme alone refuses; `schemes` has the conversions. Exit status 2.
    #[error(transparent)]
    Scheme(Box<dyn std::error::Error + Send + Sync>),
    /// A file could not be written. Exit status 2.
    #[error(transparent)]
    Write(#[from] hemet_files::WriteError),
    /// A plot, table or page cannot be made of these numbers. Exit status 1.
    #[error(transparent)]
    Report(#[from] hemet_reports::Error),
    /// Something is no YAML of its form, or cannot be written as YAML. Exit status 2.
    #[error(transparent)]
    Yaml(#[from] serde_yaml::Error),
    /// Something cannot be written as JSON. Exit status 1.
    #[error("as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// A place in a text, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
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
    /// Further mistakes in the same file.
    pub others: Vec<SourceError>,
}

impl SourceError {
    /// A mistake at a place of a text, which is shown with its control characters as escapes.
    pub fn new(
        path: &Path,
        text: &str,
        place: Place,
        message: String,
        help: Option<String>,
    ) -> Self {
        let Place { line, column } = place;
        let rows = text.split_inclusive('\n');
        let start: usize = rows.take(line.saturating_sub(1)).map(str::len).sum();
        let row = text[start..].lines().next().unwrap_or("");
        let before = row.chars().take(column.saturating_sub(1));
        let offset: usize = before.map(char::len_utf8).sum();
        let rest = &row[offset..];
        let word = rest
            .find(|c: char| c.is_whitespace() || ":,]}".contains(c))
            .unwrap_or(rest.len());
        let least = rest.chars().next().map_or(0, char::len_utf8);
        let (from, to) = (start + offset, start + offset + word.max(least));
        let shown = |part: &str| print::visible(part).len();
        Self {
            message: print::visible(&format!("{}:{line}:{column}: {message}", path.display())),
            help: help.map(|help| print::visible(&help)),
            source: NamedSource::new(path.display().to_string(), print::visible(text)),
            span: (shown(&text[..from]), shown(&text[from..to])).into(),
            others: vec![],
        }
    }
}

impl Error {
    /// A user's mistake, said in one message.
    pub fn user(message: impl fmt::Display) -> Self {
        Error::User(message.to_string())
    }

    /// A mistake in the file `path`: what happened and where.
    pub fn file(path: &Path, what: impl fmt::Display) -> Self {
        Error::File {
            path: path.to_owned(),
            what: what.to_string(),
        }
    }

    /// A mistake at a place of a text.
    pub fn at(
        path: &Path,
        text: &str,
        place: Place,
        message: impl fmt::Display,
        help: Option<String>,
    ) -> Self {
        let source = SourceError::new(path, text, place, message.to_string(), help);
        Error::Source(Box::new(source))
    }

    /// The exit status of the process.
    pub fn exit_status(&self) -> u8 {
        match self {
            Error::User(_)
            | Error::File { .. }
            | Error::Source(_)
            | Error::Spaces(_)
            | Error::Search(_)
            | Error::Queue(_)
            | Error::Compiler(_)
            | Error::Onnx(_)
            | Error::Schedule(_)
            | Error::Artifact(_)
            | Error::MissingCost(_)
            | Error::Scheme(_)
            | Error::Serve(_)
            | Error::Write(_)
            | Error::Yaml(_) => 2,
            Error::Runtime(error) => match error.is_failed_check() {
                true => 1,
                false => 2,
            },
            Error::Check(_) | Error::Uncompilable(_) | Error::Report(_) | Error::Json(_) => 1,
        }
    }

    /// The text for standard error.
    pub fn render(self) -> String {
        if let Error::Source(source) = self {
            return format!("{:?}", miette::Report::new(*source));
        }
        format!("error: {}", print::visible(&self.to_string()))
    }
}

impl From<hemet_runtime::RuntimeError> for Error {
    fn from(error: hemet_runtime::RuntimeError) -> Self {
        Error::Runtime(Box::new(error))
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

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        let others = self.others.iter().map(|other| other as &dyn Diagnostic);
        (!self.others.is_empty()).then(|| Box::new(others) as Box<dyn Iterator<Item = _>>)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(
            Some("here".into()),
            self.span,
        ))))
    }
}
