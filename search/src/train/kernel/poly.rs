//! Polynomial activation of each channel; of degree 1 it is also a folded batch norm.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::Kernel;
use super::lanes::Lanes;
use super::range::RangePenalty;

/// Inputs: pixels `[rows][channels]` and coefficients `[channels or 1][degree + 1]`, the constant first.
#[derive(Clone, Debug)]
pub(in crate::train) struct Poly {
    pub rows: usize,
    pub channels: usize,
    pub degree: usize,
    pub per_channel: bool,
    pub penalty: Option<InputPenalty>,
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

    /// Gradients for the input, if it is wanted, and for the coefficients.
    fn gradients(&self, inputs: &[&[f32]], gradient: &[f32], wanted: bool) -> Vec<Vec<f32>> {
        let (x, coefficients) = (inputs[0], inputs[1]);
        let lanes = Lanes::new(self.channels);
        let spread = self.spread(lanes, coefficients);
        let slope = |p: &InputPenalty| (p.range, p.range.slope(p.weight, x.len()));
        let penalty = self.penalty.as_ref().map(slope);
        // Σ gradient·x^k over the rows, for each coefficient.
        let add = |range: Range<usize>, powers: &mut [f32], sums: &mut [Vec<f32>]| {
            let (x, g) = (&x[range.clone()], &gradient[range]);
            powers.copy_from_slice(g);
            for (k, sums) in sums.iter_mut().enumerate() {
                if k > 0 {
                    powers.iter_mut().zip(x).for_each(|(p, x)| *p *= x);
                }
                sums.iter_mut().zip(&*powers).for_each(|(s, p)| *s += p);
            }
        };
        let terms = self.degree + 1;
        let (dx, sums) = match wanted {
            // Both results in one pass over memory.
            true => lanes.map_sums(x.len(), terms, |range, chunk, sums| {
                add(range.clone(), chunk, sums);
                let (x, g) = (&x[range.clone()], &gradient[range]);
                self.slope(x, &spread, chunk);
                chunk.iter_mut().zip(g).for_each(|(d, g)| *d *= g);
                if let Some((range, factor)) = penalty {
                    range.add_gradient(x, factor, chunk);
                }
            }),
            false => {
                let sums = lanes.sums(x.len(), terms, |range, sums| {
                    let mut powers = vec![0.0f32; range.len()];
                    add(range, &mut powers, sums);
                });
                (Vec::new(), sums)
            }
        };
        let mut result = vec![0.0f64; coefficients.len()];
        for (k, sums) in sums.iter().enumerate() {
            self.gather(k, sums, &mut result);
        }
        vec![dx, result.into_iter().map(|x| x as f32).collect()]
    }

    /// The derivative `Σ k·a_k·x^(k−1)` of each element of a chunk, by Horner's rule. Quadratics, by far the most
    /// frequent, take one loop.
    #[inline(always)]
    fn slope(&self, x: &[f32], spread: &[Vec<f32>], slope: &mut [f32]) {
        if let [_, b, a] = spread {
            for ((d, x), (a, b)) in slope.iter_mut().zip(x).zip(a.iter().zip(b)) {
                *d = 2.0 * a * x + b;
            }
            return;
        }
        slope.fill(0.0);
        for k in (1..=self.degree).rev() {
            for ((d, x), a) in slope.iter_mut().zip(x).zip(&spread[k]) {
                *d = *d * x + k as f32 * a;
            }
        }
    }

    /// Values of a chunk.
    #[inline(always)]
    fn values(x: &[f32], spread: &[Vec<f32>], y: &mut [f32]) {
        if let [c, b, a] = spread {
            for ((y, x), ((a, b), c)) in y.iter_mut().zip(x).zip(a.iter().zip(b).zip(c)) {
                *y = (a * x + b) * x + c;
            }
            return;
        }
        y.fill(0.0);
        for coefficients in spread.iter().rev() {
            for ((y, x), a) in y.iter_mut().zip(x).zip(coefficients) {
                *y = *y * x + a;
            }
        }
    }
}

impl Kernel for Poly {
    fn output(&self) -> [usize; 2] {
        [self.rows, self.channels]
    }

    fn forward(&self, inputs: &[&[f32]]) -> Vec<f32> {
        let x = inputs[0];
        let lanes = Lanes::new(self.channels);
        let spread = self.spread(lanes, inputs[1]);
        let Some(penalty) = &self.penalty else {
            return lanes.map(x.len(), |range, y| Self::values(&x[range], &spread, y));
        };
        let (output, sums) = lanes.map_sums(x.len(), 1, |range, chunk, sums| {
            let x = &x[range];
            Self::values(x, &spread, chunk);
            penalty.range.add(x, &mut sums[0]);
        });
        penalty.keep(sums[0].iter().sum::<f64>() / x.len() as f64);
        output
    }

    fn backward(&self, inputs: &[&[f32]], gradient: &[f32], wanted: &[bool]) -> Vec<Vec<f32>> {
        self.gradients(inputs, gradient, wanted[0])
    }
}

/// A range penalty on a polynomial's input, taken along in the polynomial's own passes: it has no place on the tape,
/// so its weight in the loss must be known.
#[derive(Clone, Debug)]
pub(in crate::train) struct InputPenalty {
    range: RangePenalty,
    /// In a loss that is the root of the backward pass.
    weight: f32,
    /// The mean over the input, without the weight.
    found: Arc<OnceLock<f64>>,
}

impl InputPenalty {
    pub fn new(bound: f32, weight: f32) -> Self {
        Self {
            range: RangePenalty { bound },
            weight,
            found: Arc::default(),
        }
    }

    /// What it adds to the loss, once the forward pass has run.
    pub fn value(&self) -> f64 {
        f64::from(self.weight) * self.found.get().copied().unwrap_or_default()
    }

    fn keep(&self, mean: f64) {
        self.found.get_or_init(|| mean);
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
                penalty: None,
            };
            let rows = if per_channel { 3 } else { 1 };
            check_gradients(|| poly.clone(), &[7 * 3, rows * (degree + 1)]);
        }
    }

    #[test]
    fn a_penalty_on_the_input_is_that_of_its_own_kernel() {
        let poly = |penalty| Poly {
            rows: 300,
            channels: 3,
            degree: 2,
            per_channel: true,
            penalty,
        };
        let x: Vec<f32> = (0..900)
            .map(|i| ((i * 37) % 101) as f32 / 25.0 - 2.0)
            .collect();
        let gradient: Vec<f32> = (0..900).map(|i| ((i * 53) % 89) as f32 / 89.0).collect();
        let coefficients = [0.2, 0.5, 0.2, 0.1, 0.4, 0.3, -0.1, 0.6, 0.2];
        let inputs: [&[f32]; 2] = [&x, &coefficients];
        let (plain, penalty) = (poly(None), InputPenalty::new(1.5, 0.1));
        let fused = poly(Some(penalty.clone()));
        assert_eq!(fused.forward(&inputs), plain.forward(&inputs));
        let range = RangePenalty { bound: 1.5 };
        let expected = 0.1 * range.forward(&[&x])[0];
        assert!(
            (penalty.value() - f64::from(expected)).abs() < 1e-6,
            "{penalty:?}"
        );
        let own = range.backward(&[&x], &[0.1], &[true]).remove(0);
        let wanted = [true, true];
        let [fused, plain] = [fused, plain].map(|p| p.backward(&inputs, &gradient, &wanted));
        assert_eq!(fused[1], plain[1]);
        for ((fused, plain), own) in fused[0].iter().zip(&plain[0]).zip(&own) {
            assert!(
                (fused - (plain + own)).abs() < 1e-6,
                "{fused}, {plain} and {own}"
            );
        }
    }
}
