//! Batch norm with the batch's own statistics.
//!
//! S. Ioffe and C. Szegedy, Batch Normalization, ICML 2015; the gradient is that of its section 3.

use std::sync::OnceLock;

use super::Kernel;
use super::lanes::Lanes;

/// Added to the variance before its root.
pub(in crate::train) const EPSILON: f32 = 1e-5;

/// Inputs: pixels `[rows][channels]`, scale γ `[1][channels]`, shift β `[1][channels]`.
#[derive(Debug)]
pub(in crate::train) struct BatchNorm {
    rows: usize,
    channels: usize,
    statistics: OnceLock<Statistics>,
}

/// Mean and (biased) variance of each channel over the rows of one batch.
#[derive(Clone, Debug)]
pub(in crate::train) struct Statistics {
    pub mean: Vec<f32>,
    pub variance: Vec<f32>,
}

impl BatchNorm {
    pub fn new(rows: usize, channels: usize) -> Self {
        Self {
            rows,
            channels,
            statistics: OnceLock::new(),
        }
    }

    /// The statistics of the batch, once the forward pass has run.
    pub fn statistics(&self) -> Option<&Statistics> {
        self.statistics.get()
    }

    /// Keeps the statistics that another way of computing it has found.
    pub(super) fn keep(&self, statistics: Statistics) {
        self.statistics.get_or_init(|| statistics);
    }

    fn measure(&self, x: &[f32]) -> Statistics {
        let n = self.rows as f64;
        let sums = pair_sums(x, x, self.channels);
        let mean: Vec<f64> = sums[0].iter().map(|s| s / n).collect();
        let variance = sums[1]
            .iter()
            .zip(&mean)
            .map(|(s, m)| (s / n - m * m).max(0.0) as f32)
            .collect();
        Statistics {
            mean: mean.into_iter().map(|m| m as f32).collect(),
            variance,
        }
    }

    fn inverse_deviation(statistics: &Statistics) -> Vec<f32> {
        let root = |v: &f32| 1.0 / (v + EPSILON).sqrt();
        statistics.variance.iter().map(root).collect()
    }
}

/// For each channel, `[Σ a, Σ a·b]` over the rows.
fn pair_sums(a: &[f32], b: &[f32], channels: usize) -> Vec<Vec<f64>> {
    Lanes::new(channels).sums(a.len(), 2, |range, sums| {
        let (a, b) = (&a[range.clone()], &b[range]);
        sums[0].iter_mut().zip(a).for_each(|(s, a)| *s += a);
        let products = a.iter().zip(b);
        sums[1]
            .iter_mut()
            .zip(products)
            .for_each(|(s, (a, b))| *s += a * b);
    })
}

impl Kernel for BatchNorm {
    fn output(&self) -> [usize; 2] {
        [self.rows, self.channels]
    }

    fn forward(&self, inputs: &[&[f32]]) -> Vec<f32> {
        let (x, gamma, beta) = (inputs[0], inputs[1], inputs[2]);
        let statistics = self.statistics.get_or_init(|| self.measure(x));
        let scale: Vec<f32> = Self::inverse_deviation(statistics)
            .iter()
            .zip(gamma)
            .map(|(i, g)| i * g)
            .collect();
        let shift: Vec<f32> = (0..self.channels)
            .map(|c| beta[c] - scale[c] * statistics.mean[c])
            .collect();
        let lanes = Lanes::new(self.channels);
        let scale = lanes.spread(scale.iter().copied());
        let shift = lanes.spread(shift.iter().copied());
        lanes.map(x.len(), |range, y| {
            let lines = scale.iter().zip(&shift);
            for ((y, x), (scale, shift)) in y.iter_mut().zip(&x[range]).zip(lines) {
                *y = x * scale + shift;
            }
        })
    }

    fn backward(&self, inputs: &[&[f32]], gradient: &[f32], wanted: &[bool]) -> Vec<Vec<f32>> {
        let (x, gamma) = (inputs[0], inputs[1]);
        let statistics = self.statistics.get_or_init(|| self.measure(x));
        let inverse = Self::inverse_deviation(statistics);
        let n = self.rows as f64;
        let sums = pair_sums(gradient, x, self.channels);
        let (sum, product_sum) = (&sums[0], &sums[1]);
        let d_beta: Vec<f32> = sum.iter().map(|s| *s as f32).collect();
        // Σ g·x̂ = (Σ g·x − mean·Σ g) / deviation
        let d_gamma: Vec<f32> = (0..self.channels)
            .map(|c| {
                let centered = product_sum[c] - f64::from(statistics.mean[c]) * sum[c];
                (centered * f64::from(inverse[c])) as f32
            })
            .collect();
        if !wanted[0] {
            return vec![Vec::new(), d_gamma, d_beta];
        }
        // dx = γ/σ · (g − mean(g) − x̂·mean(g·x̂)) = a·g + b·x + c for each channel.
        let lines: Vec<[f32; 3]> = (0..self.channels)
            .map(|c| {
                let (inverse, mean) = (f64::from(inverse[c]), f64::from(statistics.mean[c]));
                let a = f64::from(gamma[c]) * inverse;
                let b = -a * inverse * f64::from(d_gamma[c]) / n;
                [a as f32, b as f32, (-a * sum[c] / n - b * mean) as f32]
            })
            .collect();
        let lanes = Lanes::new(self.channels);
        let [a, b, c] = [0, 1, 2].map(|term| lanes.spread(lines.iter().map(|line| line[term])));
        let dx = lanes.map(x.len(), |range, dx| {
            let pairs = x[range.clone()].iter().zip(&gradient[range]);
            let lines = a.iter().zip(&b).zip(&c);
            for ((d, (x, g)), ((a, b), c)) in dx.iter_mut().zip(pairs).zip(lines) {
                *d = a * g + b * x + c;
            }
        });
        vec![dx, d_gamma, d_beta]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::kernel::check::check_gradients;

    #[test]
    fn gradients_agree_with_finite_differences() {
        check_gradients(|| BatchNorm::new(20, 3), &[60, 3, 3]);
    }

    #[test]
    fn output_has_mean_beta_and_deviation_gamma() {
        let x: Vec<f32> = (0..200).map(|i| ((i * 37) % 101) as f32).collect();
        let y = BatchNorm::new(100, 2).forward(&[&x, &[2.0, 3.0], &[-1.0, 5.0]]);
        for (channel, (gamma, beta)) in [(2.0, -1.0), (3.0, 5.0)].into_iter().enumerate() {
            let values: Vec<f64> = y
                .iter()
                .skip(channel)
                .step_by(2)
                .map(|v| f64::from(*v))
                .collect();
            let mean = values.iter().sum::<f64>() / 100.0;
            let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 100.0;
            assert!((mean - beta).abs() < 1e-4, "{mean}");
            assert!((variance.sqrt() - gamma).abs() < 1e-3, "{variance}");
        }
    }
}
