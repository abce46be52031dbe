//! Where a network of a space runs, which an architecture may choose: under which scheme, and which of its first layers
//! on the client.

use super::position::Labels;
use super::{Architecture, Scheme, Space};

/// Where a network runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    /// The scheme of encryption.
    pub scheme: Scheme,
    /// The first convolutions and dense layers, which the client runs in the clear; 0 for none.
    pub device_layers: usize,
}

impl Space {
    /// Where an architecture runs; by the first choices for an architecture of another space.
    pub fn placement(&self, architecture: &Architecture) -> Placement {
        let device_layers = match self.contains(architecture) {
            true => *self.devices.pick(&architecture.genes),
            false => self.devices.options.first().copied().unwrap_or_default(),
        };
        Placement {
            scheme: self.scheme(architecture),
            device_layers,
        }
    }

    /// The numbers of layers on the client that an architecture may choose from.
    pub fn devices(&self) -> &[usize] {
        &self.devices.options
    }
}

impl Labels for usize {
    fn label(&self) -> String {
        self.to_string()
    }
}
