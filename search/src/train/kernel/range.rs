//! Penalty on values that leave a range: the mean of `max(|x| − bound, 0)²` (boundary loss).
//!
//! Keeps the inputs of polynomials where the polynomials are tame (AESPA, Park et al., 2022; AutoFHE, Ao and Boddeti,
//! 2024).

use super::Kernel;
use super::lanes::{Lanes, vectorized};

/// Input: any matrix of `len` elements. Output: one number.
#[derive(Clone, Copy, Debug)]
pub(in crate::train) struct RangePenalty {
    pub bound: f32,
}

impl RangePenalty {
    /// How far `x` lies outside, signed. Without `clamp`, whose check of the bounds keeps loops from being vectorized.
    #[inline(always)]
    fn excess(&self, x: f32) -> f32 {
        let beyond = x.abs() - self.bound;
        let outside = if beyond < 0.0 { 0.0 } else { beyond };
        outside.copysign(x)
    }

    /// What an element's excess is multiplied by in its gradient, of a penalty on `len` elements with this `weight`
    /// in the loss.
    pub(super) fn slope(&self, weight: f32, len: usize) -> f32 {
        2.0 * weight / len as f32
    }

    /// Adds the gradient of each element, `factor` times its excess.
    #[inline(always)]
    pub(super) fn add_gradient(&self, x: &[f32], factor: f32, gradient: &mut [f32]) {
        let cells = gradient.iter_mut().zip(x);
        cells.for_each(|(d, x)| *d += factor * self.excess(*x));
    }

    /// Adds to each of `sums` its element's term.
    #[inline(always)]
    pub(super) fn add(&self, x: &[f32], sums: &mut [f32]) {
        for (sum, x) in sums.iter_mut().zip(x) {
            let excess = self.excess(*x);
            *sum += excess * excess;
        }
    }
}

impl Kernel for RangePenalty {
    fn output(&self) -> [usize; 2] {
        [1, 1]
    }

    fn forward(&self, inputs: &[&[f32]]) -> Vec<f32> {
        let x = inputs[0];
        let total = Lanes::new(1).sums(x.len(), 1, |range, sums| self.add(&x[range], &mut sums[0]));
        vec![(total[0][0] / x.len() as f64) as f32]
    }

    fn backward(&self, inputs: &[&[f32]], gradient: &[f32], _: &[bool]) -> Vec<Vec<f32>> {
        let x = inputs[0];
        let factor = self.slope(gradient[0], x.len());
        let mut dx = vec![0.0; x.len()];
        vectorized(|| self.add_gradient(x, factor, &mut dx));
        vec![dx]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::kernel::check::check_gradients;

    #[test]
    fn gradients_agree_with_finite_differences() {
        check_gradients(|| RangePenalty { bound: 0.5 }, &[24]);
    }

    #[test]
    fn values_inside_cost_nothing() {
        let penalty = RangePenalty { bound: 2.0 };
        assert_eq!(penalty.forward(&[&[1.0, -2.0, 0.5]]), [0.0]);
        assert_eq!(penalty.forward(&[&[4.0, -2.0]]), [2.0]);
    }
}
