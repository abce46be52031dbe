//! Alone: a server in a process of its own, for measuring what it takes: its memory and the time until it is ready are then
//! its own, without key generation, client or clear reference.
//!
//! The starting process puts artifact, evaluation keys and a request into a folder ([`prepare`]) and runs a command ([`run`]) whose
//! process calls [`serve`], which leaves response and figures there. Keys are used where they lie in a mapped file.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use hemet_files::write_atomically;
use hemet_schedule::Artifact;
use serde::{Deserialize, Serialize};

use crate::error::{Result, RuntimeError};
use crate::execute::unobserved;
use crate::files::read;
use crate::keys::ServerKeys;
use crate::server::Server;
use crate::sizes::peak_memory_bytes;

const ARTIFACT: &str = "model.hemet";
const KEYS: &str = "keys";
const REQUEST: &str = "request";
const RESPONSE: &str = "response";
const FIGURES: &str = "figures.json";

/// What a server says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Seconds from the artifact file to a server that can answer.
    pub load_s: f64,
    /// Seconds for the answer to the request; the first one, so keys come into memory meanwhile.
    pub latency_s: f64,
    /// Most memory that the process held, in bytes, keys that it used included; `None` where the system does not say.
    pub peak_bytes: Option<u64>,
}

/// Fills `folder` for a server: the artifact, evaluation keys for it, and a request under them.
///
/// # Errors
/// What cannot be written.
pub fn prepare(folder: &Path, artifact: &[u8], keys: &ServerKeys, request: &[u8]) -> Result<()> {
    write_atomically(folder.join(ARTIFACT), artifact)?;
    write_atomically(folder.join(REQUEST), request)?;
    keys.save_mapped(&folder.join(KEYS))
}

/// Runs `command`, whose process must call [`serve`] on `folder`; returns its figures and the response.
///
/// # Errors
/// The command cannot be started or fails, or has left no figures.
pub fn run(command: &mut Command, folder: &Path) -> Result<(Figures, Vec<u8>)> {
    let ended = |outcome: String| RuntimeError::Process { outcome };
    let status = command.status().map_err(|e| ended(e.to_string()))?;
    if !status.success() {
        return Err(ended(status.to_string()));
    }
    let figures = read(&folder.join(FIGURES))?;
    let figures = serde_json::from_slice(&figures).map_err(|e| RuntimeError::Malformed {
        what: "the server's figures",
        reason: e.to_string(),
    })?;
    Ok((figures, read(&folder.join(RESPONSE))?))
}

/// The server's process: loads what [`prepare`] left in `folder`, answers, and leaves response and figures. Encoded diagonals
/// take at most `diagonal_bytes`, see [`Server::with_diagonal_bytes`]. In the caller's rayon pool.
///
/// # Errors
/// As [`Server::with_diagonal_bytes`], [`Server::map_keys`] and [`Server::answer`]; what cannot be read or written.
pub fn serve(folder: &Path, diagonal_bytes: usize) -> Result<()> {
    let begin = Instant::now();
    let artifact = Artifact::read(folder.join(ARTIFACT)).map_err(|e| RuntimeError::Malformed {
        what: "the artifact",
        reason: e.to_string(),
    })?;
    let server = Server::with_diagonal_bytes(artifact, diagonal_bytes)?;
    let load_s = begin.elapsed().as_secs_f64();
    let keys = server.map_keys(&folder.join(KEYS))?;
    let request = read(&folder.join(REQUEST))?;
    let begin = Instant::now();
    let response = server.answer(&keys, &request, &mut unobserved)?;
    let figures = Figures {
        load_s,
        latency_s: begin.elapsed().as_secs_f64(),
        peak_bytes: peak_memory_bytes(),
    };
    write_atomically(folder.join(RESPONSE), &response)?;
    let figures = serde_json::to_vec(&figures).map_err(|e| RuntimeError::Malformed {
        what: "the server's figures",
        reason: e.to_string(),
    })?;
    Ok(write_atomically(folder.join(FIGURES), &figures)?)
}
