//! The digits of a part: its limbs in groups, each group brought to every limb of the extended chain.
//!
//! Sources: Han and Ki 2020 (digits of several limbs), Halevi, Polyakov and Shoup 2019 (the quotient of an odd
//! number of limbs). Cost at level l with K special primes and d digits: l+1 inverse and d(K+l+1) - (l+1) forward
//! transforms. Conversions go piece by piece of the coefficients, so that each source is read from memory once
//! for all limbs that it is converted to.

use super::limbs::Limbs;
use crate::context::{Context, DigitTable};
use crate::kernels::Rows;
use crate::parallel::{for_limbs, group};
use crate::pool::Buf;

/// Coefficients of each source limb that are converted at a time: all of a digit's stay in the first-level cache.
pub(crate) const PIECE: usize = 512;

/// The digits of a part, as coefficients below 4q or transformed: per extended limb, per digit. The place of a
/// digit on its own limbs is left as it is.
pub(crate) struct Digits {
    data: Buf,
}

/// The digits on one extended limb.
pub(crate) enum DigitRow<'a> {
    /// Transformed.
    Whole(&'a [u64]),
    /// Coefficients, which are transformed on the way.
    Begun(&'a mut [u64]),
}

impl Digits {
    /// All rows of completed digits.
    pub(crate) fn whole(&self, context: &Context, level: usize) -> Vec<DigitRow<'_>> {
        let width = context.digits(level) * context.degree();
        self.data.chunks(width).map(DigitRow::Whole).collect()
    }

    /// All rows of digits for one use.
    pub(crate) fn begun(&mut self, context: &Context, level: usize) -> Vec<DigitRow<'_>> {
        let width = context.digits(level) * context.degree();
        self.data.chunks_mut(width).map(DigitRow::Begun).collect()
    }
}

impl DigitRow<'_> {
    pub(crate) fn words(&self) -> &[u64] {
        match self {
            Self::Whole(words) => words,
            Self::Begun(words) => words,
        }
    }
}

impl DigitTable {
    /// Whether extended limb `u` is one of the digit's own, with `special` special primes.
    pub(crate) fn owns(&self, u: usize, special: usize) -> bool {
        u.checked_sub(special)
            .is_some_and(|i| self.limbs.contains(&i))
    }
}

impl Context {
    /// The digits of a part, as coefficients.
    pub(crate) fn digits_of(&self, part: Limbs<'_>, level: usize) -> Digits {
        let lifted = self.lift(part, level);
        let (n, special) = (self.degree(), self.special.len());
        let table = &self.levels[level];
        let width = table.digits.len() * n;
        let count = self.extended_limbs(level);
        let mut data = self.pool.take(count * width);
        let piece = PIECE.min(n);
        let some = group(count);
        for_limbs(&mut data, some * width, |g, rows| {
            for start in (0..n).step_by(piece) {
                for (u, row) in (g * some..).zip(rows.chunks_mut(width)) {
                    for (d, limb) in table.digits.iter().zip(row.chunks_mut(n)) {
                        if d.owns(u, special) {
                            continue;
                        }
                        let source = Rows {
                            data: &lifted[d.first_lifted * n + start..],
                            stride: n,
                        };
                        let target = &mut limb[start..start + piece];
                        let m = self.extended(u).0;
                        self.kernels
                            .convert(m, target, source, &d.weights[u], d.offsets[u]);
                    }
                }
            }
        });
        Digits { data }
    }

    /// Transforms digits that serve several key switches.
    pub(crate) fn transform_digits(&self, digits: &mut Digits, level: usize) {
        let (n, special) = (self.degree(), self.special.len());
        let table = &self.levels[level];
        for_limbs(&mut digits.data, table.digits.len() * n, |u, row| {
            for (d, limb) in table.digits.iter().zip(row.chunks_mut(n)) {
                if !d.owns(u, special) {
                    self.extended(u).1.forward(limb);
                }
            }
        });
    }

    /// Begins the transforms of the digits on extended limb `u`.
    pub(crate) fn begin_digits(&self, level: usize, u: usize, row: &mut DigitRow<'_>) {
        let (n, special) = (self.degree(), self.special.len());
        let DigitRow::Begun(row) = row else { return };
        for (d, limb) in self.levels[level].digits.iter().zip(row.chunks_mut(n)) {
            if !d.owns(u, special) {
                self.extended(u).1.forward_head(limb);
            }
        }
    }

    /// Completes the transforms of block `k` of the digits.
    pub(crate) fn complete_block(&self, level: usize, u: usize, row: &mut DigitRow<'_>, k: usize) {
        let (n, special) = (self.degree(), self.special.len());
        let DigitRow::Begun(row) = row else { return };
        let ntt = self.extended(u).1;
        let size = ntt.block();
        for (d, limb) in self.levels[level].digits.iter().zip(row.chunks_mut(n)) {
            if !d.owns(u, special) {
                ntt.forward_block(k, &mut limb[k * size..(k + 1) * size]);
            }
        }
    }

    /// Coefficients times (D/q_i)⁻¹, each digit's limbs followed by its quotient where their number is odd.
    fn lift(&self, part: Limbs<'_>, level: usize) -> Buf {
        let n = self.degree();
        let table = &self.levels[level];
        let mut lifted = self.pool.take(table.lifted() * n);
        // Digits are consecutive, and each odd one before a limb has put a quotient before it.
        let limb_at = |at: usize| {
            let d = table.digits.iter().rev().find(|d| d.first_lifted <= at)?;
            let k = at - d.first_lifted;
            (k < d.limbs.len()).then(|| (d.limbs.start + k, d.lift[k]))
        };
        for_limbs(&mut lifted, n, |at, limb| {
            if let Some((i, lift)) = limb_at(at) {
                self.inverse_from(i, part.limb(i), limb, lift);
            }
        });
        let piece = PIECE.min(n);
        for d in table.digits.iter().filter(|d| d.limbs.len() % 2 == 1) {
            let end = (d.first_lifted + d.limbs.len()) * n;
            let (own, rest) = lifted.split_at_mut(end);
            for_limbs(&mut rest[..n], piece, |k, quotient| {
                let rows = Rows {
                    data: &own[d.first_lifted * n + k * piece..],
                    stride: n,
                };
                self.kernels.quotient(quotient, rows, &d.inverse);
            });
        }
        lifted
    }

    /// The inverse transform of limb `i` of the chain from `values` into `limb`.
    pub(crate) fn inverse_from(&self, i: usize, values: &[u64], limb: &mut [u64], w_mont: u64) {
        let ntt = &self.ntts[i];
        let size = ntt.block();
        for (k, (to, from)) in limb.chunks_mut(size).zip(values.chunks(size)).enumerate() {
            to.copy_from_slice(from);
            ntt.inverse_block(k, to);
        }
        ntt.inverse_finish(limb, w_mont);
    }
}
