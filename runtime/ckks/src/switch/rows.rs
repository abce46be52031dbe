//! Rows: one extended limb of all sums of a batch.
//!
//! Within a row the work goes by blocks: the last stages of the transforms, the products with the key and the first
//! stages of the inverse transform (or the additions) are done on a block while it is in cache, for all sums that share
//! the digits.

use super::batch::{Batch, Pair, Switch};
use super::digits::DigitRow;
use super::limbs::Limbs;
use crate::context::Context;
use crate::kernels::{KeyTerm, MAX_TERMS, Place};

/// One extended limb of all sums of a batch while it is computed.
pub(crate) struct Row<'a> {
    /// Which extended limb.
    pub(crate) index: usize,
    pub(crate) digits: DigitRow<'a>,
    /// One for each sum.
    pub(crate) targets: Vec<Target<'a>>,
}

/// What one sum, or one limb of it, is computed into.
pub(crate) struct Target<'a> {
    /// The switch whose products go into it, if any.
    pub(crate) switch: Option<&'a Switch<'a>>,
    /// Added as they are.
    pub(crate) ciphertexts: &'a [[Limbs<'a>; 2]],
    pub(crate) parts: [&'a mut [u64]; 2],
}

/// What becomes of a row with the products of a switch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// More products follow. `add`: it has products already.
    Accumulate { add: bool },
    /// The division drops it: it is brought to coefficients. `add`: it has products already.
    Drop { add: bool },
    /// The division keeps it; it holds minus the remainder as coefficients.
    Keep,
}

impl Stage {
    /// Whether what the target holds is kept.
    fn adds(self) -> bool {
        match self {
            Self::Accumulate { add } | Self::Drop { add } => add,
            Self::Keep => true,
        }
    }
}

/// The targets of the sums of a batch, with switch `j` of each; nothing is added as it is yet.
pub(crate) fn targets<'a>(
    batch: &Batch<'a>,
    j: Option<usize>,
    pairs: &'a mut [Pair],
) -> Vec<Target<'a>> {
    let sums = batch.sums.iter();
    sums.zip(pairs)
        .map(|(sum, pair)| Target {
            switch: j.map(|j| &sum.switches[j]),
            ciphertexts: &[],
            parts: pair.each_mut().map(|part| &mut **part),
        })
        .collect()
}

/// Cuts targets into rows: the limbs of these indices of all sums, each with its digits.
pub(crate) fn rows<'a>(
    indices: impl Iterator<Item = usize>,
    digits: Vec<DigitRow<'a>>,
    targets: Vec<Target<'a>>,
    n: usize,
) -> Vec<Row<'a>> {
    let empty = |(index, digits)| Row {
        index,
        digits,
        targets: Vec::with_capacity(targets.len()),
    };
    let mut rows: Vec<Row<'a>> = indices.zip(digits).map(empty).collect();
    for target in targets {
        let [first, second] = target.parts;
        let parts = first.chunks_mut(n).zip(second.chunks_mut(n));
        for (row, parts) in rows.iter_mut().zip(parts) {
            row.targets.push(Target {
                switch: target.switch,
                ciphertexts: target.ciphertexts,
                parts: parts.into(),
            });
        }
    }
    rows
}

impl Context {
    /// Multiplies the digits of a row with the keys, and what follows.
    pub(crate) fn compute_row(&self, batch: &Batch<'_>, mut row: Row<'_>, stage: Stage) {
        let ntt = self.extended(row.index).1;
        self.begin_digits(batch.level, row.index, &mut row.digits);
        if stage == Stage::Keep {
            let parts = row.targets.iter_mut().flat_map(|target| &mut target.parts);
            parts.for_each(|part| ntt.forward_head(part));
        }
        let size = ntt.block();
        let blocks = self.degree() / size;
        for source in 0..blocks {
            self.complete_block(batch.level, row.index, &mut row.digits, source);
            for t in 0..row.targets.len() {
                // The low bits of an exponent are the high bits of a position: a block comes from one block.
                let switch = row.targets[t].switch;
                let permutation = switch.and_then(|switch| switch.automorphism);
                let comes_from = |k: &usize| match permutation {
                    Some(p) => p.source(k * size) / size == source,
                    None => *k == source,
                };
                let k = (0..blocks).find(comes_from).unwrap_or(source);
                let place = Place {
                    start: k * size,
                    ahead: (source + 1) % blocks * size,
                    permutation,
                };
                self.compute_block(batch, &mut row, t, place, stage);
            }
        }
        if matches!(stage, Stage::Drop { .. }) {
            let lift = self.drop_table(batch).lift[row.index.min(self.special.len())];
            let parts = row.targets.iter_mut().flat_map(|target| &mut target.parts);
            parts.for_each(|part| ntt.inverse_finish(part, lift));
        }
    }

    /// The same for one block of target `t`.
    fn compute_block(
        &self,
        batch: &Batch<'_>,
        row: &mut Row<'_>,
        t: usize,
        place: Place<'_>,
        stage: Stage,
    ) {
        let (m, ntt) = self.extended(row.index);
        let size = ntt.block();
        let k = place.start / size;
        let target = &mut row.targets[t];
        let parts = target.parts.each_mut();
        let mut block = parts.map(|part| &mut part[place.start..place.start + size]);
        if stage == Stage::Keep {
            block.iter_mut().for_each(|x| ntt.forward_block(k, x));
        }
        if let Some(switch) = target.switch {
            let multiplied = Multiplied {
                level: batch.level,
                index: row.index,
                switch,
                digits: row.digits.words(),
            };
            self.multiply_digits(multiplied, place, &mut block, stage.adds());
        }
        if let Some(i) = row.index.checked_sub(self.special.len()) {
            if let Some(switch) = target.switch {
                self.add_addends(i, switch, place, &mut block);
            }
            self.add_ciphertexts(i, target.ciphertexts, place, &mut block);
        }
        match stage {
            Stage::Accumulate { .. } => {}
            Stage::Drop { .. } => block.iter_mut().for_each(|x| ntt.inverse_block(k, x)),
            Stage::Keep if batch.rescale => {
                let last = self.drop_table(batch).last_inverse[row.index - self.special.len()];
                let block = block.iter_mut();
                block.for_each(|x| self.kernels.scale(m, x, last));
            }
            Stage::Keep => {}
        }
    }

    /// Adds the products of the digits on an extended limb with a switch's key to a block.
    fn multiply_digits(
        &self,
        multiplied: Multiplied<'_>,
        place: Place<'_>,
        block: &mut [&mut [u64]; 2],
        mut add: bool,
    ) {
        let Multiplied {
            level,
            index,
            switch,
            digits,
        } = multiplied;
        let n = self.degree();
        let special = self.special.len();
        let m = self.extended(index).0;
        let mut terms = [KeyTerm::default(); MAX_TERMS];
        let tables = &self.levels[level].digits;
        for (c, tables) in tables.chunks(MAX_TERMS).enumerate() {
            for ((term, table), j) in terms.iter_mut().zip(tables).zip(c * MAX_TERMS..) {
                let (first, second) = switch.key.pair(self, index, j);
                *term = KeyTerm {
                    digit: if table.owns(index, special) {
                        switch.source.limb(index - special)
                    } else {
                        &digits[j * n..(j + 1) * n]
                    },
                    first: first.from(place.start),
                    second: second.from(place.start),
                };
            }
            let [first, second] = block;
            let terms = &terms[..tables.len()];
            self.kernels
                .inner_product(m, [first, second], place, terms, add);
            add = true;
        }
    }

    /// Adds what a switch adds to a block of limb `i` of the chain.
    fn add_addends(
        &self,
        i: usize,
        switch: &Switch<'_>,
        place: Place<'_>,
        block: &mut [&mut [u64]; 2],
    ) {
        for (part, addend) in block.iter_mut().zip(&switch.addends) {
            if let Some(addend) = addend {
                self.kernels
                    .add_from(&self.moduli[i], part, place, addend.limb(i));
            }
        }
    }

    /// Adds ciphertexts as they are to a block of limb `i` of the chain.
    fn add_ciphertexts(
        &self,
        i: usize,
        ciphertexts: &[[Limbs<'_>; 2]],
        place: Place<'_>,
        block: &mut [&mut [u64]; 2],
    ) {
        let plain = Place {
            permutation: None,
            ..place
        };
        for (p, part) in block.iter_mut().enumerate() {
            for ciphertext in ciphertexts {
                let limb = ciphertext[p].limb(i);
                self.kernels.add_from(&self.moduli[i], part, plain, limb);
            }
        }
    }
}

/// The digits of a switch on one extended limb.
struct Multiplied<'a> {
    level: usize,
    /// Which extended limb.
    index: usize,
    switch: &'a Switch<'a>,
    /// All digits but those that own the limb.
    digits: &'a [u64],
}
