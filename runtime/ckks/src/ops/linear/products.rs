//! The products of an inner sum on a block of a limb and on the block as far from the limb's end: a diagonal's residues
//! serve both.

use std::ops::Range;

use crate::context::Context;
use crate::kernels::{PairTerm, Spread, WeightTerm};
use crate::message::DiagonalLimb;

/// Words of each of the two blocks: all baby steps' pieces stay in the second-level cache.
pub(super) const BLOCK: usize = 256;

/// Some terms of a sum on whole limbs, apart by what their factors are.
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
            let spread = Spread::new(n, block.clone(), *residues);
            let out = [&mut *out0, &mut *out1];
            self.kernels.dot_pair(m, out, &spread, terms, add);
            add = true;
        }
        if terms.constant.is_empty() {
            return;
        }
        for at in [block.clone(), n - block.end..n - block.start] {
            let of_block = terms.constant.iter().map(|t| WeightTerm {
                first: &t.first[at.clone()],
                second: &t.second[at.clone()],
                weight: t.weight,
            });
            let out = [&mut out0[at.clone()], &mut out1[at.clone()]];
            let of_block: Vec<_> = of_block.collect();
            self.kernels.weigh_pair(m, out, &of_block, add);
        }
    }
}
