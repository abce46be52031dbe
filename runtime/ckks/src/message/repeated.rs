//! Encoding of vectors that repeat themselves, as the weights of a small layer in a large ring do: in a smaller ring,
//! see `context/rings.rs`.

use super::ciphertext::{Diagonal, PlainData, Plaintext};
use crate::context::{Context, repeat};
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
        let Some(ring) = self.ring_of(values) else {
            return self.encode(&self.all_slots(values)?, scale, level);
        };
        let compact = self.encode_limbs(ring, (&ring.slots_of(values), &[]), scale, level)?;
        let (n, times) = (self.degree(), self.degree() / ring.degree);
        let mut limbs = self.pool.take((level + 1) * n);
        for_limbs(&mut limbs, n, |i, limb| {
            let from = i * ring.degree..(i + 1) * ring.degree;
            repeat(limb, &compact[from], times);
        });
        Ok(Plaintext {
            data: PlainData::Limbs(limbs),
            level,
            scale,
            tag: self.tag(),
        })
    }

    /// [`Context::encode_diagonal`] of a vector that repeats `values`, see [`Context::encode_repeated`].
    ///
    /// # Errors
    /// As [`Context::encode_repeated`].
    pub fn encode_repeated_diagonal(
        &self,
        values: &[f64],
        scale: f64,
        level: usize,
    ) -> Result<Diagonal, Error> {
        if let [one] = values {
            return self.encode_constant_diagonal(*one, scale, level);
        }
        let Some(ring) = self.ring_of(values) else {
            return self.encode_diagonal(&self.all_slots(values)?, scale, level);
        };
        let compact = self.encode_limbs(ring, (&ring.slots_of(values), &[]), scale, level)?;
        Ok(self.diagonal(ring.degree, compact, scale, level))
    }

    fn all_slots(&self, values: &[f64]) -> Result<Vec<f64>, Error> {
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
        Ok(values.iter().copied().cycle().take(slots).collect())
    }
}
