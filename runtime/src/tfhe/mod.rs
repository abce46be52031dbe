//! TFHE behind the door: integer networks on exact tables, a number a ciphertext.
//!
//! The work itself is in `hemet-tfhe`; here images become integers, integers become logits.

mod artifact;
mod client;
mod server;
mod spec;

use hemet_schedule::Scheme as SchemeId;

use crate::door::{ClientHalf, Model, Scheme};
use crate::error::{Result, RuntimeError};
use crate::files::ArtifactId;

pub use artifact::{Encoding, TfheArtifact};
pub use spec::TfheSpec;

/// The scheme.
pub struct Tfhe;

impl Scheme for Tfhe {
    fn id(&self) -> SchemeId {
        SchemeId::Tfhe
    }

    fn mark(&self) -> u8 {
        0x20
    }

    fn artifact(&self, bytes: &[u8]) -> Result<Box<dyn Model>> {
        Ok(Box::new(TfheArtifact::from_bytes(bytes)?))
    }

    fn secret(&self, artifact: ArtifactId, payload: &[u8]) -> Result<ClientHalf> {
        client::read(artifact, payload)
    }
}

/// Errors of the crate below, with the words of this one.
fn refused(error: hemet_tfhe::Error) -> RuntimeError {
    RuntimeError::Refused(error.to_string())
}
