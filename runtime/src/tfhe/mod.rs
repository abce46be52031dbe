//! TFHE behind the door: integer networks on exact tables, a number a ciphertext.
//!
//! The work itself is in `hemet-tfhe`; here images become integers, integers become logits.

mod artifact;
mod client;
mod encoding;
mod error;
mod server;
mod spec;

use std::sync::Arc;

use hemet_schedule::Scheme as SchemeId;

use crate::door::{ClientHalf, Model, Scheme, Spec};
use crate::error::Result;
use crate::files::ArtifactId;

pub use artifact::TfheArtifact;
pub use encoding::Encoding;
pub use spec::TfheSpec;

/// Its door.
pub const DOOR: Option<&'static dyn Scheme> = Some(&Tfhe);

/// The scheme.
pub struct Tfhe;

impl Scheme for Tfhe {
    fn id(&self) -> SchemeId {
        SchemeId::Tfhe
    }

    fn artifact(&self, bytes: &[u8]) -> Result<Box<dyn Model>> {
        Ok(Box::new(TfheArtifact::from_bytes(bytes)?))
    }

    fn spec(&self, artifact: ArtifactId, json: &str) -> Result<Arc<dyn Spec>> {
        Ok(Arc::new(TfheSpec::from_json(artifact, json)?))
    }

    fn secret(&self, artifact: ArtifactId, payload: &[u8]) -> Result<ClientHalf> {
        client::read(artifact, payload)
    }
}
