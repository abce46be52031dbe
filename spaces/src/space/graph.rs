//! From an architecture to its LayerGraph.

use super::{Architecture, Space};
use crate::layer::Dense;
use crate::{Error, Layer, LayerGraph};

impl Space {
    /// The network of an architecture: stem, blocks with their pooling, head. Layers are named after their position;
    /// the last one is `head.dense`.
    ///
    /// # Errors
    /// An architecture of another space; a block that cannot take its input's shape, with position and block.
    pub fn graph(&self, architecture: &Architecture) -> Result<LayerGraph, Error> {
        self.check(architecture)?;
        let genes = &architecture.genes;
        let mut graph = LayerGraph::new(self.input())?;
        let mut x = graph.input();
        for position in &self.positions {
            let (name, block) = (position.name(), position.blocks.pick(genes));
            let place = |error, part: String| Error::Position {
                position: name.to_owned(),
                block: part,
                source: Box::new(error),
            };
            x = block
                .expand(&mut graph, x, name)
                .map_err(|error| place(error, block.label()))?;
            let pool = position.pools.pick(genes);
            x = pool
                .expand(&mut graph, x, &format!("{name}.pool"))
                .map_err(|error| place(error, format!("pool {pool}")))?;
        }
        let x = self.head.pick(genes).expand(&mut graph, x, "head.pool")?;
        let dense = Layer::Dense(Dense {
            out_features: self.spec.classes,
            bias: true,
            circulant: 1,
        });
        graph.add("head.dense", dense, &[x])?;
        Ok(graph)
    }
}
