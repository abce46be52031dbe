//! One extended limb of key switches.
//!
//! Within a limb the work goes by blocks: the last stages of the transforms, the products with the key and the first stages of
//! the inverse transform (or the additions) are done on a block while it is in cache, for all sums that share the
//! digits.

use crate::context::Context;
use crate::digits::DigitRow;
use crate::kernels::{KeyTerm, MAX_TERMS, Place};
use crate::keyswitch::{Job, Limbs};
use crate::sums::Batch;

/// One extended limb of all sums of a batch while it is computed.
pub(crate) struct Row<'a> {
    pub(crate) u: usize,
    pub(crate) digits: DigitRow<'a>,
    pub(crate) outs: Vec<Out<'a>>,
}

/// Both parts of a sum, or of one limb of it, and what is added to them.
pub(crate) struct Out<'a> {
    pub(crate) job: Option<&'a Job<'a>>,
    pub(crate) base: &'a [[Limbs<'a>; 2]],
    pub(crate) parts: [&'a mut [u64]; 2],
}

/// What becomes of a row with the products of a job.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// More follows. `add`: it has products already.
    Collect { add: bool },
    /// It is dropped: brought to coefficients. `add`: it has products already.
    Drop { add: bool },
    /// It is kept, and holds minus the remainder as coefficients.
    Keep,
}

impl Context {
    /// Multiplies the digits on one extended limb with the keys, and what follows.
    pub(crate) fn run(&self, batch: &Batch<'_>, mut row: Row<'_>, stage: Stage) {
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
                let permutation = out.job.and_then(|job| job.automorphism);
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
        if let Some(job) = out.job {
            let of = (batch.level, u, digits);
            self.multiply_digits(job, of, place, &mut parts, !is_empty);
        }
        if let Some(i) = u.checked_sub(self.special.len()) {
            self.add_extras(i, (out.job, out.base), place, &mut parts);
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
        (job, base): (Option<&Job<'_>>, &[[Limbs<'_>; 2]]),
        place: Place<'_>,
        out: &mut [&mut [u64]; 2],
    ) {
        let m = &self.moduli[i];
        let plain = Place {
            permutation: None,
            ..place
        };
        for (p, sum) in out.iter_mut().enumerate() {
            if let Some(add) = job.and_then(|job| job.add[p]) {
                self.kernels.add_from(m, sum, place, add.limb(i));
            }
            for pair in base {
                self.kernels.add_from(m, sum, plain, pair[p].limb(i));
            }
        }
    }
}

/// The limbs of all sums with their digits.
pub(crate) fn rows<'a>(
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
