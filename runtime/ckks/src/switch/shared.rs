//! Long sums of key switches on several threads: each thread takes whole switches, with totals of its own, so that the
//! threads wait for one another once. Switches that are left over, and short sums, share the threads limb by limb.

use super::batch::{Batch, Pair, Totals};
use super::digits::DigitRow;
use crate::context::Context;
use crate::parallel::{for_each, for_limbs, map_whole};
use crate::pool::Buf;

impl Context {
    /// Divides the totals of all switches of a batch.
    pub(crate) fn divide(&self, batch: &Batch<'_>, mut totals: Totals) -> Vec<Vec<Buf>> {
        let (n, special) = (self.degree(), self.special.len());
        let lifts = &self.drop_table(batch).lift;
        let indices = self.dropped_limbs(batch);
        let mut limbs = Vec::new();
        for (sum, parts) in batch.sums.iter().zip(&mut totals.dropped) {
            for (p, part) in parts.iter_mut().enumerate() {
                let names = indices.iter().zip(lifts);
                let names = names.map(|(&index, &lift)| (sum, p, index, lift));
                limbs.extend(part.chunks_mut(n).zip(names));
            }
        }
        for_each(limbs, |(limb, (sum, p, index, lift))| {
            let (m, ntt) = self.extended(index);
            if let Some(i) = index.checked_sub(special) {
                for ciphertext in &sum.ciphertexts {
                    self.kernels.add_assign(m, limb, ciphertext[p].limb(i));
                }
            }
            ntt.inverse(limb, lift);
        });
        let no_digits = (0..self.kept_limbs(batch)).map(|_| DigitRow::Whole(&[]));
        self.compute_kept(batch, None, totals, no_digits.collect())
    }

    /// The totals of the first `switches·threads` switches, so many on each thread.
    pub(crate) fn accumulate_apart(
        &self,
        batch: &Batch<'_>,
        switches: usize,
        threads: usize,
    ) -> Totals {
        let numbers: Vec<usize> = (0..threads).collect();
        let mut by_thread = map_whole(&numbers, |t| {
            let mut totals = self.totals(batch, true);
            for k in 0..switches {
                self.accumulate(batch, t * switches + k, &mut totals, k > 0);
            }
            totals
        });
        let mut total = by_thread.remove(0);
        let special = self.special.len();
        let kept: Vec<usize> = (special..special + self.kept_limbs(batch)).collect();
        let dropped = self.dropped_limbs(batch);
        for more in by_thread {
            self.add_pairs(&mut total.dropped, &more.dropped, &dropped);
            self.add_pairs(&mut total.kept, &more.kept, &kept);
        }
        total
    }

    /// Adds limbs, which are the extended limbs of these indices; what follows them is left alone.
    fn add_pairs(&self, totals: &mut [Pair], more: &[Pair], indices: &[usize]) {
        let n = self.degree();
        for (total, more) in totals.iter_mut().flatten().zip(more.iter().flatten()) {
            for_limbs(&mut total[..indices.len() * n], n, |k, limb| {
                let m = self.extended(indices[k]).0;
                let more = &more[k * n..(k + 1) * n];
                self.kernels.add_assign(m, limb, more);
            });
        }
    }
}
