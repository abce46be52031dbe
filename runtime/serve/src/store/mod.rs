//! Evaluation keys on disk: uploaded piece by piece, checked, kept as the runtime maps them. They are named by the hash
//! of the file that the client sends, below a folder of their tenant and their binding (what all artifacts have in
//! common that need the same keys), so that no tenant's name for keys leads to those of another.
//!
//! ```text
//! STORE/keys/TENANT/BINDING/HASH.upload   what has arrived so far; it only grows
//! STORE/keys/TENANT/BINDING/HASH.keys     whole, checked keys
//! STORE/keys/TENANT/ARTIFACT/HASH.keys    keys that an older server has stored, for one artifact
//! ```
//!
//! Servers that share keys have them in a [`SharedStore`]; the folder then holds copies, of which those that were used
//! longest ago make room (`shared.rs`).
//!
//! A process that is killed leaves uploads that go on later, and whole keys; what else it was writing is removed when a
//! server starts an hour later.

mod shared;
mod upload;

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::StatusCode;
use hemet_runtime::files::{FileKind, START_BYTES, length_of};

use crate::error::{Refusal, Result, ServeError};
use crate::key_name::KeyName;
use crate::log::Clock;
use crate::shared_store::SharedStore;
use crate::tenants::Tenant;

pub(crate) use upload::{Hold, Piece};

/// What a killed process was writing is removed after this time; another server of the same store may write still.
const TORN: Duration = Duration::from_secs(3600);
/// Kept keys have both halves of each and whole words, up to four times the bytes that a client sends; the upload lies
/// beside them until they are checked.
const ON_DISK: u64 = 5;

/// How far keys have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing is here.
    Absent,
    /// So many bytes have arrived.
    Partial(u64),
    /// They are whole and checked.
    Stored,
}

impl State {
    /// That of an upload of which so many bytes have arrived.
    fn of_upload(received: u64) -> Self {
        match received {
            0 => State::Absent,
            received => State::Partial(received),
        }
    }
}

/// Bytes that keys may take on disk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quotas {
    pub(crate) tenant_bytes: u64,
    pub(crate) all_bytes: u64,
}

/// The store.
pub(crate) struct Store {
    root: PathBuf,
    quotas: Quotas,
    clock: Clock,
    /// Uploads that are being written.
    held: Mutex<HashSet<PathBuf>>,
    /// Held while the room for a new upload is counted and taken.
    begin: Mutex<()>,
    /// Where keys lie that several servers share; the folder has copies of them.
    shared: Option<Box<dyn SharedStore>>,
}

type Refused<T> = std::result::Result<T, Refusal>;

impl Store {
    /// The store in a folder, which is made if it is missing.
    pub(crate) fn open(
        folder: &Path,
        quotas: Quotas,
        clock: Clock,
        shared: Option<Box<dyn SharedStore>>,
    ) -> Result<Self> {
        let root = folder.join("keys");
        private_folder(&root).map_err(|e| ServeError::file(&root, e))?;
        let store = Self {
            root,
            quotas,
            clock,
            held: Mutex::default(),
            begin: Mutex::default(),
            shared,
        };
        let files = store.files(&store.root);
        for file in files.map_err(|e| ServeError::file(&store.root, e))? {
            let is_upload = has(&file.path, "upload");
            let is_done = is_upload && file.path.with_extension("keys").exists();
            let is_torn = !is_upload && !has(&file.path, "keys");
            if (is_done || is_torn) && file.age((store.clock)()) > TORN {
                fs::remove_file(&file.path).map_err(|e| ServeError::file(&file.path, e))?;
            }
        }
        Ok(store)
    }

    fn path(&self, name: &KeyName, extension: &str) -> PathBuf {
        self.below(name, &name.binding, extension)
    }

    fn below(&self, name: &KeyName, folder: &str, extension: &str) -> PathBuf {
        let file = format!("{}.{extension}", name.hash.to_hex());
        let folder = self.root.join(name.tenant.name()).join(folder);
        folder.join(file)
    }

    /// Where whole keys lie, or will.
    pub(crate) fn kept(&self, name: &KeyName) -> PathBuf {
        let older = self.older(name);
        let own = self.path(name, "keys");
        if !own.exists() && older.exists() {
            older
        } else {
            own
        }
    }

    /// Where a server kept whole keys that knew no bindings.
    fn older(&self, name: &KeyName) -> PathBuf {
        self.below(name, &name.artifact, "keys")
    }

    /// How far keys have come. Waits for the shared store, where there is one.
    pub(crate) fn state(&self, name: &KeyName) -> Refused<State> {
        if let Some(bucket) = self.shared.as_deref() {
            return self.shared_state(bucket, name);
        }
        if self.here(name)? {
            return Ok(State::Stored);
        }
        Ok(State::of_upload(self.received(name)?))
    }

    /// Whether whole keys are in the folder.
    pub(crate) fn here(&self, name: &KeyName) -> Refused<bool> {
        self.bytes_here(name).map(|bytes| bytes.is_some())
    }

    /// Bytes that whole keys take in the folder.
    pub(crate) fn bytes_here(&self, name: &KeyName) -> Refused<Option<u64>> {
        length(&self.kept(name)).map_err(|e| Refusal::of_io(&e))
    }

    /// How many bytes of an upload have arrived. Too few to say what the file is count as none.
    fn received(&self, name: &KeyName) -> Refused<u64> {
        let bytes = length(&self.path(name, "upload")).map_err(|e| Refusal::of_io(&e))?;
        let bytes = bytes.unwrap_or(0);
        Ok(if bytes < START_BYTES as u64 { 0 } else { bytes })
    }

    /// The right to write, which one request has at a time.
    pub(crate) fn hold(&self, name: &KeyName) -> Refused<Hold<'_>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match held.insert(self.path(name, "upload")) {
            true => Ok(Hold::new(self, name.clone())),
            false => Err(Refusal::busy(
                StatusCode::CONFLICT,
                "another request writes these keys now; ask for their state and go on from there",
                1,
            )),
        }
    }

    /// Gives the right to write back.
    fn let_go(&self, name: &KeyName) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.remove(&self.path(name, "upload"));
    }

    /// The files below a folder of the store.
    fn files(&self, folder: &Path) -> io::Result<Vec<Found>> {
        let mut found = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Err(e) => return Err(e),
            };
            for entry in entries {
                let entry = entry?;
                // Another request may have removed it.
                let Ok(metadata) = entry.metadata() else {
                    continue;
                };
                match metadata.is_dir() {
                    true => folders.push(entry.path()),
                    false => found.push(Found {
                        path: entry.path(),
                        bytes: metadata.len(),
                        changed: metadata.modified().ok(),
                    }),
                }
            }
        }
        Ok(found)
    }

    /// Bytes of all keys and uploads on disk.
    pub(crate) fn bytes(&self) -> u64 {
        let files = self.files(&self.root).unwrap_or_default();
        files.iter().map(|file| file.bytes).sum()
    }

    /// The names of a tenant's whole keys for a binding, and of those that were stored for the artifact alone.
    pub(crate) fn list(
        &self,
        tenant: &Tenant,
        binding: &str,
        artifact: &str,
    ) -> Refused<Vec<String>> {
        if let Some(bucket) = self.shared.as_deref() {
            return bucket.names(tenant, binding);
        }
        let folder = self.root.join(tenant.name());
        let below = |name| {
            self.files(&folder.join(name))
                .map_err(|e| Refusal::of_io(&e))
        };
        let mut files = below(binding)?;
        files.extend(below(artifact)?);
        let whole = files.iter().filter(|file| has(&file.path, "keys"));
        let stem = |file: &Found| Some(file.path.file_stem()?.to_str()?.to_owned());
        let mut names: Vec<String> = whole.filter_map(stem).collect();
        names.sort();
        names.dedup();
        Ok(names)
    }
}

/// A file of the store.
struct Found {
    path: PathBuf,
    bytes: u64,
    changed: Option<SystemTime>,
}

impl Found {
    /// How long ago it was changed.
    fn age(&self, now: Duration) -> Duration {
        let changed = self
            .changed
            .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        now.saturating_sub(changed.unwrap_or(now))
    }
}

fn has(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|e| e == extension)
}

/// Bytes that a file takes, or may take once it is whole.
fn reserved(file: &Found) -> u64 {
    match has(&file.path, "upload") {
        true => stated_length(&file.path)
            .unwrap_or(0)
            .saturating_mul(ON_DISK),
        false => file.bytes,
    }
}

/// What the start of an upload says of the file's length.
fn stated_length(path: &Path) -> Option<u64> {
    let mut start = Vec::with_capacity(START_BYTES);
    let file = File::open(path).ok()?;
    file.take(START_BYTES as u64).read_to_end(&mut start).ok()?;
    length_of(&start, FileKind::EvaluationKeys).ok()
}

fn length(path: &Path) -> io::Result<Option<u64>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn private_file(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _ = options;
}
