//! Evaluation keys: relinearization, rotations, conjugation.
//!
//! What a switching key is, see `switching.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::rand_core::CryptoRng;

use super::list::{Entry, RELINEARIZATION};
use super::request::KeyRequest;
use super::switching::SwitchingKey;
use crate::context::Context;
use crate::error::Error;
use crate::galois::{Automorphism, conjugation_element, rotation_element};
use crate::sampling::public_seed;
use crate::secret::SecretKey;

/// The keys that a server computes with: relinearization, rotations, conjugation. They reveal nothing to it.
#[derive(Clone)]
pub struct EvaluationKeys {
    pub(crate) seed: [u8; 32],
    pub(crate) relinearization: Option<SwitchingKey>,
    /// By Galois element.
    pub(crate) galois: BTreeMap<u64, GaloisKey>,
    pub(crate) tag: u64,
}

/// A switching key with the permutation that goes with it.
#[derive(Clone)]
pub(crate) struct GaloisKey {
    /// The step in 0..slots; `None` for conjugation.
    pub(crate) step: Option<i64>,
    pub(crate) key: SwitchingKey,
    pub(crate) automorphism: Arc<Automorphism>,
}

impl EvaluationKeys {
    /// Makes the requested keys.
    ///
    /// # Errors
    /// `NoSpecialPrimes` when a key is requested but the parameters have none; `Level` when one is requested for a
    /// level outside the chain; `Foreign` when the secret key belongs to other parameters.
    pub fn generate(
        context: &Arc<Context>,
        secret: &SecretKey,
        request: &KeyRequest<'_>,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, Error> {
        context.check_own("secret key", secret.tag)?;
        let wanted = request.entries(context)?;
        let seed = public_seed(rng);
        let mut keys = Vec::with_capacity(wanted.len());
        for &entry in &wanted {
            let source = if entry.element == RELINEARIZATION {
                secret.square(context)
            } else {
                let automorphism = Automorphism::new(context.parameters.log_n(), entry.element);
                secret.image(context, &automorphism)
            };
            keys.push(context.switching_key(&seed, entry, &source, secret, rng));
        }
        Ok(Self::assemble(context, seed, &wanted, keys))
    }

    /// The keys of a list, in its order.
    pub(crate) fn assemble(
        context: &Context,
        seed: [u8; 32],
        entries: &[Entry],
        keys: Vec<SwitchingKey>,
    ) -> Self {
        let log_n = context.parameters.log_n();
        let mut relinearization = None;
        let mut galois = BTreeMap::new();
        for (&Entry { element, step, .. }, key) in entries.iter().zip(keys) {
            if element == RELINEARIZATION {
                relinearization = Some(key);
                continue;
            }
            let automorphism = Arc::new(Automorphism::new(log_n, element));
            let key = GaloisKey {
                step,
                key,
                automorphism,
            };
            galois.insert(element, key);
        }
        Self {
            seed,
            relinearization,
            galois,
            tag: context.tag(),
        }
    }

    /// All keys in the order of their list.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = &SwitchingKey> {
        let galois = self.galois.values().map(|key| &key.key);
        self.relinearization.iter().chain(galois)
    }

    /// The list of all keys.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let relinearization = self.relinearization.iter().map(|key| Entry {
            element: RELINEARIZATION,
            step: None,
            level: key.level,
        });
        let galois = self.galois.iter().map(|(&element, key)| Entry {
            element,
            step: key.step,
            level: key.key.level,
        });
        relinearization.chain(galois).collect()
    }

    /// The highest level at which products can be relinearized; `None` without that key.
    pub fn relinearization_level(&self) -> Option<usize> {
        self.relinearization.as_ref().map(|key| key.level)
    }

    /// The highest level at which slots can be conjugated; `None` without that key.
    pub fn conjugation_level(&self) -> Option<usize> {
        let key = self.galois.values().find(|key| key.step.is_none());
        key.map(|key| key.key.level)
    }

    /// The rotation keys as (step in 1..slots, highest level at which it serves), ascending.
    pub fn rotations(&self) -> Vec<(i64, usize)> {
        let keys = self.galois.values();
        let mut all: Vec<(i64, usize)> = keys
            .filter_map(|key| Some((key.step?, key.key.level)))
            .collect();
        all.sort_unstable();
        all
    }

    /// Memory of the expanded keys, in bytes; of mapped keys what they take in their file.
    pub fn size_bytes(&self) -> usize {
        self.in_order().map(|key| 8 * key.words.len()).sum()
    }

    /// The relinearization key, for a product of `level`.
    pub(crate) fn relinearization_key(
        &self,
        context: &Context,
        level: usize,
    ) -> Result<&SwitchingKey, Error> {
        let name = || "relinearization key".into();
        let key = self.relinearization.as_ref();
        let key = key.ok_or_else(|| self.missing(name()))?;
        check_serves(key, level, name)?;
        key.verify(context)?;
        Ok(key)
    }

    /// The key of a rotation, for a ciphertext of `level`.
    pub(crate) fn rotation_key(
        &self,
        context: &Context,
        step: i64,
        level: usize,
    ) -> Result<&GaloisKey, Error> {
        let element = rotation_element(context.parameters.log_n(), step);
        let name = || format!("key for rotation by {step}");
        self.galois_key(context, element, level, name)
    }

    /// The key of conjugation, for a ciphertext of `level`.
    pub(crate) fn conjugation_key(
        &self,
        context: &Context,
        level: usize,
    ) -> Result<&GaloisKey, Error> {
        let element = conjugation_element(context.parameters.log_n());
        let name = || "key for conjugation".into();
        self.galois_key(context, element, level, name)
    }

    fn galois_key(
        &self,
        context: &Context,
        element: u64,
        level: usize,
        name: impl Fn() -> String,
    ) -> Result<&GaloisKey, Error> {
        let key = self.galois.get(&element);
        let key = key.ok_or_else(|| self.missing(name()))?;
        check_serves(&key.key, level, name)?;
        key.key.verify(context)?;
        Ok(key)
    }

    fn missing(&self, key: String) -> Error {
        let available = self
            .galois
            .values()
            .filter(|key| key.step.is_some())
            .count();
        Error::MissingKey { key, available }
    }
}

/// Whether a key can be used at a level.
fn check_serves(key: &SwitchingKey, level: usize, name: impl Fn() -> String) -> Result<(), Error> {
    if level <= key.level {
        return Ok(());
    }
    Err(Error::KeyLevel {
        key: name(),
        serves: key.level,
        needed: level,
    })
}
