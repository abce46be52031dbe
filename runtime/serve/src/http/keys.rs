//! Evaluation keys: uploaded piece by piece, asked for, deleted.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_RANGE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::body::{Bounds, drain, read};
use super::{blocking, json};
use crate::app::App;
use crate::error::Refusal;
use crate::key_name::KeyName;
use crate::log::Entry;
use crate::models::{Live, Which};
use crate::store::{Piece, State as KeyState};

/// A model and the hash of keys, as a path names them.
#[derive(Deserialize)]
pub(super) struct Place {
    model: String,
    keys: String,
}

/// The hash that a path or a request names keys by.
pub(super) fn hash_of(text: &str) -> Result<blake3::Hash, Refusal> {
    blake3::Hash::from_hex(text).map_err(|_| {
        Refusal::malformed("keys are named by the BLAKE3 hash of their file, 64 hexadecimal digits")
    })
}

/// Which keys of which version of a model are meant, and how far they have come.
struct Named {
    live: Arc<Live>,
    name: KeyName,
    state: KeyState,
}

/// Who asks for which keys of which model. Looks into the store.
async fn named(app: &Arc<App>, headers: &HeaderMap, place: Place) -> Result<Named, Refusal> {
    let tenant = app.tenants.of(headers)?;
    let hash = hash_of(&place.keys)?;
    let versions = app.catalog.versions(&place.model)?;
    let inside = app.clone();
    blocking(app, move || {
        let mut found = None;
        // The version before the newest may need other keys, and these may be of them.
        for live in versions {
            let name = KeyName {
                tenant: tenant.clone(),
                artifact: live.artifact.clone(),
                binding: live.binding.clone(),
                hash,
            };
            let state = inside.store.state(&name)?;
            let named = Named { live, name, state };
            if state == KeyState::Stored {
                return Ok(named);
            }
            found.get_or_insert(named);
        }
        found.ok_or_else(Refusal::internal)
    })
    .await
}

/// `GET /v2/models/{model}/keys`: the hashes of the sender's keys that serve the newest version.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Path(which): Path<Which>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let tenant = app.tenants.of(&headers)?;
    let live = app.catalog.find(&which)?;
    let inside = app.clone();
    let keys = blocking(&app, move || {
        inside.store.list(&tenant, &live.binding, &live.artifact)
    });
    Ok(json(&json!({ "keys": keys.await? })))
}

/// `GET /v2/models/{model}/keys/{keys}`: how far they have come.
pub(super) async fn state(
    State(app): State<Arc<App>>,
    Path(place): Path<Place>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    match named(&app, &headers, place).await?.state {
        KeyState::Absent => Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "there are no such keys; upload them",
        )),
        KeyState::Partial(received) => {
            Ok(json(&json!({ "state": "partial", "received": received })))
        }
        KeyState::Stored => Ok(json(&json!({ "state": "stored" }))),
    }
}

/// `DELETE /v2/models/{model}/keys/{keys}`: removes them, whole or not.
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    Path(place): Path<Place>,
    headers: HeaderMap,
) -> Result<StatusCode, Refusal> {
    let begun_s = app.now().as_secs_f64();
    let Named { live, name, .. } = named(&app, &headers, place).await?;
    let inside = (app.clone(), name.clone());
    let any = blocking(&app, move || inside.0.store.hold(&inside.1)?.remove()).await?;
    app.cache.forget(|other| other.is_same(&name));
    if !any {
        return Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "there are no such keys",
        ));
    }
    note(
        &app,
        &live,
        &name,
        Done {
            action: "delete keys",
            bytes: 0,
            begun_s,
            status: 204,
        },
    );
    Ok(StatusCode::NO_CONTENT)
}

/// `PUT /v2/models/{model}/keys/{keys}`: a piece, whose place `Content-Range: bytes FIRST-LAST/TOTAL` says. The last
/// one is answered when all keys are checked and stored. `bytes */TOTAL` without a body ends an upload whose last
/// answer was lost.
pub(super) async fn put(
    State(app): State<Arc<App>>,
    Path(place): Path<Place>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let begun: Result<_, Refusal> = async {
        let Named { live, name, state } = named(&app, &headers, place).await?;
        let range = Range::of(&headers)?;
        if state != KeyState::Absent {
            return Ok((live, name, range, None));
        }
        // Only a new upload is refused when many run; one that has begun may end.
        let piece = Arc::clone(&app.pieces).try_acquire_owned();
        let piece = piece.map_err(|_| {
            Refusal::busy(
                StatusCode::TOO_MANY_REQUESTS,
                "many keys are uploaded now",
                1,
            )
        })?;
        Ok((live, name, range, Some(piece)))
    }
    .await;
    let (live, name, range, permit) = match begun {
        Ok(begun) => begun,
        Err(refusal) => {
            drain(body).await;
            return Err(refusal);
        }
    };
    let _permit = match permit {
        Some(permit) => permit,
        None => {
            let waiting = Arc::clone(&app.pieces).acquire_owned();
            waiting.await.map_err(|_| Refusal::internal())?
        }
    };
    let bounds = Bounds {
        bytes: app.limits.piece_bytes,
        stall_s: app.limits.stall_s,
    };
    let bytes = read(&headers, body, bounds).await?;
    store(
        app,
        Upload {
            live,
            name,
            range,
            bytes,
        },
    )
    .await
}

/// A piece that has arrived.
struct Upload {
    live: Arc<Live>,
    name: KeyName,
    range: Range,
    bytes: Vec<u8>,
}

/// Writes a piece and, after the last one, checks and keeps the whole.
async fn store(app: Arc<App>, upload: Upload) -> Result<Response, Refusal> {
    let begun_s = app.now().as_secs_f64();
    let stored = json(&json!({ "state": "stored" }));
    let (live, name, range) = (upload.live.clone(), upload.name.clone(), upload.range);
    let inside = app.clone();
    match blocking(&app, move || append(&inside, upload)).await? {
        KeyState::Stored => return Ok(stored),
        KeyState::Partial(received) if received < range.total && range.first.is_some() => {
            let body = json(&json!({ "state": "partial", "received": received }));
            return Ok((StatusCode::ACCEPTED, body).into_response());
        }
        KeyState::Partial(_) | KeyState::Absent => {}
    }
    // One after the other: whole keys are in memory while they are checked.
    let checking = Arc::clone(&app.checks).acquire_owned().await;
    let _checking = checking.map_err(|_| Refusal::internal())?;
    let inside = (app.clone(), live.clone(), name.clone());
    blocking(&app, move || {
        let (app, live, name) = inside;
        finish(&app, &live, &name, range.total)
    })
    .await?;
    let (action, bytes, status) = ("store keys", range.total, 201);
    note(
        &app,
        &live,
        &name,
        Done {
            action,
            bytes,
            begun_s,
            status,
        },
    );
    Ok((StatusCode::CREATED, stored).into_response())
}

/// Adds a piece to its upload, where there is one; how far the keys have come then.
fn append(app: &App, upload: Upload) -> Result<KeyState, Refusal> {
    let Upload {
        live,
        name,
        range,
        bytes,
    } = upload;
    let state = app.store.state(&name)?;
    if state == KeyState::Stored || range.first.is_none() {
        return Ok(state);
    }
    app.metrics.uploaded(bytes.len() as u64);
    range.check_length(bytes.len() as u64)?;
    let piece = Piece {
        start: range.first.unwrap_or(0),
        total: range.total,
        bytes: &bytes,
    };
    let check = |start: &[u8], total| live.server.check_key_start(start, total);
    let received = app.store.hold(&name)?.append(&piece, check)?;
    Ok(KeyState::Partial(received))
}

/// Checks and keeps an upload of `total` bytes, if all have arrived.
fn finish(app: &App, live: &Live, name: &KeyName, total: u64) -> Result<(), Refusal> {
    let hold = app.store.hold(name)?;
    match app.store.state(name)? {
        KeyState::Stored => Ok(()),
        KeyState::Partial(received) if received == total => hold.finish(&live.server, &app.pools),
        KeyState::Partial(received) => {
            let message = format!("{received} of {total} bytes have arrived");
            Err(Refusal::elsewhere(message, received))
        }
        KeyState::Absent => Err(Refusal::elsewhere("nothing has arrived", 0)),
    }
}

/// What the audit log is told.
struct Done {
    action: &'static str,
    bytes: u64,
    begun_s: f64,
    status: u16,
}

fn note(app: &App, live: &Live, name: &KeyName, done: Done) {
    let time_s = app.now().as_secs_f64();
    app.audit.add(&Entry {
        time_s,
        tenant: name.tenant.name(),
        action: done.action,
        model: &live.name,
        artifact: &name.artifact,
        keys: &name.hash.to_hex(),
        bytes_in: done.bytes,
        bytes_out: 0,
        ms: (time_s - done.begun_s) * 1e3,
        status: done.status,
    });
}

/// Where a piece lies in its file.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Range {
    /// First and last byte; none where an upload is ended only.
    first: Option<u64>,
    last: u64,
    total: u64,
}

impl Range {
    fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let text = headers
            .get(CONTENT_RANGE)
            .and_then(|value| value.to_str().ok());
        text.and_then(Self::parse).ok_or_else(|| {
            Refusal::malformed(
                "a piece of keys needs `Content-Range: bytes FIRST-LAST/TOTAL`, or `bytes */TOTAL` to end an upload",
            )
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let (span, total) = text.strip_prefix("bytes ")?.split_once('/')?;
        let total = number(total)?;
        if span == "*" {
            let (first, last) = (None, 0);
            return Some(Self { first, last, total });
        }
        let (first, last) = span.split_once('-')?;
        let (first, last) = (number(first)?, number(last)?);
        let first = Some(first);
        (first <= Some(last) && last < total).then_some(Self { first, last, total })
    }

    fn check_length(self, got: u64) -> Result<(), Refusal> {
        let expected = self.first.map_or(0, |first| self.last - first + 1);
        match got == expected {
            true => Ok(()),
            false => Err(Refusal::malformed(format!(
                "the piece has {got} bytes, its Content-Range says {expected}"
            ))),
        }
    }
}

/// Decimal digits alone; `parse` would take a sign.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_or_refused() {
        let range = |first, last, total| Some(Range { first, last, total });
        assert_eq!(Range::parse("bytes 0-9/10"), range(Some(0), 9, 10));
        assert_eq!(Range::parse("bytes 5-5/10"), range(Some(5), 5, 10));
        assert_eq!(Range::parse("bytes */10"), range(None, 0, 10));
        for text in [
            "bytes 0-10/10",
            "bytes 6-5/10",
            "bytes 0-9/*",
            "bytes -1-9/10",
            "bytes +0-9/10",
            "bytes 0-9",
            "0-9/10",
            "bytes 0-99999999999999999999/99999999999999999999",
            "bytes /10",
            "",
        ] {
            assert_eq!(Range::parse(text), None, "{text}");
        }
    }
}
