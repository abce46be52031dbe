//! The remainders of the division that ends a key switch.
//!
//! Dividing by M (the special primes, or with the last prime of the level) subtracts X mod M, centred. From the
//! dropped limbs y_k = [X·(M/p_k)⁻¹] mod p_k it is Σ y_k·M/p_k - v·M with v = round(Σ y_k/p_k) (Halevi, Polyakov and
//! Shoup 2019). What is kept here is minus that over the special primes, so that the inner products are simply
//! added to it.

use std::ops::Range;

use crate::context::Context;
use crate::kernels::Correction;
use crate::levels::DropTable;
use crate::parallel::{for_limbs, map};
use crate::pool::Buf;

/// Coefficients of each dropped limb that are converted to all kept limbs at a time.
const PIECE: usize = 1024;

/// What the results of a batch lose: the dropped limbs and their quotients.
pub(crate) struct Remainders<'a> {
    pub(crate) outputs: usize,
    pub(crate) drop: &'a DropTable,
    /// Per dropped prime, per output, per part.
    pub(crate) dropped: Buf,
    /// Per output, per part.
    pub(crate) quotients: Buf,
}

impl Context {
    /// The quotients that go with the dropped limbs: per output, per part.
    pub(crate) fn quotients(&self, outputs: usize, drop: &DropTable, dropped: &[u64]) -> Buf {
        let n = self.degree();
        let mut quotients = self.pool.take(2 * outputs * n);
        for_limbs(&mut quotients, n, |at, quotient| {
            let limbs = dropped.chunks(n).skip(at).step_by(2 * outputs);
            let fractions: Vec<_> = limbs.zip(drop.inverse.iter().copied()).collect();
            self.kernels.quotient(quotient, &fractions);
        });
        quotients
    }

    /// Buffers for the results; with minus the remainders of the division in them if `is_ahead`: then piece by
    /// piece of the coefficients, so that the dropped limbs are read from memory once for all kept limbs.
    pub(crate) fn results(&self, r: &Remainders<'_>, kept: usize, is_ahead: bool) -> Vec<Vec<Buf>> {
        let n = self.degree();
        let make = |&(o, p): &(usize, usize)| {
            let mut part = self.pool.take(kept * n);
            for start in (0..n).step_by(PIECE).take_while(|_| is_ahead) {
                for i in 0..kept {
                    let target = &mut part[i * n + start..i * n + start + PIECE];
                    self.remainder(r, (o, p), i, start..start + PIECE, target);
                }
            }
            part
        };
        let parts: Vec<(usize, usize)> = (0..r.outputs).flat_map(|o| [(o, 0), (o, 1)]).collect();
        let mut made = map(&parts, make).into_iter();
        (0..r.outputs)
            .map(|_| made.by_ref().take(2).collect())
            .collect()
    }

    /// Minus the remainder of the division on limb `i` of the chain, as coefficients below 4q.
    pub(crate) fn remainder(
        &self,
        r: &Remainders<'_>,
        (output, part): (usize, usize),
        i: usize,
        range: Range<usize>,
        target: &mut [u64],
    ) {
        let n = self.degree();
        let at = 2 * output + part;
        let limbs = r.dropped.chunks(n).skip(at).step_by(2 * r.outputs);
        let all = limbs.chain([&r.quotients[at * n..(at + 1) * n]]);
        let weighted = all
            .map(|limb| &limb[range.clone()])
            .zip(r.drop.negated[i].iter().copied());
        let sources: Vec<_> = weighted.collect();
        self.kernels
            .convert(&self.moduli[i], target, &sources, Correction::Offset(0));
    }
}
