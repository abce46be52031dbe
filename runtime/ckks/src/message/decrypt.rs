//! Decryption, and decryption whose result may be shown to others: noise flooding.
//!
//! A CKKS decryption carries the noise of the computation, which depends on the secret key; whoever sees
//! results of ciphertexts whose making they know can solve for the key (Li and Micciancio, "On the Security of
//! Homomorphic Encryption on Approximate Numbers", EUROCRYPT 2021). Adding noise that is much larger hides it: uniform
//! noise of ±B on every coefficient is within statistical distance N·e/(2B) of the same noise shifted by up to
//! e on each, so hiding a noise of `e` bits per coefficient with distance 2^-κ over `t` shown results takes
//! B >= 2^(κ - 1)·t·N·e.

use rand::rand_core::CryptoRng;

use super::ciphertext::{Ciphertext, PlainData, Plaintext};
use crate::context::Context;
use crate::error::Error;
use crate::parallel::for_limbs;
use crate::pool::Buf;
use crate::sampling::uniform_symmetric;
use crate::secret::{SecretBuf, SecretKey};

/// Most bits of flooding noise.
const MAX_BITS: u32 = 60;

impl Context {
    /// Decrypts a ciphertext of degree 1 or 2.
    ///
    /// The result carries the noise of the computation: before it is shown to anyone but the key's owner,
    /// read the part on IND-CPA-D in `SECURITY.md`.
    ///
    /// # Errors
    /// `Foreign` when key or ciphertext belong to other parameters.
    pub fn decrypt(&self, secret: &SecretKey, ciphertext: &Ciphertext) -> Result<Plaintext, Error> {
        self.check_own("secret key", secret.tag)?;
        self.check_own("ciphertext", ciphertext.tag)?;
        let (n, level) = (self.degree(), ciphertext.level);
        let last = ciphertext.parts.len() - 1;
        let mut message = Buf::copy_of(&self.pool, &ciphertext.parts[last]);
        for_limbs(&mut message, n, |i, limb| {
            let m = &self.moduli[i];
            let mut product = SecretBuf(self.pool.take(n));
            for part in ciphertext.parts[..last].iter().rev() {
                self.kernels
                    .mul(m, &mut product.0, limb, secret.limb(self, i));
                limb.copy_from_slice(&product.0);
                self.kernels.add_assign(m, limb, &part[i * n..(i + 1) * n]);
            }
        });
        let data = PlainData::Limbs(message);
        Ok(Plaintext {
            data,
            level,
            scale: ciphertext.scale,
            tag: self.tag(),
        })
    }

    /// Decrypts and adds uniform noise of ±2^`bits` to every coefficient (`bits` from 1 to 60).
    ///
    /// The error that it adds to a slot has the deviation 2^bits·sqrt(N/3) divided by the scale. Leave that much room
    /// in the scale of the last level: with κ = 30, one result, N = 2^14 and a noise of 10 bits it is 53 bits.
    ///
    /// # Errors
    /// As [`Context::decrypt`], and `NotEncodable` for `bits` out of range.
    pub fn decrypt_flooded(
        &self,
        secret: &SecretKey,
        ciphertext: &Ciphertext,
        bits: u32,
        rng: &mut impl CryptoRng,
    ) -> Result<Plaintext, Error> {
        if !(1..=MAX_BITS).contains(&bits) {
            let what = format!("the size of the flooding noise (1 to {MAX_BITS} bits)");
            return Err(Error::NotEncodable {
                what,
                value: f64::from(bits),
            });
        }
        let mut message = self.decrypt(secret, ciphertext)?;
        let noise = uniform_symmetric(rng, self.degree(), bits);
        let noise = SecretBuf(self.transform(&noise, message.level));
        if let PlainData::Limbs(limbs) = &mut message.data {
            let n = self.degree();
            for_limbs(limbs, n, |i, limb| {
                let range = i * n..(i + 1) * n;
                self.kernels
                    .add_assign(&self.moduli[i], limb, &noise.0[range]);
            });
        }
        Ok(message)
    }
}
