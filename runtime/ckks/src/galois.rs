//! Automorphisms X -> X^g as permutations of the transformed limb.
//!
//! Position `i` of a transformed limb holds the value at ψ^(2·rev(i)+1), rev = bit reversal. The map
//! X -> X^g sends it to the value at ψ^(g·(2·rev(i)+1)). The low bits of a position are the high bits of the
//! exponent, so an aligned block of eight comes from one aligned block of eight, reordered in one of eight
//! ways: the table stores one word per block.

/// The permutation of one Galois element for one ring degree.
#[derive(Clone, Debug)]
pub(crate) struct Automorphism {
    /// Per block of eight: source block · 8 + which of `orders`.
    pub(crate) blocks: Vec<u32>,
    /// The eight orders within a block.
    pub(crate) orders: [[u64; 8]; 8],
}

impl Automorphism {
    /// The permutation of X -> X^`element` (odd) for degree 2^`log_n`, at least 8.
    pub(crate) fn new(log_n: u32, element: u64) -> Self {
        let n = 1usize << log_n;
        let mask = 2 * n as u64 - 1;
        let source = |i: usize| {
            let exponent = 2 * reverse(i as u64, log_n) + 1;
            let image = (exponent * element) & mask;
            reverse(image >> 1, log_n) as usize
        };
        let mut orders: Vec<[u64; 8]> = Vec::with_capacity(8);
        let mut blocks = Vec::with_capacity(n / 8);
        for block in 0..n / 8 {
            let first = source(8 * block);
            let order: [u64; 8] = std::array::from_fn(|j| (source(8 * block + j) & 7) as u64);
            let index = orders.iter().position(|o| *o == order).unwrap_or_else(|| {
                orders.push(order);
                orders.len() - 1
            });
            blocks.push((first & !7) as u32 | index as u32);
        }
        orders.resize(8, [0; 8]);
        let orders = std::array::from_fn(|i| orders[i]);
        Self { blocks, orders }
    }

    /// The length of a limb.
    pub(crate) fn len(&self) -> usize {
        8 * self.blocks.len()
    }

    /// Where position `i` of the result comes from.
    #[inline(always)]
    pub(crate) fn source(&self, i: usize) -> usize {
        let block = self.blocks[i / 8] as usize;
        (block & !7) + self.orders[block & 7][i % 8] as usize
    }
}

fn reverse(x: u64, bits: u32) -> u64 {
    x.reverse_bits() >> (64 - bits)
}

/// The Galois element of a rotation: slot `i` of the result is slot `i + step` (cyclic) of the input.
pub(crate) fn rotation_element(log_n: u32, step: i64) -> u64 {
    let slots = 1i64 << (log_n - 1);
    let mut exponent = step.rem_euclid(slots) as u64;
    let mask = (2u64 << log_n) - 1;
    let (mut base, mut result) = (5u64, 1u64);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = (result * base) & mask;
        }
        base = (base * base) & mask;
        exponent >>= 1;
    }
    result
}

/// The Galois element of complex conjugation: 2N - 1.
pub(crate) fn conjugation_element(log_n: u32) -> u64 {
    (2u64 << log_n) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_form_equals_the_definition_for_every_element() {
        let log_n = 6;
        for element in (1..128).step_by(2) {
            let table = Automorphism::new(log_n, element);
            for i in 0..64 {
                let exponent = 2 * reverse(i as u64, log_n) + 1;
                let image = (exponent * element) & 127;
                assert_eq!(2 * reverse(table.source(i) as u64, log_n) + 1, image);
            }
        }
    }

    #[test]
    fn rotations_compose() {
        let log_n = 12;
        for (a, b) in [(1, 2), (100, -7), (-3000, 5000), (0, 1)] {
            let product = rotation_element(log_n, a) * rotation_element(log_n, b) % (2 << log_n);
            assert_eq!(product, rotation_element(log_n, a + b));
        }
    }
}
