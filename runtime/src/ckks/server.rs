//! The server's half under CKKS: the constants of an artifact encoded once, requests of any number of clients
//! answered. Nothing here can decrypt: no type of this file holds a secret key.

use std::io::Read;
use std::sync::Arc;

use hemet_ckks::{Context, EvaluationKeys, SeededCiphertext};
use hemet_schedule::Artifact;

use super::keys::{check, read};
use super::sizes::Sizes;
use super::spec::CkksSpec;
use crate::backend::CkksBackend;
use crate::door::{Admitted, Limits, Service};
use crate::error::Result;
use crate::execute::Program;
use crate::files::{FileKind, Opened, join, split};
use crate::observe::Observer;

/// More than the heads around a ciphertext take.
const HEADS: u64 = 400;

/// An artifact with its constants encoded.
pub(super) struct CkksService {
    spec: CkksSpec,
    program: Arc<Program<CkksBackend>>,
}

impl CkksService {
    /// Encodes the constants. Encoded diagonals take at most `diagonal_bytes` (or what the largest inner sum of a map
    /// needs, if that is more): the others are encoded for each answer, ahead of their use where threads are idle.
    pub(super) fn new(artifact: Artifact, diagonal_bytes: usize) -> Result<Self> {
        let spec = CkksSpec::new(&artifact)?;
        let context = Context::new(spec.parameters.clone());
        let backend = CkksBackend::with_diagonal_bytes(context, diagonal_bytes);
        let program = Arc::new(Program::new(artifact.schedule, backend)?);
        Ok(Self { spec, program })
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
        let sizes = Sizes::of(self.program.schedule());
        let inputs = self.spec.input.ciphertexts(self.spec.parameters.slots());
        Limits {
            key_bytes: self.spec.most_key_bytes(),
            request_bytes: sizes.input_ciphertext_bytes + HEADS * (1 + inputs as u64),
        }
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
