//! A position of a space: the blocks that can stand there and the pooling after them.

use std::sync::Arc;

use super::Varied;
use crate::blocks::{Block, Pool};

/// A place in the network where an architecture chooses a block.
#[derive(Clone, Debug)]
pub struct Position {
    name: String,
    pub(super) blocks: Varied<Arc<dyn Block>>,
    pub(super) pools: Varied<Pool>,
}

impl Position {
    pub(super) fn new(name: String, blocks: Varied<Arc<dyn Block>>, pools: Varied<Pool>) -> Self {
        Self {
            name,
            blocks,
            pools,
        }
    }

    /// Its name; its layers are named `<name>.…`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The blocks that can stand here, in the order of the gene's options.
    pub fn blocks(&self) -> impl ExactSizeIterator<Item = &dyn Block> {
        self.blocks.options.iter().map(|block| block.as_ref())
    }

    /// Which of [`super::Space::genes`] chooses the block; `None` where there is only one.
    pub fn block_gene(&self) -> Option<usize> {
        self.blocks.gene
    }

    /// Which of [`super::Space::genes`] chooses the pooling; `None` where there is only one.
    pub fn pool_gene(&self) -> Option<usize> {
        self.pools.gene
    }
}

/// What has a label without spaces.
pub(super) trait Labels {
    fn label(&self) -> String;
}

impl Labels for Arc<dyn Block> {
    fn label(&self) -> String {
        self.as_ref().label()
    }
}

impl Labels for Pool {
    fn label(&self) -> String {
        self.to_string()
    }
}
