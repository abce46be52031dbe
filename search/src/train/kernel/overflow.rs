//! Penalty on accumulators that a table would wrap around: `max(|a − center| − reach, 0)²`, summed over channels, its
//! mean over rows.

use super::Kernel;

/// Input: accumulators `[rows][channels]`. Output: one number.
#[derive(Clone, Debug)]
pub(in crate::train) struct Overflow {
    /// Of each channel.
    pub centers: Vec<f32>,
    /// Of each channel.
    pub reaches: Vec<f32>,
}

impl Overflow {
    /// How far accumulator `index` lies outside, signed.
    fn excess(&self, index: usize, a: f32) -> f32 {
        let channel = index % self.centers.len();
        let (distance, reach) = (a - self.centers[channel], self.reaches[channel]);
        distance - distance.clamp(-reach, reach)
    }

    fn rows(&self, len: usize) -> f32 {
        (len / self.centers.len()) as f32
    }
}

impl Kernel for Overflow {
    fn output(&self) -> [usize; 2] {
        [1, 1]
    }

    fn forward(&self, inputs: &[&[f32]]) -> Vec<f32> {
        let cells = inputs[0].iter().enumerate();
        let sum: f64 = cells
            .map(|(i, a)| f64::from(self.excess(i, *a)).powi(2))
            .sum();
        vec![(sum / f64::from(self.rows(inputs[0].len()))) as f32]
    }

    fn backward(&self, inputs: &[&[f32]], gradient: &[f32], _: &[bool]) -> Vec<Vec<f32>> {
        let factor = 2.0 * gradient[0] / self.rows(inputs[0].len());
        let cells = inputs[0].iter().enumerate();
        vec![cells.map(|(i, a)| factor * self.excess(i, *a)).collect()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::kernel::check::check_gradients;

    #[test]
    fn gradients_agree_with_finite_differences() {
        let overflow = Overflow {
            centers: vec![0.1, -0.2, 0.0],
            reaches: vec![0.2, 0.3, 0.5],
        };
        check_gradients(|| overflow.clone(), &[24]);
    }
}
