//! What HEMET's greedy rule needs to know of a space (Lou and Jiang, ICML 2021): the all-mobile architecture, and at
//! each position the regular convolution that could stand in the place of its mobile block.

use super::{Architecture, Space};
use crate::blocks::{Block, Role};

impl Space {
    /// The architecture with the first mobile block (the first block where none is mobile) at each position and the
    /// first option of everything else: where the greedy rule starts.
    pub fn mobile(&self) -> Architecture {
        let mut genes = vec![0; self.genes.len()];
        for position in &self.positions {
            let mobile = position.blocks().position(|b| b.role() == Role::Mobile);
            if let (Some(gene), Some(option)) = (position.block_gene(), mobile) {
                genes[gene] = option as u16;
            }
        }
        Architecture { genes }
    }

    /// The same architecture with a regular convolution at `position` (an index into [`Space::positions`]): the first
    /// one listed there with the output channels and the stride of the mobile block that stands there. `None` where no
    /// mobile block stands there or no such convolution is listed.
    pub fn regular(&self, architecture: &Architecture, position: usize) -> Option<Architecture> {
        let block = self.block(architecture, position)?;
        if block.role() != Role::Mobile {
            return None;
        }
        let place = &self.positions[position];
        let option = place.blocks().position(|other| {
            other.role() == Role::Regular
                && other.out_channels() == block.out_channels()
                && other.stride() == block.stride()
        })?;
        let mut genes = architecture.genes.clone();
        genes[place.block_gene()?] = option as u16;
        Some(Architecture { genes })
    }

    /// The block that stands at `position`; `None` for a position or an architecture of another space.
    pub fn block(&self, architecture: &Architecture, position: usize) -> Option<&dyn Block> {
        if !self.contains(architecture) {
            return None;
        }
        let place = self.positions.get(position)?;
        Some(place.blocks.pick(&architecture.genes).as_ref())
    }
}
