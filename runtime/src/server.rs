//! The server's half, of any scheme: an artifact made ready, clients' evaluation keys, requests answered. Nothing
//! here can decrypt: no type of this file holds a secret key.

use std::path::Path;
use std::sync::Arc;

use crate::door::{Admitted, Limits, Model, Service, Spec};
use crate::error::{Result, RuntimeError};
use crate::facts::Facts;
use crate::files::{
    ArtifactId, Belongs, Envelope, FileKind, HEADER, Head, KeySetId, MadeFor, Opened, read_sealed,
    seal,
};
use crate::message::Message;
use crate::observe::Observer;

/// Where kept keys and constants begin in their file: after the envelope, at a page.
const KEPT_AT: usize = 4096;

/// An artifact ready to answer requests, of any number of clients.
pub struct Server {
    spec: Arc<dyn Spec>,
    facts: Facts,
    service: Box<dyn Service>,
}

/// A client's evaluation keys, which a server has read for its artifact. They are public: nothing can be decrypted with
/// them.
pub struct ServerKeys {
    artifact: ArtifactId,
    keys: KeySetId,
    admitted: Box<dyn Admitted>,
}

impl ServerKeys {
    /// Which key set they are.
    pub fn key_set(&self) -> KeySetId {
        self.keys
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

    /// As [`Server::new`], but prepared constants take at most so many bytes where the scheme can prepare them again
    /// for each answer.
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

    /// As [`Server::new`], with the constants of a file by [`Server::keep_constants`], used where they lie: nothing is
    /// encoded.
    ///
    /// **The file must not be changed while the server is in use**; replace it by renaming another one over it. It is
    /// trusted as the artifact is: nothing but the program itself vouches that it holds the artifact's weights.
    ///
    /// # Errors
    /// As [`Server::new`]; a file of another artifact, of another length or that was changed; what the system says.
    pub fn with_kept_constants(model: Box<dyn Model>, path: &Path) -> Result<Self> {
        let spec = model.spec()?;
        let facts = spec.facts();
        let kept = Opened::open(path, KEPT_AT)?;
        let theirs = kept_start(&kept, FileKind::PreparedConstants)?;
        let ours = prepared(spec.as_ref(), &facts);
        ours.check(FileKind::PreparedConstants.name(), theirs)?;
        let service = model.kept_service(&kept)?;
        Ok(Self {
            spec,
            facts,
            service,
        })
    }

    /// Writes the constants as they are prepared here, for [`Server::with_kept_constants`].
    ///
    /// # Errors
    /// A server that holds only some of them, and what the system says.
    pub fn keep_constants(&self, path: &Path) -> Result<()> {
        let belongs = prepared(self.spec.as_ref(), &self.facts);
        let mut head = seal(FileKind::PreparedConstants, belongs, &[]);
        head.resize(KEPT_AT, 0);
        self.service.keep(path, &head)
    }

    /// What clients must know.
    pub fn client_spec(&self) -> Arc<dyn Spec> {
        self.spec.clone()
    }

    /// What is told of the artifact.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// How many bytes a file from a client has at most, its envelope included.
    pub fn limits(&self) -> Limits {
        let Limits {
            key_bytes,
            request_bytes,
        } = self.service.limits();
        Limits {
            key_bytes: key_bytes.saturating_add(HEADER as u64),
            request_bytes: request_bytes.saturating_add(HEADER as u64),
        }
    }

    /// Looks at the first bytes of an evaluation key file of `bytes` bytes, before the rest of it is read.
    ///
    /// # Errors
    /// Another kind or version, other parameters or another list of keys; another length than the file says, or more
    /// than keys for this artifact can have.
    pub fn check_key_start(&self, start: &[u8], bytes: u64) -> Result<()> {
        let kind = FileKind::EvaluationKeys;
        let head = Head::read(start, kind)?;
        self.own(kind, head.belongs)?;
        head.check_length(bytes)?;
        let most = self.limits().key_bytes;
        match bytes > most {
            true => Err(RuntimeError::TooLong {
                what: kind.name(),
                got: bytes,
                most,
            }),
            false => Ok(()),
        }
    }

    /// Reads a client's evaluation key file and checks that the keys are what the artifact needs.
    ///
    /// # Errors
    /// Truncated, altered or foreign bytes; a key that is missing or serves too little.
    pub fn keys(&self, bytes: &[u8]) -> Result<ServerKeys> {
        let envelope = Envelope::open(bytes, FileKind::EvaluationKeys)?;
        self.own(FileKind::EvaluationKeys, envelope.belongs)?;
        let admitted = self.service.admit(envelope.payload)?;
        Ok(self.read(envelope.belongs, admitted))
    }

    /// As [`Server::keys`], from a file, of which no more is read than keys for this artifact can have. It is never in
    /// memory as a whole beside the keys. Kept keys are taken too, see [`Server::kept_keys`].
    ///
    /// # Errors
    /// As [`Server::keys`], and what the system says.
    pub fn load_keys(&self, path: &Path) -> Result<ServerKeys> {
        let (kind, most) = (FileKind::EvaluationKeys, self.service.limits().key_bytes);
        let opened = Opened::open(path, HEADER)?;
        if Head::read(opened.start(), FileKind::MappedKeys).is_ok() {
            return self.kept_keys(path);
        }
        let head = Head::read(opened.start(), kind)?;
        self.own(kind, head.belongs)?;
        let (what, got) = (kind.name(), head.length);
        if got > most {
            return Err(RuntimeError::TooLong { what, got, most });
        }
        let mut payload = opened.payload(&head)?;
        let admitted = self.service.admit_from(&mut payload, got)?;
        Ok(self.read(head.belongs, admitted))
    }

    /// Reads a client's request from a file, for [`Server::answer`]. Mark, artifact and length are looked at first,
    /// and no more is read than a request for this artifact can have.
    ///
    /// # Errors
    /// A file of another kind, artifact or length, and what the system says.
    pub fn load_request(&self, path: &Path) -> Result<Vec<u8>> {
        let most = self.service.limits().request_bytes;
        self.bounded(path, FileKind::Request, most)
    }

    /// Refuses what was made for another artifact, or for artifacts that need other keys.
    fn own(&self, kind: FileKind, theirs: Belongs) -> Result<()> {
        spec_belongs(self.spec.as_ref(), theirs).check(kind.name(), theirs)
    }

    /// The bytes of a file from a client.
    fn bounded(&self, path: &Path, kind: FileKind, most: u64) -> Result<Vec<u8>> {
        read_sealed(path, kind, most, |head| self.own(kind, head.belongs))
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
        let belongs = kept_start(&kept, FileKind::MappedKeys)?;
        self.own(FileKind::MappedKeys, belongs)?;
        let admitted = self.service.admit_kept(&kept)?;
        Ok(self.read(belongs, admitted))
    }

    fn read(&self, belongs: Belongs, admitted: Box<dyn Admitted>) -> ServerKeys {
        ServerKeys {
            artifact: self.facts.artifact,
            keys: belongs.keys,
            admitted,
        }
    }

    /// Runs the network on an encrypted input, in the caller's rayon pool; returns the response for the client.
    ///
    /// # Errors
    /// Truncated, altered or foreign bytes; keys of another artifact or key set; a request that is no input for this
    /// artifact.
    pub fn answer(
        &self,
        keys: &ServerKeys,
        request: &[u8],
        observe: &mut Observer<'_>,
    ) -> Result<Vec<u8>> {
        let what = FileKind::EvaluationKeys.name();
        self.facts.artifact.check(what, keys.artifact)?;
        let belongs = Belongs {
            scheme: self.spec.scheme(),
            made_for: MadeFor::Artifact(self.facts.artifact),
            keys: keys.keys,
        };
        let envelope = Envelope::open(request, FileKind::Request)?;
        let message = Message::of_request(&envelope.of(belongs)?)?;
        let answer = keys.admitted.answer(message.payload, observe)?;
        let asked = message.answered(request).to_bytes();
        let parts: [&[u8]; 2] = [&asked, &answer];
        Ok(seal(FileKind::Response, belongs, &parts))
    }
}

/// What the envelope before a kept file says, of which nothing else is looked at.
fn kept_start(kept: &Opened, kind: FileKind) -> Result<Belongs> {
    let summed = kept.start().get(..HEADER).unwrap_or(kept.start());
    let envelope = Envelope::open(summed, kind)?;
    let got = kept.start().len() as u64;
    match got < KEPT_AT as u64 {
        false => Ok(envelope.belongs),
        true => Err(RuntimeError::Length {
            what: kind.name(),
            expected: KEPT_AT as u64,
            got,
        }),
    }
}

/// What prepared constants belong to: an artifact, and no keys.
fn prepared(spec: &dyn Spec, facts: &Facts) -> Belongs {
    Belongs {
        scheme: spec.scheme(),
        made_for: MadeFor::Artifact(facts.artifact),
        keys: KeySetId([0; 16]),
    }
}

/// Writes a client's evaluation keys, of those that the artifact of `spec` needs, as a server keeps them, for
/// [`Server::kept_keys`] of every artifact that needs the same.
///
/// # Errors
/// Truncated, altered or foreign bytes, and what the system says.
pub fn keep_keys(spec: &dyn Spec, bytes: &[u8], path: &Path) -> Result<()> {
    let envelope = Envelope::open(bytes, FileKind::EvaluationKeys)?;
    spec_belongs(spec, envelope.belongs)
        .check(FileKind::EvaluationKeys.name(), envelope.belongs)?;
    let belongs = Belongs {
        made_for: MadeFor::Binding(spec.facts().binding),
        ..envelope.belongs
    };
    let mut head = seal(FileKind::MappedKeys, belongs, &[]);
    head.resize(KEPT_AT, 0);
    spec.keep(envelope.payload, path, &head)
}

/// What a file of the key set of `theirs` should belong to.
fn spec_belongs(spec: &dyn Spec, theirs: Belongs) -> Belongs {
    let facts = spec.facts();
    Belongs {
        scheme: spec.scheme(),
        made_for: match theirs.made_for {
            MadeFor::Artifact(_) => MadeFor::Artifact(facts.artifact),
            MadeFor::Binding(_) => MadeFor::Binding(facts.binding),
        },
        ..theirs
    }
}
