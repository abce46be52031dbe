//! Decryption.

use rand::rand_core::CryptoRng;

use super::ciphertext::{Ciphertext, PlainData, Plaintext};
use super::flooding::Flooding;
use crate::context::Context;
use crate::error::Error;
use crate::parallel::for_limbs;
use crate::pool::Buf;
use crate::secret::{SecretBuf, SecretKey};

impl Context {
    /// Decrypts a ciphertext of degree 1 or 2.
    ///
    /// The result carries the noise of the computation: before it is shown to anyone but the key's owner, read the part
    /// on IND-CPA-D in `SECURITY.md`, and take [`Context::decrypt_flooded`] instead.
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

    /// Decrypts the real parts of the first `count` slots (at most all) with noise that hides their errors, so that
    /// they may be shown. The other slots never leave this function.
    ///
    /// # Errors
    /// As [`Context::decrypt`].
    pub fn decrypt_flooded(
        &self,
        secret: &SecretKey,
        ciphertext: &Ciphertext,
        count: usize,
        flooding: Flooding,
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<f64>, Error> {
        let mut values = self.decode(&self.decrypt(secret, ciphertext)?)?;
        values.truncate(count);
        flooding.flood(&mut values, rng);
        Ok(values)
    }
}
