//! Weights: the trained tensors of a network, by name, and their safetensors file.

mod file;

use std::collections::BTreeMap;

use rand::{Rng, RngExt};

use crate::layer::Parameter;
use crate::{Coefficient, Error, Layer, LayerGraph, NodeId};

/// A dense tensor of 32-bit floats, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Extent of each axis.
    pub shape: Vec<usize>,
    /// The elements; length is the product of `shape`.
    pub data: Vec<f32>,
}

impl Tensor {
    /// Whether the number of elements is what the shape says.
    pub fn is_consistent(&self) -> bool {
        self.shape
            .iter()
            .try_fold(1usize, |len, axis| len.checked_mul(*axis))
            == Some(self.data.len())
    }
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
    /// Every parameter of `graph` set to 1: for shapes and structure, not for accuracy.
    pub fn ones(graph: &LayerGraph) -> Self {
        Self::fill(graph, |_, parameter| vec![1.0; parameter.len()])
    }

    /// Random weights at which the values of a network stay moderate at any depth (tested: below 100 in every preset,
    /// for inputs within ±1): convolutions and dense layers uniform with variance 1 / fan-in (LeCun et al. 1998,
    /// "Efficient backprop", section 4.6; the doubled variance of He et al. 2015 lets squares run away in residual
    /// networks), scales within 0.5 to 1.5, biases and shifts within ±0.1, polynomials near `0.6·x` with small other
    /// terms; that of a quadratic is at least 0.12, so that completing the square, which needs `b/2a`, shifts by less
    /// than 2.8.
    pub fn random<R: Rng + ?Sized>(graph: &LayerGraph, rng: &mut R) -> Self {
        Self::fill(graph, |layer, parameter| {
            random_tensor(layer, parameter, rng)
        })
    }

    fn fill(graph: &LayerGraph, mut data: impl FnMut(&Layer, &Parameter) -> Vec<f32>) -> Self {
        let mut tensors = BTreeMap::new();
        for (id, node) in graph.nodes() {
            for parameter in graph.parameters(id) {
                let data = data(&node.layer, &parameter);
                tensors.insert(
                    format!("{}.{}", node.name, parameter.name),
                    Tensor {
                        shape: parameter.shape,
                        data,
                    },
                );
            }
        }
        Self { tensors }
    }

    /// Whether these are the weights of `graph`: every parameter there with its shape, no tensor besides, all numbers
    /// finite.
    ///
    /// # Errors
    /// [`Error::WeightsMismatch`] with all faults of name and shape at once; [`Error::NotFinite`].
    pub fn check(&self, graph: &LayerGraph) -> Result<(), Error> {
        let mut expected = BTreeMap::new();
        for (id, node) in graph.nodes() {
            for parameter in graph.parameters(id) {
                expected.insert(format!("{}.{}", node.name, parameter.name), parameter.shape);
            }
        }
        let mut missing = Vec::new();
        let mut misshapen = Vec::new();
        for (name, shape) in &expected {
            match self.tensors.get(name) {
                None => missing.push(format!("{name} {shape:?}")),
                Some(tensor) if &tensor.shape != shape || !tensor.is_consistent() => {
                    misshapen.push(format!(
                        "{name} is {:?} with {} values, not {shape:?}",
                        tensor.shape,
                        tensor.data.len()
                    ));
                }
                Some(_) => {}
            }
        }
        let superfluous: Vec<String> = self
            .tensors
            .keys()
            .filter(|name| !expected.contains_key(*name))
            .cloned()
            .collect();
        if !missing.is_empty() || !superfluous.is_empty() || !misshapen.is_empty() {
            return Err(Error::WeightsMismatch {
                missing,
                superfluous,
                misshapen,
            });
        }
        self.check_finite()
    }

    fn check_finite(&self) -> Result<(), Error> {
        for (name, tensor) in &self.tensors {
            if let Some(index) = tensor.data.iter().position(|x| !x.is_finite()) {
                return Err(Error::NotFinite {
                    name: name.clone(),
                    index,
                    value: tensor.data[index].to_string(),
                });
            }
        }
        Ok(())
    }

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

fn random_tensor<R: Rng + ?Sized>(layer: &Layer, parameter: &Parameter, rng: &mut R) -> Vec<f32> {
    let mut uniform = |low: f32, high: f32| rng.random_range(low..=high);
    let len = parameter.len();
    match layer {
        Layer::Conv(_) | Layer::Dense(_) if parameter.shape.len() > 1 => {
            let fan_in = (len / parameter.shape[0].max(1)).max(1);
            let bound = (3.0 / fan_in as f32).sqrt();
            (0..len).map(|_| uniform(-bound, bound)).collect()
        }
        Layer::Sparse(sparse) if parameter.name == "weight" => {
            let rows = sparse.output.len().max(1);
            let bound = (3.0 / len.div_ceil(rows).max(1) as f32).sqrt();
            (0..len).map(|_| uniform(-bound, bound)).collect()
        }
        Layer::Affine(_) if parameter.name == "scale" => {
            (0..len).map(|_| uniform(0.5, 1.5)).collect()
        }
        Layer::Poly(poly) => (0..len)
            .map(|index| match index % (poly.degree + 1) {
                1 if poly.degree == 2 => uniform(0.5, 0.66),
                2 if poly.degree == 2 => uniform(0.12, 0.16),
                1 => uniform(0.5, 0.9),
                power => uniform(-0.1, 0.1) / (power.max(1) as f32),
            })
            .collect(),
        Layer::Conv(_)
        | Layer::Dense(_)
        | Layer::Affine(_)
        | Layer::Input(_)
        | Layer::AveragePool(_)
        | Layer::Sparse(_)
        | Layer::Clear(_)
        | Layer::Add
        | Layer::Concat => (0..len).map(|_| uniform(-0.1, 0.1)).collect(),
    }
}
