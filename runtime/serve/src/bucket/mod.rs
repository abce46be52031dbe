//! Keys in an S3-compatible store that several servers share, by the crate `object_store`. What lies there is what
//! clients sent, under the BLAKE3 hash of its bytes, so that whoever fetches it sees whether it is whole:
//!
//! ```text
//! PREFIX/keys/TENANT/BINDING/HASH                    whole keys, checked before they were put there
//! PREFIX/uploads/TENANT/BINDING/HASH/TOTAL-START     a piece of an upload of TOTAL bytes that begins at START
//! ```
//!
//! An object appears whole or not at all. Servers do not lock each other out: two that write the same piece write the
//! same bytes, or one of them another length, after which the upload goes on from where the pieces are without a gap.

mod transport;

use std::collections::BTreeMap;
use std::fs::File;
use std::future::Future;
use std::io::{Read, Write};
use std::path::Path as FilePath;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use futures_util::StreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path;
use object_store::{
    BackoffConfig, Error, ObjectMeta, ObjectStore, ObjectStoreExt, PutPayload, RetryConfig,
    WriteMultipart,
};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::config::BucketPlace;
use crate::error::{Refusal, Result, ServeError};
use crate::key_name::KeyName;
use crate::log::Lines;
use crate::shared_store::{Piece, SharedStore, Upload, Usage};
use crate::tenants::Tenant;
use transport::Transport;

/// Most time of one request to the store, its repetitions included.
const WITHIN: Duration = Duration::from_secs(60);
/// Most time without a byte of an object that is fetched.
const STALL: Duration = Duration::from_secs(15);
/// After so many seconds a client asks again.
const AGAIN_S: u64 = 5;
/// Objects above this many bytes are put in parts of this many.
const PART_BYTES: usize = 16 << 20;
/// Parts that are on their way at a time: that many are in memory.
const PARTS: usize = 2;
/// The variable that names the authorities to trust; `object_store` leaves it to whoever speaks HTTP.
const AUTHORITIES: &str = "AWS_CA_BUNDLE";

type Refused<T> = std::result::Result<T, Refusal>;

/// The store.
pub(crate) struct Bucket {
    /// Threads of its own, so that whoever waits for the store waits for nothing else.
    runtime: Option<Runtime>,
    objects: AmazonS3,
    prefix: Path,
    lines: Lines,
}

impl Bucket {
    /// Opens the store and looks whether it can be read.
    ///
    /// # Errors
    /// Settings that make no sense, a bucket that is not there or may not be read.
    pub(crate) fn open(place: &BucketPlace, lines: Lines) -> Result<Self> {
        let name = place.to_string();
        let wrong = |what: &dyn std::fmt::Display| ServeError::Option(format!("{name}: {what}"));
        let (mut builder, mut authorities) = (AmazonS3Builder::new(), None);
        for (variable, value) in &place.environment {
            if variable == AUTHORITIES && !value.is_empty() {
                authorities = Some(value.as_str());
            }
            // Variables of other programs are none of its keys.
            if let Ok(key) = variable.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() {
                builder = builder.with_config(key, value);
            }
        }
        let retry = RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(100),
                max_backoff: Duration::from_secs(1),
                ..BackoffConfig::default()
            },
            max_retries: 2,
            retry_timeout: Duration::from_secs(10),
        };
        let objects = builder
            .with_bucket_name(&place.bucket)
            .with_retry(retry)
            .with_http_connector(Transport::new(authorities).map_err(|e| wrong(&e))?)
            .build();
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build();
        let runtime = runtime.map_err(|source| ServeError::System {
            what: "starting threads",
            source,
        })?;
        let bucket = Self {
            runtime: Some(runtime),
            objects: objects.map_err(|e| wrong(&e))?,
            prefix: Path::parse(&place.prefix).map_err(|e| wrong(&e))?,
            lines,
        };
        let look = async {
            let mut found = bucket.objects.list(Some(&bucket.prefix));
            found.next().await.transpose().map(drop)
        };
        bucket.wait(look).map_err(|e| {
            wrong(&format!(
                "cannot be read: {e}; see to the bucket's name, AWS_ENDPOINT_URL, AWS_REGION and the credentials \
                 (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)"
            ))
        })?;
        Ok(bucket)
    }

    /// Waits for the store, within bounds.
    fn wait<T>(
        &self,
        work: impl Future<Output = object_store::Result<T>>,
    ) -> object_store::Result<T> {
        self.wait_long(async { timeout(WITHIN, work).await.unwrap_or_else(|_| Err(late())) })
    }

    /// Waits for work that bounds its own time.
    fn wait_long<T>(
        &self,
        work: impl Future<Output = object_store::Result<T>>,
    ) -> object_store::Result<T> {
        match &self.runtime {
            Some(runtime) => runtime.block_on(work),
            // Taken when it is dropped only.
            None => Err(late()),
        }
    }

    /// What a client hears when the store cannot be used, and the operator why.
    fn away(&self, error: &Error) -> Refusal {
        (self.lines)(&format!("the store of keys cannot be used: {error}"));
        Refusal::busy(
            StatusCode::SERVICE_UNAVAILABLE,
            "the store of keys cannot be reached now; try again",
            AGAIN_S,
        )
    }

    fn folder(&self, parts: &[&str]) -> Path {
        let whole = self.prefix.parts().map(|part| part.as_ref().to_owned());
        let parts = parts.iter().map(|part| (*part).to_owned());
        Path::from_iter(whole.chain(parts))
    }

    fn whole(&self, name: &KeyName) -> Path {
        let hash = name.hash.to_hex();
        self.folder(&["keys", name.tenant.name(), &name.binding, hash.as_str()])
    }

    fn uploads(&self, name: &KeyName) -> Path {
        let hash = name.hash.to_hex();
        self.folder(&["uploads", name.tenant.name(), &name.binding, hash.as_str()])
    }

    fn piece(&self, name: &KeyName, total: u64, start: u64) -> Path {
        self.uploads(name).join(format!("{total:020}-{start:020}"))
    }

    fn list(&self, folder: &Path) -> Refused<Vec<ObjectMeta>> {
        let listed = async {
            let mut listed = Vec::new();
            let mut found = self.objects.list(Some(folder));
            while let Some(object) = found.next().await.transpose()? {
                listed.push(object);
            }
            Ok::<_, Error>(listed)
        };
        self.wait(listed).map_err(|e| self.away(&e))
    }

    /// Appends an object to a file; none where it is not there.
    fn read(&self, at: &Path, file: &mut File) -> Refused<Option<()>> {
        enum Broken {
            Store(Error),
            Disk(std::io::Error),
        }
        let read = async {
            let got = timeout(WITHIN, self.objects.get(at)).await;
            let got = got.unwrap_or_else(|_| Err(late()))?;
            let mut stream = got.into_stream();
            loop {
                let next = timeout(STALL, stream.next()).await.map_err(|_| late())?;
                match next.transpose()? {
                    None => return Ok::<_, Error>(Ok(())),
                    Some(bytes) => {
                        if let Err(error) = file.write_all(&bytes) {
                            return Ok(Err(error));
                        }
                    }
                }
            }
        };
        let read = match self.wait_long(read) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Broken::Disk(error)),
            Err(error) => Err(Broken::Store(error)),
        };
        match read {
            Ok(()) => Ok(Some(())),
            Err(Broken::Store(Error::NotFound { .. })) => Ok(None),
            Err(Broken::Store(error)) => Err(self.away(&error)),
            Err(Broken::Disk(error)) => Err(Refusal::of_io(&error)),
        }
    }

    fn remove_all(&self, objects: Vec<ObjectMeta>) -> Refused<bool> {
        for object in &objects {
            let removed = self.wait(self.objects.delete(&object.location));
            removed.map_err(|e| self.away(&e))?;
        }
        Ok(!objects.is_empty())
    }
}

impl SharedStore for Bucket {
    fn stored(&self, name: &KeyName) -> Refused<Option<u64>> {
        let at = self.whole(name);
        match self.wait(self.objects.head(&at)) {
            Ok(object) => Ok(Some(object.size)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.away(&error)),
        }
    }

    fn upload(&self, name: &KeyName) -> Refused<Upload> {
        let pieces = self.list(&self.uploads(name))?;
        Ok(Upload::of(pieces.iter().filter_map(|piece| {
            let (total, start) = numbers(&piece.location)?;
            Some(Piece {
                total,
                start,
                bytes: piece.size,
            })
        })))
    }

    fn put_piece(&self, name: &KeyName, total: u64, start: u64, bytes: &[u8]) -> Refused<()> {
        let at = self.piece(name, total, start);
        let payload = PutPayload::from_bytes(Bytes::copy_from_slice(bytes));
        let put = self.wait(self.objects.put(&at, payload));
        put.map(drop).map_err(|e| self.away(&e))
    }

    fn join(&self, name: &KeyName, upload: &Upload, file: &mut File) -> Refused<()> {
        for start in &upload.starts {
            self.read(&self.piece(name, upload.total, *start), file)?
                .ok_or_else(|| {
                    let message = "another server ends this upload; ask for its state";
                    Refusal::busy(StatusCode::CONFLICT, message, 1)
                })?;
        }
        Ok(())
    }

    fn fetch(&self, name: &KeyName, file: &mut File) -> Refused<bool> {
        Ok(self.read(&self.whole(name), file)?.is_some())
    }

    fn put_whole(&self, name: &KeyName, path: &FilePath) -> Refused<()> {
        let at = self.whole(name);
        let mut file = File::open(path).map_err(|e| Refusal::of_io(&e))?;
        let mut part = vec![0; PART_BYTES];
        let first = filled(&mut file, &mut part).map_err(|e| Refusal::of_io(&e))?;
        if first < PART_BYTES {
            part.truncate(first);
            let put = self.wait(self.objects.put(&at, PutPayload::from(part)));
            return put.map(drop).map_err(|e| self.away(&e));
        }
        let begun = self.wait(self.objects.put_multipart(&at));
        let begun = begun.map_err(|e| self.away(&e))?;
        let mut upload = WriteMultipart::new_with_chunk_size(begun, PART_BYTES);
        let mut length = first;
        while length > 0 {
            let written = self.wait(async {
                upload.wait_for_capacity(PARTS).await?;
                upload.write(&part[..length]);
                Ok::<_, Error>(())
            });
            let next = filled(&mut file, &mut part);
            match (written, next) {
                (Ok(()), Ok(next)) => length = next,
                (Err(error), _) => {
                    // What cannot be taken back, the bucket's own rule for unfinished uploads removes.
                    let _ = self.wait(upload.abort());
                    return Err(self.away(&error));
                }
                (Ok(()), Err(error)) => {
                    let _ = self.wait(upload.abort());
                    return Err(Refusal::of_io(&error));
                }
            }
        }
        let finished = self.wait(upload.finish());
        finished.map(drop).map_err(|e| self.away(&e))
    }

    fn remove_upload(&self, name: &KeyName) -> Refused<bool> {
        self.remove_all(self.list(&self.uploads(name))?)
    }

    fn remove_whole(&self, name: &KeyName) -> Refused<bool> {
        // A store says nothing about objects that it does not have.
        let any = self.stored(name)?.is_some();
        if any {
            let at = self.whole(name);
            let removed = self.wait(self.objects.delete(&at));
            removed.map_err(|e| self.away(&e))?;
        }
        Ok(any)
    }

    fn discard(&self, name: &KeyName) -> Refused<()> {
        let at = self.whole(name);
        (self.lines)(&format!(
            "{at} is not what it was when it was stored; it is removed"
        ));
        self.remove_whole(name).map(drop)
    }

    fn names(&self, tenant: &Tenant, binding: &str) -> Refused<Vec<String>> {
        let found = self.list(&self.folder(&["keys", tenant.name(), binding]))?;
        let names = found.iter().filter_map(|object| object.location.filename());
        Ok(names.map(str::to_owned).collect())
    }

    fn usage(&self, tenant: Option<&Tenant>) -> Refused<Usage> {
        let below = |kind| match tenant {
            Some(tenant) => self.folder(&[kind, tenant.name()]),
            None => self.folder(&[kind]),
        };
        let whole: u64 = self.list(&below("keys"))?.iter().map(|o| o.size).sum();
        let pieces = self.list(&below("uploads"))?;
        let mut uploads = BTreeMap::new();
        for piece in &pieces {
            if let Some((total, _)) = numbers(&piece.location) {
                uploads.insert(folder_of(&piece.location), total);
            }
        }
        Ok(Usage {
            bytes: whole.saturating_add(uploads.values().sum()),
            uploads: uploads.len(),
        })
    }

    fn remove_stale(&self, tenant: &Tenant, now: Duration, age: Duration) -> Refused<()> {
        let pieces = self.list(&self.folder(&["uploads", tenant.name()]))?;
        let mut newest = BTreeMap::new();
        for piece in &pieces {
            let at_s = piece.last_modified.timestamp();
            let newest = newest.entry(folder_of(&piece.location)).or_insert(at_s);
            *newest = at_s.max(*newest);
        }
        let is_stale = |piece: &ObjectMeta| {
            let at_s = newest.get(&folder_of(&piece.location)).copied();
            let at_s = u64::try_from(at_s.unwrap_or(i64::MAX)).unwrap_or(0);
            now.as_secs().saturating_sub(at_s) > age.as_secs()
        };
        let stale = pieces.iter().filter(|piece| is_stale(piece)).cloned();
        self.remove_all(stale.collect()).map(drop)
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        // The last one to let go of it may be a task, which must not wait.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Total and start, as the name of a piece says them.
fn numbers(piece: &Path) -> Option<(u64, u64)> {
    let (total, start) = piece.filename()?.split_once('-')?;
    Some((total.parse().ok()?, start.parse().ok()?))
}

/// The upload that a piece belongs to.
fn folder_of(piece: &Path) -> String {
    let whole = piece.as_ref();
    whole
        .rsplit_once('/')
        .map_or(whole, |(folder, _)| folder)
        .to_owned()
}

/// Reads until a buffer is full or the file ends; bytes read.
fn filled(file: &mut File, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match file.read(&mut buffer[length..])? {
            0 => break,
            count => length += count,
        }
    }
    Ok(length)
}

fn late() -> Error {
    Error::Generic {
        store: "S3",
        source: "no answer in time".into(),
    }
}
