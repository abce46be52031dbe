//! Writing keys into the store: pieces of an upload, the check of the whole, removal.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use hemet_runtime::files::START_BYTES;
use hemet_runtime::{RuntimeError, Server, keep_keys};

use super::{
    Found, ON_DISK, Refused, Store, has, private_file, private_folder, reserved, stated_length,
};
use crate::error::Refusal;
use crate::key_name::KeyName;
use crate::pools::Pools;

/// Uploads of a tenant that may be unfinished at a time.
pub(super) const MAX_UPLOADS: usize = 8;
/// An upload that has not grown for so long is removed when its tenant begins another.
pub(super) const STALE: Duration = Duration::from_secs(24 * 3600);

/// A piece of an upload.
pub(crate) struct Piece<'a> {
    /// The first byte's place in the file.
    pub(crate) start: u64,
    /// Bytes of the whole file.
    pub(crate) total: u64,
    pub(crate) bytes: &'a [u8],
}

impl Piece<'_> {
    /// Refuses a piece that does not go on where the upload stands.
    pub(super) fn check_start(&self, received: u64) -> Refused<()> {
        if self.start == received {
            return Ok(());
        }
        let message = format!(
            "the piece begins at byte {}, {received} have arrived; go on from there, or delete the keys to begin anew",
            self.start
        );
        Err(Refusal::elsewhere(message, received))
    }

    /// Refuses a piece that says another length of the file than its first piece did.
    pub(super) fn check_total(&self, stated: u64) -> Refused<()> {
        match stated == self.total {
            true => Ok(()),
            false => Err(Refusal::malformed(format!(
                "the piece is of a file of {} bytes, the first one of a file of {stated}",
                self.total
            ))),
        }
    }

    /// The byte behind its last.
    pub(super) fn end(&self) -> Refused<u64> {
        let end = self.start.saturating_add(self.bytes.len() as u64);
        match end > self.total {
            false => Ok(end),
            true => Err(Refusal::malformed(format!(
                "the piece ends at byte {end} of a file of {} bytes",
                self.total
            ))),
        }
    }

    /// What says what the file is, at the beginning of a first piece.
    pub(super) fn file_start(&self) -> Refused<&[u8]> {
        self.bytes.get(..START_BYTES).ok_or_else(|| {
            Refusal::malformed(format!(
                "the first piece has {} bytes; it must have at least {START_BYTES}, which say what the file is",
                self.bytes.len()
            ))
        })
    }
}

/// The right to write the keys of a name, until it is dropped.
pub(crate) struct Hold<'a> {
    pub(super) store: &'a Store,
    pub(super) name: KeyName,
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.store.let_go(&self.name);
    }
}

impl<'a> Hold<'a> {
    /// For the store alone, which sees that there is one of a name.
    pub(super) fn new(store: &'a Store, name: KeyName) -> Self {
        Self { store, name }
    }

    pub(super) fn upload(&self) -> PathBuf {
        self.store.path(&self.name, "upload")
    }

    /// Adds a piece, which must begin where the last one ended. `check` looks at the first bytes of the file before
    /// anything is written. Returns how many bytes have arrived.
    pub(crate) fn append(
        &self,
        piece: &Piece<'_>,
        check: impl FnOnce(&[u8], u64) -> std::result::Result<(), RuntimeError>,
    ) -> Refused<u64> {
        if let Some(bucket) = self.store.shared.as_deref() {
            return self.append_shared(bucket, piece, check);
        }
        let path = self.upload();
        let received = self.store.received(&self.name)?;
        piece.check_start(received)?;
        // Held until the piece is written, so that another upload sees what this one will take.
        let mut _counting = None;
        match received {
            0 => _counting = Some(self.begin(piece, check)?),
            _ => piece.check_total(stated_length(&path).ok_or_else(Refusal::internal)?)?,
        }
        let end = piece.end()?;
        let write = || -> io::Result<()> {
            let mut options = OpenOptions::new();
            options.create(true).append(true);
            private_file(&mut options);
            let mut file = options.open(&path)?;
            file.set_len(received)?;
            file.write_all(piece.bytes)
        };
        match write() {
            Ok(()) => Ok(end),
            Err(error) => {
                // What a full disk has cut is taken back, so that the upload can go on.
                let cut = OpenOptions::new().write(true).open(&path);
                let _ = cut.and_then(|file| file.set_len(received));
                Err(Refusal::of_io(&error))
            }
        }
    }

    /// Checks the first piece of an upload and that there is room for all of it.
    fn begin(
        &self,
        piece: &Piece<'_>,
        check: impl FnOnce(&[u8], u64) -> std::result::Result<(), RuntimeError>,
    ) -> Refused<MutexGuard<'_, ()>> {
        check(piece.file_start()?, piece.total)?;
        let store = self.store;
        let counting = store.begin.lock().unwrap_or_else(PoisonError::into_inner);
        let io = |e: io::Error| Refusal::of_io(&e);
        let tenant = store.root.join(self.name.tenant.name());
        remove_stale(&store.files(&tenant).map_err(io)?, (store.clock)());
        let own = store.files(&tenant).map_err(io)?;
        if own.iter().filter(|file| has(&file.path, "upload")).count() >= MAX_UPLOADS {
            return Err(too_many_uploads());
        }
        let needed = piece.total.saturating_mul(ON_DISK);
        let all = store.files(&store.root).map_err(io)?;
        let taken = |files: &[Found]| files.iter().map(reserved).sum::<u64>();
        let (own_bytes, most) = (taken(&own), store.quotas.tenant_bytes);
        if own_bytes.saturating_add(needed) > most {
            return Err(over_quota(own_bytes, needed, most));
        }
        // How much the keys of others take is nobody's business.
        if taken(&all).saturating_add(needed) > store.quotas.all_bytes {
            return Err(Refusal::full());
        }
        let path = self.upload();
        let folder = path.parent().unwrap_or(&store.root);
        private_folder(folder).map_err(io)?;
        Ok(counting)
    }

    /// Checks an upload that has arrived whole and keeps its keys for `server`.
    pub(crate) fn finish(&self, server: &Server, pools: &Pools) -> Refused<()> {
        if let Some(bucket) = self.store.shared.as_deref() {
            return self.finish_shared(bucket, server, pools);
        }
        let upload = self.upload();
        let kept = upload.with_extension("keys");
        let fresh = kept.with_extension("fresh");
        let outcome = pools.alone(|| check_and_keep(&self.name, server, &upload, &fresh));
        match &outcome {
            Ok(()) => fs::rename(&fresh, &kept).map_err(|e| Refusal::of_io(&e))?,
            // A full disk is no fault of the keys: the upload stays.
            Err(refusal) if refusal.status.is_server_error() => {
                let _ = fs::remove_file(&fresh);
                return outcome;
            }
            Err(_) => {
                let _ = fs::remove_file(&fresh);
            }
        }
        let removed = fs::remove_file(&upload).map_err(|e| Refusal::of_io(&e));
        outcome.and(removed)
    }

    /// Removes keys, whole or not; whether there were any.
    pub(crate) fn remove(&self) -> Refused<bool> {
        let (store, name) = (self.store, &self.name);
        let mut any = match &store.shared {
            Some(bucket) => bucket.remove_whole(name)? | bucket.remove_upload(name)?,
            None => false,
        };
        let own = store.path(name, "keys");
        for path in [self.upload(), own, store.older(name)] {
            match fs::remove_file(path) {
                Ok(()) => any = true,
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(Refusal::of_io(&e)),
            }
        }
        Ok(any)
    }
}

/// Checks the file that a client has sent, and writes its keys for `server` into `fresh`.
pub(super) fn check_and_keep(
    name: &KeyName,
    server: &Server,
    sent: &Path,
    fresh: &Path,
) -> Refused<()> {
    let bytes = fs::read(sent).map_err(|e| Refusal::of_io(&e))?;
    let hash = blake3::hash(&bytes);
    if hash != name.hash {
        return Err(Refusal::malformed(format!(
            "what has arrived has the hash {}, not {}; it is removed: upload the keys again",
            hash.to_hex(),
            name.hash.to_hex()
        )));
    }
    keep_keys(server.client_spec().as_ref(), &bytes, fresh)?;
    drop(bytes);
    // Opening them checks that they are the keys that the artifact needs.
    server.kept_keys(fresh)?;
    Ok(())
}

pub(super) fn too_many_uploads() -> Refusal {
    Refusal::new(
        StatusCode::TOO_MANY_REQUESTS,
        format!("{MAX_UPLOADS} uploads are unfinished; end or delete one of them first"),
    )
}

pub(super) fn over_quota(own_bytes: u64, needed: u64, most: u64) -> Refusal {
    Refusal::new(
        StatusCode::INSUFFICIENT_STORAGE,
        format!(
            "your keys take {own_bytes} bytes, these need up to {needed}, and {most} are allowed; delete key sets that \
             are no longer used"
        ),
    )
}

/// Removes uploads that have long been left alone.
fn remove_stale(files: &[Found], now: Duration) {
    for file in files.iter().filter(|file| has(&file.path, "upload")) {
        if file.age(now) > STALE {
            let _ = fs::remove_file(&file.path);
        }
    }
}
