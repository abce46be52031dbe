//! Part: some layers of a trained network, up to a cut or behind one, which run and can be differentiated in their
//! input. Pictures and features are `[n][channels][height][width]`, 32-bit floats.

use burn::tensor::Device;
use hemet_spaces::{LayerGraph, Shape, Weights};

use super::model::Model;
use super::tensor::{matrix, to_pictures, to_rows, values};
use crate::Error;

/// Inputs that run at once.
const BATCH: usize = 128;

/// A part of a trained network.
#[derive(Clone, Debug)]
pub struct Part {
    model: Model,
    output: Shape,
}

/// Outputs of a part that somebody has seen.
#[derive(Clone, Copy, Debug)]
pub struct Intercepted<'a> {
    /// Of each input, one after the other.
    pub outputs: &'a [f32],
    /// How much each of these numbers counts, at least 0: 0 for one that was not seen.
    pub weights: &'a [f32],
}

/// How far the outputs of some inputs are from others, and where the inputs would have to go.
#[derive(Clone, Debug)]
pub struct Pull {
    /// Of each input, the weighted sum of squared differences of its outputs.
    pub misfits: Vec<f64>,
    /// The gradient of the sum of all misfits in the inputs.
    pub gradient: Vec<f32>,
}

impl Part {
    /// The layers of `graph`; its tensors are found in `weights` by name, which may hold others too.
    ///
    /// # Errors
    /// Layers that are not trained, such as maps given entry by entry; a tensor that is missing or of another shape.
    pub fn new(graph: &LayerGraph, weights: &Weights) -> Result<Self, Error> {
        Ok(Self {
            model: Model::part_with_weights(graph, weights, false)?,
            output: graph.node(graph.output()).shape,
        })
    }

    /// Of a model in training.
    pub(super) fn of(model: Model, output: Shape) -> Self {
        Self { model, output }
    }

    /// Shape of an input.
    pub fn input(&self) -> Shape {
        self.model.input
    }

    /// Shape of an output.
    pub fn output(&self) -> Shape {
        self.output
    }

    /// The outputs of whole inputs.
    pub fn run(&self, inputs: &[f32]) -> Vec<f32> {
        let (device, shape) = (Device::flex(), self.model.input);
        let tensors = self.model.tensors(&device, false);
        let mut outputs = Vec::new();
        for inputs in inputs.chunks(BATCH * shape.len()) {
            let count = inputs.len() / shape.len();
            let rows = to_rows(inputs, shape);
            let input = matrix(
                rows,
                count * shape.height * shape.width,
                shape.channels,
                &device,
            );
            let output = values(self.model.forward_inference(&tensors, input, count));
            outputs.extend(to_pictures(&output, self.output));
        }
        outputs
    }

    /// Misfits of whole inputs against outputs that were seen, and their gradient.
    pub fn pull(&self, inputs: &[f32], seen: Intercepted<'_>) -> Pull {
        let (device, shape) = (Device::flex().autodiff(), self.model.input);
        let count = inputs.len() / shape.len();
        let pixels = count * shape.height * shape.width;
        let tensors = self.model.tensors(&device, false);
        let input = matrix(to_rows(inputs, shape), pixels, shape.channels, &device).require_grad();
        let output = self.model.forward_inference(&tensors, input.clone(), count);
        let [rows, columns] = output.dims();
        let fixed = |numbers: &[f32]| matrix(to_rows(numbers, self.output), rows, columns, &device);
        let difference = output - fixed(seen.outputs);
        let weighted = difference.clone() * fixed(seen.weights);
        let squares = difference * weighted;
        let misfits = values(squares.clone());
        let gradients = squares.sum().backward();
        let gradient = input.grad(&gradients).map(values);
        Pull {
            misfits: misfits
                .chunks_exact(self.output.len())
                .map(|squares| squares.iter().map(|s| f64::from(*s)).sum())
                .collect(),
            gradient: gradient.map_or(vec![0.0; inputs.len()], |rows| to_pictures(&rows, shape)),
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use hemet_spaces::Layer;
    use hemet_spaces::evaluate::evaluate;
    use hemet_spaces::layer::{Conv, Dense, Poly};

    use super::*;
    use crate::Seed;

    /// A convolution, a quadratic and, where asked, a dense layer, with random weights.
    fn network(dense: bool) -> (LayerGraph, Weights) {
        let mut graph = LayerGraph::new(Shape::new(2, 4, 3)).unwrap();
        let conv = graph.add("conv", Layer::Conv(Conv::same(3, 3)), &[graph.input()]);
        let poly = Layer::Poly(Poly {
            degree: 2,
            per_channel: true,
        });
        let poly = graph.add("poly", poly, &[conv.unwrap()]).unwrap();
        if dense {
            let dense = Dense {
                out_features: 4,
                bias: true,
                circulant: 1,
            };
            graph.add("head", Layer::Dense(dense), &[poly]).unwrap();
        }
        let weights = Weights::random(&graph, &mut Seed::new(3).rng());
        (graph, weights)
    }

    fn numbers(len: usize) -> Vec<f32> {
        let mut rng = Seed::new(4).rng();
        (0..len).map(|_| rng.random_range(0.0..1.0)).collect()
    }

    #[test]
    fn a_part_computes_what_the_float64_reference_computes() {
        for dense in [false, true] {
            let (graph, weights) = network(dense);
            let part = Part::new(&graph, &weights).unwrap();
            let inputs = numbers(3 * 24);
            let outputs = part.run(&inputs);
            for (input, output) in inputs.chunks(24).zip(outputs.chunks(part.output().len())) {
                let input: Vec<f64> = input.iter().map(|x| f64::from(*x)).collect();
                let expected = evaluate(&graph, &weights, &input).unwrap();
                assert_eq!(expected.len(), output.len());
                for (a, b) in expected.iter().zip(output) {
                    // Some hundred products of numbers of order one in 24 bits.
                    assert!((a - f64::from(*b)).abs() < 1e-4, "{a} {b}");
                }
            }
        }
    }

    #[test]
    fn the_pull_is_the_slope_of_the_misfits_and_numbers_of_weight_zero_do_not_count() {
        let (graph, weights) = network(false);
        let part = Part::new(&graph, &weights).unwrap();
        let (inputs, outputs) = (numbers(2 * 24), vec![0.3; 2 * 36]);
        let mut counts = vec![1.0; 2 * 36];
        counts[40..].fill(0.0);
        let misfit = |inputs: &[f32], outputs: &[f32]| -> f64 {
            let seen = Intercepted {
                outputs,
                weights: &counts,
            };
            part.pull(inputs, seen).misfits.iter().sum()
        };
        let seen = Intercepted {
            outputs: &outputs,
            weights: &counts,
        };
        let gradient = part.pull(&inputs, seen).gradient;
        for place in [0, 7, 23, 30] {
            let moved = |by: f32| {
                let mut inputs = inputs.clone();
                inputs[place] += by;
                misfit(&inputs, &outputs)
            };
            let slope = (moved(0.01) - moved(-0.01)) / 0.02;
            let error = (slope - f64::from(gradient[place])).abs();
            assert!(error < 0.02 * slope.abs().max(0.1), "{place}: {slope}");
        }
        let mut others = outputs.clone();
        others[40..].fill(9.0);
        assert_eq!(misfit(&inputs, &outputs), misfit(&inputs, &others));
    }
}
