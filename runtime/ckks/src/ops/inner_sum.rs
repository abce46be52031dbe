//! Sums over strided slots and their opposite, by doubling steps.
//!
//! Four slots are joined at a time: three rotations that share one decomposition (Halevi and Shoup 2018) and one
//! division by the special primes (Bossuat et al. 2021) take less time than two in turn.

use crate::context::Context;
use crate::context::check_degree;
use crate::error::Error;
use crate::keys::EvaluationKeys;
use crate::message::Ciphertext;
use crate::switch::{Batch, Limbs, Sum, Switch};

/// A run of slots: `count` (a power of two) of them, `stride` apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strided {
    stride: i64,
    count: usize,
}

impl Strided {
    /// `count` slots that are `stride` apart.
    ///
    /// # Errors
    /// `Stride` when `count` is not a power of two or `stride` is 0.
    pub fn new(stride: i64, count: usize) -> Result<Self, Error> {
        if stride == 0 || !count.is_power_of_two() {
            return Err(Error::Stride { stride, count });
        }
        Ok(Self { stride, count })
    }

    /// The rotations that [`Context::inner_sum`] needs, to be requested with the keys.
    pub fn inner_sum_steps(&self) -> Vec<i64> {
        self.rounds().into_iter().flatten().collect()
    }

    /// The rotations that [`Context::replicate`] needs.
    pub fn replicate_steps(&self) -> Vec<i64> {
        self.opposite().inner_sum_steps()
    }

    fn opposite(self) -> Self {
        Self {
            stride: self.stride.wrapping_neg(),
            ..self
        }
    }

    /// The steps that are taken from the same ciphertext, round by round: 1, 2, 3 strides, then 4, 8, 12 and so on.
    fn rounds(&self) -> Vec<Vec<i64>> {
        let mut rounds = Vec::new();
        let mut joined = 1;
        while joined < self.count {
            let times = if self.count / joined >= 4 { 4 } else { 2 };
            let step = |k: usize| self.stride.wrapping_mul((k * joined) as i64);
            rounds.push((1..times).map(step).collect());
            joined *= times;
        }
        rounds
    }
}

impl Context {
    /// Slot `i` of the result is the sum of the slots `i`, `i + stride`, …, `i + (count - 1)·stride` (cyclic) of `a`.
    ///
    /// # Errors
    /// `Stride` for more slots than there are, `MissingKey`, `KeyLevel`, `Degree`, `Foreign`.
    pub fn inner_sum(
        &self,
        a: &Ciphertext,
        slots: Strided,
        keys: &EvaluationKeys,
    ) -> Result<Ciphertext, Error> {
        if slots.count > self.parameters.slots() {
            let Strided { stride, count } = slots;
            return Err(Error::Stride { stride, count });
        }
        self.check_own("ciphertext", a.tag)?;
        self.check_own("evaluation keys", keys.tag)?;
        check_degree("inner_sum", a)?;
        let mut sum = a.clone();
        for steps in slots.rounds() {
            sum = self.with_rotations(&sum, &steps, keys)?;
        }
        Ok(sum)
    }

    /// The sum of `a` and its rotations.
    fn with_rotations(
        &self,
        a: &Ciphertext,
        steps: &[i64],
        keys: &EvaluationKeys,
    ) -> Result<Ciphertext, Error> {
        let n = self.degree();
        let parts = [0, 1].map(|part| Limbs::of(&a.parts[part], n));
        let mut ciphertexts = vec![parts];
        let mut switches = Vec::with_capacity(steps.len());
        for &step in steps {
            if self.is_identity(step) {
                ciphertexts.push(parts);
            } else {
                let key = keys.rotation_key(self, step, a.level)?;
                switches.push(Switch::galois(parts, key));
            }
        }
        if switches.is_empty() {
            let mut sum = a.clone();
            for _ in steps {
                self.add_assign(&mut sum, a)?;
            }
            return Ok(sum);
        }
        let mut digits = self.digits_of(parts[1], a.level);
        self.transform_digits(&mut digits, a.level);
        let parts = self.switch(&Batch {
            level: a.level,
            rescale: false,
            sums: &[Sum {
                switches,
                ciphertexts,
            }],
            shared_digits: Some(&digits),
        });
        Ok(self.ciphertext(parts.into_iter().flatten().collect(), a.level, a.scale))
    }

    /// Slot `i` of the result is the sum of the slots `i`, `i - stride`, …, `i - (count - 1)·stride` (cyclic) of `a`:
    /// where only every `count`-th slot of a run is not 0, its value comes to the `count` slots from it on.
    ///
    /// # Errors
    /// As [`Context::inner_sum`].
    pub fn replicate(
        &self,
        a: &Ciphertext,
        slots: Strided,
        keys: &EvaluationKeys,
    ) -> Result<Ciphertext, Error> {
        self.inner_sum(a, slots.opposite(), keys)
    }
}
