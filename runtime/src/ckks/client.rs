//! The client's half under CKKS: makes keys, encrypts tensors, decrypts logits. Only this file (and the calibration and
//! conformance suites, which play both halves) names the secret key.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use hemet_ckks::{Ciphertext, Context, EvaluationKeys, SecretKey, os_rng};
use hemet_schedule::{DevicePart, Scheme as SchemeId};
use zeroize::Zeroizing;

use super::keys::{self, with_request};
use super::packing::{pack_batch, unpack_batch};
use super::plausible;
use super::spec::CkksSpec;
use crate::backend::ckks::type_mismatch;
use crate::door::{Answer, ClientHalf, Generated, Secret, Spec};
use crate::error::{Result, RuntimeError};
use crate::facts::Facts;
use crate::files::{ArtifactId, FileKind, KeySetId, Reader, join, split};

/// A spec with the secret key for it; the key is wiped when it is dropped.
pub(super) struct CkksSecret {
    spec: CkksSpec,
    context: Arc<Context>,
    secret: SecretKey,
}

impl Spec for CkksSpec {
    fn scheme(&self) -> SchemeId {
        SchemeId::Ckks
    }

    fn facts(&self) -> Facts {
        CkksSpec::facts(self)
    }

    fn to_json(&self) -> Result<String> {
        CkksSpec::to_json(self)
    }

    fn signed_text(&self) -> Result<String> {
        CkksSpec {
            part: None,
            ..self.clone()
        }
        .to_json()
    }

    fn device(&self) -> Option<&Arc<DevicePart>> {
        self.part.as_ref()
    }

    fn with_device(&self, part: Arc<DevicePart>) -> Result<Arc<dyn Spec>> {
        let spec = Self {
            part: Some(part),
            ..self.clone()
        };
        spec.check()?;
        Ok(Arc::new(spec))
    }

    fn features<'a>(&self, inputs: &[&'a [f64]]) -> Result<Vec<Cow<'a, [f64]>>> {
        CkksSpec::features(self, inputs)
    }

    fn generate(&self) -> Result<Generated> {
        generate(self)
    }

    /// The keys as the engine maps them: about twice as large as the evaluation key file.
    fn keep(&self, keys: &[u8], path: &Path, head: &[u8]) -> Result<()> {
        let context = Context::new(self.parameters.clone());
        let mut stream = keys;
        let keys = keys::read(&context, self, &mut stream, keys.len() as u64)?;
        Ok(hemet_files::write_atomically_with(path, |file| {
            file.write_all(head)?;
            keys.write_mapped(&context, blake3::hash(head).as_bytes(), file)
        })?)
    }
}

/// Makes a secret key and the evaluation keys of the spec.
fn generate(spec: &CkksSpec) -> Result<Generated> {
    let context = Context::new(spec.parameters.clone());
    let mut rng = os_rng()?;
    let secret = SecretKey::generate(&context, &mut rng);
    let keys = with_request(spec, |request| {
        EvaluationKeys::generate(&context, &secret, request, &mut rng)
    })?;
    Ok(Generated {
        key_set: KeySetId::random(&mut rng),
        keys: keys.to_bytes(&context),
        secret: Box::new(CkksSecret {
            spec: spec.clone(),
            context,
            secret,
        }),
    })
}

/// Reads what [`CkksSecret::to_payload`] wrote.
pub(super) fn read(artifact: ArtifactId, payload: &[u8]) -> Result<ClientHalf> {
    let what = FileKind::ClientKey.name();
    let mut reader = Reader {
        what,
        rest: payload,
    };
    let length = u64::from_le_bytes(reader.array()?);
    let malformed = |e: std::str::Utf8Error| RuntimeError::Malformed {
        what,
        reason: e.to_string(),
    };
    let spec = std::str::from_utf8(reader.take(length)?).map_err(malformed)?;
    let spec = CkksSpec::from_json(spec)?;
    artifact.check(what, spec.artifact)?;
    let context = Context::new(spec.parameters.clone());
    let secret = SecretKey::from_bytes(&context, reader.rest)?;
    let half = CkksSecret {
        spec: spec.clone(),
        context,
        secret,
    };
    Ok((Arc::new(spec), Box::new(half)))
}

impl Secret for CkksSecret {
    fn to_payload(&self) -> Result<Zeroizing<Vec<u8>>> {
        let spec = self.spec.to_json()?;
        let secret = self.secret.to_bytes(&self.context);
        let length = (spec.len() as u64).to_le_bytes();
        let parts: [&[u8]; 3] = [&length, spec.as_bytes(), &secret];
        Ok(Zeroizing::new(parts.concat()))
    }

    fn encrypt(&self, inputs: &[&[f64]]) -> Result<Vec<u8>> {
        let slots = self.spec.parameters.slots();
        let level = self.spec.input_type.level.0 as usize;
        let scale = self.spec.input_scale()?;
        let mut rng = os_rng()?;
        let mut ciphertexts = Vec::new();
        let prepared = self.spec.prepare(inputs);
        let prepared: Vec<&[f64]> = prepared.iter().map(Vec::as_slice).collect();
        for vector in pack_batch(&self.spec.input, &prepared, slots)? {
            let slots: Vec<f64> = vector.iter().copied().cycle().take(slots).collect();
            let plaintext = self.context.encode(&slots, scale, level)?;
            let fresh = self
                .context
                .encrypt_seeded(&self.secret, &plaintext, &mut rng)?;
            ciphertexts.push(fresh.to_bytes(&self.context));
        }
        Ok(join(&ciphertexts))
    }

    /// Whoever sees decrypted numbers in full precision can find the secret key (Li and Micciancio, "On the security
    /// of homomorphic encryption on approximate numbers", EUROCRYPT 2021). Where the artifact was compiled for
    /// results that are shown, they get noise here, always.
    fn decrypt(&self, answer: &[u8], count: usize) -> Result<Vec<Answer>> {
        let what = FileKind::Response.name();
        let advice = "ask the server for it again";
        let slots = self.spec.parameters.slots();
        let (layout, ty) = (&self.spec.output, &self.spec.output_type);
        let scale = self.spec.output_scale()?;
        let mut vectors = Vec::new();
        let parts = split(answer, layout.ciphertexts(slots), what, advice)?;
        for (index, bytes) in parts.into_iter().enumerate() {
            let x = Ciphertext::from_bytes(&self.context, bytes)?;
            if let Some((property, expected, got)) = type_mismatch(&x, ty, scale) {
                return Err(RuntimeError::Ciphertext {
                    what,
                    index,
                    property,
                    expected,
                    got,
                    advice,
                });
            }
            let plaintext = self.context.decrypt(&self.secret, &x)?;
            vectors.push(self.context.decode(&plaintext)?);
        }
        let mut logits = unpack_batch(layout, &vectors, slots, count)?;
        plausible::check(&self.spec, &vectors, &logits)?;
        if let Some(flooding) = self.spec.flooding()? {
            let mut rng = os_rng()?;
            let numbers = logits.iter_mut();
            numbers.for_each(|result| flooding.flood(result, &mut rng));
        }
        Ok(logits.into_iter().map(Answer::Logits).collect())
    }

    fn rebound(self: Box<Self>, spec: &dyn Spec) -> Result<Box<dyn Secret>> {
        let spec = CkksSpec::from_json(&spec.to_json()?)?;
        let (ours, theirs) = (spec.facts().binding, self.spec.facts().binding);
        ours.check(FileKind::ClientKey.name(), theirs)?;
        Ok(Box::new(Self { spec, ..*self }))
    }
}
