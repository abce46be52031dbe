//! The network while it is built: layers with their tensors, from which unused ones are dropped at the end.

use std::collections::{HashMap, HashSet};

use hemet_spaces::layer::{Affine, Conv, Dense};
use hemet_spaces::{Layer, LayerGraph, NodeId, Shape, Tensor, Weights};

use crate::Error;
use crate::limits::MAX_ELEMENTS;

/// Position of a layer in a [`Network`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LayerId(usize);

#[derive(Debug)]
struct Entry {
    name: String,
    layer: Layer,
    inputs: Vec<LayerId>,
    shape: Shape,
    /// In the order of [`Layer::parameters`].
    tensors: Vec<Vec<f32>>,
}

/// Layers in topological order; the first is the input.
#[derive(Debug)]
pub(crate) struct Network {
    entries: Vec<Entry>,
    names: HashSet<String>,
}

impl Network {
    pub(crate) fn new(input: Shape) -> Result<Self, Error> {
        let mut network = Self {
            entries: Vec::new(),
            names: HashSet::new(),
        };
        network.add("input", Layer::Input(input), &[], Vec::new())?;
        Ok(network)
    }

    pub(crate) fn input(&self) -> LayerId {
        LayerId(0)
    }

    pub(crate) fn shape(&self, id: LayerId) -> Shape {
        self.entries[id.0].shape
    }

    /// The layer's name, as the graph will have it.
    pub(crate) fn name(&self, id: LayerId) -> &str {
        &self.entries[id.0].name
    }

    /// The name of the layer that was added last.
    pub(crate) fn last_name(&self) -> &str {
        &self.entries[self.entries.len() - 1].name
    }

    /// Adds a layer with its tensors; its name is made of `name`, unique, without characters that a text form could
    /// not hold.
    ///
    /// # Errors
    /// Shapes that the layer cannot take.
    pub(crate) fn add(
        &mut self,
        name: &str,
        layer: Layer,
        inputs: &[LayerId],
        tensors: Vec<Vec<f32>>,
    ) -> Result<LayerId, Error> {
        let shapes: Vec<Shape> = inputs.iter().map(|id| self.shape(*id)).collect();
        let shape = layer
            .output_shape(&shapes)
            .map_err(|why| hemet_spaces::Error::Shape {
                layer: name.to_owned(),
                found: shapes.first().copied().unwrap_or(Shape::new(0, 0, 0)),
                why,
            })?;
        check_elements(name, shape)?;
        let name = self.unique_name(name);
        self.entries.push(Entry {
            name,
            layer,
            inputs: inputs.to_vec(),
            shape,
            tensors,
        });
        Ok(LayerId(self.entries.len() - 1))
    }

    /// The graph and weights of what `output` needs.
    pub(crate) fn finish(mut self, output: LayerId) -> Result<(LayerGraph, Weights), Error> {
        self.entries.truncate(output.0 + 1);
        self.drop_unused();
        self.fold_biases();
        let Layer::Input(input) = self.entries[0].layer else {
            unreachable!("the first layer is the input");
        };
        let mut graph = LayerGraph::new(input)?;
        let mut weights = Weights::default();
        let mut ids: Vec<NodeId> = vec![graph.input()];
        for entry in self.entries.drain(1..) {
            let inputs: Vec<NodeId> = entry.inputs.iter().map(|id| ids[id.0]).collect();
            let id = graph.add(&entry.name, entry.layer, &inputs)?;
            for (parameter, data) in graph.parameters(id).into_iter().zip(entry.tensors) {
                let name = format!("{}.{}", entry.name, parameter.name);
                let shape = parameter.shape;
                weights.tensors.insert(name, Tensor { shape, data });
            }
            ids.push(id);
        }
        weights.check(&graph)?;
        Ok((graph, weights))
    }

    /// Keeps the input and what the last layer is computed from.
    fn drop_unused(&mut self) {
        let mut used = vec![false; self.entries.len()];
        used[0] = true;
        if let Some(last) = used.last_mut() {
            *last = true;
        }
        for index in (0..self.entries.len()).rev() {
            if used[index] {
                for input in &self.entries[index].inputs {
                    used[input.0] = true;
                }
            }
        }
        self.keep(|index| if used[index] { None } else { Some(LayerId(0)) });
    }

    /// Moves the shift of an Affine whose scales are all 1 (an addition of constants) into the layer before it, where
    /// that has no bias and nothing else reads it.
    fn fold_biases(&mut self) {
        let mut readers = vec![0usize; self.entries.len()];
        for entry in &self.entries {
            for input in &entry.inputs {
                readers[input.0] += 1;
            }
        }
        let mut replaced = HashMap::new();
        for index in 1..self.entries.len() {
            let entry = &self.entries[index];
            let is_shift = matches!(entry.layer, Layer::Affine(Affine))
                && entry.tensors[0].iter().all(|scale| *scale == 1.0);
            let Some(before) = entry.inputs.first().copied() else {
                continue;
            };
            if !is_shift || readers[before.0] != 1 || !self.entries[before.0].layer.wants_bias() {
                continue;
            }
            let shift = std::mem::take(&mut self.entries[index].tensors[1]);
            self.entries[before.0].tensors.push(shift);
            self.entries[before.0].layer.set_bias();
            replaced.insert(index, before);
        }
        self.keep(|index| replaced.get(&index).copied());
    }

    /// Drops the layers for which `replacement` names another, earlier one, which their readers read instead.
    fn keep(&mut self, replacement: impl Fn(usize) -> Option<LayerId>) {
        let mut moved: Vec<LayerId> = Vec::with_capacity(self.entries.len());
        let mut kept = Vec::with_capacity(self.entries.len());
        for (index, mut entry) in self.entries.drain(..).enumerate() {
            if let Some(other) = replacement(index) {
                moved.push(moved[other.0]);
                continue;
            }
            for input in &mut entry.inputs {
                *input = moved[input.0];
            }
            moved.push(LayerId(kept.len()));
            kept.push(entry);
        }
        self.entries = kept;
    }

    fn unique_name(&mut self, name: &str) -> String {
        let plain: String = name
            .trim_start_matches('/')
            .chars()
            .take(80)
            .map(|c| match c {
                '/' => '.',
                c if c.is_ascii_alphanumeric() || "_-.".contains(c) => c,
                _ => '_',
            })
            .collect();
        let plain = if plain.is_empty() {
            "layer".into()
        } else {
            plain
        };
        let mut unique = plain.clone();
        // Counts on from the number of layers, so that many equal names cost no quadratic search.
        let mut number = if self.names.contains(&plain) {
            self.entries.len()
        } else {
            0
        };
        while !self.names.insert(unique.clone()) {
            unique = format!("{plain}_{number}");
            number += 1;
        }
        unique
    }
}

/// Refuses an output of more than [`MAX_ELEMENTS`] elements.
pub(crate) fn check_elements(name: &str, shape: Shape) -> Result<(), Error> {
    let len = shape
        .channels
        .checked_mul(shape.height)
        .and_then(|len| len.checked_mul(shape.width));
    match len {
        Some(len) if len <= MAX_ELEMENTS => Ok(()),
        _ => Err(Error::TooLarge {
            what: format!("the output of `{name}`"),
            found: shape.to_string(),
            limit: MAX_ELEMENTS,
            unit: "elements",
        }),
    }
}

/// What folding a bias asks of a layer.
trait Bias {
    /// Whether it could have a bias and has none.
    fn wants_bias(&self) -> bool;
    /// Gives it one.
    fn set_bias(&mut self);
}

impl Bias for Layer {
    fn wants_bias(&self) -> bool {
        match self {
            Layer::Conv(Conv { bias, .. }) | Layer::Dense(Dense { bias, .. }) => !bias,
            Layer::Input(_)
            | Layer::Affine(_)
            | Layer::AveragePool(_)
            | Layer::Sparse(_)
            | Layer::Poly(_)
            | Layer::Clear(_)
            | Layer::Add
            | Layer::Concat => false,
        }
    }

    fn set_bias(&mut self) {
        if let Layer::Conv(Conv { bias, .. }) | Layer::Dense(Dense { bias, .. }) = self {
            *bias = true;
        }
    }
}
