//! Weights: the trained tensors of a network, by name, and their safetensors file.

use std::collections::BTreeMap;

use crate::{Coefficient, Error, LayerGraph, NodeId};

/// A dense tensor of 32-bit floats, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Extent of each axis.
    pub shape: Vec<usize>,
    /// The elements; length is the product of `shape`.
    pub data: Vec<f32>,
}

/// Tensors by name, `<layer>.<parameter>`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights {
    /// The tensors.
    pub tensors: BTreeMap<String, Tensor>,
}

/// The parameters of one layer, resolved and checked: turns a [`Coefficient`] into its number.
#[derive(Clone, Debug)]
pub struct LayerWeights<'a> {
    tensors: Vec<&'a [f32]>,
}

impl LayerWeights<'_> {
    /// The number that a coefficient stands for.
    pub fn value(&self, coefficient: Coefficient) -> f64 {
        match coefficient {
            Coefficient::Fixed(value) => value,
            Coefficient::Parameter { tensor, index } => {
                f64::from(self.tensors[tensor as usize][index as usize])
            }
        }
    }
}

impl Weights {
    /// The parameters of layer `id`, or which tensor is missing or has the wrong shape.
    pub fn of_layer(&self, graph: &LayerGraph, id: NodeId) -> Result<LayerWeights<'_>, Error> {
        let layer = &graph.node(id).name;
        let mut tensors = Vec::new();
        for parameter in graph.parameters(id) {
            let name = format!("{layer}.{}", parameter.name);
            let Some(tensor) = self.tensors.get(&name) else {
                return Err(Error::MissingTensor {
                    layer: layer.clone(),
                    name,
                    expected: parameter.shape,
                });
            };
            if tensor.shape != parameter.shape || tensor.data.len() != parameter.len() {
                return Err(Error::TensorShape {
                    layer: layer.clone(),
                    name,
                    found: tensor.shape.clone(),
                    expected: parameter.shape,
                });
            }
            tensors.push(tensor.data.as_slice());
        }
        Ok(LayerWeights { tensors })
    }
}
