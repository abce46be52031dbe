//! Keys that several servers share, in a bucket: pieces of uploads go there, whole keys are checked here before they
//! are put there, and are fetched, checked again and kept in the folder when they are first used.
//!
//! A copy in the folder is confirmed against the bucket once in a while, so that keys that were deleted through another
//! server are used no longer than that. When the bucket cannot be reached copies serve on, and all else is refused with
//! a time to come back.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use hemet_runtime::{RuntimeError, Server};

use super::upload::{
    Hold, MAX_UPLOADS, Piece, STALE, check_and_keep, over_quota, too_many_uploads,
};
use super::{ON_DISK, Refused, State, Store, has, private_file, private_folder};
use crate::error::Refusal;
use crate::key_name::KeyName;
use crate::pools::Pools;
use crate::shared_store::SharedStore;

/// A copy that was confirmed within this time is used without asking the bucket.
const CONFIRMED: Duration = Duration::from_secs(60);

/// Tells apart files that are fetched at the same time.
static FETCHED: AtomicU64 = AtomicU64::new(0);

impl Store {
    /// Whether keys lie in a bucket.
    pub(crate) fn is_shared(&self) -> bool {
        self.shared.is_some()
    }

    pub(super) fn shared_state(&self, bucket: &dyn SharedStore, name: &KeyName) -> Refused<State> {
        if bucket.stored(name)?.is_some() {
            return Ok(State::Stored);
        }
        // Another server has deleted them.
        remove(&self.path(name, "keys"))?;
        Ok(State::of_upload(bucket.upload(name)?.received))
    }

    /// Whether the folder has a copy that may be used.
    pub(crate) fn confirm(&self, name: &KeyName) -> Refused<bool> {
        let path = self.kept(name);
        let (Some(bucket), true) = (self.shared.as_deref(), path.exists()) else {
            return self.here(name);
        };
        let now = (self.clock)();
        let changed = fs::metadata(&path).and_then(|data| data.modified());
        let changed = changed
            .ok()
            .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        if changed.is_some_and(|at| now.saturating_sub(at) < CONFIRMED) {
            return Ok(true);
        }
        match bucket.stored(name) {
            Ok(None) => {
                remove(&path)?;
                Ok(false)
            }
            // While the bucket is away, copies serve on; it is asked again as late as where it has answered.
            Ok(Some(_)) | Err(_) => {
                let file = OpenOptions::new().append(true).open(&path);
                let touched = file.and_then(|file| file.set_modified(UNIX_EPOCH + now));
                touched.map(|()| true).map_err(|e| Refusal::of_io(&e))
            }
        }
    }

    /// Fetches keys from the bucket, checks them for `server` and keeps them in the folder; whether there are any.
    pub(crate) fn fetch(&self, name: &KeyName, server: &Server, pools: &Pools) -> Refused<bool> {
        let (Some(bucket), false) = (self.shared.as_deref(), self.here(name)?) else {
            return self.here(name);
        };
        let Some(bytes) = bucket.stored(name)? else {
            return Ok(false);
        };
        self.make_room(bytes.saturating_mul(ON_DISK))?;
        let number = FETCHED.fetch_add(1, Ordering::Relaxed);
        let sent = self.path(name, &format!("{number}.fetched"));
        let fresh = self.path(name, &format!("{number}.fresh"));
        let fetched = (|| -> Refused<bool> {
            let there = bucket.fetch(name, &mut create(&sent)?)?;
            if there {
                pools.alone(|| check_and_keep(name, server, &sent, &fresh))?;
                rename(&fresh, &self.path(name, "keys"))?;
            }
            Ok(there)
        })();
        remove(&sent)?;
        if let Err(refusal) = &fetched {
            remove(&fresh)?;
            if refusal.status.is_client_error() {
                bucket.discard(name)?;
                return Ok(false);
            }
        }
        fetched
    }

    /// Removes copies, those that were confirmed longest ago first, until so many bytes more fit the quota.
    fn make_room(&self, needed: u64) -> Refused<()> {
        let files = self.files(&self.root).map_err(|e| Refusal::of_io(&e))?;
        let mut taken: u64 = files.iter().map(|file| file.bytes).sum();
        let mut copies: Vec<_> = files
            .iter()
            .filter(|file| has(&file.path, "keys"))
            .collect();
        copies.sort_by_key(|file| file.changed);
        for copy in copies {
            if taken.saturating_add(needed) <= self.quotas.all_bytes {
                break;
            }
            remove(&copy.path)?;
            taken -= copy.bytes;
        }
        match taken.saturating_add(needed) <= self.quotas.all_bytes {
            true => Ok(()),
            false => Err(Refusal::full()),
        }
    }
}

impl Hold<'_> {
    pub(super) fn append_shared(
        &self,
        bucket: &dyn SharedStore,
        piece: &Piece<'_>,
        check: impl FnOnce(&[u8], u64) -> Result<(), RuntimeError>,
    ) -> Refused<u64> {
        let upload = bucket.upload(&self.name)?;
        piece.check_start(upload.received)?;
        match upload.received {
            0 => {
                check(piece.file_start()?, piece.total)?;
                self.check_quotas(bucket, piece.total)?;
            }
            _ => piece.check_total(upload.total)?,
        }
        let end = piece.end()?;
        bucket.put_piece(&self.name, piece.total, piece.start, piece.bytes)?;
        Ok(end)
    }

    /// Whether a new upload of `total` bytes fits what its tenant, and all of them, may have in the bucket. Uploads
    /// that begin through several servers at once do not see each other.
    fn check_quotas(&self, bucket: &dyn SharedStore, total: u64) -> Refused<()> {
        let (store, tenant) = (self.store, &self.name.tenant);
        bucket.remove_stale(tenant, (store.clock)(), STALE)?;
        let (own, most) = (bucket.usage(Some(tenant))?, store.quotas.tenant_bytes);
        if own.uploads >= MAX_UPLOADS {
            return Err(too_many_uploads());
        }
        if own.bytes.saturating_add(total) > most {
            return Err(over_quota(own.bytes, total, most));
        }
        match bucket.usage(None)?.bytes.saturating_add(total) > store.quotas.all_bytes {
            true => Err(Refusal::full()),
            false => Ok(()),
        }
    }

    pub(super) fn finish_shared(
        &self,
        bucket: &dyn SharedStore,
        server: &Server,
        pools: &Pools,
    ) -> Refused<()> {
        let (store, name) = (self.store, &self.name);
        let upload = bucket.upload(name)?;
        store.make_room(upload.total.saturating_mul(ON_DISK))?;
        let (sent, fresh) = (self.upload(), store.path(name, "fresh"));
        let joined = create(&sent).and_then(|mut file| bucket.join(name, &upload, &mut file));
        if joined.is_err() {
            remove(&sent)?;
            return joined;
        }
        let checked = pools.alone(|| check_and_keep(name, server, &sent, &fresh));
        let outcome = checked.and_then(|()| {
            bucket
                .put_whole(name, &sent)
                .and_then(|()| rename(&fresh, &store.path(name, "keys")))
        });
        remove(&sent)?;
        let is_away = outcome
            .as_ref()
            .is_err_and(|refusal| refusal.status.is_server_error());
        if outcome.is_err() {
            remove(&fresh)?;
        }
        if !is_away {
            // Whole keys count before pieces do; pieces that stay are removed as stale.
            let _ = bucket.remove_upload(name);
        }
        outcome
    }
}

/// An empty file of the server's own.
fn create(path: &Path) -> Refused<File> {
    let io = |e: std::io::Error| Refusal::of_io(&e);
    private_folder(path.parent().unwrap_or(path)).map_err(io)?;
    let mut options = OpenOptions::new();
    options.create(true).write(true).truncate(true);
    private_file(&mut options);
    options.open(path).map_err(io)
}

fn rename(from: &PathBuf, to: &PathBuf) -> Refused<()> {
    fs::rename(from, to).map_err(|e| Refusal::of_io(&e))
}

/// Removes a file, if it is there.
fn remove(path: &Path) -> Refused<()> {
    match fs::remove_file(path) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(Refusal::of_io(&e)),
    }
}
