//! Which of many things have been seen: a bit for each.

/// A bit for each of so many things.
pub(crate) struct Marks(Vec<u64>);

impl Marks {
    /// None of `count` is seen.
    pub(crate) fn new(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    /// Marks one and says whether it was marked before. One beyond the count was never marked and is not.
    pub(crate) fn set(&mut self, index: usize) -> bool {
        let Some(word) = self.0.get_mut(index / 64) else {
            return false;
        };
        let bit = 1 << (index % 64);
        let before = *word & bit != 0;
        *word |= bit;
        before
    }
}
