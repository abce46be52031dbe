//! Twiddle factors in the order of use: factors of passes in registers one by one, those of the last stages as vectors.

use crate::modulus::{MASK52, Modulus};

/// Words that one block's last three stages take from the table: seven vectors.
pub(super) const TAIL: usize = 56;

/// Twiddle factors of one modulus and length, times 2^52.
#[derive(Clone, Debug)]
pub(in crate::ntt) struct Tables {
    pub(super) m: Modulus,
    pub(super) n: usize,
    pub(super) forward: Half,
    pub(super) inverse: Half,
}

/// Factors of one direction.
#[derive(Clone, Debug)]
pub(super) struct Half {
    /// Per node of a pass, in order: its factors, then the same times q⁻¹ mod 2^52.
    head: Vec<u64>,
    /// Where the passes start in `head`, by log2 of the stage's nodes.
    starts: [usize; 16],
    /// Per block of 64: one vector for the stage with blocks of 8, two for blocks of 4, four for pairs.
    pub(super) tail: Vec<u64>,
}

impl Tables {
    /// From the factors of all nodes, forward and inverse: at least 512, a power of two.
    pub(in crate::ntt) fn new(m: Modulus, [forward, inverse]: [Vec<u64>; 2]) -> Self {
        Self {
            m,
            n: forward.len(),
            forward: Half::new(&m, &forward),
            inverse: Half::new(&m, &inverse),
        }
    }
}

impl Half {
    /// From the factors of all nodes, times 1: `nodes[s + k]` belongs to node `k` of the stage with `s` nodes.
    fn new(m: &Modulus, nodes: &[u64]) -> Self {
        let n = nodes.len();
        let mut head = Vec::new();
        let mut starts = [0; 16];
        let stages = n.ilog2() - 6;
        let mut stage = 0;
        while stage <= stages {
            let depth = if stage == 0 && !stages.is_multiple_of(3) {
                stages % 3
            } else {
                3
            };
            starts[stage as usize] = head.len();
            for k in 0..1usize << stage {
                let below = (0..depth).flat_map(|d| (0..1 << d).map(move |j| (d, j)));
                let factors: Vec<u64> = below
                    .map(|(d, j)| m.to_mont(nodes[(1 << (stage + d)) + (k << d) + j]))
                    .collect();
                head.extend(&factors);
                head.extend(factors.iter().map(|w| w.wrapping_mul(m.q_inv) & MASK52));
            }
            stage += depth;
        }
        let mut tail = Vec::with_capacity(n / 64 * TAIL);
        for block in 0..n / 64 {
            for (s, per) in [(n / 8, 1), (n / 4, 2), (n / 2, 4)] {
                for half in 0..per {
                    tail.extend((0..8).map(|b| m.to_mont(nodes[s + (8 * block + b) * per + half])));
                }
            }
        }
        Self { head, starts, tail }
    }

    /// The factors of node `k` of the pass that starts at the stage with `stage` nodes.
    #[inline(always)]
    pub(super) fn node<const F: usize>(&self, stage: usize, k: usize) -> (&[u64; F], &[u64; F]) {
        let start = self.starts[stage.trailing_zeros() as usize] + k * 2 * F;
        let (factors, rest) = self.head[start..]
            .split_first_chunk::<F>()
            .expect(WHOLE_TABLE);
        (factors, rest.first_chunk::<F>().expect(WHOLE_TABLE))
    }
}

const WHOLE_TABLE: &str = "the table holds the factors of every node of its passes";
