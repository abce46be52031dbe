//! Distillation (G. Hinton, O. Vinyals, J. Dean, Distilling the Knowledge in a Neural Network, 2015) from a network
//! of the same architecture with ReLU in the place of its polynomials, as AutoFHE does (Ao and Boddeti 2024).

use burn::tensor::Device;
use hemet_spaces::{Layer, LayerGraph, Shape, Weights};

use super::model::Model;
use super::tensor::{matrix, values};
use crate::Error;

/// A trained ReLU network.
#[derive(Clone, Debug)]
pub struct Teacher {
    model: Model,
    weights: Weights,
}

impl Teacher {
    /// Names the family of networks that share a teacher: those that are the same but for their polynomials' kind. The
    /// first 12 hexadecimal digits of a BLAKE3 hash.
    pub fn family(graph: &LayerGraph) -> String {
        let mut hash = blake3::Hasher::new();
        for (id, node) in graph.nodes() {
            let layer = match matches!(node.layer, Layer::Poly(_)) {
                true => "relu".to_owned(),
                false => format!("{:?}", node.layer),
            };
            let inputs: Vec<usize> = graph.inputs(id).iter().map(|i| i.index()).collect();
            hash.update(format!("{} {layer} {inputs:?}\n", node.name).as_bytes());
        }
        let mut name = hash.finalize().to_hex().to_string();
        name.truncate(12);
        name
    }

    /// A teacher with trained weights, those that [`Teacher::weights`] gave.
    ///
    /// # Errors
    /// Weights of another network.
    pub fn new(graph: &LayerGraph, weights: Weights) -> Result<Self, Error> {
        let model = Model::with_weights(graph, &weights, true)?;
        Ok(Self { model, weights })
    }

    /// Its weights, batch norms folded.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// Logits of images given as `[images·height·width][channels]`, `[image][class]`.
    pub(super) fn logits(
        &self,
        rows: &[f32],
        images: usize,
        shape: Shape,
        device: &Device,
    ) -> Vec<f32> {
        let tensors = self.model.tensors(device, false);
        let pixels = images * shape.height * shape.width;
        let input = matrix(rows.to_vec(), pixels, shape.channels, device);
        values(self.model.forward_inference(&tensors, input, images))
    }
}

/// The classes' probabilities of each image, with logits divided by `temperature`.
pub(super) fn softened(logits: &[f32], classes: usize, temperature: f32) -> Vec<f32> {
    let mut shares = Vec::with_capacity(logits.len());
    for row in logits.chunks_exact(classes) {
        let greatest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let powers = row.iter().map(|l| ((l - greatest) / temperature).exp());
        let sum: f32 = powers.clone().sum();
        shares.extend(powers.map(|p| p / sum));
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softened_logits_are_shares_that_even_out_with_the_temperature() {
        let logits = [0.0, 2.0f32.ln(), 1.0, 1.0];
        for (temperature, first) in [(1.0, 1.0 / 3.0), (1e6, 0.5)] {
            let shares = softened(&logits, 2, temperature);
            let expected = [first, 1.0 - first, 0.5, 0.5];
            for (share, expected) in shares.iter().zip(expected) {
                assert!((share - expected).abs() < 1e-5, "{shares:?}");
            }
        }
    }
}
