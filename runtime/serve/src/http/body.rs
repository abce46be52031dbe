//! Bodies of requests: read within bounds of bytes and time.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use tokio::time::timeout;

use crate::error::Refusal;

/// A client that sends more slowly is cut off.
const LEAST_BYTES_PER_S: u64 = 32 << 10;
/// A refused body is read to its end up to so many bytes, so that the client reads the answer instead of a broken
/// connection.
const DRAINED_BYTES: usize = 16 << 20;
const DRAINED_S: u64 = 2;
/// Memory for so many bytes is taken at once where a length is stated; beyond, it grows with what arrives.
const RESERVED_BYTES: usize = 1 << 20;

/// What a body may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) bytes: u64,
    /// Seconds without a byte.
    pub(super) stall_s: u64,
}

/// Reads a body.
///
/// # Errors
/// More bytes than allowed, a client that sends too slowly or not to the end.
pub(super) async fn read(
    headers: &HeaderMap,
    mut body: Body,
    bounds: Bounds,
) -> Result<Vec<u8>, Refusal> {
    let stated = headers
        .get(CONTENT_LENGTH)
        .and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if let Some(stated) = stated.filter(|stated| *stated > bounds.bytes) {
        drain(body).await;
        return Err(too_long(stated, bounds.bytes));
    }
    let seconds = bounds.stall_s + bounds.bytes / LEAST_BYTES_PER_S;
    let room = stated.map_or(0, |stated| (stated as usize).min(RESERVED_BYTES));
    let whole = collect(&mut body, bounds, Vec::with_capacity(room));
    let whole = timeout(Duration::from_secs(seconds), whole).await;
    match whole.unwrap_or_else(|_| Err(too_slow())) {
        Ok(bytes) => Ok(bytes),
        Err(refusal) => {
            drain(body).await;
            Err(refusal)
        }
    }
}

async fn collect(body: &mut Body, bounds: Bounds, mut bytes: Vec<u8>) -> Result<Vec<u8>, Refusal> {
    loop {
        let frame = timeout(Duration::from_secs(bounds.stall_s), body.frame()).await;
        match frame.map_err(|_| too_slow())? {
            None => return Ok(bytes),
            Some(Err(_)) => {
                return Err(Refusal::malformed(
                    "the request broke off in its body; send it again",
                ));
            }
            Some(Ok(frame)) => {
                let Ok(data) = frame.into_data() else {
                    continue;
                };
                let length = (bytes.len() + data.len()) as u64;
                if length > bounds.bytes {
                    return Err(too_long(length, bounds.bytes));
                }
                bytes.extend_from_slice(&data);
            }
        }
    }
}

/// Reads a body that was refused, within bounds.
pub(super) async fn drain(mut body: Body) {
    let read = async {
        let mut bytes = 0;
        while let Some(Ok(frame)) = body.frame().await {
            bytes += frame.data_ref().map_or(0, |data| data.len());
            if bytes > DRAINED_BYTES {
                break;
            }
        }
    };
    // A slow client has had its time.
    let _ = timeout(Duration::from_secs(DRAINED_S), read).await;
}

fn too_long(got: u64, most: u64) -> Refusal {
    Refusal::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("the body has {got} bytes or more, at most {most} are read here"),
    )
}

fn too_slow() -> Refusal {
    Refusal::new(
        StatusCode::REQUEST_TIMEOUT,
        "the body came too slowly; send it again",
    )
}
