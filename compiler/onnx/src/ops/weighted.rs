//! Tensors whose elements are weighted sums of another's, each of few: a sparse layer.

use std::sync::Arc;

use hemet_spaces::Layer;
use hemet_spaces::layer::{Entries, Sparse};

use crate::Error;
use crate::forms::Signal;
use crate::layers::canonical;
use crate::node::Node;
use crate::state::Import;

/// The sums, element by element in row-major order.
#[derive(Default)]
pub(super) struct Weighted {
    lengths: Vec<u32>,
    columns: Vec<u32>,
    weights: Vec<f32>,
}

impl Weighted {
    /// The next element is the sum of these, each a position with its weight.
    pub(super) fn push(&mut self, terms: &[(usize, f64)]) {
        self.lengths.push(terms.len() as u32);
        self.columns.extend(terms.iter().map(|(at, _)| *at as u32));
        self.weights
            .extend(terms.iter().map(|(_, weight)| *weight as f32));
    }

    /// The sums of a tensor's elements, as a tensor of extents `dims`.
    pub(super) fn of(
        self,
        import: &mut Import<'_>,
        node: Node<'_>,
        signal: &Signal,
        dims: Vec<usize>,
    ) -> Result<Signal, Error> {
        let entries = Entries::new(self.lengths, self.columns)
            .map_err(|why| node.unsupported(why, "make the map smaller"))?;
        let sparse = Sparse {
            output: canonical(&dims),
            entries: Arc::new(entries),
            weights: true,
            bias: false,
        };
        let input = import.layer(node, signal)?;
        let layer = import.network.add(
            node.name(),
            Layer::Sparse(sparse),
            &[input],
            vec![self.weights],
        )?;
        Ok(import.signal_of(layer, dims))
    }
}
