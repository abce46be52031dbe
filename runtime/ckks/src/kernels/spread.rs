//! How the residues of a compact diagonal spread over a limb: each stands for several in a row in the first half, and
//! the second half is the first one backwards.
//!
//! Eight (four) products in a row therefore need at most eight (four) residues in a row, in one of few orders, and the
//! products as far from the end of the limb need the same ones. Both are made together, so that a residue is loaded
//! and unpacked once for them.

use std::ops::Range;

use super::Packed;

/// The least residues of a limb of a diagonal.
pub(crate) const MIN_RESIDUES: usize = 64;

/// Where products of a limb and a diagonal are made: in a block of its first half and as far from its end.
#[derive(Clone, Debug)]
pub(crate) struct Spread {
    /// Words of the limb.
    n: usize,
    block: Range<usize>,
    /// log2 of how many words a residue stands for in the first half.
    log_times: u32,
    /// Words of an operand.
    operand: usize,
    /// Words of the limb's first half before the block that an operand leaves out, and as many from its end.
    skipped: usize,
}

impl Spread {
    /// Of so many residues over a limb of `n` words.
    ///
    /// # Panics
    /// Where the residues do not divide the half of `n`, both powers of two, or the block does not lie in its first
    /// half in whole vectors.
    pub(crate) fn new(n: usize, block: Range<usize>, residues: usize) -> Self {
        assert!(n.is_power_of_two() && residues.is_power_of_two());
        assert!(MIN_RESIDUES <= residues && residues <= n / 2);
        assert!(block.start.is_multiple_of(8) && block.end.is_multiple_of(8));
        assert!(block.end <= n / 2);
        Self {
            n,
            block,
            log_times: (n / 2 / residues).ilog2(),
            operand: n,
            skipped: 0,
        }
    }

    /// The same for operands that are the two blocks alone, one after the other.
    pub(crate) fn of_blocks(self) -> Self {
        Self {
            operand: 2 * self.block.len(),
            skipped: self.block.start,
            ..self
        }
    }

    /// Where `words` words of the limb's first half from `at` on, which lie in the block, begin in an operand, and
    /// where those begin that stand as far from the end.
    pub(super) fn in_operand(&self, at: usize, words: usize) -> [usize; 2] {
        let low = at - self.skipped;
        [low, self.operand - words - low]
    }

    /// Whether results are limbs.
    pub(super) fn holds_results(&self, out: &[&mut [u64]; 2]) -> bool {
        out.iter().all(|limb| limb.len() == self.n)
    }

    /// Whether an operand and a diagonal are as long as was said.
    pub(super) fn holds(&self, operand: &[u64], diagonal: &Packed<'_>) -> bool {
        operand.len() == self.operand && diagonal.holds((self.n / 2) >> self.log_times)
    }

    /// The block of the first half.
    pub(crate) fn block(&self) -> Range<usize> {
        self.block.clone()
    }

    /// Which residue stands at a place of the limb's first half.
    pub(super) fn residue(&self, at: usize) -> usize {
        at >> self.log_times
    }

    /// How words in a row find their residues in a vector.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn orders<const WIDTH: usize>(&self) -> &'static Orders<WIDTH> {
        let all: &'static [Orders<WIDTH>; 4] = const { &orders() };
        &all[self.log_times.min(3) as usize]
    }
}

/// For the first half and, backwards, for the second one: by the first word's residue modulo `WIDTH` the lane of each
/// word's residue.
#[cfg(target_arch = "x86_64")]
pub(super) type Orders<const WIDTH: usize> = [[[u64; WIDTH]; WIDTH]; 2];

/// By log2 of how many words a residue stands for; eight or more are all alike.
#[cfg(target_arch = "x86_64")]
const fn orders<const WIDTH: usize>() -> [Orders<WIDTH>; 4] {
    let mut all = [[[[0; WIDTH]; WIDTH]; 2]; 4];
    let mut at = 0;
    while at < 4 * WIDTH * WIDTH {
        let (log_times, base, word) = (at / (WIDTH * WIDTH), at / WIDTH % WIDTH, at % WIDTH);
        all[log_times][0][base][word] = ((base + (word >> log_times)) % WIDTH) as u64;
        all[log_times][1][base][WIDTH - 1 - word] = all[log_times][0][base][word];
        at += 1;
    }
    all
}
