//! Secret, public and evaluation keys.
//!
//! What a switching key is, see `switching.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::context::Context;
use crate::error::Error;
use crate::galois::{Automorphism, conjugation_element, rotation_element};
use crate::parallel::for_limbs;
use crate::pool::Buf;
use crate::sampling::{expand_uniform, gaussian, public_seed, ternary};
use crate::switching::{RELINEARIZATION, SwitchingKey};

/// The secret key: a uniform ternary polynomial. Wiped when dropped; it has no `Debug`.
pub struct SecretKey {
    /// Coefficients in {-1, 0, 1}.
    pub(crate) coefficients: Zeroizing<Vec<i64>>,
    /// Transformed, over the extended limbs (special primes first).
    pub(crate) limbs: SecretBuf,
    pub(crate) tag: u64,
}

/// A buffer that is wiped before it returns to the pool.
pub(crate) struct SecretBuf(pub(crate) Buf);

impl Drop for SecretBuf {
    fn drop(&mut self) {
        self.0.wipe();
    }
}

impl SecretKey {
    /// Draws a key.
    pub fn generate(context: &Arc<Context>, rng: &mut impl CryptoRng) -> Self {
        let coefficients = ternary(rng, context.degree());
        Self::from_coefficients(context, coefficients)
    }

    pub(crate) fn from_coefficients(context: &Context, coefficients: Zeroizing<Vec<i64>>) -> Self {
        let limbs = SecretBuf(context.transform_extended(&coefficients));
        Self {
            coefficients,
            limbs,
            tag: context.tag(),
        }
    }

    /// Limb `i` of the chain, transformed.
    pub(crate) fn limb(&self, context: &Context, i: usize) -> &[u64] {
        let n = context.degree();
        let u = context.special.len() + i;
        &self.limbs.0[u * n..(u + 1) * n]
    }
}

/// The public key: an encryption of zero at the top level and modulo the first special prime, if there is one, by which
/// encryptions are divided.
#[derive(Clone)]
pub struct PublicKey {
    pub(crate) seed: [u8; 32],
    /// -a·s + e.
    pub(crate) b: Buf,
    pub(crate) a: Buf,
    pub(crate) tag: u64,
}

impl PublicKey {
    /// Makes the public key of a secret key.
    ///
    /// # Errors
    /// `Foreign` when the secret key belongs to other parameters.
    pub fn generate(
        context: &Arc<Context>,
        secret: &SecretKey,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, Error> {
        context.check_own("secret key", secret.tag)?;
        let seed = public_seed(rng);
        let n = context.degree();
        let error = gaussian(rng, n);
        let a = context.expand_public(&seed);
        let mut b = context.pool.take(a.len());
        for_limbs(&mut b, n, |i, limb| {
            let u = context.public_limb(i);
            let (m, ntt) = context.extended(u);
            context.kernels.reduce_signed(m, limb, &error);
            ntt.forward(limb);
            let mut product = SecretBuf(context.pool.take(n));
            let (a, s) = (&a[i * n..(i + 1) * n], &secret.limbs.0[u * n..(u + 1) * n]);
            context.kernels.mul(m, &mut product.0, a, s);
            context.kernels.sub_assign(m, limb, &product.0);
        });
        Ok(Self {
            seed,
            b,
            a,
            tag: context.tag(),
        })
    }
}

/// Which evaluation keys to make, and the highest level at which each is used: a key for a lower level is smaller, as it
/// needs fewer limbs and digits.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyRequest<'a> {
    /// The key for products of ciphertexts: the highest level of a product that is relinearized.
    pub relinearize: Option<usize>,
    /// Rotations as (step, highest level of a ciphertext that is rotated by it). Steps are taken modulo the slots; 0
    /// needs no key; of a step that occurs several times the highest level counts.
    pub rotations: &'a [(i64, usize)],
    /// The key for complex conjugation: the highest level of a ciphertext that is conjugated.
    pub conjugate: Option<usize>,
}

/// A Galois key to make: its step, `None` for conjugation, and its level.
type Wanted = (Option<i64>, usize);

impl KeyRequest<'_> {
    /// The Galois keys by element.
    ///
    /// # Errors
    /// `Level` for a level outside the chain, `NoSpecialPrimes` for keys without special primes.
    pub(crate) fn galois(&self, context: &Context) -> Result<BTreeMap<u64, Wanted>, Error> {
        let log_n = context.parameters.log_n();
        let slots = context.parameters.slots() as i64;
        let mut wanted: BTreeMap<u64, Wanted> = BTreeMap::new();
        for &(step, level) in self.rotations {
            context.check_level("a rotation key", level)?;
            let step = step.rem_euclid(slots);
            if step != 0 {
                let key = wanted.entry(rotation_element(log_n, step));
                let (_, highest) = key.or_insert((Some(step), level));
                *highest = level.max(*highest);
            }
        }
        if let Some(level) = self.conjugate {
            context.check_level("the conjugation key", level)?;
            wanted.insert(conjugation_element(log_n), (None, level));
        }
        if let Some(level) = self.relinearize {
            context.check_level("the relinearization key", level)?;
        }
        if context.special.is_empty() && (self.relinearize.is_some() || !wanted.is_empty()) {
            return Err(Error::NoSpecialPrimes);
        }
        Ok(wanted)
    }
}

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
    /// `NoSpecialPrimes` when a key is requested but the parameters have none; `Level` when one is requested for a level
    /// outside the chain; `Foreign` when the secret key belongs to other parameters.
    pub fn generate(
        context: &Arc<Context>,
        secret: &SecretKey,
        request: &KeyRequest<'_>,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, Error> {
        context.check_own("secret key", secret.tag)?;
        let log_n = context.parameters.log_n();
        let wanted = request.galois(context)?;
        let seed = public_seed(rng);
        let relinearization = request.relinearize.map(|level| {
            let square = context.secret_square(secret);
            context.switching_key(&seed, (RELINEARIZATION, level), &square, secret, rng)
        });
        let mut galois = BTreeMap::new();
        for (element, (step, level)) in wanted {
            let automorphism = Arc::new(Automorphism::new(log_n, element));
            let image = context.secret_image(secret, &automorphism);
            let key = context.switching_key(&seed, (element, level), &image, secret, rng);
            galois.insert(
                element,
                GaloisKey {
                    step,
                    key,
                    automorphism,
                },
            );
        }
        Ok(Self {
            seed,
            relinearization,
            galois,
            tag: context.tag(),
        })
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
        self.galois_key(context, (element, level), || {
            format!("key for rotation by {step}")
        })
    }

    /// The key of conjugation, for a ciphertext of `level`.
    pub(crate) fn conjugation_key(
        &self,
        context: &Context,
        level: usize,
    ) -> Result<&GaloisKey, Error> {
        let element = conjugation_element(context.parameters.log_n());
        self.galois_key(context, (element, level), || "key for conjugation".into())
    }

    fn galois_key(
        &self,
        context: &Context,
        (element, level): (u64, usize),
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

impl Context {
    /// Signed coefficients to transformed limbs of a level.
    pub(crate) fn transform(&self, coefficients: &[i64], level: usize) -> Buf {
        let n = self.degree();
        let mut limbs = self.pool.take((level + 1) * n);
        for_limbs(&mut limbs, n, |i, limb| {
            self.kernels
                .reduce_signed(&self.moduli[i], limb, coefficients);
            self.ntts[i].forward(limb);
        });
        limbs
    }

    fn transform_extended(&self, coefficients: &[i64]) -> Buf {
        let n = self.degree();
        let mut limbs = self.pool.take((self.special.len() + self.moduli.len()) * n);
        for_limbs(&mut limbs, n, |u, limb| {
            let (m, ntt) = self.extended(u);
            self.kernels.reduce_signed(m, limb, coefficients);
            ntt.forward(limb);
        });
        limbs
    }

    /// The uniform part of a seeded object over the chain up to a level.
    /// How many limbs a public key has.
    pub(crate) fn public_limbs(&self) -> usize {
        self.moduli.len() + self.special.len().min(1)
    }

    /// Which extended limb is limb `i` of a public key: the chain comes first, then the first special prime.
    pub(crate) fn public_limb(&self, i: usize) -> usize {
        if i < self.moduli.len() {
            self.special.len() + i
        } else {
            0
        }
    }

    /// The uniform part of a public key.
    pub(crate) fn expand_public(&self, seed: &[u8; 32]) -> Buf {
        let n = self.degree();
        let mut limbs = self.pool.take(self.public_limbs() * n);
        for_limbs(&mut limbs, n, |i, limb| {
            let m = self.extended(self.public_limb(i)).0;
            expand_uniform(seed, i as u64, m.q, limb);
        });
        limbs
    }

    pub(crate) fn expand_chain(&self, seed: &[u8; 32], level: usize) -> Buf {
        let n = self.degree();
        let mut limbs = self.pool.take((level + 1) * n);
        for_limbs(&mut limbs, n, |i, limb| {
            expand_uniform(seed, i as u64, self.moduli[i].q, limb)
        });
        limbs
    }
}
