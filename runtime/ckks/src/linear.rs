//! Linear maps on encrypted vectors: baby-step giant-step over blocks, with hoisting on both sides.
//!
//! `out[o] = Σ_g rot_g( Σ_(i,b) diagonal[o,g,i,b] · rot_b(x[i]) )`, the diagonals already rotated by -g.
//! The rotations of each input share one decomposition (Halevi and Shoup 2018); the rotations of the inner
//! sums of one output share one division by P (Bossuat et al. 2021). The baby rotations are divided by P each, so that
//! diagonals need no special limbs: a quarter less memory traffic, which is what bounds the map, for one
//! division per baby step more. Products are summed unreduced, up to 24 at a time.
//! Cost: one hoisted rotation per distinct (input, baby step), one product per term, one switch per
//! (output, giant step) other than 0, one division per output.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::ciphertext::{Ciphertext, Diagonal};
use crate::context::{Context, check_scales};
use crate::error::Error;
use crate::kernels::{MAX_TERMS, PairTerm};
use crate::keys::EvaluationKeys;
use crate::keyswitch::{Job, Limbs};
use crate::parallel::{for_limb_pairs, for_limbs};
use crate::pool::Buf;
use crate::sums::Sum;

/// Words of a limb that are worked on at a time: all baby steps' pieces stay in the second-level cache.
const BLOCK: usize = 1024;

/// Most inner sums that are in memory at a time.
const MAX_SUMS: usize = 32;

/// One product of a linear map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinearTerm {
    /// Index of the output.
    pub output: usize,
    /// Rotation of the inner sum that this term belongs to.
    pub giant: i64,
    /// Index of the input.
    pub input: usize,
    /// Rotation of the input.
    pub baby: i64,
    /// Index of the diagonal.
    pub diagonal: usize,
}

/// A checked list of terms, grouped for execution.
#[derive(Clone, Debug)]
pub struct LinearPlan {
    inputs: usize,
    diagonals: usize,
    /// Per output: (giant step, terms).
    outputs: Vec<Vec<(i64, Vec<Product>)>>,
    /// Distinct (input, baby step), in order.
    rotated: Vec<(usize, i64)>,
}

#[derive(Clone, Copy, Debug)]
struct Product {
    /// Index into `rotated`.
    rotated: usize,
    diagonal: usize,
}

/// Inner sums of a batch of outputs: each part per limb, per group.
struct InnerSums<'a> {
    level: usize,
    /// (giant step, terms).
    groups: Vec<(i64, &'a [Product])>,
    parts: [Buf; 2],
}

impl LinearPlan {
    /// Checks and groups the terms.
    ///
    /// # Errors
    /// `Plan` when an index is out of range or an output has no term.
    pub fn new(inputs: usize, outputs: usize, terms: &[LinearTerm]) -> Result<Self, Error> {
        let pairs: BTreeSet<(usize, i64)> = terms.iter().map(|t| (t.input, t.baby)).collect();
        let rotated: Vec<(usize, i64)> = pairs.into_iter().collect();
        let mut groups: Vec<BTreeMap<i64, Vec<Product>>> = Vec::new();
        for t in terms {
            if t.input >= inputs {
                return Err(Error::Plan {
                    what: "an input",
                    given: t.input,
                    count: inputs,
                });
            }
            if t.output >= outputs {
                return Err(Error::Plan {
                    what: "an output",
                    given: t.output,
                    count: outputs,
                });
            }
            groups.resize_with(groups.len().max(t.output + 1), BTreeMap::new);
            if let Ok(at) = rotated.binary_search(&(t.input, t.baby)) {
                let product = Product {
                    rotated: at,
                    diagonal: t.diagonal,
                };
                groups[t.output].entry(t.giant).or_default().push(product);
            }
        }
        groups.resize_with(
            groups.len().max(outputs.min(groups.len() + 1)),
            BTreeMap::new,
        );
        if let Some(empty) = groups.iter().position(BTreeMap::is_empty) {
            return Err(Error::Plan {
                what: "an output without any term",
                given: empty,
                count: outputs,
            });
        }
        Ok(Self {
            inputs,
            diagonals: terms
                .iter()
                .map(|t| t.diagonal.saturating_add(1))
                .max()
                .unwrap_or(0),
            outputs: groups
                .into_iter()
                .map(|g| g.into_iter().collect())
                .collect(),
            rotated,
        })
    }

    /// The steps that need rotation keys, ascending, without 0.
    pub fn rotations(&self) -> Vec<i64> {
        let babies = self.rotated.iter().map(|&(_, baby)| baby);
        let giants = self.outputs.iter().flatten().map(|(giant, _)| *giant);
        let all: BTreeSet<i64> = babies.chain(giants).filter(|&step| step != 0).collect();
        all.into_iter().collect()
    }
}

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
        self.linear_map(inputs, plan, diagonals, keys, false)
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
        self.linear_map(inputs, plan, diagonals, keys, true)
    }

    fn linear_map<C: Borrow<Ciphertext>, D: Borrow<Diagonal>>(
        &self,
        inputs: &[C],
        plan: &LinearPlan,
        diagonals: &[D],
        keys: &EvaluationKeys,
        rescale: bool,
    ) -> Result<Vec<Ciphertext>, Error> {
        let operation = if rescale { "linear_rescale" } else { "linear" };
        let inputs: Vec<&Ciphertext> = inputs.iter().map(Borrow::borrow).collect();
        let diagonals: Vec<&Diagonal> = diagonals.iter().map(Borrow::borrow).collect();
        let (level, scale) = self.check_linear(operation, &inputs, plan, &diagonals)?;
        if rescale {
            self.check_rescalable(operation, level)?;
        }
        let giants = plan.outputs.iter().flatten().map(|(giant, _)| *giant);
        for step in giants.filter(|&step| !self.is_identity(step)) {
            keys.rotation_key(self, step, level)?;
        }
        let rotated = self.baby_steps(&inputs, plan, keys)?;
        let mut results = Vec::with_capacity(plan.outputs.len());
        let mut next = 0;
        while next < plan.outputs.len() {
            let end = batch_end(&plan.outputs, next);
            let outputs = &plan.outputs[next..end];
            let groups = outputs
                .iter()
                .flatten()
                .map(|(g, t)| (*g, t.as_slice()))
                .collect();
            let sums = self.inner_sums(level, &rotated, groups, &diagonals);
            let mut at = 0;
            for output in outputs {
                results.push(self.giant_steps(&sums, at..at + output.len(), keys, rescale)?);
                at += output.len();
            }
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

    /// Level and resulting scale of a valid call.
    fn check_linear(
        &self,
        operation: &'static str,
        inputs: &[&Ciphertext],
        plan: &LinearPlan,
        diagonals: &[&Diagonal],
    ) -> Result<(usize, f64), Error> {
        if inputs.len() != plan.inputs {
            let (given, count) = (inputs.len(), plan.inputs);
            return Err(Error::Plan {
                what: "the number of inputs given",
                given,
                count,
            });
        }
        if diagonals.len() < plan.diagonals {
            let (given, count) = (plan.diagonals - 1, diagonals.len());
            return Err(Error::Plan {
                what: "a diagonal",
                given,
                count,
            });
        }
        let (Some(first), Some(factor)) = (inputs.first(), diagonals.first()) else {
            return Err(Error::Plan {
                what: "the number of inputs and diagonals",
                given: 0,
                count: 1,
            });
        };
        for input in inputs {
            self.check_pair(operation, first, input)?;
            check_scales(operation, first.scale, input.scale)?;
            crate::arithmetic::check_degree(operation, input)?;
        }
        for d in diagonals {
            self.check_own("diagonal", d.tag)?;
            check_scales(operation, factor.scale, d.scale)?;
            if d.level < first.level {
                let advice = "encode the diagonals for the level of the inputs";
                let (given, min, max) = (d.level, first.level, self.parameters.max_level());
                return Err(Error::Level {
                    operation,
                    given,
                    min,
                    max,
                    advice,
                });
            }
        }
        Ok((first.level, first.scale * factor.scale))
    }

    /// The rotations of the inputs, in the order of `plan.rotated`.
    fn baby_steps(
        &self,
        inputs: &[&Ciphertext],
        plan: &LinearPlan,
        keys: &EvaluationKeys,
    ) -> Result<Vec<Ciphertext>, Error> {
        let mut all = Vec::with_capacity(plan.rotated.len());
        for (i, input) in inputs.iter().enumerate() {
            let steps: Vec<i64> = plan
                .rotated
                .iter()
                .filter(|(of, _)| *of == i)
                .map(|(_, step)| *step)
                .collect();
            all.extend(self.rotate_many(input, &steps, keys)?);
        }
        Ok(all)
    }

    /// The inner sums of all groups: two buffers, each per limb, per group.
    fn inner_sums<'a>(
        &self,
        level: usize,
        rotated: &[Ciphertext],
        groups: Vec<(i64, &'a [Product])>,
        diagonals: &[&Diagonal],
    ) -> InnerSums<'a> {
        let n = self.degree();
        let width = groups.len() * n;
        let mut first = self.pool.take((level + 1) * width);
        let mut second = self.pool.take((level + 1) * width);
        let block = BLOCK.min(n);
        for_limb_pairs(&mut first, &mut second, width, |i, out0, out1| {
            let mut terms: Vec<PairTerm<'_>> = Vec::new();
            for start in (0..n).step_by(block) {
                let range = i * n + start..i * n + start + block;
                for (g, (_, products)) in groups.iter().enumerate() {
                    let at = g * n + start..g * n + start + block;
                    for (c, some) in products.chunks(MAX_TERMS).enumerate() {
                        terms.clear();
                        terms.extend(some.iter().map(|p| PairTerm {
                            first: &rotated[p.rotated].parts[0][range.clone()],
                            second: &rotated[p.rotated].parts[1][range.clone()],
                            factor: diagonals[p.diagonal].part(i, start, self.moduli[i].bits()),
                        }));
                        let out = [&mut out0[at.clone()], &mut out1[at.clone()]];
                        self.kernels.dot_pair(&self.moduli[i], out, &terms, c > 0);
                    }
                }
            }
        });
        InnerSums {
            level,
            groups,
            parts: [first, second],
        }
    }

    /// Rotates the inner sums of one output and adds them up.
    fn giant_steps(
        &self,
        sums: &InnerSums<'_>,
        range: Range<usize>,
        keys: &EvaluationKeys,
        rescale: bool,
    ) -> Result<Vec<Buf>, Error> {
        let n = self.degree();
        let (level, stride) = (sums.level, sums.groups.len() * n);
        let part = |p: usize, g: usize| Limbs {
            data: &sums.parts[p][g * n..],
            stride,
            n,
        };
        let mut base = Vec::new();
        let mut giants = Vec::new();
        for g in range {
            let step = sums.groups[g].0;
            if self.is_identity(step) {
                base.push([part(0, g), part(1, g)]);
            } else {
                giants.push((g, keys.rotation_key(self, step, level)?));
            }
        }
        if giants.is_empty() {
            return Ok(self.without_switch(level, &base, rescale));
        }
        let jobs = giants
            .iter()
            .map(|&(g, key)| Job::galois([part(0, g), part(1, g)], key));
        let sum = Sum {
            jobs: jobs.collect(),
            base,
        };
        Ok(self.switch_one(level, &sum, rescale))
    }

    /// The result of an output without giant steps.
    fn without_switch(&self, level: usize, base: &[[Limbs<'_>; 2]], rescale: bool) -> Vec<Buf> {
        let n = self.degree();
        let sum = |p: usize| {
            let mut part = self.pool.take((level + 1) * n);
            for_limbs(&mut part, n, |i, limb| {
                limb.copy_from_slice(base[0][p].limb(i));
                for more in &base[1..] {
                    self.kernels
                        .add_assign(&self.moduli[i], limb, more[p].limb(i));
                }
            });
            if rescale {
                self.rescale_part(Limbs::of(&part, n), level)
            } else {
                part
            }
        };
        vec![sum(0), sum(1)]
    }
}

/// The end of the batch of outputs that starts at `start`: at most `MAX_SUMS` inner sums, at least one
/// output.
fn batch_end(outputs: &[Vec<(i64, Vec<Product>)>], start: usize) -> usize {
    let mut sums = 0;
    for (at, output) in outputs.iter().enumerate().skip(start) {
        sums += output.len();
        if sums > MAX_SUMS && at > start {
            return at;
        }
    }
    outputs.len()
}
