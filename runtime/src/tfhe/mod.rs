//! TFHE beside CKKS: artifact, client and server of an integer network, with the same files and the same steps.
//!
//! ```text
//! client: Client::generate ─► key bytes ─┐          image ─► Client::encrypt ─┐
//! server: Server::new(artifact, keys) ◄──┘─► Server::answer ◄─────────────────┘
//! client: Client::decrypt ◄─ response ────────────┘
//! ```
//!
//! The work itself is in `hemet-tfhe`; here images become integers, integers become logits, and every file names the
//! artifact and the key set that it belongs to, as with CKKS.

mod artifact;
mod client;
mod server;

pub use artifact::{Encoding, TfheArtifact, is_artifact};
pub use client::{Answer, TfheClient, is_client_key};
pub use server::TfheServer;

use crate::error::RuntimeError;

/// Errors of the crate below, with the words of this one.
fn refused(error: hemet_tfhe::Error) -> RuntimeError {
    RuntimeError::Tfhe(error.to_string())
}
