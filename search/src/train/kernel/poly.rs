//! Polynomial activation of each channel; of degree 1 it is also a folded batch norm.

use super::Kernel;

/// Inputs: pixels `[rows][channels]` and coefficients `[channels or 1][degree + 1]`, the constant first.
#[derive(Clone, Debug)]
pub(in crate::train) struct Poly {
    pub rows: usize,
    pub channels: usize,
    pub degree: usize,
    pub per_channel: bool,
}

impl Poly {
    /// Coefficient `k` of every channel, spread to one entry a channel.
    fn spread(&self, coefficients: &[f32]) -> Vec<Vec<f32>> {
        let terms = self.degree + 1;
        let row = |channel: usize| if self.per_channel { channel } else { 0 };
        (0..terms)
            .map(|k| {
                (0..self.channels)
                    .map(|channel| coefficients[row(channel) * terms + k])
                    .collect()
            })
            .collect()
    }

    /// Sums over channels where they share coefficients; `sums[k][channel]`.
    fn gather(&self, sums: &[Vec<f64>]) -> Vec<f32> {
        let (terms, rows) = (
            self.degree + 1,
            if self.per_channel { self.channels } else { 1 },
        );
        let mut result = vec![0.0f64; rows * terms];
        for (k, sums) in sums.iter().enumerate() {
            for (channel, sum) in sums.iter().enumerate() {
                let row = if self.per_channel { channel } else { 0 };
                result[row * terms + k] += sum;
            }
        }
        result.into_iter().map(|x| x as f32).collect()
    }

    fn input_gradient(&self, x: &[f32], spread: &[Vec<f32>], gradient: &[f32]) -> Vec<f32> {
        let c = self.channels;
        let mut dx = vec![0.0; x.len()];
        let pixels = dx.chunks_exact_mut(c).zip(x.chunks_exact(c));
        for ((dx, x), g) in pixels.zip(gradient.chunks_exact(c)) {
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
}

/// Rows whose sums are kept in 32 bits before they are added to the 64-bit total.
pub(super) const SUM_BLOCK: usize = 64;

impl Kernel for Poly {
    fn output(&self) -> [usize; 2] {
        [self.rows, self.channels]
    }

    fn forward(&self, inputs: &[&[f32]]) -> Vec<f32> {
        let (x, c) = (inputs[0], self.channels);
        let spread = self.spread(inputs[1]);
        let mut output = vec![0.0; x.len()];
        for (y, x) in output.chunks_exact_mut(c).zip(x.chunks_exact(c)) {
            for coefficients in spread.iter().rev() {
                for ((y, x), a) in y.iter_mut().zip(x).zip(coefficients) {
                    *y = *y * x + a;
                }
            }
        }
        output
    }

    fn backward(&self, inputs: &[&[f32]], gradient: &[f32], wanted: &[bool]) -> Vec<Vec<f32>> {
        let (x, c) = (inputs[0], self.channels);
        let dx = match wanted[0] {
            true => self.input_gradient(x, &self.spread(inputs[1]), gradient),
            false => Vec::new(),
        };
        let mut totals = vec![vec![0.0f64; c]; self.degree + 1];
        let mut power = vec![0.0f32; c];
        let mut block = vec![vec![0.0f32; c]; self.degree + 1];
        let blocks = x.chunks(c * SUM_BLOCK).zip(gradient.chunks(c * SUM_BLOCK));
        for (x, g) in blocks {
            block.iter_mut().for_each(|sums| sums.fill(0.0));
            for (x, g) in x.chunks_exact(c).zip(g.chunks_exact(c)) {
                power.copy_from_slice(g);
                for (k, sums) in block.iter_mut().enumerate() {
                    if k > 0 {
                        power.iter_mut().zip(x).for_each(|(p, x)| *p *= x);
                    }
                    sums.iter_mut().zip(&power).for_each(|(s, p)| *s += p);
                }
            }
            for (total, sums) in totals.iter_mut().zip(&block) {
                let pairs = total.iter_mut().zip(sums);
                pairs.for_each(|(total, sum)| *total += f64::from(*sum));
            }
        }
        vec![dx, self.gather(&totals)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::kernel::check::check_gradients;

    #[test]
    fn gradients_agree_with_finite_differences() {
        for (degree, per_channel) in [(1, true), (2, true), (2, false), (4, true)] {
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
