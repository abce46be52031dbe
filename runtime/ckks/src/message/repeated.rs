//! Encoding of vectors that repeat themselves, as the weights of a small layer in a large ring do: in a smaller ring,
//! see `context/rings.rs`.

use super::ciphertext::{PlainData, Plaintext};
use crate::context::Context;
use crate::error::Error;
use crate::parallel::for_limbs;

impl Context {
    /// Encodes a real vector that repeats `values` over all slots: slot `i` holds `values[i mod len]`. Faster than
    /// [`Context::encode`] of all slots, in proportion to the length where that is a power of two.
    ///
    /// # Errors
    /// As [`Context::encode`], and `NotEncodable` for no values.
    pub fn encode_repeated(
        &self,
        values: &[f64],
        scale: f64,
        level: usize,
    ) -> Result<Plaintext, Error> {
        let (ring, slots) = (self.real_ring(values.len()), self.slots_of(values)?);
        let halves = self.encode_halves(ring, &slots, scale, level)?;
        let n = self.degree();
        let mut limbs = self.pool.take((level + 1) * n);
        for_limbs(&mut limbs, n, |i, limb| {
            let (first, second) = limb.split_at_mut(n / 2);
            let half = &halves[i * ring.slots..(i + 1) * ring.slots];
            let places = first.chunks_exact_mut(n / 2 / ring.slots);
            places.zip(half).for_each(|(places, &x)| places.fill(x));
            second.copy_from_slice(first);
            second.reverse();
        });
        Ok(Plaintext {
            data: PlainData::Limbs(limbs),
            level,
            scale,
            tag: self.tag(),
        })
    }

    /// The slots of the smallest ring for a vector that repeats `values`.
    pub(super) fn slots_of(&self, values: &[f64]) -> Result<Vec<f64>, Error> {
        let slots = self.parameters.slots();
        if values.is_empty() {
            return Err(Error::NotEncodable {
                what: "the number of values that are repeated".into(),
                value: 0.0,
            });
        }
        if values.len() > slots {
            let given = values.len();
            return Err(Error::TooManyValues { given, slots });
        }
        let slots = self.real_ring(values.len()).slots;
        Ok(values.iter().copied().cycle().take(slots).collect())
    }
}
