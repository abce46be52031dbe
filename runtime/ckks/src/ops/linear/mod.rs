//! Linear maps on encrypted vectors: baby-step giant-step over blocks, with hoisting on both sides.
//!
//! `out[o] = Σ_g rot_g( Σ_(i,b) diagonal[o,g,i,b] · rot_b(x[i]) )`, the diagonals already rotated by -g.
//! The rotations of each input share one decomposition (Halevi and Shoup 2018); the rotations of the inner
//! sums of one output share one division by P (Bossuat et al. 2021). The baby rotations are divided by P each, so that
//! diagonals need no special limbs: a quarter less memory traffic, which is what bounds the map, for one
//! division per baby step more. Products are summed unreduced, up to 24 at a time. Diagonals are kept as compactly as
//! they are (`message/diagonal.rs`) and spread in the product. Those with one number in all slots, as in a map between
//! batches whose slots are images, are words, not limbs.
//! Cost: one hoisted rotation per distinct (input, baby step), one product per term, one switch per
//! (output, giant step) other than 0, one division per output.

mod pieces;
mod plan;
mod products;
mod steps;
mod weighted;

use std::borrow::Borrow;

pub use plan::{LinearPieces, LinearPlan, LinearTerm};

use crate::context::{Context, check_scales};
use crate::error::Error;
use crate::keys::EvaluationKeys;
use crate::message::{Ciphertext, Diagonal};
use crate::parallel::map_whole;
use crate::pool::Buf;
use pieces::Taken;
use plan::Product;
use steps::InnerSums;

/// Most inner sums that are in memory at a time.
const MAX_SUMS: usize = 32;
/// Where all diagonals are numbers, so that operands are read for more sums at once.
const MAX_CONSTANT_SUMS: usize = 128;

impl Context {
    /// Applies a linear map; the scale of the result is that of the inputs times that of the diagonals,
    /// not rescaled. Inputs share level and scale; diagonals share their scale and are of that level or above.
    ///
    /// # Errors
    /// `Plan` for a wrong number of inputs or diagonals, `Level` for a diagonal of too low a level,
    /// `LevelMismatch`, `ScaleMismatch`, `Degree`, `MissingKey`, `KeyLevel`, `Foreign`.
    pub fn linear<C: Borrow<Ciphertext>, D: Borrow<Diagonal>>(
        &self,
        inputs: &[C],
        plan: &LinearPlan,
        diagonals: &[D],
        keys: &EvaluationKeys,
    ) -> Result<Vec<Ciphertext>, Error> {
        self.linear_whole(inputs, plan, diagonals, keys, false)
    }

    /// As [`Context::linear`], rescaled: fewer transforms than both in turn.
    ///
    /// # Errors
    /// As [`Context::linear`], and `Level` at level 0.
    pub fn linear_rescale<C: Borrow<Ciphertext>, D: Borrow<Diagonal>>(
        &self,
        inputs: &[C],
        plan: &LinearPlan,
        diagonals: &[D],
        keys: &EvaluationKeys,
    ) -> Result<Vec<Ciphertext>, Error> {
        self.linear_whole(inputs, plan, diagonals, keys, true)
    }

    /// As [`Context::linear`], or as [`Context::linear_rescale`] where `rescale`, with the diagonals piece by piece:
    /// `take` gives those of a piece in the order of [`LinearPieces::diagonals`] when they are needed, and they are
    /// dropped after their last use.
    ///
    /// # Errors
    /// As those, and what `take` says; `Plan` also where the plan skips so many numbers of diagonals that the last one
    /// is above the number of its products.
    pub fn linear_pieces<C: Borrow<Ciphertext>, D: Borrow<Diagonal>>(
        &self,
        inputs: &[C],
        pieces: &LinearPieces,
        take: impl FnMut(usize) -> Result<Vec<D>, Error>,
        keys: &EvaluationKeys,
        rescale: bool,
    ) -> Result<Vec<Ciphertext>, Error> {
        // Each diagonal is used, so there are no more of them than products.
        let LinearPieces { plan, pieces } = pieces;
        plan.check_diagonals(pieces.iter().map(|piece| piece.diagonals.len()).sum())?;
        let inputs: Vec<&Ciphertext> = inputs.iter().map(Borrow::borrow).collect();
        let diagonals = Taken::new(plan, pieces, take);
        self.linear_map(&inputs, plan, diagonals, keys, rescale)
    }

    fn linear_whole<C: Borrow<Ciphertext>, D: Borrow<Diagonal>>(
        &self,
        inputs: &[C],
        plan: &LinearPlan,
        diagonals: &[D],
        keys: &EvaluationKeys,
        rescale: bool,
    ) -> Result<Vec<Ciphertext>, Error> {
        plan.check_diagonals(diagonals.len())?;
        let inputs: Vec<&Ciphertext> = inputs.iter().map(Borrow::borrow).collect();
        let pieces = plan.pieces(usize::MAX);
        let take = |_: usize| {
            let of_piece = pieces.iter().flat_map(|piece| &piece.diagonals);
            Ok(of_piece.map(|&d| diagonals[d].borrow()).collect())
        };
        let diagonals = Taken::new(plan, &pieces, take);
        self.linear_map(&inputs, plan, diagonals, keys, rescale)
    }

    fn linear_map<D: Borrow<Diagonal>>(
        &self,
        inputs: &[&Ciphertext],
        plan: &LinearPlan,
        mut diagonals: Taken<'_, D, impl FnMut(usize) -> Result<Vec<D>, Error>>,
        keys: &EvaluationKeys,
        rescale: bool,
    ) -> Result<Vec<Ciphertext>, Error> {
        let operation = if rescale { "linear_rescale" } else { "linear" };
        let level = self.check_inputs(operation, inputs, plan)?;
        let factor = self.check_diagonals(operation, level, diagonals.next()?)?;
        let scale = inputs[0].scale * factor;
        if rescale {
            self.check_rescalable(operation, level)?;
        }
        let giants = plan.outputs.iter().flatten().map(|(giant, _)| *giant);
        for step in giants.filter(|&step| !self.is_identity(step)) {
            keys.rotation_key(self, step, level)?;
        }
        let rotated = self.baby_steps(inputs, plan, keys)?;
        let mut results = Vec::with_capacity(plan.outputs.len());
        let most = match diagonals.is_constant() {
            true => MAX_CONSTANT_SUMS,
            false => MAX_SUMS,
        };
        let mut next = 0;
        while next < plan.outputs.len() {
            let end = batch_end(&plan.outputs, next, most);
            let outputs = &plan.outputs[next..end];
            let groups = outputs.iter().flatten();
            let groups = groups.map(|(g, t)| (*g, t.as_slice())).collect();
            let mut sums = self.inner_sums(level, groups);
            let mut begun = 0;
            while begun < sums.len() {
                if diagonals.left() == 0 {
                    let found = self.check_diagonals(operation, level, diagonals.next()?)?;
                    check_scales(operation, factor, found)?;
                }
                let range = begun..(begun + diagonals.left()).min(sums.len());
                begun = range.end;
                self.fill_inner_sums(&mut sums, range.clone(), &rotated, &diagonals.table());
                diagonals.made(range.len());
            }
            results.extend(self.outputs(&sums, outputs, keys, rescale)?);
            next = end;
        }
        let (level, scale) = if rescale {
            (level - 1, scale / self.moduli[level].q as f64)
        } else {
            (level, scale)
        };
        Ok(results
            .into_iter()
            .map(|parts| self.ciphertext(parts, level, scale))
            .collect())
    }

    /// Outputs from their inner sums.
    fn outputs(
        &self,
        sums: &InnerSums<'_>,
        outputs: &[Vec<(i64, Vec<Product>)>],
        keys: &EvaluationKeys,
        rescale: bool,
    ) -> Result<Vec<Vec<Buf>>, Error> {
        let mut first = 0;
        let ranges = outputs.iter().map(|output| {
            let range = first..first + output.len();
            first = range.end;
            range
        });
        let ranges: Vec<_> = ranges.collect();
        let made = map_whole(&ranges, |range| {
            self.giant_steps(sums, range.clone(), keys, rescale)
        });
        made.into_iter().collect()
    }

    /// Level of the inputs of a valid call.
    fn check_inputs(
        &self,
        operation: &'static str,
        inputs: &[&Ciphertext],
        plan: &LinearPlan,
    ) -> Result<usize, Error> {
        if inputs.len() != plan.inputs {
            let (given, count) = (inputs.len(), plan.inputs);
            return Err(Error::Plan {
                what: "the number of inputs given",
                given,
                count,
            });
        }
        let Some(first) = inputs.first() else {
            return Err(Error::Plan {
                what: "the number of inputs and diagonals",
                given: 0,
                count: 1,
            });
        };
        for input in inputs {
            self.check_pair(operation, first, input)?;
            check_scales(operation, first.scale, input.scale)?;
            crate::context::check_degree(operation, input)?;
        }
        Ok(first.level)
    }

    /// The scale of some diagonals for inputs of a level.
    fn check_diagonals<D: Borrow<Diagonal>>(
        &self,
        operation: &'static str,
        level: usize,
        diagonals: &[D],
    ) -> Result<f64, Error> {
        let Some(factor) = diagonals.first().map(Borrow::borrow) else {
            return Err(Error::Plan {
                what: "the number of inputs and diagonals",
                given: 0,
                count: 1,
            });
        };
        for d in diagonals.iter().map(Borrow::borrow) {
            self.check_own("diagonal", d.tag)?;
            check_scales(operation, factor.scale, d.scale)?;
            if d.level < level {
                let advice = "encode the diagonals for the level of the inputs";
                let (given, min, max) = (d.level, level, self.parameters.max_level());
                return Err(Error::Level {
                    operation,
                    given,
                    min,
                    max,
                    advice,
                });
            }
        }
        Ok(factor.scale)
    }

    /// The rotations of the inputs, in the order of `plan.rotated`.
    fn baby_steps(
        &self,
        inputs: &[&Ciphertext],
        plan: &LinearPlan,
        keys: &EvaluationKeys,
    ) -> Result<Vec<Ciphertext>, Error> {
        let inputs: Vec<(usize, &Ciphertext)> = inputs.iter().copied().enumerate().collect();
        let rotated = map_whole(&inputs, |&(i, input)| {
            let of_input = plan.rotated.iter().filter(|(of, _)| *of == i);
            let steps: Vec<i64> = of_input.map(|(_, step)| *step).collect();
            self.rotate_many(input, &steps, keys)
        });
        let mut all = Vec::with_capacity(plan.rotated.len());
        for of_input in rotated {
            all.extend(of_input?);
        }
        Ok(all)
    }
}

/// The end of the batch of outputs that starts at `start`: at most `most` inner sums, at least one
/// output.
fn batch_end(outputs: &[Vec<(i64, Vec<Product>)>], start: usize, most: usize) -> usize {
    let mut sums = 0;
    for (at, output) in outputs.iter().enumerate().skip(start) {
        sums += output.len();
        if sums > most && at > start {
            return at;
        }
    }
    outputs.len()
}
