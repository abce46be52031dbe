//! Uploading evaluation keys: piece by piece, going on where an earlier upload stopped.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use serde_json::Value;
use ureq::http::StatusCode;

use super::patience::{Failure, Patience};
use super::{MAX_MESSAGE_BYTES, Remote, bytes, good};
use crate::error::Error;

/// Bytes of a piece; servers take pieces of this size.
const PIECE: u64 = 4 << 20;

/// How far an upload has come.
enum Stand {
    Stored,
    Received(u64),
}

impl Remote {
    /// Uploads the evaluation keys in a file, unless the server has them already; `on_bytes` hears how many bytes are
    /// there. Returns the name of the keys.
    ///
    /// # Errors
    /// A file that cannot be read, no connection, keys that the server refuses.
    pub fn upload(&self, path: &Path, on_bytes: &mut dyn FnMut(u64, u64)) -> Result<String, Error> {
        let file = |e: std::io::Error| Error::file(path, e);
        let mut keys = File::open(path).map_err(file)?;
        let total = keys.metadata().map_err(file)?.len();
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(&mut keys).map_err(file)?;
        let name = hasher.finalize().to_hex().to_string();
        let url = format!("{}/keys/{name}", self.url);
        let mut stand = Patience::new(&url).with(|| self.stand(&url))?;
        let mut patience = Patience::new(&url);
        while let Stand::Received(received) = stand {
            on_bytes(received, total);
            let mut piece = Vec::new();
            if received < total {
                keys.seek(SeekFrom::Start(received)).map_err(file)?;
                (&keys).take(PIECE).read_to_end(&mut piece).map_err(file)?;
            }
            let range = match piece.len() as u64 {
                0 => format!("bytes */{total}"),
                length => format!("bytes {received}-{}/{total}", received + length - 1),
            };
            stand = match self.piece(&url, &range, &piece) {
                Ok(after) => {
                    patience = Patience::new(&url);
                    after
                }
                // The server knows better than this client, whose last answer may have been lost.
                Err(Failure::Elsewhere(there)) if there != received => Stand::Received(there),
                Err(failure) => {
                    patience.wait(failure)?;
                    Patience::new(&url).with(|| self.stand(&url))?
                }
            };
        }
        on_bytes(total, total);
        Ok(name)
    }

    /// Sends a piece.
    fn piece(&self, url: &str, range: &str, piece: &[u8]) -> Result<Stand, Failure> {
        let request = self.authorized(self.agent.put(url));
        let request = request.header("content-range", range);
        let request = request.header("content-type", "application/octet-stream");
        let expected = [StatusCode::OK, StatusCode::CREATED, StatusCode::ACCEPTED];
        let response = good(request.send(piece)?, &expected)?;
        stand_of(&bytes(response, MAX_MESSAGE_BYTES)?)
    }

    /// Asks how far an upload has come.
    fn stand(&self, url: &str) -> Result<Stand, Failure> {
        let response = self.authorized(self.agent.get(url)).call()?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(Stand::Received(0));
        }
        stand_of(&bytes(
            good(response, &[StatusCode::OK])?,
            MAX_MESSAGE_BYTES,
        )?)
    }
}

fn stand_of(body: &[u8]) -> Result<Stand, Failure> {
    let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    match (body["state"].as_str(), body["received"].as_u64()) {
        (Some("stored"), _) => Ok(Stand::Stored),
        (Some("partial"), Some(received)) => Ok(Stand::Received(received)),
        (_, _) => Err(Failure::Refused(
            "the server does not say how far the upload is; is it one of Hemet's?".into(),
        )),
    }
}
