//! The products of inner sums on a block of a limb and on the block as far from the limb's end: a diagonal's residues
//! serve both.
//!
//! Where operands are used often, these blocks of theirs are brought together first ([`Tile`]): as they lie in memory,
//! limbs drive each other out of the first-level cache, and there are more of them than pages that are known at a time.

use std::ops::Range;
use std::sync::Arc;

use super::plan::Product;
use crate::context::Context;
use crate::kernels::{PairTerm, Spread, WeightTerm};
use crate::message::{Ciphertext, DiagonalLimb};
use crate::pool::{Buf, Pool};

/// Most words of each of the two blocks.
pub(super) const BLOCK: usize = 256;

/// Words of all operands' blocks that stay in the second-level cache.
const CACHED: usize = 1 << 16;

/// Uses of an operand from which on its blocks are copied.
const USES: usize = 4;

/// Words between the blocks of two operands, so that they do not begin in the same set of the first-level cache.
const APART: usize = 8;

/// The two blocks of each operand that some sums read.
pub(super) struct Tile {
    /// Where each rotated input stands, if any term reads it.
    places: Vec<Option<usize>>,
    /// Words of each block.
    pub(super) block: usize,
    words: Buf,
}

impl Tile {
    /// Room for blocks of at most `most` words of the operands of some sums; none where it is not worth it.
    pub(super) fn of(
        pool: &Arc<Pool>,
        rotated: usize,
        groups: &[(i64, &[Product])],
        most: usize,
    ) -> Option<Self> {
        let mut places = vec![None; rotated];
        let (mut count, mut uses) = (0, 0);
        for product in groups.iter().flat_map(|(_, products)| *products) {
            uses += 1;
            if places[product.rotated].is_none() {
                places[product.rotated] = Some(count);
                count += 1;
            }
        }
        let fitting = (CACHED / (4 * count.max(1))).max(64);
        let block = (1 << fitting.ilog2()).min(most);
        let words = 2 * count * (2 * block + APART);
        (uses >= USES * count).then(|| Self {
            places,
            block,
            words: pool.take(words),
        })
    }

    /// Copies the blocks of limb `limb` from `start` on and as far from its end.
    pub(super) fn fill(&mut self, rotated: &[Ciphertext], limb: Range<usize>, start: usize) {
        let (block, row) = (self.block, 2 * self.block + APART);
        let places = self.places.iter().zip(rotated);
        for (place, operand) in places.filter_map(|(place, x)| Some(((*place)?, x))) {
            let rows = self.words[2 * place * row..2 * (place + 1) * row].chunks_exact_mut(row);
            for (row, part) in rows.zip(&operand.parts) {
                let part = &part[limb.clone()];
                let last = part.len() - start;
                row[..block].copy_from_slice(&part[start..start + block]);
                row[block..2 * block].copy_from_slice(&part[last - block..last]);
            }
        }
    }

    /// The blocks of both parts of a rotated input that some term reads.
    pub(super) fn parts(&self, rotated: usize) -> [&[u64]; 2] {
        let row = 2 * self.block + APART;
        let at = 2 * row * self.places[rotated].unwrap_or_default();
        [at, at + row].map(|at| &self.words[at..at + 2 * self.block])
    }
}

/// Some terms of a sum, of whole limbs or of their blocks, apart by what their factors are.
#[derive(Default)]
pub(super) struct Terms<'a> {
    /// By the number of their factors' residues.
    packed: Vec<(usize, Vec<PairTerm<'a>>)>,
    constant: Vec<WeightTerm<'a>>,
}

impl<'a> Terms<'a> {
    pub(super) fn clear(&mut self) {
        self.packed.iter_mut().for_each(|(_, terms)| terms.clear());
        self.constant.clear();
    }

    pub(super) fn push(&mut self, [first, second]: [&'a [u64]; 2], factor: DiagonalLimb<'a>) {
        match factor {
            DiagonalLimb::Packed(factor, residues) => {
                let term = PairTerm {
                    first,
                    second,
                    factor,
                };
                let known = self.packed.iter_mut().find(|(of, _)| *of == residues);
                match known {
                    Some((_, terms)) => terms.push(term),
                    None => self.packed.push((residues, vec![term])),
                }
            }
            DiagonalLimb::Constant(weight) => self.constant.push(WeightTerm {
                first,
                second,
                weight,
            }),
        }
    }
}

impl Context {
    /// Adds up terms on two blocks of limb `i`, of which `block` lies in the first half; `add` keeps what `out` holds.
    pub(super) fn add_terms(
        &self,
        i: usize,
        block: Range<usize>,
        [out0, out1]: [&mut [u64]; 2],
        terms: &Terms<'_>,
        mut add: bool,
    ) {
        let (m, n) = (&self.moduli[i], self.degree());
        for (residues, terms) in terms.packed.iter().filter(|(_, terms)| !terms.is_empty()) {
            let mut spread = Spread::new(n, block.clone(), *residues);
            if terms[0].first.len() != n {
                spread = spread.of_blocks();
            }
            let out = [&mut *out0, &mut *out1];
            self.kernels.dot_pair(m, out, &spread, terms, add);
            add = true;
        }
        let Some(one) = terms.constant.first() else {
            return;
        };
        let mirrored = n - block.end..n - block.start;
        let of_operands = match one.first.len() == n {
            true => [block.clone(), mirrored.clone()],
            false => [0..block.len(), block.len()..2 * block.len()],
        };
        for (at, of_operand) in [block, mirrored].into_iter().zip(of_operands) {
            let of_block = terms.constant.iter().map(|t| WeightTerm {
                first: &t.first[of_operand.clone()],
                second: &t.second[of_operand.clone()],
                weight: t.weight,
            });
            let out = [&mut out0[at.clone()], &mut out1[at.clone()]];
            let of_block: Vec<_> = of_block.collect();
            self.kernels.weigh_pair(m, out, &of_block, add);
        }
    }
}
