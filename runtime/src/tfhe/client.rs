//! The client's half under TFHE: encrypts images, decrypts logits or the class.

use std::sync::Arc;

use hemet_schedule::Scheme as SchemeId;
use hemet_tfhe::{ClientKey, EncryptedOutput};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::encoding::Encoding;
use super::error::refused;
use super::spec::{About, TfheSpec};
use crate::door::{Answer, ClientHalf, Generated, Secret, Spec};
use crate::error::{Result, RuntimeError};
use crate::facts::Facts;
use crate::files::{ArtifactId, FileKind, KeySetId, Reader};

/// The keys of a client, which are wiped when they are dropped, with what it knows of the artifact.
struct TfheSecret {
    spec: TfheSpec,
    key: ClientKey,
}

/// What lies before the keys in a client key file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    encoding: Encoding,
    #[serde(default)]
    about: About,
}

/// Reads what [`TfheSecret::to_payload`] wrote.
pub(super) fn read(artifact: ArtifactId, payload: &[u8]) -> Result<ClientHalf> {
    let mut reader = Reader {
        what: FileKind::ClientKey.name(),
        rest: payload,
    };
    let length = u64::from_le_bytes(reader.array()?);
    let head: Head =
        serde_json::from_slice(reader.take(length)?).map_err(|e| malformed(e.to_string()))?;
    let key = ClientKey::from_bytes(reader.rest).map_err(refused)?;
    let spec = TfheSpec {
        artifact,
        about: head.about,
        encoding: head.encoding,
        keys: key.spec().clone(),
    };
    spec.check()?;
    Ok((Arc::new(spec.clone()), Box::new(TfheSecret { spec, key })))
}

impl Spec for TfheSpec {
    fn scheme(&self) -> SchemeId {
        SchemeId::Tfhe
    }

    fn facts(&self) -> Facts {
        TfheSpec::facts(self)
    }

    fn to_json(&self) -> Result<String> {
        TfheSpec::to_json(self)
    }

    fn generate(&self) -> Result<Generated> {
        let key = ClientKey::generate(&self.keys).map_err(refused)?;
        let keys = key.evaluation_keys().map_err(refused)?;
        let spec = self.clone();
        Ok(Generated {
            key_set: KeySetId(key.id()),
            keys: keys.to_bytes().map_err(refused)?,
            secret: Box::new(TfheSecret { spec, key }),
        })
    }
}

impl Secret for TfheSecret {
    fn to_payload(&self) -> Result<Zeroizing<Vec<u8>>> {
        let head = Head {
            encoding: self.spec.encoding.clone(),
            about: self.spec.about.clone(),
        };
        let head = serde_json::to_vec(&head).map_err(|e| malformed(e.to_string()))?;
        let key = self.key.to_bytes().map_err(refused)?;
        let length = (head.len() as u64).to_le_bytes();
        let parts: [&[u8]; 3] = [&length, &head, &key];
        Ok(Zeroizing::new(parts.concat()))
    }

    fn encrypt(&self, inputs: &[&[f64]]) -> Result<Vec<u8>> {
        let [image] = inputs else {
            return Err(one_image(inputs.len()));
        };
        let integers = self.spec.encoding.integers(image)?;
        Ok(self.key.encrypt(&integers).map_err(refused)?.to_bytes())
    }

    fn decrypt(&self, answer: &[u8], count: usize) -> Result<Vec<Answer>> {
        if count != 1 {
            return Err(one_image(count));
        }
        let output = EncryptedOutput::from_bytes(answer).map_err(refused)?;
        let integers = self.key.decrypt(&output).map_err(refused)?;
        if self.key.spec().label {
            let class = integers.first().and_then(|c| usize::try_from(*c).ok());
            let none = || malformed("the answer is no class; were these keys made for it?".into());
            return Ok(vec![Answer::Label(class.ok_or_else(none)?)]);
        }
        let logit = |v: &i64| *v as f64 * self.spec.encoding.logit_scale;
        Ok(vec![Answer::Logits(integers.iter().map(logit).collect())])
    }

    fn rebound(self: Box<Self>, spec: &dyn Spec) -> Result<Box<dyn Secret>> {
        let spec = TfheSpec::from_json(spec.facts().artifact, &spec.to_json()?)?;
        let key = self.key.rebound(spec.keys.clone()).map_err(refused)?;
        Ok(Box::new(Self { spec, key }))
    }
}

fn one_image(got: usize) -> RuntimeError {
    RuntimeError::Batch { room: 1, got }
}

fn malformed(reason: String) -> RuntimeError {
    RuntimeError::Malformed {
        what: FileKind::ClientKey.name(),
        reason,
    }
}
