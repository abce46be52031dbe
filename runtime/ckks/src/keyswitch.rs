//! Relinearization, and the parts of a key switch.
//!
//! Sources: Han and Ki 2020 (hybrid key switching), Halevi and Shoup, "Faster Homomorphic Linear
//! Transformations in HElib", CRYPTO 2018 (hoisting), Bossuat et al., "Efficient Bootstrapping for
//! Approximate Homomorphic Encryption with Non-sparse Keys", EUROCRYPT 2021 (one division by P for a sum).
//! The engine is in `sums.rs`.

use crate::ciphertext::Ciphertext;
use crate::context::Context;
use crate::error::Error;
use crate::galois::Automorphism;
use crate::keys::{EvaluationKeys, GaloisKey};
use crate::pool::Buf;
use crate::sums::Sum;
use crate::switching::SwitchingKey;

/// Limbs that stand at equal distances in a larger buffer.
#[derive(Clone, Copy)]
pub(crate) struct Limbs<'a> {
    pub(crate) data: &'a [u64],
    pub(crate) stride: usize,
    pub(crate) n: usize,
}

impl<'a> Limbs<'a> {
    pub(crate) fn of(data: &'a [u64], n: usize) -> Self {
        Self { data, stride: n, n }
    }

    pub(crate) fn limb(&self, i: usize) -> &'a [u64] {
        &self.data[i * self.stride..i * self.stride + self.n]
    }
}

/// One product of a part's digits with a key, and what is added to it.
pub(crate) struct Job<'a> {
    pub(crate) source: Limbs<'a>,
    pub(crate) key: &'a SwitchingKey,
    /// Applied to the digits and to `add`.
    pub(crate) automorphism: Option<&'a Automorphism>,
    pub(crate) add: [Option<Limbs<'a>>; 2],
}

impl<'a> Job<'a> {
    /// The switch that belongs to an automorphism of two parts.
    pub(crate) fn galois([first, second]: [Limbs<'a>; 2], key: &'a GaloisKey) -> Self {
        Self {
            source: second,
            key: &key.key,
            automorphism: Some(&*key.automorphism),
            add: [Some(first), None],
        }
    }
}

impl Context {
    /// Brings a product (degree 2) back to degree 1.
    ///
    /// # Errors
    /// `Degree` when it already has degree 1, `MissingKey`, `KeyLevel`, `Foreign`.
    pub fn relinearize(&self, a: &Ciphertext, keys: &EvaluationKeys) -> Result<Ciphertext, Error> {
        let parts = self.relinearize_parts("relinearize", a, keys, false)?;
        Ok(self.ciphertext(parts, a.level, a.scale))
    }

    /// Relinearizes and rescales in one: fewer transforms than both in turn.
    ///
    /// # Errors
    /// As [`Context::relinearize`] and [`Context::rescale`].
    pub fn relinearize_rescale(
        &self,
        a: &Ciphertext,
        keys: &EvaluationKeys,
    ) -> Result<Ciphertext, Error> {
        self.check_rescalable("relinearize_rescale", a.level)?;
        let parts = self.relinearize_parts("relinearize_rescale", a, keys, true)?;
        let scale = a.scale / self.moduli[a.level].q as f64;
        Ok(self.ciphertext(parts, a.level - 1, scale))
    }

    pub(crate) fn check_rescalable(
        &self,
        operation: &'static str,
        level: usize,
    ) -> Result<(), Error> {
        if level > 0 {
            return Ok(());
        }
        let advice = "give the chain more primes, or rescale less often";
        Err(Error::Level {
            operation,
            given: 0,
            min: 1,
            max: self.parameters.max_level(),
            advice,
        })
    }

    fn relinearize_parts(
        &self,
        operation: &'static str,
        a: &Ciphertext,
        keys: &EvaluationKeys,
        rescale: bool,
    ) -> Result<Vec<Buf>, Error> {
        self.check_own("ciphertext", a.tag)?;
        self.check_own("evaluation keys", keys.tag)?;
        let [c0, c1, c2] = a.parts.as_slice() else {
            let advice = "only a product that was not relinearized yet can be";
            return Err(Error::Degree {
                operation,
                given: a.degree(),
                expected: 2,
                advice,
            });
        };
        let key = keys.relinearization_key(self, a.level)?;
        let n = self.degree();
        let job = Job {
            source: Limbs::of(c2, n),
            key,
            automorphism: None,
            add: [Some(Limbs::of(c0, n)), Some(Limbs::of(c1, n))],
        };
        let sum = Sum {
            jobs: vec![job],
            base: Vec::new(),
        };
        Ok(self.switch_one(a.level, &sum, rescale))
    }
}
