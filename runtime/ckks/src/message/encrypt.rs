//! Encryption with the secret key (seeded, half the bytes) or the public key.

use rand::rand_core::CryptoRng;

use super::ciphertext::{Ciphertext, PlainData, Plaintext, SeededCiphertext};
use crate::context::Context;
use crate::error::Error;
use crate::keys::PublicKey;
use crate::parallel::for_limbs;
use crate::pool::Buf;
use crate::sampling::{gaussian, public_seed, ternary};
use crate::secret::{SecretBuf, SecretKey};

impl Context {
    /// Encrypts with the secret key. Noise: [`crate::noise::fresh_secret`].
    ///
    /// # Errors
    /// `Foreign` when key or plaintext belong to other parameters.
    pub fn encrypt_secret(
        &self,
        secret: &SecretKey,
        plaintext: &Plaintext,
        rng: &mut impl CryptoRng,
    ) -> Result<Ciphertext, Error> {
        let seeded = self.encrypt_seeded(secret, plaintext, rng)?;
        self.expand(&seeded)
    }

    /// As [`Context::encrypt_secret`], with the uniform part left as a seed.
    ///
    /// # Errors
    /// As [`Context::encrypt_secret`].
    pub fn encrypt_seeded(
        &self,
        secret: &SecretKey,
        plaintext: &Plaintext,
        rng: &mut impl CryptoRng,
    ) -> Result<SeededCiphertext, Error> {
        self.check_own("secret key", secret.tag)?;
        self.check_own("plaintext", plaintext.tag)?;
        let (n, level) = (self.degree(), plaintext.level);
        let seed = public_seed(rng);
        let a = self.expand_chain(&seed, level);
        let mut first = self.transform(&gaussian(rng, n), level);
        for_limbs(&mut first, n, |i, limb| {
            let m = &self.moduli[i];
            let mut product = SecretBuf(self.pool.take(n));
            self.kernels.mul(
                m,
                &mut product.0,
                &a[i * n..(i + 1) * n],
                secret.limb(self, i),
            );
            self.kernels.sub_assign(m, limb, &product.0);
        });
        self.add_plain_limbs(&mut first, plaintext);
        Ok(SeededCiphertext {
            seed,
            first,
            level,
            scale: plaintext.scale,
            tag: self.tag(),
        })
    }

    /// Restores the uniform part of a seeded ciphertext.
    ///
    /// # Errors
    /// `Foreign` when it belongs to other parameters.
    pub fn expand(&self, seeded: &SeededCiphertext) -> Result<Ciphertext, Error> {
        self.check_own("ciphertext", seeded.tag)?;
        let second = self.expand_chain(&seeded.seed, seeded.level);
        Ok(self.ciphertext(
            vec![seeded.first.clone(), second],
            seeded.level,
            seeded.scale,
        ))
    }

    /// Encrypts with the public key. Noise: [`crate::noise::fresh_public`].
    ///
    /// # Errors
    /// `Foreign` when key or plaintext belong to other parameters.
    pub fn encrypt_public(
        &self,
        public: &PublicKey,
        plaintext: &Plaintext,
        rng: &mut impl CryptoRng,
    ) -> Result<Ciphertext, Error> {
        self.check_own("public key", public.tag)?;
        self.check_own("plaintext", plaintext.tag)?;
        let (n, level) = (self.degree(), plaintext.level);
        let mask = ternary(rng, n);
        let special_mask = self.special.first().map(|p| {
            let mut limb = SecretBuf(self.pool.take(n));
            self.kernels.reduce_signed(p, &mut limb.0, &mask);
            self.special_ntts[0].forward(&mut limb.0);
            (p, limb)
        });
        let mask = SecretBuf(self.transform(&mask, level));
        let mut encrypt_zero = |key: &Buf| {
            let mut error = gaussian(rng, n);
            if let Some((_, mask)) = &special_mask {
                self.subtract_remainder(&mut error, &key[self.moduli.len() * n..], &mask.0);
            }
            let mut part = self.transform(&error, level);
            for_limbs(&mut part, n, |i, limb| {
                let (m, range) = (&self.moduli[i], i * n..(i + 1) * n);
                self.kernels
                    .mul_add(m, limb, &key[range.clone()], &mask.0[range]);
                if let Some((p, _)) = &special_mask {
                    self.kernels.scale(m, limb, m.to_mont(m.inv(p.q % m.q)));
                }
            });
            part
        };
        let mut first = encrypt_zero(&public.b);
        let second = encrypt_zero(&public.a);
        self.add_plain_limbs(&mut first, plaintext);
        Ok(self.ciphertext(vec![first, second], level, plaintext.scale))
    }

    /// Subtracts from an error e the remainder of key·mask + e modulo the first special prime, centered: with it the
    /// sum is a multiple of that prime. Key and mask are the transformed limbs of that prime.
    fn subtract_remainder(&self, error: &mut [i64], key: &[u64], mask: &[u64]) {
        let (p, ntt) = (&self.special[0], &self.special_ntts[0]);
        let mut sum = SecretBuf(self.pool.take(error.len()));
        self.kernels.reduce_signed(p, &mut sum.0, error);
        ntt.forward(&mut sum.0);
        self.kernels.mul_add(p, &mut sum.0, key, mask);
        ntt.inverse(&mut sum.0, p.to_mont(p.inv(error.len() as u64)));
        for (e, &x) in error.iter_mut().zip(sum.0.iter()) {
            let above = i64::from(x > p.q / 2);
            *e -= x as i64 - above * p.q as i64;
        }
    }

    /// Adds a plaintext to limbs of its level.
    pub(crate) fn add_plain_limbs(&self, limbs: &mut [u64], plaintext: &Plaintext) {
        let n = self.degree();
        for_limbs(limbs, n, |i, limb| {
            let m = &self.moduli[i];
            match &plaintext.data {
                PlainData::Limbs(values) => {
                    self.kernels
                        .add_assign(m, limb, &values[i * n..(i + 1) * n]);
                }
                PlainData::Constant(residues) => {
                    limb.iter_mut().for_each(|x| *x = m.add(*x, residues[i]));
                }
            }
        });
    }
}
