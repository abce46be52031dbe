//! Sums of key switches: the engine behind relinearization, rotation and linear maps.
//!
//! The digits are converted to all limbs first. Then the work is ordered by limb of the result, the dropped ones
//! first, and within a limb by blocks: the last stages of the transforms, the products with the key and the
//! first stages of the inverse transform (or the additions) are done on a block while it is in cache, for all
//! sums that share the digits. The remainders of the division are converted a few limbs ahead. Cost at level l
//! with K special primes and d digits: (l+1) + 2K inverse and d(K+l+1) - (l+1) + 2(l+1) forward transforms.

use crate::context::Context;
use crate::digits::{DigitRow, Digits};
use crate::kernels::{KeyTerm, MAX_TERMS, Place};
use crate::keyswitch::{Job, Limbs};
use crate::levels::DropTable;
use crate::parallel::{for_each, tasks};
use crate::pool::Buf;

/// Limbs whose remainders are converted at a time for each thread.
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
type Pair = [Buf; 2];

/// One extended limb of all sums of a batch while it is computed.
struct Row<'a> {
    u: usize,
    digits: DigitRow<'a>,
    outs: Vec<Out<'a>>,
}

/// Both parts of a sum, or of one limb of it, and what is added to them.
struct Out<'a> {
    job: &'a Job<'a>,
    base: &'a [[Limbs<'a>; 2]],
    parts: [&'a mut [u64]; 2],
}

/// What becomes of a row with the products of a job.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// More jobs follow. `add`: it has products already.
    Collect { add: bool },
    /// It is dropped: brought to coefficients. `add`: it has products already.
    Drop { add: bool },
    /// It is kept, and holds minus the remainder as coefficients.
    Keep,
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
        let (n, special, level) = (self.degree(), self.special.len(), batch.level);
        let drop = self.drop_table(batch);
        let kept = special + level + 1 - drop.lift.len();
        let jobs = batch.sums[0].jobs.len();
        // The dropped limbs, and a row for the quotient.
        let mut dropped = self.pairs(batch, drop.lift.len() + 1);
        // What the jobs before the last one give on the kept limbs.
        let mut collected = self.pairs(batch, if jobs > 1 { kept } else { 0 });
        let mut results = Vec::new();
        for j in 0..jobs {
            let mut own;
            let mut digits = match batch.digits {
                Some(shared) => shared.whole(self, level),
                None => {
                    own = self.digits_of(batch.sums[0].jobs[j].source, level);
                    own.begun(self, level)
                }
            };
            let last_digits = digits.split_off(special + kept);
            let kept_digits = digits.split_off(special);
            digits.extend(last_digits);
            let (add, is_last) = (j > 0, j + 1 == jobs);
            let stage = if is_last {
                Stage::Drop { add }
            } else {
                Stage::Collect { add }
            };
            let bases = batch
                .sums
                .iter()
                .map(|s| if is_last { &*s.base } else { &[] });
            let us = (0..special).chain(special + kept..=special + level);
            let outs = outs(batch, j, bases, &mut dropped);
            for_each(rows(us, digits, outs, n), |row| self.run(batch, row, stage));
            if is_last {
                results = self.keep(batch, &mut dropped, &collected, kept_digits);
            } else {
                let none = batch.sums.iter().map(|_| &[][..]);
                let outs = self::outs(batch, j, none, &mut collected);
                for_each(rows(special.., kept_digits, outs, n), |row| {
                    self.run(batch, row, stage)
                });
            }
        }
        results
    }

    fn drop_table(&self, batch: &Batch<'_>) -> &DropTable {
        let table = &self.levels[batch.level];
        if batch.rescale {
            &table.drop_special_and_last
        } else {
            &table.drop_special
        }
    }

    fn pairs(&self, batch: &Batch<'_>, limbs: usize) -> Vec<Pair> {
        let words = limbs * self.degree();
        let pair = |_: &Sum<'_>| [self.pool.take(words), self.pool.take(words)];
        batch.sums.iter().map(pair).collect()
    }

    /// The kept limbs of all sums, from the dropped ones and the digits of the last job.
    fn keep(
        &self,
        batch: &Batch<'_>,
        dropped: &mut [Pair],
        collected: &[Pair],
        digits: Vec<DigitRow<'_>>,
    ) -> Vec<Vec<Buf>> {
        let (n, kept) = (self.degree(), digits.len());
        let drop = self.drop_table(batch);
        let job = batch.sums[0].jobs.len() - 1;
        for part in dropped.iter_mut().flatten() {
            self.quotients(drop, part);
        }
        let mut bases = Vec::new();
        for (sum, collected) in batch.sums.iter().zip(collected) {
            let mut base = sum.base.clone();
            if job > 0 {
                base.push([Limbs::of(&collected[0], n), Limbs::of(&collected[1], n)]);
            }
            bases.push(base);
        }
        let mut results = self.pairs(batch, kept);
        let mut digits = digits.into_iter();
        let step = LIMBS_AHEAD * tasks(kept);
        for start in (0..kept).step_by(step) {
            let end = (start + step).min(kept);
            for (parts, dropped) in results.iter_mut().zip(&*dropped) {
                for (part, dropped) in parts.iter_mut().zip(dropped) {
                    self.remainders(drop, dropped, start, &mut part[start * n..end * n]);
                }
            }
            let bases = bases.iter().map(Vec::as_slice);
            let mut outs = outs(batch, job, bases, &mut results);
            for out in &mut outs {
                out.parts =
                    std::mem::take(&mut out.parts).map(|part| &mut part[start * n..end * n]);
            }
            let us = self.special.len() + start..;
            let digits = digits.by_ref().take(end - start).collect();
            for_each(rows(us, digits, outs, n), |row| {
                self.run(batch, row, Stage::Keep)
            });
        }
        results.into_iter().map(Vec::from).collect()
    }

    /// Multiplies the digits on one extended limb with the keys, and what follows.
    fn run(&self, batch: &Batch<'_>, mut row: Row<'_>, stage: Stage) {
        let ntt = self.extended(row.u).1;
        self.begin_digits(batch.level, row.u, &mut row.digits);
        if stage == Stage::Keep {
            let parts = row.outs.iter_mut().flat_map(|out| &mut out.parts);
            parts.for_each(|x| ntt.forward_head(x));
        }
        let size = ntt.block();
        let blocks = self.degree() / size;
        for from in 0..blocks {
            self.complete_block(batch.level, row.u, &mut row.digits, from);
            for out in &mut row.outs {
                // The low bits of an exponent are the high bits of a position: a block comes from one block.
                let permutation = out.job.automorphism;
                let comes_from = |k: &usize| match permutation {
                    Some(p) => p.source(k * size) / size == from,
                    None => *k == from,
                };
                let k = (0..blocks).find(comes_from).unwrap_or(from);
                let place = Place {
                    start: k * size,
                    ahead: (from + 1) % blocks * size,
                    permutation,
                };
                self.run_block(batch, (row.u, row.digits.words()), out, place, stage);
            }
        }
        if matches!(stage, Stage::Drop { .. }) {
            let lift = self.drop_table(batch).lift[row.u.min(self.special.len())];
            let parts = row.outs.iter_mut().flat_map(|out| &mut out.parts);
            parts.for_each(|x| ntt.inverse_finish(x, lift));
        }
    }

    /// The same for one block of one sum.
    fn run_block(
        &self,
        batch: &Batch<'_>,
        (u, digits): (usize, &[u64]),
        out: &mut Out<'_>,
        place: Place<'_>,
        stage: Stage,
    ) {
        let (m, ntt) = self.extended(u);
        let size = ntt.block();
        let k = place.start / size;
        let mut parts = out
            .parts
            .each_mut()
            .map(|x| &mut x[place.start..place.start + size]);
        if stage == Stage::Keep {
            parts.iter_mut().for_each(|x| ntt.forward_block(k, x));
        }
        let is_empty = matches!(
            stage,
            Stage::Collect { add: false } | Stage::Drop { add: false }
        );
        self.multiply_digits(
            out.job,
            (batch.level, u, digits),
            place,
            &mut parts,
            !is_empty,
        );
        if let Some(i) = u.checked_sub(self.special.len()) {
            self.add_extras(i, out.job, out.base, place, &mut parts);
        }
        match stage {
            Stage::Collect { .. } => {}
            Stage::Drop { .. } => parts.iter_mut().for_each(|x| ntt.inverse_block(k, x)),
            Stage::Keep if batch.rescale => {
                let last = self.drop_table(batch).last_inverse[u - self.special.len()];
                parts
                    .iter_mut()
                    .for_each(|x| self.kernels.scale(m, x, last));
            }
            Stage::Keep => {}
        }
    }

    /// Adds the products of the digits on extended limb `u` with a job's key to a block.
    fn multiply_digits(
        &self,
        job: &Job<'_>,
        (level, u, row): (usize, usize, &[u64]),
        place: Place<'_>,
        out: &mut [&mut [u64]; 2],
        mut add: bool,
    ) {
        let n = self.degree();
        let special = self.special.len();
        let m = self.extended(u).0;
        let mut terms = [KeyTerm::default(); MAX_TERMS];
        let digits = &self.levels[level].digits;
        for (c, some) in digits.chunks(MAX_TERMS).enumerate() {
            for ((term, d), j) in terms.iter_mut().zip(some).zip(c * MAX_TERMS..) {
                let (first, second) = job.key.pair(self, u, j);
                *term = KeyTerm {
                    digit: if d.owns(u, special) {
                        job.source.limb(u - special)
                    } else {
                        &row[j * n..(j + 1) * n]
                    },
                    first: first.from(place.start),
                    second: second.from(place.start),
                };
            }
            let [first, second] = out;
            self.kernels
                .inner_product(m, [first, second], place, &terms[..some.len()], add);
            add = true;
        }
    }

    /// Adds what a job and a base add to a block of limb `i` of the chain.
    fn add_extras(
        &self,
        i: usize,
        job: &Job<'_>,
        base: &[[Limbs<'_>; 2]],
        place: Place<'_>,
        out: &mut [&mut [u64]; 2],
    ) {
        let m = &self.moduli[i];
        let plain = Place {
            permutation: None,
            ..place
        };
        for (p, sum) in out.iter_mut().enumerate() {
            if let Some(add) = job.add[p] {
                self.kernels.add_from(m, sum, place, add.limb(i));
            }
            for pair in base {
                self.kernels.add_from(m, sum, plain, pair[p].limb(i));
            }
        }
    }
}

/// What each sum of a batch is computed into, with its job `j`.
fn outs<'a>(
    batch: &Batch<'a>,
    j: usize,
    bases: impl Iterator<Item = &'a [[Limbs<'a>; 2]]>,
    pairs: &'a mut [Pair],
) -> Vec<Out<'a>> {
    let jobs = batch.sums.iter().map(|sum| &sum.jobs[j]);
    jobs.zip(bases)
        .zip(pairs)
        .map(|((job, base), pair)| Out {
            job,
            base,
            parts: pair.each_mut().map(|part| &mut **part),
        })
        .collect()
}

/// The limbs of all sums with their digits.
fn rows<'a>(
    us: impl Iterator<Item = usize>,
    digits: Vec<DigitRow<'a>>,
    outs: Vec<Out<'a>>,
    n: usize,
) -> Vec<Row<'a>> {
    let empty = |(u, digits)| Row {
        u,
        digits,
        outs: Vec::with_capacity(outs.len()),
    };
    let mut rows: Vec<Row<'a>> = us.zip(digits).map(empty).collect();
    for Out { job, base, parts } in outs {
        let [first, second] = parts;
        let parts = first.chunks_mut(n).zip(second.chunks_mut(n));
        for (row, parts) in rows.iter_mut().zip(parts) {
            let parts = parts.into();
            row.outs.push(Out { job, base, parts });
        }
    }
    rows
}
