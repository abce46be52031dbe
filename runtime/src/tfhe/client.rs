//! The client's half: makes keys, encrypts images, decrypts logits or the class.

use std::path::Path;

use hemet_tfhe::{ClientKey, EncryptedOutput, Spec};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::artifact::{Encoding, TfheArtifact};
use super::refused;
use crate::error::{Result, RuntimeError};
use crate::files::{ArtifactId, Envelope, FileKind, KeySetId, Reader, read, seal};

/// A client of one artifact. It has no `Debug` and its keys are wiped when it is dropped.
pub struct TfheClient {
    artifact: ArtifactId,
    key_set: KeySetId,
    encoding: Encoding,
    key: ClientKey,
}

/// What a client learns.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The logits; those of the integer network exactly, times its logit scale.
    Logits(Vec<f64>),
    /// The class alone, where the artifact was compiled so.
    Label(usize),
}

impl Answer {
    /// The class: the largest logit, the first of equals.
    pub fn class(&self) -> usize {
        match self {
            Answer::Label(class) => *class,
            Answer::Logits(logits) => {
                let larger =
                    |best: usize, i: usize| if logits[i] > logits[best] { i } else { best };
                (0..logits.len()).reduce(larger).unwrap_or(0)
            }
        }
    }
}

/// Whether these are the first bytes of a TFHE client key file.
pub fn is_client_key(start: &[u8]) -> bool {
    FileKind::of(start) == Some(FileKind::TfheClientKey)
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    encoding: Encoding,
}

impl TfheClient {
    /// Makes secret keys from the operating system's randomness, and the bytes of the evaluation keys for the server.
    ///
    /// # Errors
    /// If the system gives no randomness.
    pub fn generate(artifact: &TfheArtifact) -> Result<(Self, Vec<u8>)> {
        let spec = Spec::of(&artifact.schedule);
        let key = ClientKey::generate(&spec).map_err(refused)?;
        let client = Self {
            artifact: artifact.id()?,
            key_set: KeySetId(key.id()),
            encoding: artifact.encoding.clone(),
            key,
        };
        let keys = client.key.evaluation_keys().map_err(refused)?;
        let keys = keys.to_bytes().map_err(refused)?;
        let keys = seal_for(&client, FileKind::TfheEvaluationKeys, &[&keys]);
        Ok((client, keys))
    }

    /// How images become integers.
    pub fn encoding(&self) -> &Encoding {
        &self.encoding
    }

    /// The client key file; **secret**. Wiped when dropped.
    ///
    /// # Errors
    /// None in practice.
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>> {
        let head = Head {
            encoding: self.encoding.clone(),
        };
        let head = serde_json::to_vec(&head).map_err(|e| malformed(e.to_string()))?;
        let key = self.key.to_bytes().map_err(refused)?;
        let length = (head.len() as u64).to_le_bytes();
        let parts: [&[u8]; 3] = [&length, &head, &key];
        Ok(Zeroizing::new(seal_for(
            self,
            FileKind::TfheClientKey,
            &parts,
        )))
    }

    /// Reads a client key file.
    ///
    /// # Errors
    /// Truncated, altered or foreign bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let envelope = Envelope::open(bytes, FileKind::TfheClientKey)?;
        let mut reader = Reader {
            what: envelope.kind.name(),
            rest: envelope.payload,
        };
        let length = u64::from_le_bytes(reader.array()?);
        let head: Head =
            serde_json::from_slice(reader.take(length)?).map_err(|e| malformed(e.to_string()))?;
        head.encoding.check()?;
        let key = ClientKey::from_bytes(reader.rest).map_err(refused)?;
        let takes = key.spec().input.count as usize;
        if takes != head.encoding.len() {
            return Err(malformed(format!(
                "it encrypts {takes} values, its images have {}",
                head.encoding.len()
            )));
        }
        Ok(Self {
            artifact: envelope.artifact,
            key_set: envelope.keys,
            encoding: head.encoding,
            key,
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
    /// As [`Self::from_bytes`], and what the system says.
    pub fn load(path: &Path) -> Result<Self> {
        Self::from_bytes(&Zeroizing::new(read(path)?))
    }

    /// Encrypts an image, in channel-major order, as a request.
    ///
    /// # Errors
    /// An image of another size or with a number that is not finite.
    pub fn encrypt(&self, image: &[f64]) -> Result<Vec<u8>> {
        let integers = self.encoding.integers(image)?;
        let input = self.key.encrypt(&integers).map_err(refused)?;
        Ok(seal_for(self, FileKind::TfheRequest, &[&input.to_bytes()]))
    }

    /// Decrypts a response.
    ///
    /// # Errors
    /// Truncated, altered or foreign bytes.
    pub fn decrypt(&self, response: &[u8]) -> Result<Answer> {
        let envelope = Envelope::open(response, FileKind::TfheResponse)?
            .of_artifact(self.artifact)?
            .of_keys(self.key_set)?;
        let output = EncryptedOutput::from_bytes(envelope.payload).map_err(refused)?;
        let integers = self.key.decrypt(&output).map_err(refused)?;
        if self.key.spec().label {
            let class = integers.first().and_then(|c| usize::try_from(*c).ok());
            let none = || malformed("the answer is no class; were these keys made for it?".into());
            return class.map(Answer::Label).ok_or_else(none);
        }
        let logit = |v: &i64| *v as f64 * self.encoding.logit_scale;
        Ok(Answer::Logits(integers.iter().map(logit).collect()))
    }
}

fn seal_for(client: &TfheClient, kind: FileKind, payload: &[&[u8]]) -> Vec<u8> {
    seal(kind, client.artifact, client.key_set, payload)
}

fn malformed(reason: String) -> RuntimeError {
    RuntimeError::Malformed {
        what: FileKind::TfheClientKey.name(),
        reason,
    }
}
