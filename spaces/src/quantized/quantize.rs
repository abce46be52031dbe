//! From trained floats to an integer network: weights rounded, batch norms and activations folded into tables.
//!
//! What training with quantization leaves behind is a graph's ordinary [`Weights`] in units of the integers: a
//! weight of 1.2 is the integer 1, and a batch norm's line `scale·a + shift` takes an integer accumulator `a`. A table
//! stands where the graph has a polynomial. So one file of weights serves both, and the integers follow from it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::function::{Levels, TableFunction};
use super::{
    IntegerParameters, MAX_VALUE, QuantizedNetwork, QuantizedParts, TableLayer, ValueRange, refuse,
};
use crate::schema;
use crate::{Error, Layer, LayerGraph, NodeId, Weights};

/// How a network becomes integers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Quantization {
    /// Levels of an input value, 2 to 256.
    #[schemars(range(min = 2, max = 256))]
    pub input_levels: u32,
    /// The input that is level 0.
    pub input_low: f64,
    /// The input that is the last level; above `input_low`.
    pub input_high: f64,
    /// Bits of a weight, 1 to 4: ±1 for 1 bit, else all of `−(2^(bits−1) − 1)` to `2^(bits−1) − 1`.
    #[schemars(range(min = 1, max = 4), extend("x-unit" = "bits"))]
    pub weight_bits: u32,
    /// Bits of an activation, 1 to 4.
    #[schemars(range(min = 1, max = 4), extend("x-unit" = "bits"))]
    pub activation_bits: u32,
    /// What tables compute.
    pub activation: TableFunction,
    /// Boxes of half a turn: so many accumulator values a table tells apart, 2 to 512. More cost larger parameters.
    #[schemars(range(min = 2, max = 512))]
    pub boxes: u32,
    /// Low bits of an accumulator that are rounded off before its table, 0 to 4; each costs a bootstrap an activation.
    #[schemars(range(min = 0, max = 4), extend("x-unit" = "bits"))]
    pub rounding: u32,
}

impl Default for Quantization {
    fn default() -> Self {
        Self {
            input_levels: 4,
            input_low: 0.0,
            input_high: 1.0,
            weight_bits: 2,
            activation_bits: 2,
            activation: TableFunction::Relu,
            boxes: 14,
            rounding: 0,
        }
    }
}

impl Quantization {
    /// Refuses values out of range, naming the option and both numbers.
    ///
    /// # Errors
    /// The first option out of range.
    pub fn check(&self) -> Result<(), Error> {
        schema::check(self).map_err(|fault| refuse("(quantization)", fault.to_string()))?;
        let (low, high) = (self.input_low, self.input_high);
        match low.is_finite() && high.is_finite() && low < high {
            true => Ok(()),
            false => Err(refuse(
                "(quantization)",
                format!("inputs from {low} to {high}; give an ascending, finite range"),
            )),
        }
    }

    /// Largest absolute weight.
    pub fn weight_limit(&self) -> i32 {
        match self.weight_bits {
            0 | 1 => 1,
            bits => (1 << (bits - 1)) - 1,
        }
    }

    /// The integer for a trained weight.
    pub fn weight(&self, latent: f32) -> i32 {
        let limit = self.weight_limit();
        match self.weight_bits {
            1 if latent < 0.0 => -1,
            1 => 1,
            _ => (latent.round() as i32).clamp(-limit, limit),
        }
    }

    /// The integer for an input value; what lies outside the range takes its nearest end.
    pub fn input(&self, value: f64) -> i64 {
        let top = f64::from(self.input_levels - 1);
        let share = (value - self.input_low) / (self.input_high - self.input_low);
        (share * top).round().clamp(0.0, top) as i64
    }

    /// The integers for an input.
    pub fn inputs(&self, values: &[f64]) -> Vec<i64> {
        values.iter().map(|v| self.input(*v)).collect()
    }

    /// The activation with its levels.
    pub fn levels(&self) -> Levels {
        Levels::new(self.activation, self.activation_bits)
    }

    /// Accumulator values in half a turn, those that are rounded off included.
    pub fn window(&self) -> i64 {
        i64::from(self.boxes) << self.rounding
    }

    /// The float logit that one unit of an integer logit stands for: such that sums of `fan_in` products are of order
    /// one.
    pub fn logit_scale(&self, fan_in: usize) -> f64 {
        let (low, high) = self.levels().range();
        let spread = f64::from(high - low) / 3.0;
        1.2 / (f64::from(self.weight_limit()) * spread * (fan_in.max(1) as f64).sqrt())
    }

    /// The table of a channel whose batch norm is `scale·a + shift`, and what is added to its accumulators.
    pub fn table(&self, scale: f32, shift: f32) -> (Vec<i32>, i64) {
        let levels = self.levels();
        let (first, last) = levels.edges();
        let (scale, shift) = (f64::from(scale), f64::from(shift));
        let middle = ((first + last) / 2.0 - shift) / scale;
        let bound = (MAX_VALUE / 2) as f64;
        let middle = match middle.is_finite() {
            true => middle.clamp(-bound, bound),
            false => 0.0,
        };
        let origin = middle.round() as i64 - self.window() / 2;
        let within = ((1i64 << self.rounding) - 1) as f64 / 2.0;
        let value = |box_: u32| {
            let accumulator = (origin + (i64::from(box_) << self.rounding)) as f64 + within;
            levels.value(scale * accumulator + shift)
        };
        ((0..self.boxes).map(value).collect(), -origin)
    }
}

impl QuantizedNetwork {
    /// The integer network of `graph` with trained `weights`.
    ///
    /// # Errors
    /// Options out of range; tensors that are missing or of another size; a polynomial that does not follow a
    /// convolution or dense layer and its norm directly; a norm without an activation.
    pub fn quantize(
        graph: &LayerGraph,
        weights: &Weights,
        quantization: &Quantization,
    ) -> Result<Self, Error> {
        quantization.check()?;
        check_structure(graph)?;
        let top = i64::from(quantization.input_levels - 1);
        let mut parts = QuantizedParts {
            input: ValueRange::new(0, top),
            linear: Default::default(),
            tables: Default::default(),
            logit_scale: quantization.logit_scale(graph.input_shapes(graph.output())[0].len()),
        };
        for (id, node) in graph.nodes() {
            match &node.layer {
                Layer::Conv(_) | Layer::Dense(_) => {
                    let layer = linear(graph, id, weights, quantization)?;
                    parts.linear.insert(node.name.clone(), layer);
                }
                Layer::Poly(_) => {
                    let norm = graph.inputs(id)[0];
                    let (table, bias) = tables(graph, norm, weights, quantization)?;
                    let before = &graph.node(graph.inputs(norm)[0]).name;
                    if let Some(linear) = parts.linear.get_mut(before) {
                        linear.bias = bias;
                    }
                    parts.tables.insert(node.name.clone(), table);
                }
                Layer::Input(_)
                | Layer::Affine(_)
                | Layer::AveragePool(_)
                | Layer::Sparse(_)
                | Layer::Clear(_)
                | Layer::Add
                | Layer::Concat => {}
            }
        }
        Self::from_graph(graph, &parts)
    }
}

/// Whether every norm stands between one convolution or dense layer and one activation, and the last layer is dense.
///
/// # Errors
/// The first layer that stands elsewhere.
pub fn check_structure(graph: &LayerGraph) -> Result<(), Error> {
    let is_linear = |id: NodeId| matches!(graph.node(id).layer, Layer::Conv(_) | Layer::Dense(_));
    for (id, node) in graph.nodes() {
        let before = graph.inputs(id).first().copied();
        let stands = match &node.layer {
            Layer::Poly(_) => {
                before.is_some_and(|before| matches!(graph.node(before).layer, Layer::Affine(_)))
            }
            Layer::Affine(_) => {
                let alone = graph.uses(id) == 1 && before.is_some_and(|b| graph.uses(b) == 1);
                let activated = graph.nodes().any(|(reader, node)| {
                    matches!(node.layer, Layer::Poly(_)) && graph.inputs(reader).contains(&id)
                });
                alone && activated && before.is_some_and(is_linear)
            }
            Layer::Conv(_) | Layer::Dense(_) => {
                // A constant stands in the norm, or it is the head's.
                id == graph.output() || !has_bias(&node.layer)
            }
            Layer::Input(_) | Layer::AveragePool(_) | Layer::Add | Layer::Concat => true,
            Layer::Sparse(_) | Layer::Clear(_) => false,
        };
        if !stands {
            let why = "integer networks need convolution or dense layer, norm and activation one after the other, each read by the next alone; \
                       use blocks without `linear` activations";
            return Err(refuse(&node.name, why.into()));
        }
    }
    match is_linear(graph.output()) {
        true => Ok(()),
        false => Err(refuse(
            &graph.node(graph.output()).name,
            "the last layer must be a dense layer or a convolution".into(),
        )),
    }
}

fn has_bias(layer: &Layer) -> bool {
    match layer {
        Layer::Conv(conv) => conv.bias,
        Layer::Dense(dense) => dense.bias,
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

fn tensor<'a>(
    graph: &LayerGraph,
    id: NodeId,
    weights: &'a Weights,
    parameter: &str,
) -> Result<&'a [f32], Error> {
    let layer = &graph.node(id).name;
    let name = format!("{layer}.{parameter}");
    let expected = graph
        .parameters(id)
        .into_iter()
        .find(|p| p.name == parameter);
    let Some(expected) = expected else {
        return Err(refuse(layer, format!("it has no parameter `{parameter}`")));
    };
    let Some(tensor) = weights.tensors.get(&name) else {
        return Err(Error::MissingTensor {
            layer: layer.clone(),
            name,
            expected: expected.shape,
        });
    };
    if tensor.shape != expected.shape || tensor.data.len() != expected.len() {
        return Err(Error::TensorShape {
            layer: layer.clone(),
            name,
            found: tensor.shape.clone(),
            expected: expected.shape,
        });
    }
    match tensor.data.iter().position(|x| !x.is_finite()) {
        Some(index) => Err(Error::NotFinite {
            name,
            index,
            value: tensor.data[index].to_string(),
        }),
        None => Ok(&tensor.data),
    }
}

fn linear(
    graph: &LayerGraph,
    id: NodeId,
    weights: &Weights,
    quantization: &Quantization,
) -> Result<IntegerParameters, Error> {
    let latent = tensor(graph, id, weights, "weight")?;
    let node = graph.node(id);
    let bias = match has_bias(&node.layer) {
        true => tensor(graph, id, weights, "bias")?
            .iter()
            .map(|b| b.round() as i64)
            .collect(),
        false => vec![0; node.shape.channels],
    };
    Ok(IntegerParameters {
        weights: latent.iter().map(|w| quantization.weight(*w)).collect(),
        bias,
        weight_limit: quantization.weight_limit(),
        norm_squared_limit: None,
    })
}

/// The tables behind a norm, and the constants before them.
fn tables(
    graph: &LayerGraph,
    norm: NodeId,
    weights: &Weights,
    quantization: &Quantization,
) -> Result<(TableLayer, Vec<i64>), Error> {
    let scale = tensor(graph, norm, weights, "scale")?;
    let shift = tensor(graph, norm, weights, "shift")?;
    let lines = scale.iter().zip(shift);
    let (tables, bias) = lines
        .map(|(scale, shift)| quantization.table(*scale, *shift))
        .unzip();
    let shape = graph.node(norm).shape;
    let (left, right) = quantization.levels().ends();
    let table = TableLayer {
        half: quantization.boxes,
        shift: quantization.rounding,
        channel_len: shape.height * shape.width,
        tables,
        flip: vec![left + right; shape.channels],
    };
    Ok((table, bias))
}
