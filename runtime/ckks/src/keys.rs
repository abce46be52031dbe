//! Secret, public and evaluation keys.
//!
//! A switching key from s' to s has, per digit j, a pair (b, a) over the extended chain with
//! b = -a·s + e + P·g_j·s' mod QP, where g_j is 1 modulo the limbs of digit j and 0 modulo the others (Han and
//! Ki 2020). Stored are P⁻¹·b and P⁻¹·a modulo the chain, and b, a modulo the special primes, all times 2^52: so the
//! division by P at the end of a key switch is a subtraction. The a are uniform and come from a seed.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::context::Context;
use crate::error::Error;
use crate::galois::{Automorphism, conjugation_element, rotation_element};
use crate::kernels::{PADDING, Packed, packed_words};
use crate::parallel::{for_limbs, for_parts};
use crate::pool::Buf;
use crate::sampling::{expand_uniform, gaussian, public_seed, ternary};

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

/// The public key: an encryption of zero at the top level.
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
        let a = context.expand_chain(&seed, context.parameters.max_level());
        let mut b = context.transform(&error, context.parameters.max_level());
        for_limbs(&mut b, n, |i, limb| {
            let m = &context.moduli[i];
            let mut product = SecretBuf(context.pool.take(n));
            context.kernels.mul(
                m,
                &mut product.0,
                &a[i * n..(i + 1) * n],
                secret.limb(context, i),
            );
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

/// Which evaluation keys to make.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyRequest<'a> {
    /// The key for products of ciphertexts.
    pub relinearize: bool,
    /// Steps of rotations, taken modulo the slots; 0 needs no key.
    pub rotations: &'a [i64],
    /// The key for complex conjugation.
    pub conjugate: bool,
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

/// One switching key in the order of use: for each extended limb, each digit, (b, a), packed.
#[derive(Clone)]
pub(crate) struct SwitchingKey {
    pub(crate) words: Buf,
    pub(crate) digits: usize,
}

impl SwitchingKey {
    /// (b, a) of extended limb `u` and digit `j`.
    pub(crate) fn pair(&self, context: &Context, u: usize, j: usize) -> (Packed<'_>, Packed<'_>) {
        let bits = context.extended(u).0.bits();
        let length = packed_words(context.degree(), bits);
        let start = context.key_start(u) * self.digits + 2 * j * length;
        let limb = |at: usize| Packed {
            words: &self.words[at..at + length + PADDING],
            bits,
        };
        (limb(start), limb(start + length))
    }
}

impl EvaluationKeys {
    /// Makes the requested keys.
    ///
    /// # Errors
    /// `NoSpecialPrimes` when a key is requested but the parameters have none; `Foreign` when the secret
    /// key belongs to other parameters.
    pub fn generate(
        context: &Arc<Context>,
        secret: &SecretKey,
        request: &KeyRequest<'_>,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, Error> {
        context.check_own("secret key", secret.tag)?;
        let log_n = context.parameters.log_n();
        let slots = context.parameters.slots() as i64;
        let mut wanted: BTreeMap<u64, Option<i64>> = request
            .rotations
            .iter()
            .map(|step| step.rem_euclid(slots))
            .filter(|&step| step != 0)
            .map(|step| (rotation_element(log_n, step), Some(step)))
            .collect();
        if request.conjugate {
            wanted.insert(conjugation_element(log_n), None);
        }
        if context.special.is_empty() && (request.relinearize || !wanted.is_empty()) {
            return Err(Error::NoSpecialPrimes);
        }
        let seed = public_seed(rng);
        let relinearization = request.relinearize.then(|| {
            let square = context.secret_square(secret);
            context.switching_key(&seed, RELINEARIZATION, &square, secret, rng)
        });
        let mut galois = BTreeMap::new();
        for (element, step) in wanted {
            let automorphism = Arc::new(Automorphism::new(log_n, element));
            let image = context.secret_image(secret, &automorphism);
            let key = context.switching_key(&seed, element, &image, secret, rng);
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

    /// Whether products can be relinearized.
    pub fn can_relinearize(&self) -> bool {
        self.relinearization.is_some()
    }

    /// Whether slots can be conjugated.
    pub fn can_conjugate(&self) -> bool {
        self.galois.values().any(|key| key.step.is_none())
    }

    /// The steps of the rotation keys, each in 1..slots, ascending.
    pub fn rotations(&self) -> Vec<i64> {
        let mut steps: Vec<i64> = self.galois.values().filter_map(|key| key.step).collect();
        steps.sort_unstable();
        steps
    }

    /// Memory of the expanded keys, in bytes.
    pub fn size_bytes(&self) -> usize {
        let switching = self
            .galois
            .values()
            .map(|key| &key.key)
            .chain(&self.relinearization);
        switching.map(|key| 8 * key.words.len()).sum()
    }

    pub(crate) fn relinearization_key(&self) -> Result<&SwitchingKey, Error> {
        self.relinearization
            .as_ref()
            .ok_or_else(|| self.missing("relinearization key".into()))
    }

    pub(crate) fn rotation_key(&self, context: &Context, step: i64) -> Result<&GaloisKey, Error> {
        let element = rotation_element(context.parameters.log_n(), step);
        self.galois
            .get(&element)
            .ok_or_else(|| self.missing(format!("key for rotation by {step}")))
    }

    pub(crate) fn conjugation_key(&self, context: &Context) -> Result<&GaloisKey, Error> {
        let element = conjugation_element(context.parameters.log_n());
        self.galois
            .get(&element)
            .ok_or_else(|| self.missing("key for conjugation".into()))
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

/// The seed stream of the relinearization key; Galois elements are odd.
pub(crate) const RELINEARIZATION: u64 = 0;

/// The seed stream of one limb of a switching key.
pub(crate) fn key_stream(element: u64, u: usize, digit: usize) -> u64 {
    element << 16 | (u as u64) << 8 | digit as u64
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
    pub(crate) fn expand_chain(&self, seed: &[u8; 32], level: usize) -> Buf {
        let n = self.degree();
        let mut limbs = self.pool.take((level + 1) * n);
        for_limbs(&mut limbs, n, |i, limb| {
            expand_uniform(seed, i as u64, self.moduli[i].q, limb)
        });
        limbs
    }

    fn secret_square(&self, secret: &SecretKey) -> SecretBuf {
        let n = self.degree();
        let mut square = SecretBuf(self.pool.take(secret.limbs.0.len()));
        for_limbs(&mut square.0, n, |u, limb| {
            let s = &secret.limbs.0[u * n..(u + 1) * n];
            self.kernels.mul(self.extended(u).0, limb, s, s);
        });
        square
    }

    fn secret_image(&self, secret: &SecretKey, automorphism: &Automorphism) -> SecretBuf {
        let n = self.degree();
        let mut image = SecretBuf(self.pool.take(secret.limbs.0.len()));
        for_limbs(&mut image.0, n, |u, limb| {
            self.kernels
                .permute(limb, &secret.limbs.0[u * n..(u + 1) * n], automorphism);
        });
        image
    }

    /// The switching key from `source` (transformed, extended) to the secret key.
    fn switching_key(
        &self,
        seed: &[u8; 32],
        element: u64,
        source: &SecretBuf,
        secret: &SecretKey,
        rng: &mut impl CryptoRng,
    ) -> SwitchingKey {
        let n = self.degree();
        let digits = self.parameters.digits();
        let errors: Vec<_> = (0..digits).map(|_| gaussian(rng, n)).collect();
        let mut words = self.pool.take(self.key_words());
        words[self.key_words() - PADDING..].fill(0);
        let ranges: Vec<_> = self.parameters.digit_ranges().collect();
        for_parts(&mut words, &self.key_parts(), |u, block| {
            let (m, ntt) = self.extended(u);
            let factor = self.key_factor(u);
            let limb = u * n..(u + 1) * n;
            let mut pair = self.pool.take(2 * n);
            let (b, a) = pair.split_at_mut(n);
            let mut product = SecretBuf(self.pool.take(n));
            for (j, packed) in block.chunks_mut(2 * packed_words(n, m.bits())).enumerate() {
                expand_uniform(seed, key_stream(element, u, j), m.q, a);
                self.kernels.reduce_signed(m, b, &errors[j]);
                ntt.forward(b);
                self.kernels.scale(m, b, m.to_mont(factor));
                self.kernels
                    .mul(m, &mut product.0, a, &secret.limbs.0[limb.clone()]);
                self.kernels.sub_assign(m, b, &product.0);
                if u.checked_sub(self.special.len())
                    .is_some_and(|i| ranges[j].contains(&i))
                {
                    product.0.copy_from_slice(&source.0[limb.clone()]);
                    self.kernels
                        .scale(m, &mut product.0, m.to_mont(m.to_mont(1)));
                    self.kernels.add_assign(m, b, &product.0);
                }
                let (first, second) = packed.split_at_mut(packed_words(n, m.bits()));
                self.kernels.pack(first, b, m.bits());
                self.kernels.pack(second, a, m.bits());
            }
        });
        SwitchingKey { words, digits }
    }

    /// Words of a pair of limbs before extended limb `u`, for one digit.
    fn key_start(&self, u: usize) -> usize {
        self.key_starts[u]
    }

    /// Words of each extended limb of a switching key.
    pub(crate) fn key_parts(&self) -> Vec<usize> {
        let digits = self.parameters.digits();
        self.key_starts
            .windows(2)
            .map(|pair| (pair[1] - pair[0]) * digits)
            .collect()
    }

    /// Words of a switching key, with its padding.
    pub(crate) fn key_words(&self) -> usize {
        self.key_starts[self.key_starts.len() - 1] * self.parameters.digits() + PADDING
    }

    /// What the errors of extended limb `u` of a key are multiplied by: 2^52, and P⁻¹ in the chain.
    fn key_factor(&self, u: usize) -> u64 {
        let m = self.extended(u).0;
        if u < self.special.len() {
            return m.to_mont(1);
        }
        let product = self
            .special
            .iter()
            .fold(1, |product, p| m.mul(product, p.q % m.q));
        m.to_mont(m.inv(product))
    }
}
