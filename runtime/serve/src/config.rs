//! What a server is started with.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use crate::error::{Result, ServeError};
use crate::log::{Clock, Lines};
use crate::tls::TlsFiles;

/// What a server needs to start.
pub struct Config {
    /// The folder of artifacts, `NAME.hemet` each.
    pub models: PathBuf,
    /// The folder for keys and the audit log, made if it is missing.
    pub store: PathBuf,
    /// Where keys lie that several servers share; the folder then holds copies.
    pub bucket: Option<BucketPlace>,
    /// The file of tokens; anybody may use the server without one.
    pub tokens: Option<PathBuf>,
    /// The public key that must have signed a model; anything is served without one.
    pub trust: Option<PathBuf>,
    /// Certificate and key; connections are not encrypted without them.
    pub tls: Option<TlsFiles>,
    /// What clients may take.
    pub limits: Limits,
    /// The clock.
    pub clock: Clock,
    /// Hears what the operator is told.
    pub lines: Lines,
}

/// A place in an S3-compatible store.
#[derive(Clone)]
pub struct BucketPlace {
    /// The bucket's name.
    pub bucket: String,
    /// What the names of all objects begin with.
    pub prefix: String,
    /// The variables of the environment whose names begin with `AWS_`: endpoint, region, credentials.
    pub environment: Vec<(String, String)>,
}

impl BucketPlace {
    /// The place that `s3://BUCKET/PREFIX` names.
    pub(crate) fn parse(text: &str, environment: &[(String, String)]) -> Result<Self> {
        let rest = text.strip_prefix(SCHEME).unwrap_or(text);
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            let what = format!("`{text}` names no bucket; give {SCHEME}BUCKET/PREFIX");
            return Err(ServeError::Option(what));
        }
        Ok(Self {
            bucket: bucket.to_owned(),
            prefix: prefix.trim_end_matches('/').to_owned(),
            environment: environment.to_vec(),
        })
    }
}

/// How a store begins that is a bucket.
pub(crate) const SCHEME: &str = "s3://";

/// Without the environment, which holds secrets.
impl fmt::Display for BucketPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.bucket, self.prefix)
    }
}

/// What a server is given by the program that starts it.
pub struct Host {
    /// The clock.
    pub(crate) clock: Clock,
    /// Hears what the operator is told.
    pub(crate) lines: Lines,
    /// The variables of the environment whose names begin with `AWS_`.
    pub(crate) environment: Vec<(String, String)>,
}

impl Host {
    /// With those of a program's variables that say where a bucket is and who may use it.
    pub fn new(
        clock: Clock,
        lines: Lines,
        variables: impl Iterator<Item = (OsString, OsString)>,
    ) -> Self {
        let text = |(name, value): (OsString, OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        let ours = |(name, _): &(String, String)| name.starts_with("AWS_");
        Self {
            clock,
            lines,
            environment: variables.filter_map(text).filter(ours).collect(),
        }
    }
}

/// What clients may take of a server, in numbers, bytes and seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Threads that compute; 0 means one a core.
    pub threads: usize,
    /// Requests that are computed side by side.
    pub at_once: usize,
    /// Requests that wait beside them; others are told to come back.
    pub queue: usize,
    /// Open connections; others wait to be accepted.
    pub connections: usize,
    /// Most bytes of a piece of uploaded keys.
    pub piece_bytes: u64,
    /// Bytes on disk of the keys that are held in memory.
    pub key_memory_bytes: u64,
    /// Bytes of keys of a tenant on disk.
    pub tenant_store_bytes: u64,
    /// Bytes of keys of all tenants on disk.
    pub store_bytes: u64,
    /// Bytes of prepared constants of a model, where a scheme can prepare them again.
    pub constant_bytes: usize,
    /// Seconds in which the head of a request must arrive, and without a byte of a body.
    pub stall_s: u64,
    /// Seconds in which an answer must be there, from the whole request on.
    pub answer_s: u64,
    /// Seconds that running requests get to end when the server does.
    pub end_s: u64,
}

impl Default for Limits {
    fn default() -> Self {
        const GIB: u64 = 1 << 30;
        Self {
            threads: 0,
            at_once: 2,
            queue: 32,
            connections: 1024,
            piece_bytes: 8 << 20,
            key_memory_bytes: 8 * GIB,
            tenant_store_bytes: 16 * GIB,
            store_bytes: 256 * GIB,
            constant_bytes: usize::MAX,
            stall_s: 10,
            answer_s: 600,
            end_s: 8,
        }
    }
}

impl Limits {
    /// Refuses limits under which nothing can be served.
    pub(crate) fn check(&self) -> Result<()> {
        for (name, value, least) in [
            ("requests at once", self.at_once as u64, 1),
            ("connections", self.connections as u64, 1),
            ("bytes of a piece", self.piece_bytes, 4096),
            ("seconds to wait for a client", self.stall_s, 1),
            ("seconds for an answer", self.answer_s, 1),
        ] {
            if value < least {
                let what = format!("{name}: {value}, at least {least} is needed");
                return Err(ServeError::Option(what));
            }
        }
        Ok(())
    }
}
