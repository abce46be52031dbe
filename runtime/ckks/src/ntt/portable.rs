//! The portable transform: Harvey, "Faster arithmetic for number-theoretic transforms", JSC 60 (2014), with Shoup's
//! quotients. The reference that the vector transforms must equal.

use crate::modulus::Modulus;

/// A factor, and floor(factor·2^64/q).
type Factor = (u64, u64);

/// Factors of one modulus and length.
#[derive(Clone, Debug)]
pub(super) struct Tables {
    q: u64,
    forward: Vec<Factor>,
    inverse: Vec<Factor>,
}

impl Tables {
    /// From the factors of all nodes, forward and inverse.
    pub(super) fn new(m: &Modulus, factors: [Vec<u64>; 2]) -> Self {
        let quotient = |w: u64| ((u128::from(w) << 64) / u128::from(m.q)) as u64;
        let pairs = |list: Vec<u64>| list.into_iter().map(|w| (w, quotient(w))).collect();
        let [forward, inverse] = factors.map(pairs);
        Self {
            q: m.q,
            forward,
            inverse,
        }
    }

    /// Coefficients below 4q to canonical values.
    pub(super) fn forward(&self, x: &mut [u64]) {
        assert_eq!(x.len(), self.forward.len());
        let (q, q2) = (self.q, 2 * self.q);
        let mut blocks = 1;
        while blocks < x.len() {
            let half = x.len() / (2 * blocks);
            for (block, &w) in x.chunks_exact_mut(2 * half).zip(&self.forward[blocks..]) {
                let (low, high) = block.split_at_mut(half);
                for (a, b) in low.iter_mut().zip(high) {
                    // Below 4q on both sides.
                    let u = (*a).min(a.wrapping_sub(q2));
                    let v = product(*b, w, q);
                    (*a, *b) = (u + v, u + q2 - v);
                }
            }
            blocks *= 2;
        }
        for x in x {
            let below = (*x).min(x.wrapping_sub(q2));
            *x = below.min(below.wrapping_sub(q));
        }
    }

    /// Canonical values to canonical coefficients times n.
    pub(super) fn inverse(&self, x: &mut [u64]) {
        assert_eq!(x.len(), self.inverse.len());
        let (q, q2) = (self.q, 2 * self.q);
        let mut blocks = x.len() / 2;
        while blocks > 0 {
            let half = x.len() / (2 * blocks);
            for (block, &w) in x.chunks_exact_mut(2 * half).zip(&self.inverse[blocks..]) {
                let (low, high) = block.split_at_mut(half);
                for (a, b) in low.iter_mut().zip(high) {
                    // Below 2q on both sides.
                    let sum = *a + *b;
                    *b = product(*a + q2 - *b, w, q);
                    *a = sum.min(sum.wrapping_sub(q2));
                }
            }
            blocks /= 2;
        }
        for x in x {
            *x = (*x).min(x.wrapping_sub(q));
        }
    }
}

/// `x·w` modulo q, below 2q, for any x.
#[inline(always)]
fn product(x: u64, (w, quotient): Factor, q: u64) -> u64 {
    let estimate = ((u128::from(x) * u128::from(quotient)) >> 64) as u64;
    x.wrapping_mul(w).wrapping_sub(estimate.wrapping_mul(q))
}
