//! Sizes of a network as usually stated, before any compilation.

use crate::{Layer, LayerGraph};

/// Sizes of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// Layers, the input among them.
    pub layers: usize,
    /// Trainable numbers.
    pub parameters: u64,
    /// Multiply-accumulate operations of convolutions and dense layers for one input, padding included.
    pub macs: u64,
    /// Polynomial activations, each layer counted once.
    pub activations: usize,
    /// Multiplicative depth before any merging, on the deepest path: 1 for each convolution, dense, affine and pooling
    /// layer, ⌈log2 degree⌉ + 1 (powers, then coefficients) for a polynomial, 0 for a sum or concatenation.
    pub depth_unmerged: usize,
}

impl LayerGraph {
    /// Sizes of the network.
    pub fn statistics(&self) -> Statistics {
        let mut depths: Vec<usize> = Vec::with_capacity(self.nodes().len());
        let mut statistics = Statistics {
            layers: self.nodes().len(),
            parameters: 0,
            macs: 0,
            activations: 0,
            depth_unmerged: 0,
        };
        for (id, node) in self.nodes() {
            let deepest = self.inputs(id).iter().map(|i| depths[i.index()]).max();
            depths.push(deepest.unwrap_or(0) + levels(&node.layer));
            let parameters = self.parameters(id);
            statistics.parameters += parameters.iter().map(|p| p.len() as u64).sum::<u64>();
            statistics.macs += node.layer.macs(&self.input_shapes(id), node.shape);
            statistics.activations += usize::from(matches!(node.layer, Layer::Poly(_)));
        }
        statistics.depth_unmerged = depths.last().copied().unwrap_or(0);
        statistics
    }
}

fn levels(layer: &Layer) -> usize {
    match layer {
        Layer::Input(_) | Layer::Clear(_) | Layer::Add | Layer::Concat => 0,
        Layer::Conv(_)
        | Layer::Dense(_)
        | Layer::Affine(_)
        | Layer::AveragePool(_)
        | Layer::Sparse(_) => 1,
        Layer::Poly(poly) => poly.degree.next_power_of_two().ilog2() as usize + 1,
    }
}
