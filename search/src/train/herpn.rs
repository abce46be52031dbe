//! HerPN, a quadratic as a sum of normalized Hermite polynomials (J. Park, M. J. Kim, W. Jung, J. H. Ahn, AESPA, 2022,
//! section 4): ReLU's expansion `y = γ·Σ f_i·norm(h_i(x)) + β` with a batch norm of its own for each basis.
//!
//! `h_2 = (x² − 1)/√2` differs from `x²` by a line, which its norm takes away, so `x²` is normalized. At inference the
//! whole is a quadratic of each channel, exported as the layer's coefficients.

use std::sync::Arc;

use burn::tensor::Tensor as Matrix;
use hemet_spaces::Tensor;

use super::forward::TrainingParts;
use super::kernel::batch_norm::{BatchNorm, EPSILON};
use super::kernel::ternary;
use super::model::Model;
use super::op::Herpn;
use super::optimizer::bend;
use super::tensor::matrix;

/// ReLU's coefficients of h_0, h_1 and h_2: 1/√(2π), 1/2, 1/√(4π).
const RELU: [f32; 3] = [0.398_942_3, 0.5, 0.282_094_79];

impl Model {
    /// The activation with the batch's own statistics.
    pub fn herpn_training(
        herpn: &Herpn,
        tensors: &[Matrix<2>],
        x: Matrix<2>,
        parts: &mut TrainingParts,
    ) -> Matrix<2> {
        let [rows, channels] = x.dims();
        let (scale, shift) = (tensors[herpn.scale].clone(), tensors[herpn.shift].clone());
        let mut norm = |running, x, scale, shift| {
            let kernel = Arc::new(BatchNorm::new(rows, channels));
            parts.norms.push((running, kernel.clone()));
            ternary(kernel, x, scale, shift)
        };
        let square = x.clone() * x.clone();
        let zero = matrix(vec![0.0; channels], 1, channels, &x.device());
        let shift = shift + scale.clone().mul_scalar(RELU[0]);
        norm(herpn.linear, x, scale.clone().mul_scalar(RELU[1]), shift)
            + norm(herpn.square, square, scale.mul_scalar(RELU[2]), zero)
    }

    /// `[constant, linear, square]` of each channel at inference, bent as trained quadratics are.
    pub fn herpn_folded(&self, herpn: &Herpn) -> Vec<[f32; 3]> {
        let (gamma, beta) = (
            &self.parameters[herpn.scale].value,
            &self.parameters[herpn.shift].value,
        );
        let (linear, square) = (&self.running[herpn.linear], &self.running[herpn.square]);
        (0..gamma.len())
            .map(|c| {
                let w1 = RELU[1] * gamma[c] / (linear.variance[c] + EPSILON).sqrt();
                let w2 = RELU[2] * gamma[c] / (square.variance[c] + EPSILON).sqrt();
                let w0 = beta[c] + RELU[0] * gamma[c] - w1 * linear.mean[c] - w2 * square.mean[c];
                turned([w0, w1, w2])
            })
            .collect()
    }

    /// Name and content of the exported tensor.
    pub fn herpn_tensor(&self, herpn: &Herpn) -> (String, Tensor) {
        let rows = self.herpn_folded(herpn);
        let tensor = Tensor {
            shape: vec![rows.len() * herpn.blocks, 3],
            data: rows.into_flattened().repeat(herpn.blocks),
        };
        (herpn.coefficients.clone(), tensor)
    }
}

/// Bends a quadratic of either sign.
fn turned(quadratic: [f32; 3]) -> [f32; 3] {
    let sign = 1.0f32.copysign(quadratic[2]);
    let mut bent = quadratic.map(|w| sign * w);
    bend(&mut bent);
    bent.map(|w| sign * w)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;
    use crate::train::model::Activations;
    use burn::tensor::Device;
    use hemet_spaces::layer::{Dense, Poly};
    use hemet_spaces::{Layer, LayerGraph, Shape};

    /// f32 on some hundred values of order one: 1e-5.
    #[test]
    fn the_folded_quadratic_computes_what_the_norms_of_the_bases_do() {
        let mut graph = LayerGraph::new(Shape::new(2, 10, 10)).expect("sound");
        let input = graph.input();
        let poly = Layer::Poly(Poly::QUADRATIC);
        let poly = graph.add("poly", poly, &[input]).expect("shapes fit");
        let head = Layer::Dense(Dense {
            out_features: 2,
            bias: true,
            circulant: 1,
        });
        graph.add("head", head, &[poly]).expect("shapes fit");
        let mut rng = Seed::new(1).rng();
        let mut model = Model::new(&graph, Activations::Herpn, &mut rng).expect("sound");
        let super::super::op::Op::Herpn(herpn) = model.nodes[1].op.clone() else {
            panic!("{:?}", model.nodes[1].op);
        };
        model.parameters[herpn.scale].value = vec![1.5, -0.5];
        model.parameters[herpn.shift].value = vec![0.25, -1.0];
        let device = Device::flex();
        let tensors = model.tensors(&device, false);
        let x: Vec<f32> = (0..200)
            .map(|i| ((i * 37) % 101) as f32 / 50.0 - 1.0)
            .collect();
        let mut parts = TrainingParts::default();
        let rows = matrix(x.clone(), 100, 2, &device);
        let output = Model::herpn_training(&herpn, &tensors, rows, &mut parts);
        let found = super::super::tensor::values(output);
        for (index, norm) in &parts.norms {
            let statistics = norm.statistics().expect("the forward pass ran");
            model.running[*index].mean.clone_from(&statistics.mean);
            model.running[*index]
                .variance
                .clone_from(&statistics.variance);
        }
        let quadratics = model.herpn_folded(&herpn);
        for (index, (x, y)) in x.iter().zip(found).enumerate() {
            let [c, b, a] = quadratics[index % 2];
            let expected = (a * x + b) * x + c;
            assert!((y - expected).abs() < 1e-5, "{y} against {expected}");
        }
    }

    #[test]
    fn quadratics_of_either_sign_are_bent_alike() {
        let [c, b, a] = turned([0.3, 2.0, 0.1]);
        assert_eq!(turned([-0.3, -2.0, -0.1]), [-c, -b, -a]);
        assert!(b.abs() <= 4.0 * a);
    }
}
