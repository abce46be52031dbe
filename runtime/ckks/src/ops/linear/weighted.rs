//! Inner sums of linear maps with diagonals that are numbers, the same in every slot: products of hundreds of operands
//! with words.
//!
//! Limbs lie at equal distances in memory, where blocks of hundreds of them would drive each other out of the cache:
//! the blocks of all operands are brought together first. Cost: a product of a pair of limbs with a word for each term
//! and limb.

use super::plan::Product;
use crate::context::Context;
use crate::kernels::{MAX_TERMS, WeightTerm};
use crate::message::{Ciphertext, Diagonal};

/// Words of a limb that are worked on at a time.
const BLOCK: usize = 1024;
/// The least that a block is reduced to where there are hundreds of operands.
const MIN_BLOCK: usize = 64;
/// Words of all operands' pieces that stay in the second-level cache.
const CACHED: usize = 1 << 16;

impl Context {
    /// The inner sums of limb `i` where all diagonals are numbers.
    pub(super) fn constant_sums(
        &self,
        i: usize,
        rotated: &[Ciphertext],
        groups: &[(i64, &[Product])],
        diagonals: &[&Diagonal],
        (out0, out1): (&mut [u64], &mut [u64]),
    ) {
        let n = self.degree();
        let used = Weights::new(i, rotated.len(), groups, diagonals);
        let block = block_words(used.operands.len(), n);
        let mut tile = self.pool.take(2 * block * used.operands.len());
        for start in (0..n).step_by(block) {
            let range = i * n + start..i * n + start + block;
            for (pieces, operand) in tile.chunks_exact_mut(2 * block).zip(&used.operands) {
                let (first, second) = pieces.split_at_mut(block);
                first.copy_from_slice(&rotated[*operand].parts[0][range.clone()]);
                second.copy_from_slice(&rotated[*operand].parts[1][range.clone()]);
            }
            let mut terms: Vec<WeightTerm<'_>> = Vec::with_capacity(MAX_TERMS);
            let mut rest = used.weights.as_slice();
            for (g, (_, products)) in groups.iter().enumerate() {
                let at = g * n + start..g * n + start + block;
                let (own, after) = rest.split_at(products.len());
                rest = after;
                for (c, some) in own.chunks(MAX_TERMS).enumerate() {
                    terms.clear();
                    terms.extend(some.iter().map(|&(place, weight)| {
                        let from = 2 * block * place as usize;
                        WeightTerm {
                            first: &tile[from..from + block],
                            second: &tile[from + block..from + 2 * block],
                            weight,
                        }
                    }));
                    let out = [&mut out0[at.clone()], &mut out1[at.clone()]];
                    self.kernels.weigh_pair(&self.moduli[i], out, &terms, c > 0);
                }
            }
        }
    }
}

/// The numbers of a map on one limb, in the order of their use: looked up in each block they would cost more than the
/// products.
struct Weights {
    /// The operands that any term reads.
    operands: Vec<usize>,
    /// Of each term its operand, as a position in `operands`, and the number.
    weights: Vec<(u32, u64)>,
}

impl Weights {
    fn new(
        i: usize,
        rotated: usize,
        groups: &[(i64, &[Product])],
        diagonals: &[&Diagonal],
    ) -> Self {
        let mut places = vec![None; rotated];
        let mut found = Self {
            operands: Vec::new(),
            weights: Vec::new(),
        };
        for product in groups.iter().flat_map(|(_, products)| *products) {
            let place = *places[product.rotated].get_or_insert_with(|| {
                found.operands.push(product.rotated);
                found.operands.len() as u32 - 1
            });
            if let Some(weight) = diagonals[product.diagonal].constant(i) {
                found.weights.push((place, weight));
            }
        }
        found
    }
}

/// Words of a limb of degree `n` that are worked on at a time for so many operands, where no diagonals stream beside
/// them.
fn block_words(operands: usize, n: usize) -> usize {
    let fitting = CACHED / (2 * operands.max(1));
    let block = fitting.next_power_of_two().clamp(MIN_BLOCK, BLOCK);
    block.min(n)
}
