//! Sums of key switches: the engine behind relinearization, rotation and linear maps.
//!
//! The digits are converted to all limbs first. Then the work is ordered by limb of the result (`rows.rs`): the dropped
//! limbs go first, and the last products on a kept limb are added to its remainder while that is in cache. The
//! remainders of the division are converted a few limbs ahead. What several threads do first is in `shared.rs`. Cost at
//! level l with K special primes and d digits: (l+1) + 2K inverse and d(K+l+1) - (l+1) + 2(l+1) forward transforms.

use crate::context::Context;
use crate::digits::{DigitRow, Digits};
use crate::keyswitch::{Job, Limbs};
use crate::levels::DropTable;
use crate::parallel::{for_each, tasks};
use crate::pool::Buf;
use crate::rows::{Out, Row, Stage, rows};

/// Most limbs whose remainders are converted at a time.
const LIMBS_AHEAD: usize = 2;

/// A sum of key switches: divided by P once.
pub(crate) struct Sum<'a> {
    /// At least one.
    pub(crate) jobs: Vec<Job<'a>>,
    /// Added as they are.
    pub(crate) base: Vec<[Limbs<'a>; 2]>,
}

/// Sums that are computed together.
pub(crate) struct Batch<'a> {
    pub(crate) level: usize,
    /// Whether the sums are divided by the last prime of the level (which must be above 0) too.
    pub(crate) rescale: bool,
    /// One, or several with one job each.
    pub(crate) sums: &'a [Sum<'a>],
    /// The digits of the source that all jobs have, where it is one.
    pub(crate) digits: Option<&'a Digits>,
}

/// Limbs of both parts.
pub(crate) type Pair = [Buf; 2];

/// What jobs give, for each sum of a batch.
pub(crate) struct Totals {
    /// The limbs that the division drops, and a row for its quotient.
    pub(crate) dropped: Vec<Pair>,
    /// The others; empty where they go into the result at once.
    pub(crate) kept: Vec<Pair>,
}

impl Context {
    /// Both parts of one sum, divided by P (and by the last prime).
    pub(crate) fn switch_one(&self, level: usize, sum: &Sum<'_>, rescale: bool) -> Vec<Buf> {
        let batch = Batch {
            level,
            rescale,
            sums: std::slice::from_ref(sum),
            digits: None,
        };
        self.switch(&batch).remove(0)
    }

    /// Both parts of every sum of a batch, divided by P (and by the last prime).
    pub(crate) fn switch(&self, batch: &Batch<'_>) -> Vec<Vec<Buf>> {
        let jobs = batch.sums[0].jobs.len();
        let threads = tasks(self.extended_limbs(batch.level));
        let each = if threads > 1 { jobs / threads } else { 0 };
        if each == 0 {
            return self.switch_rest(batch, self.totals(batch, jobs > 1), 0);
        }
        let totals = self.collect_apart(batch, each, threads);
        if each * threads == jobs {
            self.divide(batch, totals)
        } else {
            self.switch_rest(batch, totals, each * threads)
        }
    }

    /// The same where `totals` hold what the first `done` jobs (not all) give.
    fn switch_rest(&self, batch: &Batch<'_>, mut totals: Totals, done: usize) -> Vec<Vec<Buf>> {
        let last = batch.sums[0].jobs.len() - 1;
        for j in done..last {
            self.collect(batch, j, &mut totals, j > 0);
        }
        let mut own = None;
        let (dropped, kept) = self.digit_rows(batch, last, &mut own);
        let mut outs = outs(batch, Some(last), &mut totals.dropped);
        for (out, sum) in outs.iter_mut().zip(batch.sums) {
            out.base = &sum.base;
        }
        let us = self.dropped_limbs(batch).into_iter();
        for_each(rows(us, dropped, outs, self.degree()), |row| {
            self.run(batch, row, Stage::Drop { add: last > 0 });
        });
        self.keep(batch, Some(last), totals, kept)
    }

    /// Adds what job `j` gives for each sum to `totals`, or sets them to it.
    pub(crate) fn collect(&self, batch: &Batch<'_>, j: usize, totals: &mut Totals, add: bool) {
        let n = self.degree();
        let mut own = None;
        let (dropped, kept) = self.digit_rows(batch, j, &mut own);
        let us = self.dropped_limbs(batch).into_iter();
        let mut all = rows(us, dropped, outs(batch, Some(j), &mut totals.dropped), n);
        let outs = outs(batch, Some(j), &mut totals.kept);
        all.extend(rows(self.special.len().., kept, outs, n));
        for_each(all, |row| self.run(batch, row, Stage::Collect { add }));
    }

    /// The digits of job `j` on the limbs that are dropped and on those that are kept; `own` holds them where no
    /// others share them.
    fn digit_rows<'a>(
        &self,
        batch: &'a Batch<'_>,
        j: usize,
        own: &'a mut Option<Digits>,
    ) -> (Vec<DigitRow<'a>>, Vec<DigitRow<'a>>) {
        let mut dropped = match batch.digits {
            Some(shared) => shared.whole(self, batch.level),
            None => {
                let source = batch.sums[0].jobs[j].source;
                let digits = own.insert(self.digits_of(source, batch.level));
                digits.begun(self, batch.level)
            }
        };
        let special = self.special.len();
        let last = dropped.split_off(special + self.kept_limbs(batch));
        let kept = dropped.split_off(special);
        dropped.extend(last);
        (dropped, kept)
    }

    pub(crate) fn drop_table(&self, batch: &Batch<'_>) -> &DropTable {
        let table = &self.levels[batch.level];
        if batch.rescale {
            &table.drop_special_and_last
        } else {
            &table.drop_special
        }
    }

    /// How many limbs of the chain the results have.
    pub(crate) fn kept_limbs(&self, batch: &Batch<'_>) -> usize {
        batch.level + 1 - usize::from(batch.rescale)
    }

    /// Which extended limbs are dropped.
    pub(crate) fn dropped_limbs(&self, batch: &Batch<'_>) -> Vec<usize> {
        let special = self.special.len();
        let last = special + self.kept_limbs(batch)..=special + batch.level;
        (0..special).chain(last).collect()
    }

    /// Room for what jobs give; for the kept limbs too where `kept`.
    pub(crate) fn totals(&self, batch: &Batch<'_>, kept: bool) -> Totals {
        let kept = if kept { self.kept_limbs(batch) } else { 0 };
        Totals {
            dropped: self.pairs(batch, self.dropped_limbs(batch).len() + 1),
            kept: self.pairs(batch, kept),
        }
    }

    fn pairs(&self, batch: &Batch<'_>, limbs: usize) -> Vec<Pair> {
        let words = limbs * self.degree();
        let pair = |_: &Sum<'_>| [self.pool.take(words), self.pool.take(words)];
        batch.sums.iter().map(pair).collect()
    }

    /// The kept limbs of all sums: from the dropped ones as coefficients, what was collected on the kept ones, and the digits
    /// of job `job`, if one is left.
    pub(crate) fn keep(
        &self,
        batch: &Batch<'_>,
        job: Option<usize>,
        mut totals: Totals,
        digits: Vec<DigitRow<'_>>,
    ) -> Vec<Vec<Buf>> {
        let (n, kept) = (self.degree(), self.kept_limbs(batch));
        let drop = self.drop_table(batch);
        for part in totals.dropped.iter_mut().flatten() {
            self.quotients(drop, part);
        }
        let mut bases = Vec::new();
        for (sum, [first, second]) in batch.sums.iter().zip(&totals.kept) {
            let mut base = sum.base.clone();
            if !first.is_empty() {
                base.push([Limbs::of(first, n), Limbs::of(second, n)]);
            }
            bases.push(base);
        }
        let mut results = self.pairs(batch, kept);
        let mut outs = outs(batch, job, &mut results);
        for (out, base) in outs.iter_mut().zip(&bases) {
            out.base = base;
        }
        let ahead = LIMBS_AHEAD.min(kept.div_ceil(tasks(kept)));
        let mut rest = rows(self.special.len().., digits, outs, n);
        let mut groups = Vec::with_capacity(kept.div_ceil(ahead));
        while !rest.is_empty() {
            let later = rest.split_off(ahead.min(rest.len()));
            groups.push(std::mem::replace(&mut rest, later));
        }
        for_each(groups, |group| {
            self.keep_rows(batch, group, &totals.dropped)
        });
        results.into_iter().map(Vec::from).collect()
    }

    /// The same for a few limbs.
    fn keep_rows(&self, batch: &Batch<'_>, mut rows: Vec<Row<'_>>, dropped: &[Pair]) {
        let drop = self.drop_table(batch);
        let first = rows[0].u - self.special.len();
        for (s, dropped) in dropped.iter().enumerate() {
            for (p, dropped) in dropped.iter().enumerate() {
                let limbs = rows.iter_mut().map(|row| &mut *row.outs[s].parts[p]);
                self.remainders(drop, dropped, first, &mut limbs.collect::<Vec<_>>());
            }
        }
        for row in rows {
            self.run(batch, row, Stage::Keep);
        }
    }
}

/// What each sum of a batch is computed into, with its job `j`; nothing is added yet.
fn outs<'a>(batch: &Batch<'a>, j: Option<usize>, pairs: &'a mut [Pair]) -> Vec<Out<'a>> {
    let sums = batch.sums.iter();
    sums.zip(pairs)
        .map(|(sum, pair)| Out {
            job: j.map(|j| &sum.jobs[j]),
            base: &[],
            parts: pair.each_mut().map(|part| &mut **part),
        })
        .collect()
}
