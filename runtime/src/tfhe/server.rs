//! The server's half: an artifact with one client's evaluation keys, requests answered. Nothing here can decrypt.

use std::path::Path;

use hemet_tfhe::{EncryptedInput, EvaluationKeys, Server, Spec};

use super::artifact::TfheArtifact;
use super::refused;
use crate::error::Result;
use crate::files::{ArtifactId, Envelope, FileKind, KeySetId, read, seal};

/// An artifact ready to answer one client's requests.
pub struct TfheServer {
    artifact: ArtifactId,
    key_set: KeySetId,
    server: Server,
}

impl TfheServer {
    /// Expands a client's keys and prepares the tables, in the caller's rayon pool.
    ///
    /// # Errors
    /// Truncated, altered or foreign keys.
    pub fn new(artifact: TfheArtifact, keys: &[u8]) -> Result<Self> {
        let id = artifact.id()?;
        let envelope = Envelope::open(keys, FileKind::TfheEvaluationKeys)?.of_artifact(id)?;
        let keys = EvaluationKeys::from_bytes(envelope.payload).map_err(refused)?;
        let server = Server::new(artifact.schedule, &keys).map_err(refused)?;
        Ok(Self {
            artifact: id,
            key_set: envelope.keys,
            server,
        })
    }

    /// As [`Self::new`], with the keys in a file.
    ///
    /// # Errors
    /// As [`Self::new`], and what the system says.
    pub fn load(artifact: TfheArtifact, keys: &Path) -> Result<Self> {
        Self::new(artifact, &read(keys)?)
    }

    /// What clients' keys are made for.
    pub fn spec(&self) -> &Spec {
        self.server.spec()
    }

    /// Runs the network on an encrypted input, in the caller's rayon pool; `progress` hears, before each instruction, its
    /// number, how many there are, and its layer.
    ///
    /// # Errors
    /// Truncated, altered or foreign bytes.
    pub fn answer(
        &self,
        request: &[u8],
        progress: &mut dyn FnMut(usize, usize, &str),
    ) -> Result<Vec<u8>> {
        let envelope = Envelope::open(request, FileKind::TfheRequest)?
            .of_artifact(self.artifact)?
            .of_keys(self.key_set)?;
        let input = EncryptedInput::from_bytes(envelope.payload).map_err(refused)?;
        let output = self
            .server
            .execute_with(&input, progress)
            .map_err(refused)?;
        Ok(seal(
            FileKind::TfheResponse,
            self.artifact,
            self.key_set,
            &[&output.to_bytes()],
        ))
    }
}
