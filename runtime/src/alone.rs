//! Alone: a server in a process of its own, for measuring what it takes: its memory and the time until it is ready
//! are then its own, without key generation, client or clear reference.
//!
//! The starting process puts artifact, evaluation keys and a request into a folder ([`prepare`]) and runs a command
//! ([`run`]) whose process calls [`serve`], which leaves response and figures there. Keys are used where they lie, if
//! the scheme can.

use std::path::Path;
use std::process::Command;

use hemet_files::write_atomically;
use serde::{Deserialize, Serialize};

use crate::door::Spec;
use crate::error::{Result, RuntimeError};
use crate::files::read;
use crate::memory::peak_memory_bytes;
use crate::observe::unobserved;
use crate::schemes;
use crate::server::{Server, keep_keys};

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

/// Fills `folder` for a server: the artifact, whose spec is `spec`, evaluation keys for it as a server keeps them,
/// and a request under them.
///
/// # Errors
/// Keys of another artifact, what cannot be written.
pub fn prepare(
    folder: &Path,
    artifact: &[u8],
    spec: &dyn Spec,
    keys: &[u8],
    request: &[u8],
) -> Result<()> {
    write_atomically(folder.join(ARTIFACT), artifact)?;
    write_atomically(folder.join(REQUEST), request)?;
    keep_keys(spec, keys, &folder.join(KEYS))
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
    let figures = serde_json::from_slice(&figures).map_err(figures_error)?;
    Ok((figures, read(&folder.join(RESPONSE))?))
}

/// The server's process: loads what [`prepare`] left in `folder`, answers, and leaves response and figures. Prepared
/// constants take at most `constant_bytes`, see [`Server::with_constant_bytes`]; `clock_s` gives seconds since any
/// fixed time. In the caller's rayon pool.
///
/// # Errors
/// As [`Server::with_constant_bytes`], [`Server::kept_keys`] and [`Server::answer`]; what cannot be read or written.
pub fn serve(folder: &Path, constant_bytes: usize, clock_s: &dyn Fn() -> f64) -> Result<()> {
    let begin = clock_s();
    let model = schemes::open(&folder.join(ARTIFACT))?;
    let server = Server::with_constant_bytes(model, constant_bytes)?;
    let load_s = clock_s() - begin;
    let keys = server.kept_keys(&folder.join(KEYS))?;
    let request = read(&folder.join(REQUEST))?;
    let begin = clock_s();
    let response = server.answer(&keys, &request, &mut unobserved)?;
    let figures = Figures {
        load_s,
        latency_s: clock_s() - begin,
        peak_bytes: peak_memory_bytes(),
    };
    write_atomically(folder.join(RESPONSE), &response)?;
    let figures = serde_json::to_vec(&figures).map_err(figures_error)?;
    Ok(write_atomically(folder.join(FIGURES), &figures)?)
}

fn figures_error(error: serde_json::Error) -> RuntimeError {
    RuntimeError::Malformed {
        what: "the server's figures",
        reason: error.to_string(),
    }
}
