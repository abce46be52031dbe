//! The client's half: keys, encryption, decryption.

use std::collections::BTreeMap;

use hemet_schedule::tfhe::SetId;

use crate::encode::{decode, encode, extend};
use crate::keys::{EvaluationKeys, SecretKeys, Seeded, encrypt};
use crate::random::OsSeeder;
use crate::spec::set;
use crate::{Error, Spec};

/// A client's secret keys for one spec. Wiped on drop; has no `Debug`.
pub struct ClientKey {
    pub(crate) spec: Spec,
    /// Random name of the key, which ciphertexts and evaluation keys carry.
    pub(crate) key_id: [u8; 16],
    pub(crate) secrets: BTreeMap<SetId, SecretKeys>,
}

/// An input under a client's key, with the seed of its masks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptedInput {
    pub(crate) fingerprint: String,
    pub(crate) key_id: [u8; 16],
    pub(crate) list: Seeded,
}

/// Outputs under a client's key: the top bytes of each number, part by part, ciphertext by ciphertext, body last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptedOutput {
    pub(crate) fingerprint: String,
    pub(crate) key_id: [u8; 16],
    pub(crate) packed: Vec<u8>,
}

impl EncryptedInput {
    /// Bytes as they travel, without the envelope.
    pub fn len_bytes(&self) -> usize {
        16 + 8 * self.list.bodies.len()
    }
}

impl EncryptedOutput {
    /// Bytes as they travel, without the envelope.
    pub fn len_bytes(&self) -> usize {
        self.packed.len()
    }
}

impl ClientKey {
    /// New secret keys from the operating system's randomness.
    ///
    /// # Errors
    /// No randomness, or a spec with unknown sets.
    pub fn generate(spec: &Spec) -> Result<Self, Error> {
        let mut seeder = OsSeeder::new()?;
        let mut secrets = BTreeMap::new();
        for id in spec.sets()? {
            secrets.insert(id, SecretKeys::generate(id.get(), &mut seeder));
        }
        Ok(Self {
            spec: spec.clone(),
            key_id: seeder.bytes(),
            secrets,
        })
    }

    /// The random name of the keys, which is no secret.
    pub fn id(&self) -> [u8; 16] {
        self.key_id
    }

    /// The spec that the keys were made for.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The same keys for another spec.
    ///
    /// # Errors
    /// A spec that needs other keys.
    pub fn rebound(self, spec: Spec) -> Result<Self, Error> {
        spec.check_keys("the client key", &self.spec)?;
        Ok(Self { spec, ..self })
    }

    /// The keys that the server needs. Made anew at each call.
    ///
    /// # Errors
    /// No randomness.
    pub fn evaluation_keys(&self) -> Result<EvaluationKeys, Error> {
        EvaluationKeys::generate(
            &self.spec,
            self.key_id,
            &self.secrets,
            &mut OsSeeder::new()?,
        )
    }

    /// Encrypts an input.
    ///
    /// # Errors
    /// Another number of values, a value outside the range, or no randomness.
    pub fn encrypt(&self, input: &[i64]) -> Result<EncryptedInput, Error> {
        let spec = &self.spec.input;
        if input.len() != spec.count as usize {
            return Err(Error::InputLength {
                expected: spec.count as usize,
                found: input.len(),
            });
        }
        let (low, high) = (spec.low, spec.high);
        if let Some(index) = input.iter().position(|v| !(low..=high).contains(v)) {
            return Err(Error::InputValue {
                index,
                value: input[index],
                low,
                high,
            });
        }
        let points: Vec<u64> = input
            .iter()
            .map(|m| encode(*m, u64::from(spec.turn)))
            .collect();
        let parameters = set(&spec.set)?.get();
        let std = if spec.small {
            parameters.lwe_std
        } else {
            parameters.glwe_std
        };
        let list = encrypt(
            &points,
            self.key(&spec.set, spec.small)?,
            std,
            &mut OsSeeder::new()?,
        );
        Ok(EncryptedInput {
            fingerprint: self.spec.fingerprint(),
            key_id: self.key_id,
            list,
        })
    }

    /// Decrypts outputs: the logits, or the class alone if the spec says so.
    ///
    /// # Errors
    /// Outputs of another spec or key, or of another length.
    pub fn decrypt(&self, output: &EncryptedOutput) -> Result<Vec<i64>, Error> {
        crate::error::same(
            "the output",
            (&output.fingerprint, output.key_id),
            (&self.spec.fingerprint(), self.key_id),
        )?;
        let bytes = self.spec.output_bytes as usize;
        let mut rest = output.packed.as_slice();
        let mut sums = vec![0i64; self.spec.outputs.first().map_or(0, |o| o.count as usize)];
        for part in &self.spec.outputs {
            let key = self.key(&part.set, part.small)?;
            for sum in &mut sums {
                let len = (key.len() + 1) * bytes;
                let (ciphertext, after) = rest
                    .split_at_checked(len)
                    .ok_or_else(|| too_short(output.packed.len()))?;
                rest = after;
                *sum += decode(phase(ciphertext, bytes, key), part.turn, part.low);
            }
        }
        match rest.is_empty() {
            true => Ok(sums),
            false => Err(too_short(output.packed.len())),
        }
    }

    fn key(&self, name: &str, small: bool) -> Result<&[u64], Error> {
        let keys = self
            .secrets
            .get(&set(name)?)
            .ok_or_else(|| Error::Spec("a set has no key".into()))?;
        Ok(if small { &keys.small } else { &keys.big })
    }
}

fn too_short(found: usize) -> Error {
    Error::Bytes {
        what: "output",
        why: format!("{found} bytes are not the length that the spec gives"),
    }
}

/// Body minus mask times key, without branches on the key.
fn phase(ciphertext: &[u8], bytes: usize, key: &[u64]) -> u64 {
    let number = |chunk: &[u8]| {
        let mut wide = [0u8; 8];
        wide[..bytes].copy_from_slice(chunk);
        extend(u64::from_le_bytes(wide), bytes as u32)
    };
    let mut numbers = ciphertext.chunks_exact(bytes).map(number);
    let mask = numbers.by_ref().take(key.len());
    let product = mask
        .zip(key)
        .fold(0u64, |sum, (a, s)| sum.wrapping_add(a.wrapping_mul(*s)));
    numbers.next().unwrap_or(0).wrapping_sub(product)
}
