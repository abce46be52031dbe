//! Weights rounded to small integers, with a straight-through gradient (Bengio et al., "Estimating or propagating
//! gradients through stochastic neurons", 2013).

use hemet_spaces::quantized::Quantization;

use super::Kernel;

/// Input: a matrix of trained weights in units of the integers. Output: the integers.
#[derive(Clone, Debug)]
pub(in crate::train) struct RoundWeights {
    pub size: [usize; 2],
    pub quantization: Quantization,
}

impl Kernel for RoundWeights {
    fn output(&self) -> [usize; 2] {
        self.size
    }

    fn forward(&self, inputs: &[&[f32]]) -> Vec<f32> {
        let round = |w: &f32| self.quantization.weight(*w) as f32;
        inputs[0].iter().map(round).collect()
    }

    fn backward(&self, _: &[&[f32]], gradient: &[f32], _: &[bool]) -> Vec<Vec<f32>> {
        vec![gradient.to_vec()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_rounded_and_their_gradient_passes() {
        let kernel = |weight_bits| RoundWeights {
            size: [1, 4],
            quantization: Quantization {
                weight_bits,
                ..Quantization::default()
            },
        };
        let weights = [-2.4f32, -0.3, 0.6, 9.0];
        assert_eq!(kernel(1).forward(&[&weights]), [-1.0, -1.0, 1.0, 1.0]);
        assert_eq!(kernel(2).forward(&[&weights]), [-1.0, 0.0, 1.0, 1.0]);
        assert_eq!(kernel(4).forward(&[&weights]), [-2.0, 0.0, 1.0, 7.0]);
        let gradient = [1.0f32, -2.0, 3.0, 0.5];
        let back = kernel(2).backward(&[&weights], &gradient, &[true]);
        assert_eq!(back, [gradient.to_vec()]);
    }
}
