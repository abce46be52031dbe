//! Rotation and conjugation, alone or hoisted.
//!
//! A rotation is an automorphism of both parts and a key switch of the second; the automorphism is applied to
//! the digits while they are multiplied with the key. Rotations of one ciphertext share the digits (Halevi and
//! Shoup 2018).

use crate::ciphertext::Ciphertext;
use crate::context::Context;
use crate::error::Error;
use crate::keys::{EvaluationKeys, GaloisKey};
use crate::keyswitch::{Batch, Job, Limbs};

/// Most results of one batch of rotations: their special limbs (2 MiB each at degree 2^15) stay in the
/// third-level cache until the last limb of the chain has read them.
const MAX_OUTPUTS: usize = 4;

impl Context {
    /// Slot `i` of the result is slot `i + step` (cyclic) of the input.
    ///
    /// # Errors
    /// `MissingKey`, `KeyLevel`, `Degree` for degree 2, `Foreign`.
    pub fn rotate(
        &self,
        a: &Ciphertext,
        step: i64,
        keys: &EvaluationKeys,
    ) -> Result<Ciphertext, Error> {
        self.check_switch("rotate", a, keys)?;
        if self.is_identity(step) {
            return Ok(a.clone());
        }
        let key = keys.rotation_key(self, step, a.level)?;
        Ok(self.apply_galois(a, &[key]).remove(0))
    }

    /// Conjugates every slot.
    ///
    /// # Errors
    /// As [`Context::rotate`].
    pub fn conjugate(&self, a: &Ciphertext, keys: &EvaluationKeys) -> Result<Ciphertext, Error> {
        self.check_switch("conjugate", a, keys)?;
        let key = keys.conjugation_key(self, a.level)?;
        Ok(self.apply_galois(a, &[key]).remove(0))
    }

    /// Several rotations of one ciphertext, hoisted: each after the first costs about a third.
    ///
    /// # Errors
    /// As [`Context::rotate`].
    pub fn rotate_many(
        &self,
        a: &Ciphertext,
        steps: &[i64],
        keys: &EvaluationKeys,
    ) -> Result<Vec<Ciphertext>, Error> {
        self.check_switch("rotate_many", a, keys)?;
        let mut keyed = Vec::with_capacity(steps.len());
        for &step in steps.iter().filter(|&&step| !self.is_identity(step)) {
            keyed.push(keys.rotation_key(self, step, a.level)?);
        }
        let rotated = self.apply_galois(a, &keyed);
        let mut rotated = rotated.into_iter();
        let all = steps.iter().map(|&step| {
            let next = if self.is_identity(step) {
                None
            } else {
                rotated.next()
            };
            next.unwrap_or_else(|| a.clone())
        });
        Ok(all.collect())
    }

    pub(crate) fn is_identity(&self, step: i64) -> bool {
        step.rem_euclid(self.parameters.slots() as i64) == 0
    }

    fn check_switch(
        &self,
        operation: &'static str,
        a: &Ciphertext,
        keys: &EvaluationKeys,
    ) -> Result<(), Error> {
        self.check_own("ciphertext", a.tag)?;
        self.check_own("evaluation keys", keys.tag)?;
        crate::arithmetic::check_degree(operation, a)
    }

    /// The images of a ciphertext under several automorphisms.
    fn apply_galois(&self, a: &Ciphertext, keys: &[&GaloisKey]) -> Vec<Ciphertext> {
        let n = self.degree();
        let first = Limbs::of(&a.parts[0], n);
        let mut source = self.lift(Limbs::of(&a.parts[1], n), a.level);
        if keys.len() > MAX_OUTPUTS {
            self.convert_all(&mut source, a.level);
        }
        let mut sources = vec![source];
        let mut images = Vec::with_capacity(keys.len());
        for keys in keys.chunks(MAX_OUTPUTS) {
            let jobs = keys
                .iter()
                .enumerate()
                .map(|(output, key)| Job::galois(0, output, key, first));
            let batch = Batch {
                level: a.level,
                sources,
                jobs: jobs.collect(),
                outputs: keys.len(),
                base: Vec::new(),
                rescale: false,
            };
            let ciphertext = |parts| self.ciphertext(parts, a.level, a.scale);
            images.extend(self.switch(&batch).into_iter().map(ciphertext));
            sources = batch.sources;
        }
        images
    }
}
