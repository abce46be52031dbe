//! The secret key, and buffers that are wiped when they are given back.

use std::sync::Arc;

use rand::rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::bytes::{Kind, Reader, Writer};
use crate::context::Context;
use crate::error::Error;
use crate::galois::Automorphism;
use crate::parallel::for_limbs;
use crate::pool::Buf;
use crate::sampling::ternary;

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

    fn from_coefficients(context: &Context, coefficients: Zeroizing<Vec<i64>>) -> Self {
        let limbs = SecretBuf(context.transform_extended(&coefficients));
        Self {
            coefficients,
            limbs,
            tag: context.tag(),
        }
    }

    /// Limb `i` of the chain, transformed.
    pub(crate) fn limb(&self, context: &Context, i: usize) -> &[u64] {
        self.extended_limb(context, context.special.len() + i)
    }

    /// Extended limb `u`, transformed.
    pub(crate) fn extended_limb(&self, context: &Context, u: usize) -> &[u64] {
        let n = context.degree();
        &self.limbs.0[u * n..(u + 1) * n]
    }

    /// The square of the key on all extended limbs.
    pub(crate) fn square(&self, context: &Context) -> SecretBuf {
        let mut square = SecretBuf(context.pool.take(self.limbs.0.len()));
        for_limbs(&mut square.0, context.degree(), |u, limb| {
            let s = self.extended_limb(context, u);
            context.kernels.mul(context.extended(u).0, limb, s, s);
        });
        square
    }

    /// The key under an automorphism on all extended limbs.
    pub(crate) fn image(&self, context: &Context, automorphism: &Automorphism) -> SecretBuf {
        let mut image = SecretBuf(context.pool.take(self.limbs.0.len()));
        for_limbs(&mut image.0, context.degree(), |u, limb| {
            let s = self.extended_limb(context, u);
            context.kernels.permute(limb, s, automorphism);
        });
        image
    }

    /// The key as bytes, wiped when dropped. **Whoever has them can decrypt.**
    pub fn to_bytes(&self, context: &Context) -> Zeroizing<Vec<u8>> {
        let n = self.coefficients.len();
        let mut writer = Writer::new(Kind::SecretKey, &context.fingerprint, n / 4);
        for four in self.coefficients.chunks(4) {
            let byte = four
                .iter()
                .rev()
                .fold(0, |byte, &c| byte << 2 | (c + 1) as u8);
            writer.put(&[byte]);
        }
        Zeroizing::new(writer.finish())
    }

    /// Reads a key of this context's parameters.
    ///
    /// # Errors
    /// `Bytes` for anything else.
    pub fn from_bytes(context: &Context, bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::open(Kind::SecretKey, bytes, Some(&context.fingerprint))?;
        let n = context.degree();
        reader.check_rest(n / 4)?;
        let mut coefficients = Zeroizing::new(Vec::with_capacity(n));
        for &byte in reader.take(n / 4)? {
            coefficients.extend((0..4).map(|k| i64::from(byte >> (2 * k) & 3) - 1));
        }
        if coefficients.contains(&2) {
            return Err(reader.field("a coefficient", 2, "-1, 0 and 1").into());
        }
        Ok(Self::from_coefficients(context, coefficients))
    }
}
