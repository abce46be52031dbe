//! Keys and ciphertexts as bytes: an envelope with kind, spec, key id, payload and a checksum.
//!
//! ```text
//! "HMTFHE" | kind | version 1 | key id (16) | spec length u32 | spec (JSON) or fingerprint
//! | payload length u64 | payload | BLAKE3 of all before (32)
//! ```
//! Keys carry the whole spec, ciphertexts its fingerprint. The lengths of keys follow from the spec, so a hostile
//! file makes no more memory than its own length be used.

use std::collections::BTreeMap;

use hemet_files::sealed::{Damage, Fields, seal, unseal, within};
use hemet_schedule::tfhe::SetId;
use zeroize::Zeroizing;

use crate::keys::{SecretKeys, Seeded, key_lengths};
use crate::{ClientKey, EncryptedInput, EncryptedOutput, Error, EvaluationKeys, Spec};

const MAGIC: &[u8; 6] = b"HMTFHE";
const VERSION: u8 = 1;
/// Longest spec that is read.
const MAX_SPEC_BYTES: u64 = 1 << 16;

/// Longest envelope that is read: 4 GiB.
pub const MAX_BYTES: usize = 4 << 30;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Client,
    Evaluation,
    Input,
    Output,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Client => "client key",
            Kind::Evaluation => "evaluation key",
            Kind::Input => "encrypted input",
            Kind::Output => "encrypted output",
        }
    }

    fn byte(self) -> u8 {
        match self {
            Kind::Client => 1,
            Kind::Evaluation => 2,
            Kind::Input => 3,
            Kind::Output => 4,
        }
    }

    fn refuse(self, why: impl Into<String>) -> Error {
        Error::Bytes {
            what: self.name(),
            why: why.into(),
        }
    }
}

fn wrap(kind: Kind, key_id: &[u8; 16], spec: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(payload.len() + spec.len() + 128);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&[kind.byte(), VERSION]);
    bytes.extend_from_slice(key_id);
    bytes.extend_from_slice(&(spec.len() as u32).to_le_bytes());
    bytes.extend_from_slice(spec.as_bytes());
    bytes.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    bytes.extend_from_slice(payload);
    seal(&mut bytes);
    bytes
}

/// Key id, spec and payload of an envelope.
type Content<'a> = ([u8; 16], &'a [u8], &'a [u8]);

/// Key id, spec text and payload of an envelope.
fn unwrap(kind: Kind, bytes: &[u8]) -> Result<([u8; 16], &str, &[u8]), Error> {
    let damaged = |damage: Damage| kind.refuse(damage.to_string());
    let name = kind.name();
    within(name, bytes.len() as u64, MAX_BYTES as u64).map_err(damaged)?;
    let mut start = Fields::of(name, bytes);
    start.mark(MAGIC).map_err(damaged)?;
    let found = start.u8().map_err(damaged)?;
    if found != kind.byte() {
        return Err(kind.refuse(format!(
            "kind {found}, expected {}; is it another kind of file?",
            kind.byte()
        )));
    }
    let version = start.u8().map_err(damaged)?;
    let versions = start.check_version(version.into(), VERSION.into());
    versions.map_err(damaged)?;
    let read = || -> Result<Content<'_>, Damage> {
        let mut fields = Fields::of(name, unseal(name, bytes)?);
        fields.take(MAGIC.len() + 2)?;
        let key_id = fields.array()?;
        let length = fields.u32()?;
        let spec = fields.take(within("its spec", length.into(), MAX_SPEC_BYTES)?)?;
        let length = fields.length(MAX_BYTES as u64)?;
        let payload = fields.take(length)?;
        fields.end()?;
        Ok((key_id, spec, payload))
    };
    let (key_id, spec, payload) = read().map_err(damaged)?;
    let spec = std::str::from_utf8(spec).map_err(|e| kind.refuse(e.to_string()))?;
    Ok((key_id, spec, payload))
}

fn put_seeded(payload: &mut Vec<u8>, key: &Seeded) {
    payload.extend_from_slice(&key.seed);
    key.bodies
        .iter()
        .for_each(|b| payload.extend_from_slice(&b.to_le_bytes()));
}

fn take_seeded(rest: &mut &[u8], len: usize) -> Option<Seeded> {
    let (seed, after) = rest.split_at_checked(16)?;
    let (bodies, after) = after.split_at_checked(len.checked_mul(8)?)?;
    *rest = after;
    Some(Seeded {
        seed: seed.try_into().ok()?,
        bodies: numbers(bodies),
    })
}

fn numbers(bytes: &[u8]) -> Vec<u64> {
    let number = |b: &[u8]| u64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]);
    bytes.chunks_exact(8).map(number).collect()
}

impl EvaluationKeys {
    /// The keys as bytes.
    ///
    /// # Errors
    /// Never for generated keys.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut payload = Vec::with_capacity(self.len_bytes());
        self.bootstraps
            .iter()
            .chain(&self.keyswitches)
            .for_each(|k| put_seeded(&mut payload, k));
        Ok(wrap(
            Kind::Evaluation,
            &self.key_id,
            &self.spec.to_json()?,
            &payload,
        ))
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// Bytes of another kind, version or length, damaged bytes, a spec that is not valid.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let kind = Kind::Evaluation;
        let (key_id, spec, mut rest) = unwrap(kind, bytes)?;
        let spec = Spec::from_json(spec)?;
        let (bootstraps, keyswitches) = key_lengths(&spec)?;
        let mut take = |lengths: Vec<usize>| -> Result<Vec<Seeded>, Error> {
            let keys = lengths
                .into_iter()
                .map(|len| take_seeded(&mut rest, len))
                .collect::<Option<Vec<_>>>();
            keys.ok_or_else(|| kind.refuse("it has fewer keys than its spec needs"))
        };
        let (bootstraps, keyswitches) = (take(bootstraps)?, take(keyswitches)?);
        match rest.is_empty() {
            true => Ok(Self {
                spec,
                key_id,
                bootstraps,
                keyswitches,
            }),
            false => Err(kind.refuse("it has more keys than its spec needs")),
        }
    }
}

impl ClientKey {
    /// The secret keys as bytes, a byte for each bit of a key. Keep them secret; they are wiped on drop.
    ///
    /// # Errors
    /// Never for generated keys.
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut payload = Zeroizing::new(Vec::new());
        let len = self
            .secrets
            .values()
            .map(|k| k.small.len() + k.big.len())
            .sum();
        payload.reserve_exact(len);
        for keys in self.secrets.values() {
            payload.extend(
                keys.small
                    .iter()
                    .chain(keys.big.iter())
                    .map(|bit| *bit as u8),
            );
        }
        Ok(Zeroizing::new(wrap(
            Kind::Client,
            &self.key_id,
            &self.spec.to_json()?,
            &payload,
        )))
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// Bytes of another kind, version or length, damaged bytes, a spec that is not valid.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let kind = Kind::Client;
        let (key_id, spec, mut rest) = unwrap(kind, bytes)?;
        let spec = Spec::from_json(spec)?;
        let mut secrets: BTreeMap<SetId, SecretKeys> = BTreeMap::new();
        for id in spec.sets()? {
            let mut take = |len: usize| -> Result<Zeroizing<Vec<u64>>, Error> {
                let (bits, after) = rest
                    .split_at_checked(len)
                    .ok_or_else(|| kind.refuse("it is too short"))?;
                rest = after;
                Ok(Zeroizing::new(
                    bits.iter().map(|bit| u64::from(*bit & 1)).collect(),
                ))
            };
            let small = take(id.get().lwe_dimension)?;
            secrets.insert(
                id,
                SecretKeys {
                    small,
                    big: take(id.get().big_dimension())?,
                },
            );
        }
        match rest.is_empty() {
            true => Ok(Self {
                spec,
                key_id,
                secrets,
            }),
            false => Err(kind.refuse("it is too long")),
        }
    }
}

impl EncryptedInput {
    /// The ciphertexts as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut payload = Vec::with_capacity(self.len_bytes());
        put_seeded(&mut payload, &self.list);
        wrap(Kind::Input, &self.key_id, &self.fingerprint, &payload)
    }

    /// Reads what [`Self::to_bytes`] wrote; whoever uses it checks that it fits.
    ///
    /// # Errors
    /// Bytes of another kind, version or length, damaged bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let kind = Kind::Input;
        let (key_id, fingerprint, mut rest) = unwrap(kind, bytes)?;
        let len = rest.len().saturating_sub(16) / 8;
        let list = take_seeded(&mut rest, len).ok_or_else(|| kind.refuse("it is too short"))?;
        match rest.is_empty() {
            true => Ok(Self {
                fingerprint: fingerprint.to_owned(),
                key_id,
                list,
            }),
            false => Err(kind.refuse("it does not hold whole numbers")),
        }
    }
}

impl EncryptedOutput {
    /// The ciphertexts as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        wrap(Kind::Output, &self.key_id, &self.fingerprint, &self.packed)
    }

    /// Reads what [`Self::to_bytes`] wrote; whoever decrypts it checks that it fits.
    ///
    /// # Errors
    /// Bytes of another kind, version or length, damaged bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let (key_id, fingerprint, payload) = unwrap(Kind::Output, bytes)?;
        Ok(Self {
            fingerprint: fingerprint.to_owned(),
            key_id,
            packed: payload.to_vec(),
        })
    }
}
