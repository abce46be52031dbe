//! Sums of key switches: the engine behind relinearization, rotation and linear maps.
//!
//! Sources: Han and Ki 2020 (hybrid key switching), Halevi and Shoup, "Faster Homomorphic Linear Transformations in
//! HElib", CRYPTO 2018 (hoisting), Bossuat et al., "Efficient Bootstrapping for Approximate Homomorphic Encryption with
//! Non-sparse Keys", EUROCRYPT 2021 (one division by P for a sum).
//!
//! The digits are converted to all limbs first. Then the work is ordered by limb of the result (`rows.rs`): the dropped
//! limbs go first, and the last products on a kept limb are added to its remainder while that is in cache. The
//! remainders of the division are converted a few limbs ahead. What several threads do first is in `shared.rs`. Cost at
//! level l with K special primes and d digits: (l+1) + 2K inverse and d(K+l+1) - (l+1) + 2(l+1) forward transforms.

use super::batch::{Batch, Pair, Sum, Totals};
use super::digits::{DigitRow, Digits};
use super::limbs::Limbs;
use super::rows::{Row, Stage, rows, targets};
use crate::context::Context;
use crate::parallel::{for_each, tasks};
use crate::pool::Buf;

/// Most limbs whose remainders are converted at a time.
const LIMBS_AHEAD: usize = 2;

impl Context {
    /// Both parts of one sum, divided by P (and by the last prime).
    pub(crate) fn switch_one(&self, level: usize, sum: &Sum<'_>, rescale: bool) -> Vec<Buf> {
        let batch = Batch {
            level,
            rescale,
            sums: std::slice::from_ref(sum),
            shared_digits: None,
        };
        self.switch(&batch).remove(0)
    }

    /// Both parts of every sum of a batch, divided by P (and by the last prime).
    pub(crate) fn switch(&self, batch: &Batch<'_>) -> Vec<Vec<Buf>> {
        let switches = batch.sums[0].switches.len();
        let threads = tasks(self.extended_limbs(batch.level));
        let for_each_thread = if threads > 1 { switches / threads } else { 0 };
        if for_each_thread == 0 {
            return self.switch_rest(batch, self.totals(batch, switches > 1), 0);
        }
        let totals = self.accumulate_apart(batch, for_each_thread, threads);
        if for_each_thread * threads == switches {
            self.divide(batch, totals)
        } else {
            self.switch_rest(batch, totals, for_each_thread * threads)
        }
    }

    /// The same where `totals` hold the products of the first `done` switches (not all).
    fn switch_rest(&self, batch: &Batch<'_>, mut totals: Totals, done: usize) -> Vec<Vec<Buf>> {
        let last = batch.sums[0].switches.len() - 1;
        for j in done..last {
            self.accumulate(batch, j, &mut totals, j > 0);
        }
        let mut room = None;
        let (dropped, kept) = self.digit_rows(batch, last, &mut room);
        let mut targets = targets(batch, Some(last), &mut totals.dropped);
        for (target, sum) in targets.iter_mut().zip(batch.sums) {
            target.ciphertexts = &sum.ciphertexts;
        }
        let indices = self.dropped_limbs(batch).into_iter();
        for_each(rows(indices, dropped, targets, self.degree()), |row| {
            self.compute_row(batch, row, Stage::Drop { add: last > 0 });
        });
        self.compute_kept(batch, Some(last), totals, kept)
    }

    /// Adds the products of switch `j` of each sum to `totals`, or sets them to those.
    pub(crate) fn accumulate(&self, batch: &Batch<'_>, j: usize, totals: &mut Totals, add: bool) {
        let n = self.degree();
        let mut room = None;
        let (dropped, kept) = self.digit_rows(batch, j, &mut room);
        let indices = self.dropped_limbs(batch).into_iter();
        let into_dropped = targets(batch, Some(j), &mut totals.dropped);
        let mut all = rows(indices, dropped, into_dropped, n);
        let into_kept = targets(batch, Some(j), &mut totals.kept);
        all.extend(rows(self.special.len().., kept, into_kept, n));
        for_each(all, |row| {
            self.compute_row(batch, row, Stage::Accumulate { add });
        });
    }

    /// The digits of switch `j` on the limbs that are dropped and on those that are kept; they are made in `room` where
    /// the batch does not share them.
    fn digit_rows<'a>(
        &self,
        batch: &'a Batch<'_>,
        j: usize,
        room: &'a mut Option<Digits>,
    ) -> (Vec<DigitRow<'a>>, Vec<DigitRow<'a>>) {
        let mut dropped = match batch.shared_digits {
            Some(shared) => shared.whole(self, batch.level),
            None => {
                let source = batch.sums[0].switches[j].source;
                let digits = room.insert(self.digits_of(source, batch.level));
                digits.begun(self, batch.level)
            }
        };
        let special = self.special.len();
        let last = dropped.split_off(special + self.kept_limbs(batch));
        let kept = dropped.split_off(special);
        dropped.extend(last);
        (dropped, kept)
    }

    /// The kept limbs of all sums: from the dropped ones as coefficients, the totals on the kept ones, and the digits
    /// of switch `j`, if one is left.
    pub(crate) fn compute_kept(
        &self,
        batch: &Batch<'_>,
        j: Option<usize>,
        mut totals: Totals,
        digits: Vec<DigitRow<'_>>,
    ) -> Vec<Vec<Buf>> {
        let (n, kept) = (self.degree(), self.kept_limbs(batch));
        let drop = self.drop_table(batch);
        for part in totals.dropped.iter_mut().flatten() {
            self.quotients(drop, part);
        }
        let mut added = Vec::new();
        for (sum, [first, second]) in batch.sums.iter().zip(&totals.kept) {
            let mut ciphertexts = sum.ciphertexts.clone();
            if !first.is_empty() {
                ciphertexts.push([Limbs::of(first, n), Limbs::of(second, n)]);
            }
            added.push(ciphertexts);
        }
        let mut results = self.pairs(batch, kept);
        let mut targets = targets(batch, j, &mut results);
        for (target, ciphertexts) in targets.iter_mut().zip(&added) {
            target.ciphertexts = ciphertexts;
        }
        let ahead = LIMBS_AHEAD.min(kept.div_ceil(tasks(kept)));
        let mut left = rows(self.special.len().., digits, targets, n);
        let mut groups = Vec::with_capacity(kept.div_ceil(ahead));
        while !left.is_empty() {
            let later = left.split_off(ahead.min(left.len()));
            groups.push(std::mem::replace(&mut left, later));
        }
        for_each(groups, |group| {
            self.compute_kept_rows(batch, group, &totals.dropped)
        });
        results.into_iter().map(Vec::from).collect()
    }

    /// The same for a few limbs.
    fn compute_kept_rows(&self, batch: &Batch<'_>, mut rows: Vec<Row<'_>>, dropped: &[Pair]) {
        let drop = self.drop_table(batch);
        let first = rows[0].index - self.special.len();
        for (s, dropped) in dropped.iter().enumerate() {
            for (p, dropped) in dropped.iter().enumerate() {
                let limbs = rows.iter_mut().map(|row| &mut *row.targets[s].parts[p]);
                self.remainders(drop, dropped, first, &mut limbs.collect::<Vec<_>>());
            }
        }
        for row in rows {
            self.compute_row(batch, row, Stage::Keep);
        }
    }
}
