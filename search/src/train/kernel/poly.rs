//! Polynomial activation of each channel; of degree 1 it is also a folded batch norm.

use super::Kernel;
use super::lanes::{Lanes, vectorised};

/// Inputs: pixels `[rows][channels]` and coefficients `[channels or 1][degree + 1]`, the constant first.
#[derive(Clone, Debug)]
pub(in crate::train) struct Poly {
    pub rows: usize,
    pub channels: usize,
    pub degree: usize,
    pub per_channel: bool,
}

impl Poly {
    /// Coefficient `k` of every channel, spread over the lanes; `[k][lane]`.
    fn spread(&self, lanes: Lanes, coefficients: &[f32]) -> Vec<Vec<f32>> {
        let terms = self.degree + 1;
        let row = |channel: usize| if self.per_channel { channel } else { 0 };
        let line =
            |k| (0..self.channels).map(move |channel| coefficients[row(channel) * terms + k]);
        (0..terms).map(|k| lanes.spread(line(k))).collect()
    }

    /// Sums over channels where they share coefficients.
    fn gather(&self, k: usize, sums: &[f64], result: &mut [f64]) {
        for (channel, sum) in sums.iter().enumerate() {
            let row = if self.per_channel { channel } else { 0 };
            result[row * (self.degree + 1) + k] += sum;
        }
    }

    #[inline(always)]
    fn input_gradient(&self, x: &[f32], coefficients: &[f32], gradient: &[f32]) -> Vec<f32> {
        let lanes = Lanes::new(self.channels);
        let spread = self.spread(lanes, coefficients);
        let mut dx = vec![0.0; x.len()];
        let chunks = dx.chunks_mut(lanes.span).zip(x.chunks(lanes.span));
        for ((dx, x), g) in chunks.zip(gradient.chunks(lanes.span)) {
            // Horner on the derivative Σ k·a_k·x^(k−1).
            for k in (1..=self.degree).rev() {
                for ((d, x), a) in dx.iter_mut().zip(x).zip(&spread[k]) {
                    *d = *d * x + k as f32 * a;
                }
            }
            dx.iter_mut().zip(g).for_each(|(d, g)| *d *= g);
        }
        dx
    }

    /// Σ gradient·x^k over the rows, for each coefficient.
    #[inline(always)]
    fn coefficient_gradient(&self, x: &[f32], gradient: &[f32], len: usize) -> Vec<f32> {
        let lanes = Lanes::new(self.channels);
        let mut result = vec![0.0f64; len];
        let mut power = vec![0.0f32; lanes.span];
        // Two coefficients a pass over the matrix; most polynomials have three.
        for k in (0..=self.degree).step_by(2) {
            let [even, odd] = lanes.sums(x.len(), |range, [even, odd]| {
                let (x, g) = (&x[range.clone()], &gradient[range]);
                let power = &mut power[..x.len()];
                power.copy_from_slice(g);
                for _ in 0..k {
                    power.iter_mut().zip(x).for_each(|(p, x)| *p *= x);
                }
                let sums = even.iter_mut().zip(odd.iter_mut());
                for ((even, odd), (p, x)) in sums.zip(power.iter().zip(x)) {
                    *even += p;
                    *odd += p * x;
                }
            });
            self.gather(k, &even, &mut result);
            if k < self.degree {
                self.gather(k + 1, &odd, &mut result);
            }
        }
        result.into_iter().map(|x| x as f32).collect()
    }
}

impl Kernel for Poly {
    fn output(&self) -> [usize; 2] {
        [self.rows, self.channels]
    }

    fn forward(&self, inputs: &[&[f32]]) -> Vec<f32> {
        let lanes = Lanes::new(self.channels);
        let spread = self.spread(lanes, inputs[1]);
        let mut output = vec![0.0; inputs[0].len()];
        vectorised(|| {
            let chunks = output.chunks_mut(lanes.span);
            for (y, x) in chunks.zip(inputs[0].chunks(lanes.span)) {
                for coefficients in spread.iter().rev() {
                    for ((y, x), a) in y.iter_mut().zip(x).zip(coefficients) {
                        *y = *y * x + a;
                    }
                }
            }
        });
        output
    }

    fn backward(&self, inputs: &[&[f32]], gradient: &[f32], wanted: &[bool]) -> Vec<Vec<f32>> {
        let (x, coefficients) = (inputs[0], inputs[1]);
        vectorised(|| {
            let dx = match wanted[0] {
                true => self.input_gradient(x, coefficients, gradient),
                false => Vec::new(),
            };
            let da = self.coefficient_gradient(x, gradient, coefficients.len());
            vec![dx, da]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::kernel::check::check_gradients;

    #[test]
    fn gradients_agree_with_finite_differences() {
        for (degree, per_channel) in [(1, true), (2, true), (2, false), (3, true), (4, true)] {
            let poly = Poly {
                rows: 7,
                channels: 3,
                degree,
                per_channel,
            };
            let rows = if per_channel { 3 } else { 1 };
            check_gradients(|| poly.clone(), &[7 * 3, rows * (degree + 1)]);
        }
    }
}
