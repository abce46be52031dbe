//! What is computed: switches, sums of them, and batches of sums; and the room for the totals.

use super::digits::Digits;
use super::limbs::Limbs;
use crate::context::{Context, DropTable};
use crate::galois::Automorphism;
use crate::keys::{GaloisKey, SwitchingKey};
use crate::pool::Buf;

/// One key switch before the division by P: the product of a part's digits with a key, and what is added to it.
pub(crate) struct Switch<'a> {
    /// The part that has the digits.
    pub(crate) source: Limbs<'a>,
    pub(crate) key: &'a SwitchingKey,
    /// Applied to the digits and to `addends`.
    pub(crate) automorphism: Option<&'a Automorphism>,
    /// Added to the first and to the second part of the result.
    pub(crate) addends: [Option<Limbs<'a>>; 2],
}

impl<'a> Switch<'a> {
    /// The switch that belongs to an automorphism of two parts.
    pub(crate) fn galois([first, second]: [Limbs<'a>; 2], key: &'a GaloisKey) -> Self {
        Self {
            source: second,
            key: &key.key,
            automorphism: Some(&*key.automorphism),
            addends: [Some(first), None],
        }
    }
}

/// A sum of key switches: divided by P once.
pub(crate) struct Sum<'a> {
    /// At least one.
    pub(crate) switches: Vec<Switch<'a>>,
    /// Both parts of ciphertexts that are added as they are.
    pub(crate) ciphertexts: Vec<[Limbs<'a>; 2]>,
}

/// Sums that are computed together.
pub(crate) struct Batch<'a> {
    pub(crate) level: usize,
    /// Whether the sums are divided by the last prime of the level (which must be above 0) too.
    pub(crate) rescale: bool,
    /// One, or several with one switch each.
    pub(crate) sums: &'a [Sum<'a>],
    /// The transformed digits of the source, where all switches have the same one.
    pub(crate) shared_digits: Option<&'a Digits>,
}

/// Limbs of both parts.
pub(crate) type Pair = [Buf; 2];

/// The products of switches added up, for each sum of a batch.
pub(crate) struct Totals {
    /// The limbs that the division drops, and a row for its quotient.
    pub(crate) dropped: Vec<Pair>,
    /// The others; empty where they go into the result at once.
    pub(crate) kept: Vec<Pair>,
}

impl Context {
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

    /// Room for the totals of a batch; for the kept limbs too where `with_kept`.
    pub(crate) fn totals(&self, batch: &Batch<'_>, with_kept: bool) -> Totals {
        let kept = if with_kept { self.kept_limbs(batch) } else { 0 };
        Totals {
            dropped: self.pairs(batch, self.dropped_limbs(batch).len() + 1),
            kept: self.pairs(batch, kept),
        }
    }

    /// Room for so many limbs of both parts of each sum.
    pub(crate) fn pairs(&self, batch: &Batch<'_>, limbs: usize) -> Vec<Pair> {
        let words = limbs * self.degree();
        let pair = |_: &Sum<'_>| [self.pool.take(words), self.pool.take(words)];
        batch.sums.iter().map(pair).collect()
    }
}
