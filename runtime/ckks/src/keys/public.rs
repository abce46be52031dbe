//! The public key.

use std::sync::Arc;

use rand::rand_core::CryptoRng;

use crate::bytes::{Kind, Reader, Writer, packed_bytes, unpack_limb};
use crate::context::Context;
use crate::error::Error;
use crate::parallel::for_limbs;
use crate::pool::Buf;
use crate::sampling::{gaussian, public_seed};
use crate::secret::{SecretBuf, SecretKey};

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
            let (a, s) = (&a[i * n..(i + 1) * n], secret.extended_limb(context, u));
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

    /// The key as bytes: a seed and one polynomial.
    pub fn to_bytes(&self, context: &Context) -> Vec<u8> {
        let payload = 32 + context.packed_public();
        let mut writer = Writer::new(Kind::PublicKey, &context.fingerprint, payload);
        writer.put(&self.seed);
        for (i, limb) in self.b.chunks(context.degree()).enumerate() {
            let m = context.extended(context.public_limb(i)).0;
            writer.put_limb(m.q, limb);
        }
        writer.finish()
    }

    /// Reads a key of this context's parameters.
    ///
    /// # Errors
    /// `Bytes` for anything else.
    pub fn from_bytes(context: &Context, bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::open(Kind::PublicKey, bytes, Some(&context.fingerprint))?;
        reader.check_rest(32 + context.packed_public())?;
        let seed = reader.array()?;
        let n = context.degree();
        let mut b = context.pool.take(context.public_limbs() * n);
        for (i, limb) in b.chunks_mut(n).enumerate() {
            let m = context.extended(context.public_limb(i)).0;
            let bytes = reader.take(packed_bytes(m.q, n))?;
            unpack_limb(Kind::PublicKey, i, m, bytes, limb)?;
        }
        let a = context.expand_public(&seed);
        Ok(Self {
            seed,
            b,
            a,
            tag: context.tag(),
        })
    }
}

impl Context {
    fn packed_public(&self) -> usize {
        (0..self.public_limbs())
            .map(|i| packed_bytes(self.extended(self.public_limb(i)).0.q, self.degree()))
            .sum()
    }
}
