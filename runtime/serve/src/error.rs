//! Why a server does not start, and why a request is refused.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use hemet_runtime::RuntimeError;
use serde_json::json;
use thiserror::Error;

/// Why a server cannot start, or had to stop.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServeError {
    /// A file or folder that cannot be used.
    #[error("{}: {what}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What is wrong, and what to do.
        what: String,
    },
    /// The folder of models has none that can be served.
    #[error(
        "{}: no model can be served from here; put artifacts (*.hemet) there{}",
        folder.display(),
        if problems.is_empty() { String::new() } else { format!(", or mend these: {}", problems.join("; ")) }
    )]
    NoModels {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with the files that are there.
        problems: Vec<String>,
    },
    /// An option that makes no sense.
    #[error("{0}")]
    Option(String),
    /// The system refuses threads, sockets or signals.
    #[error("{what}: {source}")]
    System {
        /// What was to be done.
        what: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
}

impl ServeError {
    /// What is wrong with a file or folder.
    pub(crate) fn file(path: &Path, what: impl fmt::Display) -> Self {
        ServeError::File {
            path: path.to_owned(),
            what: what.to_string(),
        }
    }
}

/// What functions that start a server return.
pub type Result<T> = std::result::Result<T, ServeError>;

/// Why a request is refused: a status, and a message for whoever sent it. It never says what a key or a ciphertext
/// holds, nor where files of the server lie.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    message: String,
    retry_after_s: Option<u64>,
    received_bytes: Option<u64>,
}

impl Refusal {
    /// With a status and what to do.
    pub(crate) fn new(status: StatusCode, message: impl fmt::Display) -> Self {
        Self {
            status,
            message: message.to_string(),
            retry_after_s: None,
            received_bytes: None,
        }
    }

    /// A request that is not as the interface says.
    pub(crate) fn malformed(message: impl fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// Try again after so many seconds.
    pub(crate) fn busy(status: StatusCode, message: impl fmt::Display, seconds: u64) -> Self {
        Self {
            retry_after_s: Some(seconds),
            ..Self::new(status, message)
        }
    }

    /// A piece of an upload that does not go on where the last one ended.
    pub(crate) fn elsewhere(message: impl fmt::Display, received_bytes: u64) -> Self {
        Self {
            received_bytes: Some(received_bytes),
            ..Self::new(StatusCode::CONFLICT, message)
        }
    }

    /// Something that is the server's own fault; the message says nothing of it.
    pub(crate) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the server failed at this request; its log says why",
        )
    }

    /// No room on the server's disk.
    pub(crate) fn full() -> Self {
        Self::new(
            StatusCode::INSUFFICIENT_STORAGE,
            "the server has no room left for keys; delete key sets that are no longer used, or ask its operator",
        )
    }

    /// What the store's file system says: a full disk is told, all else is not.
    pub(crate) fn of_io(error: &std::io::Error) -> Self {
        let is_full = [ErrorKind::StorageFull, ErrorKind::QuotaExceeded].contains(&error.kind());
        match is_full {
            true => Self::full(),
            false => Self::internal(),
        }
    }
}

/// What the runtime refuses is the sender's mistake, unless it comes of the server's own files or schedule.
impl From<RuntimeError> for Refusal {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what is not listed is the sender's mistake, and says so itself"
    )]
    fn from(error: RuntimeError) -> Self {
        match &error {
            RuntimeError::Read { source, .. } => Self::of_io(source),
            RuntimeError::Write(error) => Self::of_io(&error.source),
            RuntimeError::Inconsistent(_)
            | RuntimeError::Constant { .. }
            | RuntimeError::Instruction { .. }
            | RuntimeError::Process { .. } => Self::internal(),
            RuntimeError::TooLong { .. } => Self::new(StatusCode::PAYLOAD_TOO_LARGE, &error),
            RuntimeError::ForeignArtifact { .. }
            | RuntimeError::ForeignBinding { .. }
            | RuntimeError::ForeignKeys { .. }
            | RuntimeError::ForeignScheme { .. } => Self::new(StatusCode::CONFLICT, &error),
            _ => Self::malformed(&error),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut body = json!({ "error": self.message });
        if let Some(received) = self.received_bytes {
            body["received"] = received.into();
        }
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer");
            headers.insert(axum::http::header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}
