//! The second half of a linear map: inner sums, and their rotations by giant steps.

use std::ops::Range;

use super::plan::Product;
use super::products::{BLOCK, Terms, Tile};
use crate::context::Context;
use crate::error::Error;
use crate::kernels::MAX_TERMS;
use crate::keys::EvaluationKeys;
use crate::message::{Ciphertext, Diagonal};
use crate::parallel::{for_each, for_limbs, threads};
use crate::pool::Buf;
use crate::switch::{Limbs, Sum, Switch};

/// Inner sums of a batch of outputs: each part per limb, per group.
pub(super) struct InnerSums<'a> {
    level: usize,
    /// (giant step, terms).
    groups: Vec<(i64, &'a [Product])>,
    parts: [Buf; 2],
}

impl InnerSums<'_> {
    /// Number of sums.
    pub(super) fn len(&self) -> usize {
        self.groups.len()
    }
}

impl Context {
    /// Room for the inner sums of some groups: two buffers, each per limb, per group. [`Context::fill_inner_sums`]
    /// makes them.
    pub(super) fn inner_sums<'a>(
        &self,
        level: usize,
        groups: Vec<(i64, &'a [Product])>,
    ) -> InnerSums<'a> {
        let words = (level + 1) * groups.len() * self.degree();
        InnerSums {
            level,
            parts: [self.pool.take(words), self.pool.take(words)],
            groups,
        }
    }

    /// The inner sums of the groups in `range`; of `diagonals` theirs are used.
    pub(super) fn fill_inner_sums(
        &self,
        sums: &mut InnerSums<'_>,
        range: Range<usize>,
        rotated: &[Ciphertext],
        diagonals: &[&Diagonal],
    ) {
        let n = self.degree();
        let (level, width) = (sums.level, sums.groups.len() * n);
        let groups = &sums.groups[range.clone()];
        let [first, second] = &mut sums.parts;
        let own = range.start * n..range.end * n;
        // Where the threads would not share the limbs evenly, they share the groups too.
        let shares = if (level + 1).is_multiple_of(threads()) || level >= 4 * threads() {
            1
        } else {
            threads()
        };
        let some = groups.len().div_ceil(shares);
        let mut parts = Vec::new();
        let limbs = first.chunks_mut(width).zip(second.chunks_mut(width));
        for (i, (first, second)) in limbs.enumerate() {
            let (first, second) = (&mut first[own.clone()], &mut second[own.clone()]);
            let outs = first.chunks_mut(some * n).zip(second.chunks_mut(some * n));
            parts.extend(groups.chunks(some).zip(outs).map(|part| (i, part)));
        }
        for_each(parts, |(i, (groups, outs))| {
            self.inner_sums_of_limb(i, rotated, groups, diagonals, outs);
        });
    }

    /// Limb `i` of the inner sums of some groups.
    fn inner_sums_of_limb(
        &self,
        i: usize,
        rotated: &[Ciphertext],
        groups: &[(i64, &[Product])],
        diagonals: &[&Diagonal],
        (out0, out1): (&mut [u64], &mut [u64]),
    ) {
        if diagonals.iter().all(|d| d.is_constant()) {
            return self.constant_sums(i, rotated, groups, diagonals, (out0, out1));
        }
        let n = self.degree();
        let (limb, bits) = (i * n..(i + 1) * n, self.moduli[i].bits());
        let most = BLOCK.min(n / 2);
        let mut tile = Tile::of(&self.pool, rotated.len(), groups, most);
        let block = tile.as_ref().map_or(most, |tile| tile.block);
        for start in (0..n / 2).step_by(block) {
            if let Some(tile) = &mut tile {
                tile.fill(rotated, limb.clone(), start);
            }
            let operand = |of: usize| match &tile {
                Some(tile) => tile.parts(of),
                None => [0, 1].map(|p| &rotated[of].parts[p][limb.clone()]),
            };
            let mut terms = Terms::default();
            for (g, (_, products)) in groups.iter().enumerate() {
                let sum = g * n..(g + 1) * n;
                for (c, some) in products.chunks(MAX_TERMS).enumerate() {
                    terms.clear();
                    for p in some {
                        let factor = diagonals[p.diagonal].limb(i, bits);
                        terms.push(operand(p.rotated), factor);
                    }
                    let out = [&mut out0[sum.clone()], &mut out1[sum.clone()]];
                    self.add_terms(i, start..start + block, out, &terms, c > 0);
                }
            }
        }
    }

    /// Rotates the inner sums of one output and adds them up.
    pub(super) fn giant_steps(
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
        let mut ciphertexts = Vec::new();
        let mut giants = Vec::new();
        for g in range {
            let step = sums.groups[g].0;
            if self.is_identity(step) {
                ciphertexts.push([part(0, g), part(1, g)]);
            } else {
                giants.push((g, keys.rotation_key(self, step, level)?));
            }
        }
        if giants.is_empty() {
            return Ok(self.without_switch(level, &ciphertexts, rescale));
        }
        let switches = giants.iter();
        let switches = switches.map(|&(g, key)| Switch::galois([part(0, g), part(1, g)], key));
        let sum = Sum {
            switches: switches.collect(),
            ciphertexts,
        };
        Ok(self.switch_one(level, &sum, rescale))
    }

    /// The result of an output without giant steps.
    fn without_switch(
        &self,
        level: usize,
        ciphertexts: &[[Limbs<'_>; 2]],
        rescale: bool,
    ) -> Vec<Buf> {
        let n = self.degree();
        let sum = |p: usize| {
            let mut part = self.pool.take((level + 1) * n);
            for_limbs(&mut part, n, |i, limb| {
                limb.copy_from_slice(ciphertexts[0][p].limb(i));
                for more in &ciphertexts[1..] {
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
