//! The client's half, of any scheme: makes keys, encrypts inputs, decrypts answers.

use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::door::{Answer, Facts, Secret, Spec};
use crate::error::Result;
use crate::files::{Belongs, Envelope, FileKind, read, seal};

/// A client: what it knows of an artifact, and the secret half for it. It has no `Debug`, and keys are wiped when it is dropped.
pub struct Client {
    spec: Arc<dyn Spec>,
    belongs: Belongs,
    secret: Box<dyn Secret>,
}

impl Client {
    /// Makes a secret half, and the evaluation key file for the server, from the operating system's randomness.
    ///
    /// # Errors
    /// As [`Spec::generate`].
    pub fn generate(spec: Arc<dyn Spec>) -> Result<(Self, Vec<u8>)> {
        let made = spec.generate()?;
        let belongs = Belongs {
            scheme: spec.scheme(),
            artifact: spec.facts().artifact,
            keys: made.key_set,
        };
        let keys = seal(FileKind::EvaluationKeys, belongs, &made.keys);
        let secret = made.secret;
        let client = Self {
            spec,
            belongs,
            secret,
        };
        Ok((client, keys))
    }

    /// What the client knows of the artifact.
    pub fn facts(&self) -> Facts {
        self.spec.facts()
    }

    /// The client key file; **secret**. Wiped when dropped.
    ///
    /// # Errors
    /// None in practice.
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>> {
        let payload = self.secret.to_payload()?;
        Ok(Zeroizing::new(seal(
            FileKind::ClientKey,
            self.belongs,
            &payload,
        )))
    }

    /// Reads a client key file.
    ///
    /// # Errors
    /// Truncated, altered or foreign bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let envelope = Envelope::open(bytes, FileKind::ClientKey)?;
        let belongs = envelope.belongs;
        let (spec, secret) = belongs.scheme.secret(belongs.artifact, envelope.payload)?;
        Ok(Self {
            spec,
            belongs,
            secret,
        })
    }

    /// Writes the client key file, readable by the user only.
    ///
    /// # Errors
    /// What the system says.
    pub fn save(&self, path: &Path) -> Result<()> {
        Ok(hemet_files::write_atomically_private(
            path,
            &self.to_bytes()?,
        )?)
    }

    /// Reads a client key file.
    ///
    /// # Errors
    /// As [`Client::from_bytes`], and what the system says.
    pub fn load(path: &Path) -> Result<Self> {
        Self::from_bytes(&Zeroizing::new(read(path)?))
    }

    /// Encrypts an input, given in channel-major order, as a request.
    ///
    /// # Errors
    /// An input of another size, or with a number that is not finite or too large.
    pub fn encrypt(&self, input: &[f64]) -> Result<Vec<u8>> {
        self.encrypt_batch(&[input])
    }

    /// Encrypts up to [`Facts::images`] inputs as one request.
    ///
    /// # Errors
    /// As [`Client::encrypt`]; none, or more than one request takes.
    pub fn encrypt_batch(&self, inputs: &[&[f64]]) -> Result<Vec<u8>> {
        let payload = self.secret.encrypt(inputs)?;
        Ok(seal(FileKind::Request, self.belongs, &payload))
    }

    /// Decrypts a response.
    ///
    /// # Errors
    /// Truncated, altered or foreign bytes, or bytes that are no answer.
    pub fn decrypt(&self, response: &[u8]) -> Result<Answer> {
        let one = self.decrypt_batch(response, 1)?.pop();
        Ok(one.unwrap_or(Answer::Logits(Vec::new())))
    }

    /// Decrypts the response to a request of at least `count` inputs: the answers to the first `count` of them.
    ///
    /// # Errors
    /// As [`Client::decrypt`]; more than one request takes.
    pub fn decrypt_batch(&self, response: &[u8], count: usize) -> Result<Vec<Answer>> {
        let envelope = Envelope::open(response, FileKind::Response)?;
        self.secret
            .decrypt(envelope.of(self.belongs)?.payload, count)
    }
}
