//! Limbs within a larger buffer.

/// Limbs that stand at equal distances in a larger buffer.
#[derive(Clone, Copy)]
pub(crate) struct Limbs<'a> {
    pub(crate) data: &'a [u64],
    pub(crate) stride: usize,
    pub(crate) n: usize,
}

impl<'a> Limbs<'a> {
    /// Limbs one after the other.
    pub(crate) fn of(data: &'a [u64], n: usize) -> Self {
        Self { data, stride: n, n }
    }

    pub(crate) fn limb(&self, i: usize) -> &'a [u64] {
        &self.data[i * self.stride..i * self.stride + self.n]
    }
}
