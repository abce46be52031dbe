//! Relinearization, alone or with the rescale that follows it.

use crate::context::Context;
use crate::error::Error;
use crate::keys::EvaluationKeys;
use crate::message::Ciphertext;
use crate::pool::Buf;
use crate::switch::{Limbs, Sum, Switch};

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
        let switch = Switch {
            source: Limbs::of(c2, n),
            key,
            automorphism: None,
            addends: [Some(Limbs::of(c0, n)), Some(Limbs::of(c1, n))],
        };
        let sum = Sum {
            switches: vec![switch],
            ciphertexts: Vec::new(),
        };
        Ok(self.switch_one(a.level, &sum, rescale))
    }
}
