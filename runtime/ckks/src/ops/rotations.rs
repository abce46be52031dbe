//! Rotation and conjugation, alone or hoisted.
//!
//! A rotation is an automorphism of both parts and a key switch of the second; the automorphism is applied to
//! the digits while they are multiplied with the key. Rotations of one ciphertext share the digits (Halevi and
//! Shoup 2018).

use crate::context::Context;
use crate::error::Error;
use crate::keys::{EvaluationKeys, GaloisKey};
use crate::message::Ciphertext;
use crate::parallel::{map_whole, threads};
use crate::switch::{Batch, Limbs, Sum, Switch};

/// Most rotations that are done together: they share the reading of the digits.
const MAX_OUTPUTS: usize = 2;

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

    /// The images of a ciphertext under several automorphisms.
    fn apply_galois<'a>(&self, a: &'a Ciphertext, keys: &[&'a GaloisKey]) -> Vec<Ciphertext> {
        let n = self.degree();
        let parts = [Limbs::of(&a.parts[0], n), Limbs::of(&a.parts[1], n)];
        let shared = (keys.len() > 1).then(|| {
            let mut digits = self.digits_of(parts[1], a.level);
            self.transform_digits(&mut digits, a.level);
            digits
        });
        // Each thread rotates on its own; where that would leave threads idle they share the limbs.
        let (apart, rest) = keys.split_at(keys.len() / threads() * threads());
        let some = (apart.len() / threads()).max(1);
        let apart = apart.chunks(some).flat_map(|run| run.chunks(MAX_OUTPUTS));
        let batches: Vec<&[&GaloisKey]> = apart.chain(rest.chunks(1)).collect();
        let images = map_whole(&batches, |keys| {
            let sum = |key: &&'a GaloisKey| Sum {
                switches: vec![Switch::galois(parts, key)],
                ciphertexts: Vec::new(),
            };
            let sums: Vec<Sum<'_>> = keys.iter().map(sum).collect();
            self.switch(&Batch {
                level: a.level,
                rescale: false,
                sums: &sums,
                shared_digits: shared.as_ref(),
            })
        });
        let images = images.into_iter().flatten();
        images
            .map(|parts| self.ciphertext(parts, a.level, a.scale))
            .collect()
    }
}
