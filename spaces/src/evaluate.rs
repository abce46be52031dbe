//! The float64 reference: what a network computes, derived from [`crate::Layer::meaning`] alone.
//!
//! Cost: one multiplication per entry of each layer's map. It is the truth that backends, packings and
//! training are compared with, so it is written to be read, not to be fast.

use crate::weights::LayerWeights;
use crate::{
    ClearMap, Coefficient, Error, LayerGraph, LinearMap, Meaning, NodeId, PolyMap, Weights,
};

/// Runs a network once on `input` (channel-major, [`crate::Shape::len`] values) and returns the output layer's values.
///
/// # Errors
/// Weights that lack a tensor or have one of another shape; an input of another length.
///
/// ```
/// use hemet_spaces::layer::Dense;
/// use hemet_spaces::{Layer, LayerGraph, Shape, Tensor, Weights, evaluate::evaluate};
/// let mut graph = LayerGraph::new(Shape::new(2, 1, 1))?;
/// graph.add("sum", Layer::Dense(Dense { out_features: 1, bias: false , circulant: 1}), &[graph.input()])?;
/// let mut weights = Weights::default();
/// weights.tensors.insert("sum.weight".into(), Tensor { shape: vec![1, 2], data: vec![1.0, 10.0] });
/// assert_eq!(evaluate(&graph, &weights, &[3.0, 4.0])?, [43.0]);
/// # Ok::<(), hemet_spaces::Error>(())
/// ```
pub fn evaluate(graph: &LayerGraph, weights: &Weights, input: &[f64]) -> Result<Vec<f64>, Error> {
    Evaluator::new(graph, weights)?.run(input)
}

/// One layer with its coefficients resolved, for walks over a network layer by layer.
#[derive(Clone, Debug)]
pub struct LayerEvaluator(Operation);

impl LayerEvaluator {
    /// Resolves the coefficients of layer `id`.
    ///
    /// # Errors
    /// A tensor of the layer that is missing or has the wrong shape.
    pub fn new(graph: &LayerGraph, weights: &Weights, id: NodeId) -> Result<Self, Error> {
        let layer = weights.of_layer(graph, id)?;
        Ok(Self(match graph.meaning(id) {
            Meaning::Input => Operation::Input,
            Meaning::Linear(map) => Operation::Linear(Rows::new(map, &layer)),
            Meaning::Poly(poly) => poly_operation(&poly, &layer),
            Meaning::Clear(clear) => Operation::Clear(clear),
            Meaning::Add => Operation::Add,
            Meaning::Concat => Operation::Concat,
        }))
    }

    /// The layer's values from those of its inputs, in their order; for the input layer from the network's input.
    pub fn run(&self, inputs: &[&[f64]]) -> Vec<f64> {
        match &self.0 {
            Operation::Input => inputs[0].to_vec(),
            Operation::Linear(rows) => rows.apply(inputs[0]),
            Operation::Poly {
                coefficients,
                channel_len,
            } => apply_poly(coefficients, *channel_len, inputs[0]),
            Operation::Clear(clear) => clear.run(inputs[0]),
            Operation::Add => (0..inputs[0].len())
                .map(|e| inputs.iter().map(|input| input[e]).sum())
                .collect(),
            Operation::Concat => inputs.concat(),
        }
    }
}

/// A network with its coefficients resolved, for many inputs.
#[derive(Clone, Debug)]
pub struct Evaluator {
    steps: Vec<Step>,
    input_len: usize,
}

/// One layer, ready to run on the values of the nodes before it.
#[derive(Clone, Debug)]
struct Step {
    layer: LayerEvaluator,
    inputs: Vec<NodeId>,
}

#[derive(Clone, Debug)]
enum Operation {
    Input,
    Linear(Rows),
    /// `coefficients[channel][k]`, and the elements of a channel.
    Poly {
        coefficients: Vec<Vec<f64>>,
        channel_len: usize,
    },
    Clear(ClearMap),
    Add,
    Concat,
}

/// A sparse affine map with numbers in the place of coefficients.
#[derive(Clone, Debug)]
struct Rows {
    starts: Vec<u32>,
    columns: Vec<u32>,
    values: Vec<f64>,
    bias: Vec<f64>,
}

impl Evaluator {
    /// Resolves every coefficient of `graph` from `weights`.
    ///
    /// # Errors
    /// The first tensor that is missing or has the wrong shape.
    pub fn new(graph: &LayerGraph, weights: &Weights) -> Result<Self, Error> {
        let mut steps = Vec::with_capacity(graph.nodes().len());
        for (id, _) in graph.nodes() {
            steps.push(Step {
                layer: LayerEvaluator::new(graph, weights, id)?,
                inputs: graph.inputs(id),
            });
        }
        Ok(Self {
            steps,
            input_len: graph.node(graph.input()).shape.len(),
        })
    }

    /// The output layer's values for `input`.
    ///
    /// # Errors
    /// An input of another length than the input layer's.
    pub fn run(&self, input: &[f64]) -> Result<Vec<f64>, Error> {
        Ok(self.run_all(input)?.pop().unwrap_or_default())
    }

    /// The values of every layer for `input`, at [`NodeId::index`]: for activation ranges and for finding
    /// the layer at which another backend departs from the reference.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_all(&self, input: &[f64]) -> Result<Vec<Vec<f64>>, Error> {
        if input.len() != self.input_len {
            return Err(Error::InputLength {
                expected: self.input_len,
                found: input.len(),
            });
        }
        let mut values: Vec<Vec<f64>> = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            let of = |id: &NodeId| values[id.index()].as_slice();
            let inputs: Vec<&[f64]> = match step.inputs[..] {
                [] => vec![input],
                _ => step.inputs.iter().map(of).collect(),
            };
            let value = step.layer.run(&inputs);
            values.push(value);
        }
        Ok(values)
    }
}

impl Rows {
    fn new(map: LinearMap, weights: &LayerWeights<'_>) -> Self {
        let resolve = |coefficients: &[Coefficient]| -> Vec<f64> {
            coefficients.iter().map(|c| weights.value(*c)).collect()
        };
        Self {
            values: resolve(&map.coefficients),
            bias: resolve(&map.bias),
            starts: map.row_starts,
            columns: map.columns,
        }
    }

    fn apply(&self, input: &[f64]) -> Vec<f64> {
        self.starts
            .windows(2)
            .zip(&self.bias)
            .map(|(range, bias)| {
                let range = range[0] as usize..range[1] as usize;
                let products = self.columns[range.clone()]
                    .iter()
                    .zip(&self.values[range])
                    .map(|(column, value)| input[*column as usize] * value);
                bias + products.sum::<f64>()
            })
            .collect()
    }
}

fn poly_operation(poly: &PolyMap, weights: &LayerWeights<'_>) -> Operation {
    let numbers =
        |row: &Vec<Coefficient>| -> Vec<f64> { row.iter().map(|c| weights.value(*c)).collect() };
    Operation::Poly {
        coefficients: poly.coefficients.iter().map(numbers).collect(),
        channel_len: poly.channel_len,
    }
}

fn apply_poly(coefficients: &[Vec<f64>], channel_len: usize, input: &[f64]) -> Vec<f64> {
    let horner = |x: f64, row: &[f64]| row.iter().rev().fold(0.0, |sum, c| sum * x + c);
    input
        .iter()
        .enumerate()
        .map(|(element, x)| horner(*x, &coefficients[element / channel_len]))
        .collect()
}
