//! The division that ends a key switch, and rescaling.
//!
//! Dividing by M (the special primes, or with the last prime of the level) subtracts X mod M, centered. From the
//! dropped limbs y_k = [X·(M/p_k)⁻¹] mod p_k it is Σ y_k·M/p_k - v·M with v = round(Σ y_k/p_k) (Halevi, Polyakov and
//! Shoup 2019). For a key switch what is kept is minus that over the special primes, so that the inner products
//! are simply added to it. A single prime needs no quotient: (X + h) mod p - h with h = (p - 1)/2 is centered.

use super::digits::PIECE;
use super::limbs::Limbs;
use crate::context::{Context, DropTable};
use crate::kernels::Rows;
use crate::parallel::for_limbs;
use crate::pool::Buf;

impl Context {
    /// Fills the last row of the dropped limbs of a part with their quotient.
    pub(crate) fn quotients(&self, drop: &DropTable, dropped: &mut [u64]) {
        let n = self.degree();
        let piece = PIECE.min(n);
        let (limbs, quotient) = dropped.split_at_mut(drop.inverse.len() * n);
        for_limbs(quotient, piece, |k, quotient| {
            let rows = Rows {
                data: &limbs[k * piece..],
                stride: n,
            };
            self.kernels.quotient(quotient, rows, &drop.inverse);
        });
    }

    /// Fills limbs of the chain, of which `first` is the first one, with minus the remainders of the division, as
    /// coefficients below 4q.
    pub(crate) fn remainders(
        &self,
        drop: &DropTable,
        dropped: &[u64],
        first: usize,
        limbs: &mut [&mut [u64]],
    ) {
        let n = self.degree();
        let piece = PIECE.min(n);
        for start in (0..n).step_by(piece) {
            let rows = Rows {
                data: &dropped[start..],
                stride: n,
            };
            for (i, limb) in (first..).zip(&mut *limbs) {
                let target = &mut limb[start..start + piece];
                self.kernels
                    .convert(&self.moduli[i], target, rows, &drop.negated[i], 0);
            }
        }
    }

    /// A part divided by the last prime of the level, with rounding.
    pub(crate) fn rescale_part(&self, part: Limbs<'_>, level: usize) -> Buf {
        let n = self.degree();
        let table = &self.levels[level].drop_last;
        let mut last = self.pool.take(n);
        self.inverse_from(level, part.limb(level), &mut last, table.lift[0]);
        let p = &self.moduli[level];
        self.kernels.add_constant(p, &mut last, (p.q - 1) / 2);
        let mut result = self.pool.take(level * n);
        for_limbs(&mut result, n, |i, limb| {
            let (m, ntt) = (&self.moduli[i], &self.ntts[i]);
            let rows = Rows {
                data: &last,
                stride: n,
            };
            let offset = m.mont_mul(m.sub(0, (p.q - 1) / 2 % m.q), table.last_inverse[i]);
            self.kernels
                .convert(m, limb, rows, &[table.last_inverse[i]], offset);
            ntt.forward_head(limb);
            let size = ntt.block();
            let values = part.limb(i).chunks(size);
            for (k, (block, values)) in limb.chunks_mut(size).zip(values).enumerate() {
                ntt.forward_block(k, block);
                self.kernels
                    .scale_sub(m, block, table.last_inverse[i], values);
            }
        });
        result
    }
}
