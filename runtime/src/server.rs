//! The server's half, of any scheme: an artifact made ready, clients' evaluation keys, requests answered. Nothing here can
//! decrypt: no type of this file holds a secret key.

use std::path::Path;
use std::sync::Arc;

use crate::door::{Admitted, Facts, Model, Service, Spec};
use crate::error::{Result, RuntimeError};
use crate::files::{ArtifactId, Belongs, Envelope, FileKind, HEADER, KeySetId, Opened, seal};
use crate::observe::Observer;

/// Where kept keys begin in their file: after the envelope, at a page.
const KEPT_AT: usize = 4096;

/// An artifact ready to answer requests, of any number of clients.
pub struct Server {
    spec: Arc<dyn Spec>,
    facts: Facts,
    service: Box<dyn Service>,
}

/// A client's evaluation keys, which a server has read. They are public: nothing can be decrypted with them.
pub struct ServerKeys {
    belongs: Belongs,
    admitted: Box<dyn Admitted>,
}

impl ServerKeys {
    /// Which key set they are.
    pub fn key_set(&self) -> KeySetId {
        self.belongs.keys
    }
}

impl Server {
    /// Makes `model` ready, in the caller's rayon pool.
    ///
    /// # Errors
    /// A constant that cannot be used.
    pub fn new(model: Box<dyn Model>) -> Result<Self> {
        Self::with_constant_bytes(model, usize::MAX)
    }

    /// As [`Server::new`], but prepared constants take at most so many bytes where the scheme can prepare them again for each answer.
    ///
    /// # Errors
    /// As [`Server::new`].
    pub fn with_constant_bytes(model: Box<dyn Model>, bytes: usize) -> Result<Self> {
        let spec = model.spec()?;
        let facts = spec.facts();
        let service = model.service(bytes)?;
        Ok(Self {
            spec,
            facts,
            service,
        })
    }

    /// What clients must know.
    pub fn client_spec(&self) -> Arc<dyn Spec> {
        self.spec.clone()
    }

    /// What is told of the artifact.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Reads a client's evaluation key file and checks that the keys are what the artifact needs.
    ///
    /// # Errors
    /// Truncated, altered or foreign bytes; a key that is missing or serves too little.
    pub fn keys(&self, bytes: &[u8]) -> Result<ServerKeys> {
        let envelope = Envelope::open(bytes, FileKind::EvaluationKeys)?;
        own(self.spec.as_ref(), self.facts.artifact, envelope)?;
        Ok(ServerKeys {
            belongs: envelope.belongs,
            admitted: self.service.admit(envelope.payload)?,
        })
    }

    /// As [`Server::keys`], from a file, of which no more is read than keys for this artifact can have.
    ///
    /// # Errors
    /// As [`Server::keys`], and what the system says.
    pub fn load_keys(&self, path: &Path) -> Result<ServerKeys> {
        self.keys(&self.bounded(path, FileKind::EvaluationKeys)?)
    }

    /// Reads a client's request from a file, for [`Server::answer`]. Mark, artifact and length are looked at first, and no more is
    /// read than a request for this artifact can have.
    ///
    /// # Errors
    /// A file of another kind, artifact or length, and what the system says.
    pub fn load_request(&self, path: &Path) -> Result<Vec<u8>> {
        self.bounded(path, FileKind::Request)
    }

    /// The bytes of a file from a client.
    fn bounded(&self, path: &Path, kind: FileKind) -> Result<Vec<u8>> {
        let opened = Opened::open(path, HEADER)?;
        let (head, got) = Envelope::head(opened.start(), kind)?;
        own(self.spec.as_ref(), self.facts.artifact, head)?;
        let limits = self.service.limits();
        let most = match kind {
            FileKind::Request => limits.request_bytes,
            FileKind::EvaluationKeys
            | FileKind::MappedKeys
            | FileKind::ClientKey
            | FileKind::Response => limits.key_bytes,
        };
        if got > most {
            let what = kind.name();
            return Err(RuntimeError::TooLong { what, got, most });
        }
        // One byte more shows a file that is longer than it says.
        let payload = opened.next(got + 1)?;
        if payload.len() as u64 != got {
            return Err(RuntimeError::Length {
                what: kind.name(),
                expected: got + HEADER as u64,
                got: (payload.len() + HEADER) as u64,
            });
        }
        Ok([opened.start(), &payload].concat())
    }

    /// Uses the keys of a file by [`keep_keys`] where they lie, if the scheme can: opening reads little, keys come into
    /// memory as they are used and leave it when memory is short.
    ///
    /// **The file must not be changed while the keys are in use**; replace it by renaming another one over it.
    ///
    /// # Errors
    /// As [`Server::load_keys`]; a key whose bytes were changed is named when a request uses it.
    pub fn kept_keys(&self, path: &Path) -> Result<ServerKeys> {
        let kept = Opened::open(path, KEPT_AT)?;
        let summed = kept.start().get(..HEADER).unwrap_or(kept.start());
        let envelope = Envelope::open(summed, FileKind::MappedKeys)?;
        own(self.spec.as_ref(), self.facts.artifact, envelope)?;
        if kept.start().len() < KEPT_AT {
            return Err(RuntimeError::Length {
                what: FileKind::MappedKeys.name(),
                expected: KEPT_AT as u64,
                got: kept.start().len() as u64,
            });
        }
        Ok(ServerKeys {
            belongs: envelope.belongs,
            admitted: self.service.admit_kept(&kept)?,
        })
    }

    /// Runs the network on an encrypted input, in the caller's rayon pool; returns the response for the client.
    ///
    /// # Errors
    /// Truncated, altered or foreign bytes; keys of another artifact or key set; a request that is no input for this artifact.
    pub fn answer(
        &self,
        keys: &ServerKeys,
        request: &[u8],
        observe: &mut Observer<'_>,
    ) -> Result<Vec<u8>> {
        let what = FileKind::EvaluationKeys.name();
        self.facts.artifact.check(what, keys.belongs.artifact)?;
        let envelope = Envelope::open(request, FileKind::Request)?.of(keys.belongs)?;
        let answer = keys.admitted.answer(envelope.payload, observe)?;
        Ok(seal(FileKind::Response, keys.belongs, &answer))
    }
}

/// Writes a client's evaluation keys, made for the artifact of `spec`, as a server keeps them, for [`Server::kept_keys`].
///
/// # Errors
/// Truncated, altered or foreign bytes, and what the system says.
pub fn keep_keys(spec: &dyn Spec, bytes: &[u8], path: &Path) -> Result<()> {
    let envelope = Envelope::open(bytes, FileKind::EvaluationKeys)?;
    own(spec, spec.facts().artifact, envelope)?;
    let mut head = seal(FileKind::MappedKeys, envelope.belongs, &[]);
    head.resize(KEPT_AT, 0);
    spec.keep(envelope.payload, path, &head)
}

/// Refuses what was made for another artifact than that of `spec`.
fn own(spec: &dyn Spec, artifact: ArtifactId, envelope: Envelope<'_>) -> Result<()> {
    let belongs = Belongs {
        scheme: spec.scheme(),
        artifact,
        ..envelope.belongs
    };
    envelope.of(belongs).map(|_| ())
}
