//! Which evaluation keys are wanted.

use super::list::{Entry, RELINEARIZATION};
use crate::context::Context;
use crate::error::Error;
use crate::galois::{conjugation_element, rotation_element};
use std::collections::BTreeMap;

/// Which evaluation keys to make, and the highest level at which each is used: a key for a lower level is smaller, as
/// it needs fewer limbs and digits.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyRequest<'a> {
    /// The key for products of ciphertexts: the highest level of a product that is relinearized.
    pub relinearize: Option<usize>,
    /// Rotations as (step, highest level of a ciphertext that is rotated by it). Steps are taken modulo the slots; 0
    /// needs no key; of a step that occurs several times the highest level counts.
    pub rotations: &'a [(i64, usize)],
    /// The key for complex conjugation: the highest level of a ciphertext that is conjugated.
    pub conjugate: Option<usize>,
}

impl KeyRequest<'_> {
    /// The keys in the order of their Galois elements, relinearization first.
    ///
    /// # Errors
    /// `Level` for a level outside the chain, `NoSpecialPrimes` for keys without special primes.
    pub(crate) fn entries(&self, context: &Context) -> Result<Vec<Entry>, Error> {
        let log_n = context.parameters.log_n();
        let slots = context.parameters.slots() as i64;
        let mut wanted: BTreeMap<u64, Entry> = BTreeMap::new();
        let mut add = |what: &'static str, entry: Entry| {
            context.check_level(what, entry.level)?;
            let known = wanted.entry(entry.element).or_insert(entry);
            known.level = known.level.max(entry.level);
            Ok::<(), Error>(())
        };
        for &(step, level) in self.rotations {
            let step = step.rem_euclid(slots);
            if step == 0 {
                context.check_level("a rotation key", level)?;
                continue;
            }
            let element = rotation_element(log_n, step);
            let step = Some(step);
            add(
                "a rotation key",
                Entry {
                    element,
                    step,
                    level,
                },
            )?;
        }
        if let Some(level) = self.conjugate {
            let (element, step) = (conjugation_element(log_n), None);
            add(
                "the conjugation key",
                Entry {
                    element,
                    step,
                    level,
                },
            )?;
        }
        if let Some(level) = self.relinearize {
            let (element, step) = (RELINEARIZATION, None);
            add(
                "the relinearization key",
                Entry {
                    element,
                    step,
                    level,
                },
            )?;
        }
        if context.special.is_empty() && !wanted.is_empty() {
            return Err(Error::NoSpecialPrimes);
        }
        Ok(wanted.into_values().collect())
    }
}
