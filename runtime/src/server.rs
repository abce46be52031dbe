//! The server's half: an artifact made ready, clients' evaluation keys, requests answered. Nothing here can decrypt: no type
//! of this file holds a secret key.

use std::path::Path;
use std::sync::Arc;

use hemet_ckks::{Context, SeededCiphertext};
use hemet_schedule::{Artifact, Schedule};

use crate::backend::CkksBackend;
use crate::error::{Result, RuntimeError};
use crate::execute::{Observer, Program};
use crate::files::{ArtifactId, ClientSpec, Envelope, FileKind, join, read, seal, split};
use crate::keys::ServerKeys;
use crate::notice::Notice;
use crate::sizes::Sizes;

/// An artifact ready to answer requests, of any number of clients.
pub struct Server {
    spec: ClientSpec,
    program: Program<CkksBackend>,
}

impl Server {
    /// Encodes the constants of `artifact`, in the caller's rayon pool.
    ///
    /// # Errors
    /// A constant that cannot be encoded.
    pub fn new(artifact: Artifact) -> Result<Self> {
        Self::with_diagonal_bytes(artifact, usize::MAX)
    }

    /// As [`Server::new`], but encoded diagonals take at most so many bytes (or what the largest inner sum of a map needs, if that is more): the others are
    /// encoded for each answer, ahead of their use where threads are idle.
    ///
    /// # Errors
    /// As [`Server::new`].
    pub fn with_diagonal_bytes(artifact: Artifact, diagonal_bytes: usize) -> Result<Self> {
        let spec = ClientSpec::new(&artifact)?;
        let context = Context::new(spec.parameters.clone());
        let backend = CkksBackend::with_diagonal_bytes(context, diagonal_bytes);
        let program = Program::new(artifact.schedule, backend)?;
        Ok(Self { spec, program })
    }

    /// The artifact.
    pub fn artifact(&self) -> ArtifactId {
        self.spec.artifact
    }

    /// The schedule that runs.
    pub fn schedule(&self) -> &Schedule {
        self.program.schedule()
    }

    /// What the user must be told.
    pub fn notices(&self) -> Vec<Notice> {
        self.spec.notices()
    }

    /// What clients must know.
    pub fn client_spec(&self) -> &ClientSpec {
        &self.spec
    }

    /// Bytes of keys and messages.
    pub fn sizes(&self) -> Sizes {
        Sizes::of(self.schedule())
    }

    /// Reads a client's evaluation keys and checks that they suffice.
    ///
    /// # Errors
    /// Truncated, altered or foreign bytes; a key that is missing or serves too low a level.
    pub fn keys_from_bytes(&self, bytes: &[u8]) -> Result<ServerKeys> {
        ServerKeys::from_bytes(self.context(), &self.spec, bytes)
    }

    /// Reads a client's evaluation key file.
    ///
    /// # Errors
    /// As [`Server::keys_from_bytes`], and what the system says.
    pub fn load_keys(&self, path: &Path) -> Result<ServerKeys> {
        self.keys_from_bytes(&read(path)?)
    }

    /// Uses the keys of a file by [`ServerKeys::save_mapped`] where they lie: opening reads its head only, keys come into
    /// memory as they are used and leave it when memory is short, so a server can hold the keys of many clients.
    /// Each key is verified at its first use.
    ///
    /// **The file must not be changed while the keys are in use**; replace it by renaming another one over it.
    ///
    /// # Errors
    /// As [`Server::load_keys`]; a key whose bytes were changed is named when a request uses it.
    pub fn map_keys(&self, path: &Path) -> Result<ServerKeys> {
        ServerKeys::map(self.context(), &self.spec, path)
    }

    /// Runs the network on an encrypted input, in the caller's rayon pool; returns the response for the client.
    ///
    /// # Errors
    /// Truncated, altered or foreign bytes; keys of another artifact or key set or that do not suffice; ciphertexts of another number, level or
    /// scale.
    pub fn answer(
        &self,
        keys: &ServerKeys,
        request: &[u8],
        observe: &mut Observer<'_>,
    ) -> Result<Vec<u8>> {
        self.check_keys(keys)?;
        let envelope = Envelope::open(request, FileKind::Request)?
            .of_artifact(self.spec.artifact)?
            .of_keys(keys.key_set())?;
        let header = &self.schedule().header;
        let parts = split(
            envelope.payload,
            header.input.ciphertexts(header.parameters.slots()),
            envelope.kind.name(),
            "encrypt the image for this artifact",
        )?;
        let context = self.context();
        let inputs = parts
            .into_iter()
            .map(|bytes| Ok(context.expand(&SeededCiphertext::from_bytes(context, bytes)?)?))
            .collect::<Result<_>>()?;
        let outputs = self.program.run(keys.keys(), inputs, observe)?;
        let outputs: Vec<Vec<u8>> = outputs.iter().map(|x| x.to_bytes(context)).collect();
        Ok(seal(
            FileKind::Response,
            self.spec.artifact,
            keys.key_set(),
            &[&join(&outputs)],
        ))
    }

    fn context(&self) -> &Arc<Context> {
        self.program.backend().context()
    }

    fn check_keys(&self, keys: &ServerKeys) -> Result<()> {
        if keys.artifact() == self.spec.artifact {
            return keys.check(&self.spec);
        }
        Err(RuntimeError::ForeignArtifact {
            what: FileKind::EvaluationKeys.name(),
            theirs: keys.artifact().to_string(),
            ours: self.spec.artifact.to_string(),
        })
    }
}
