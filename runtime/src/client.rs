//! The client's half: makes keys, encrypts inputs, decrypts outputs. Only this file (and the calibration and conformance
//! suites, which play both halves) names the secret key.

use std::path::Path;
use std::sync::Arc;

use hemet_ckks::{Context, EvaluationKeys, KeyRequest, SecretKey, os_rng};
use hemet_schedule::Level;
use zeroize::Zeroizing;

use crate::backend::ckks::type_mismatch;
use crate::error::{Result, RuntimeError};
use crate::files::{
    ClientSpec, Envelope, FileKind, KeySetId, Reader, join, pack_batch, read, seal, split,
    unpack_batch,
};
use crate::keys::ServerKeys;
use crate::notice::Notice;

/// A client: the description of an artifact and the secret key for it. It has no `Debug` and the key is wiped when it is
/// dropped.
pub struct Client {
    spec: ClientSpec,
    key_set: KeySetId,
    context: Arc<Context>,
    secret: SecretKey,
}

impl Client {
    /// Makes a secret key and the evaluation keys that the artifact needs, from the operating system's randomness.
    ///
    /// # Errors
    /// If the system gives no randomness, or the parameters cannot switch keys.
    pub fn generate(spec: ClientSpec) -> Result<(Self, ServerKeys)> {
        let context = Context::new(spec.parameters.clone());
        let mut rng = os_rng()?;
        let secret = SecretKey::generate(&context, &mut rng);
        let number = |level: Level| level.0 as usize;
        let rotations = spec.rotations.iter();
        let rotations: Vec<(i64, usize)> = rotations
            .map(|(step, level)| (i64::from(*step), number(*level)))
            .collect();
        let request = KeyRequest {
            relinearize: spec.relinearize.map(number),
            rotations: &rotations,
            conjugate: None,
        };
        let keys = EvaluationKeys::generate(&context, &secret, &request, &mut rng)?;
        let key_set = KeySetId::random(&mut rng);
        let server = ServerKeys::new(&context, spec.artifact, key_set, keys);
        let client = Self {
            spec,
            key_set,
            context,
            secret,
        };
        Ok((client, server))
    }

    /// What the client knows of the artifact.
    pub fn spec(&self) -> &ClientSpec {
        &self.spec
    }

    /// What the user must be told.
    pub fn notices(&self) -> Vec<Notice> {
        self.spec.notices()
    }

    /// The client key file; **secret**. Wiped when dropped.
    ///
    /// # Errors
    /// None in practice.
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>> {
        let spec = self.spec.to_json()?;
        let secret = self.secret.to_bytes(&self.context);
        let length = (spec.len() as u64).to_le_bytes();
        let parts: [&[u8]; 3] = [&length, spec.as_bytes(), &secret];
        Ok(Zeroizing::new(seal(
            FileKind::ClientKey,
            self.spec.artifact,
            self.key_set,
            &parts,
        )))
    }

    /// Reads a client key file.
    ///
    /// # Errors
    /// Truncated, altered or foreign bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let envelope = Envelope::open(bytes, FileKind::ClientKey)?;
        let what = envelope.kind.name();
        let mut reader = Reader {
            what,
            rest: envelope.payload,
        };
        let length = u64::from_le_bytes(reader.array()?);
        let spec =
            std::str::from_utf8(reader.take(length)?).map_err(|e| RuntimeError::Malformed {
                what,
                reason: e.to_string(),
            })?;
        let spec = ClientSpec::from_json(spec)?;
        envelope.of_artifact(spec.artifact)?;
        let context = Context::new(spec.parameters.clone());
        let secret = SecretKey::from_bytes(&context, reader.rest)?;
        Ok(Self {
            spec,
            key_set: envelope.keys,
            context,
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

    /// Encrypts a tensor, given in channel-major order, as a request.
    ///
    /// # Errors
    /// A tensor of another size, a number that is not finite or too large for the scale.
    pub fn encrypt(&self, tensor: &[f64]) -> Result<Vec<u8>> {
        self.encrypt_batch(&[tensor])
    }

    /// Encrypts up to [`ClientSpec::images`] tensors as one request.
    ///
    /// # Errors
    /// As [`Client::encrypt`]; none, or more than one request takes.
    pub fn encrypt_batch(&self, tensors: &[&[f64]]) -> Result<Vec<u8>> {
        let slots = self.spec.parameters.slots();
        let ty = &self.spec.input_type;
        let scale = self.spec.input_scale()?;
        let mut rng = os_rng()?;
        let mut ciphertexts = Vec::new();
        let prepared = self.spec.prepare(tensors);
        let prepared: Vec<&[f64]> = prepared.iter().map(Vec::as_slice).collect();
        for vector in pack_batch(&self.spec.input, &prepared, slots)? {
            let slots: Vec<f64> = vector.iter().copied().cycle().take(slots).collect();
            let plaintext = self.context.encode(&slots, scale, ty.level.0 as usize)?;
            let fresh = self
                .context
                .encrypt_seeded(&self.secret, &plaintext, &mut rng)?;
            ciphertexts.push(fresh.to_bytes(&self.context));
        }
        Ok(seal(
            FileKind::Request,
            self.spec.artifact,
            self.key_set,
            &[&join(&ciphertexts)],
        ))
    }

    /// Decrypts a response; the tensor is in channel-major order of the output's shape (for a classifier the logits).
    ///
    /// Whoever sees decrypted values with all their noise may learn about the secret key (Li and Micciancio, "On the
    /// security of homomorphic encryption on approximate numbers", EUROCRYPT 2021): do not give them to the server.
    ///
    /// # Errors
    /// Truncated, altered or foreign bytes, or ciphertexts of another number, level or scale.
    pub fn decrypt(&self, response: &[u8]) -> Result<Vec<f64>> {
        Ok(self.decrypt_batch(response, 1)?.pop().unwrap_or_default())
    }

    /// Decrypts the response to a request of at least `count` tensors: the first `count` of them, each as [`Client::decrypt`] gives one.
    ///
    /// # Errors
    /// As [`Client::decrypt`]; more than one request takes.
    pub fn decrypt_batch(&self, response: &[u8], count: usize) -> Result<Vec<Vec<f64>>> {
        let envelope = Envelope::open(response, FileKind::Response)?
            .of_artifact(self.spec.artifact)?
            .of_keys(self.key_set)?;
        let what = envelope.kind.name();
        let advice = "ask the server for it again";
        let slots = self.spec.parameters.slots();
        let (layout, ty) = (&self.spec.output, &self.spec.output_type);
        let scale = self.spec.output_scale()?;
        let mut vectors = Vec::new();
        let parts = split(envelope.payload, layout.ciphertexts(slots), what, advice)?;
        for (index, bytes) in parts.into_iter().enumerate() {
            let x = hemet_ckks::Ciphertext::from_bytes(&self.context, bytes)?;
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
        unpack_batch(layout, &vectors, slots, count)
    }
}
