//! Long sums of key switches on several threads: each thread takes whole jobs, with totals of its own, so that the threads wait
//! for one another once. Jobs that are left over, and short sums, share the threads limb by limb.

use crate::context::Context;
use crate::digits::DigitRow;
use crate::parallel::{for_each, for_limbs, map_whole};
use crate::pool::Buf;
use crate::sums::{Batch, Pair, Totals};

impl Context {
    /// Divides what all jobs of a batch give.
    pub(crate) fn divide(&self, batch: &Batch<'_>, mut totals: Totals) -> Vec<Vec<Buf>> {
        let (n, special) = (self.degree(), self.special.len());
        let lifts = &self.drop_table(batch).lift;
        let us = self.dropped_limbs(batch);
        let mut limbs = Vec::new();
        for (sum, parts) in batch.sums.iter().zip(&mut totals.dropped) {
            for (p, part) in parts.iter_mut().enumerate() {
                let of_each = us.iter().zip(lifts).map(|(&u, &lift)| (sum, p, u, lift));
                limbs.extend(part.chunks_mut(n).zip(of_each));
            }
        }
        for_each(limbs, |(limb, (sum, p, u, lift))| {
            let (m, ntt) = self.extended(u);
            if let Some(i) = u.checked_sub(special) {
                for base in &sum.base {
                    self.kernels.add_assign(m, limb, base[p].limb(i));
                }
            }
            ntt.inverse(limb, lift);
        });
        let none = (0..self.kept_limbs(batch)).map(|_| DigitRow::Whole(&[]));
        self.keep(batch, None, totals, none.collect())
    }

    /// The sum of the first `each·threads` jobs, so many on each thread.
    pub(crate) fn collect_apart(&self, batch: &Batch<'_>, each: usize, threads: usize) -> Totals {
        let all: Vec<usize> = (0..threads).collect();
        let mut apart = map_whole(&all, |t| {
            let mut totals = self.totals(batch, true);
            for k in 0..each {
                self.collect(batch, t * each + k, &mut totals, k > 0);
            }
            totals
        });
        let mut sum = apart.remove(0);
        let special = self.special.len();
        let kept: Vec<usize> = (special..special + self.kept_limbs(batch)).collect();
        let dropped = self.dropped_limbs(batch);
        for more in apart {
            self.add_pairs(&mut sum.dropped, &more.dropped, &dropped);
            self.add_pairs(&mut sum.kept, &more.kept, &kept);
        }
        sum
    }

    /// Adds extended limbs `us`; what follows them is left alone.
    fn add_pairs(&self, sums: &mut [Pair], more: &[Pair], us: &[usize]) {
        let n = self.degree();
        for (sum, more) in sums.iter_mut().flatten().zip(more.iter().flatten()) {
            for_limbs(&mut sum[..us.len() * n], n, |k, limb| {
                let (m, more) = (self.extended(us[k]).0, &more[k * n..(k + 1) * n]);
                self.kernels.add_assign(m, limb, more);
            });
        }
    }
}
