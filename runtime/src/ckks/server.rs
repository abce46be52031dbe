//! The server's half under CKKS: the constants of an artifact encoded once, requests of any number of clients
//! answered. Nothing here can decrypt: no type of this file holds a secret key.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use hemet_ckks::{Context, EvaluationKeys, SeededCiphertext};
use hemet_schedule::Artifact;

use super::keys::{check, read};
use super::sizes::Sizes;
use super::spec::CkksSpec;
use crate::backend::CkksBackend;
use crate::door::{Admitted, Limits, Service};
use crate::error::{Result, RuntimeError};
use crate::execute::Program;
use crate::files::{FileKind, Opened, join, split};
use crate::observe::Observer;

/// More than the heads around a ciphertext take.
const HEADS: u64 = 400;

/// An artifact with its constants encoded.
pub(super) struct CkksService {
    spec: CkksSpec,
    program: Arc<Program<CkksBackend>>,
    /// Asked for with each request, and counted over the whole schedule.
    limits: Limits,
}

impl CkksService {
    /// Encodes the constants. Encoded diagonals take at most `diagonal_bytes` (or what the largest inner sum of a map
    /// needs, if that is more): the others are encoded for each answer, ahead of their use where threads are idle.
    pub(super) fn new(artifact: Artifact, diagonal_bytes: usize) -> Result<Self> {
        Self::with(artifact, |context| {
            Ok(CkksBackend::with_diagonal_bytes(context, diagonal_bytes))
        })
    }

    /// With encoded diagonals that follow the start of a file, used where they lie.
    pub(super) fn kept(artifact: Artifact, kept: &Opened) -> Result<Self> {
        Self::with(artifact, |context| {
            let (label, at) = (blake3::hash(kept.start()), kept.start().len() as u64);
            let diagonals = context.map_diagonals(kept.file(), label.as_bytes(), at)?;
            Ok(CkksBackend::with_diagonals(context, diagonals))
        })
    }

    fn with(
        artifact: Artifact,
        backend: impl FnOnce(Arc<Context>) -> Result<CkksBackend>,
    ) -> Result<Self> {
        let spec = CkksSpec::new(&artifact)?;
        let backend = backend(Context::new(spec.parameters.clone()))?;
        let program = Arc::new(Program::new(artifact.schedule, backend)?);
        let sizes = Sizes::of(program.schedule());
        let inputs = spec.input.ciphertexts(spec.parameters.slots());
        let limits = Limits {
            key_bytes: spec.most_key_bytes(),
            request_bytes: sizes.input_ciphertext_bytes + HEADS * (1 + inputs as u64),
        };
        Ok(Self {
            spec,
            program,
            limits,
        })
    }

    fn context(&self) -> &Arc<Context> {
        self.program.backend().context()
    }

    fn admitted(&self, keys: EvaluationKeys) -> Result<Box<dyn Admitted>> {
        check(&keys, &self.spec)?;
        let program = self.program.clone();
        Ok(Box::new(WithKeys { program, keys }))
    }
}

impl Service for CkksService {
    fn limits(&self) -> Limits {
        self.limits
    }

    fn keep(&self, path: &Path, head: &[u8]) -> Result<()> {
        let label = blake3::hash(head);
        let diagonals = self.program.maps().diagonals();
        let diagonals = diagonals.ok_or_else(|| RuntimeError::Malformed {
            what: FileKind::PreparedConstants.name(),
            reason:
                "only some are held in memory here; prepare them where the memory is not bounded"
                    .into(),
        })?;
        Ok(hemet_files::write_atomically_with(path, |file| {
            file.write_all(head)?;
            let context = self.context();
            context.write_diagonals(&diagonals, label.as_bytes(), file)
        })?)
    }

    fn admit(&self, keys: &[u8]) -> Result<Box<dyn Admitted>> {
        let mut stream = keys;
        self.admit_from(&mut stream, keys.len() as u64)
    }

    fn admit_from(&self, keys: &mut dyn Read, bytes: u64) -> Result<Box<dyn Admitted>> {
        self.admitted(read(self.context(), &self.spec, keys, bytes)?)
    }

    /// Opening reads the head only; keys come into memory as they are used and leave it when memory is short, so a
    /// server can hold the keys of many clients. Each key is verified at its first use.
    fn admit_kept(&self, kept: &Opened) -> Result<Box<dyn Admitted>> {
        let (label, at) = (blake3::hash(kept.start()), kept.start().len() as u64);
        let keys = EvaluationKeys::map(self.context(), kept.file(), label.as_bytes(), at)?;
        self.admitted(keys)
    }
}

/// The encoded constants with the keys of one client.
struct WithKeys {
    program: Arc<Program<CkksBackend>>,
    keys: EvaluationKeys,
}

impl Admitted for WithKeys {
    fn answer(&self, request: &[u8], observe: &mut Observer<'_>) -> Result<Vec<u8>> {
        let header = &self.program.schedule().header;
        let parts = split(
            request,
            header.input.ciphertexts(header.parameters.slots()),
            FileKind::Request.name(),
            "encrypt the image for this artifact",
        )?;
        let context = self.program.backend().context();
        let inputs = parts
            .into_iter()
            .map(|bytes| Ok(context.expand(&SeededCiphertext::from_bytes(context, bytes)?)?))
            .collect::<Result<_>>()?;
        let outputs = self.program.run(&self.keys, inputs, observe)?;
        let outputs: Vec<Vec<u8>> = outputs.iter().map(|x| x.to_bytes(context)).collect();
        Ok(join(&outputs))
    }
}
