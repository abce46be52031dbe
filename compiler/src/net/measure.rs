//! Measuring: what a net's tensors are on some inputs.

use super::evaluate::{axpy, forget, value};
use super::{Net, NodeKind, TensorId};

/// Inputs that are evaluated side by side.
const LANES: usize = 16;

/// What a net's tensors are on some inputs.
pub struct Sizes {
    /// By node: the mean square of each channel.
    pub power: Vec<Vec<f64>>,
    /// By node: the largest magnitude on each input.
    pub largest: Vec<Vec<f64>>,
    /// By input: the output.
    pub outputs: Vec<Vec<f64>>,
}

impl Sizes {
    /// Evaluates a net with values on `inputs`, at least one, each of the input's elements.
    pub fn of(net: &Net, inputs: &[Vec<f64>]) -> Self {
        let shapes = net.nodes.iter().map(|node| node.shape);
        let mut sizes = Self {
            power: shapes.map(|shape| vec![0.0; shape.channels]).collect(),
            largest: vec![Vec::with_capacity(inputs.len()); net.nodes.len()],
            outputs: Vec::with_capacity(inputs.len()),
        };
        let last_reads = net.last_reads();
        for some in inputs.chunks(LANES) {
            sizes.add(net, &last_reads, some);
        }
        for (node, power) in net.nodes.iter().zip(&mut sizes.power) {
            let count = node.shape.height * node.shape.width * inputs.len();
            power.iter_mut().for_each(|p| *p /= count as f64);
        }
        sizes
    }

    fn add(&mut self, net: &Net, last_reads: &[Vec<TensorId>], inputs: &[Vec<f64>]) {
        let element = |e: usize| std::array::from_fn(|l| inputs[l % inputs.len()][e]);
        let len = net.nodes[0].shape.len();
        let mut tensors: Vec<Vec<[f64; LANES]>> = vec![(0..len).map(element).collect()];
        for id in net.ids() {
            if id.0 > 0 {
                tensors.push(value(net, id, &tensors, axpy));
            }
            let shape = net.node(id).shape;
            let channels = tensors[id.0].chunks_exact(shape.height * shape.width);
            for (power, channel) in self.power[id.0].iter_mut().zip(channels) {
                let squares =
                    |v: &[f64; LANES]| v[..inputs.len()].iter().map(|x| x * x).sum::<f64>();
                *power += channel.iter().map(squares).sum::<f64>();
            }
            let magnitude = |l: usize| {
                tensors[id.0]
                    .iter()
                    .fold(0.0, |most, v| larger(most, v[l].abs()))
            };
            self.largest[id.0].extend((0..inputs.len()).map(magnitude));
            forget(&mut tensors, &last_reads[id.0]);
        }
        let outputs = &tensors[net.output().0];
        let of_input = |l: usize| outputs.iter().map(|v| v[l]).collect();
        self.outputs.extend((0..inputs.len()).map(of_input));
    }

    /// The largest root mean square of a tensor that a product reads; 0 without products.
    pub fn largest_operand(&self, net: &Net) -> f64 {
        let operands = net.nodes.iter().flat_map(|node| match node.kind {
            NodeKind::Product(a, b) => vec![a, b],
            NodeKind::Input | NodeKind::Linear { .. } | NodeKind::WindowSum { .. } => Vec::new(),
        });
        let mean = |power: &[f64]| power.iter().sum::<f64>() / power.len().max(1) as f64;
        let sizes = operands.map(|x| mean(&self.power[x.0]).sqrt());
        sizes.fold(0.0, larger)
    }

    /// Root mean square of the outputs of an input, in the median over inputs.
    pub fn output_size(&self) -> f64 {
        let mean =
            |output: &Vec<f64>| output.iter().map(|x| x * x).sum::<f64>() / output.len() as f64;
        let mut squares: Vec<f64> = self.outputs.iter().map(mean).collect();
        squares.sort_by(f64::total_cmp);
        squares
            .get(squares.len() / 2)
            .map_or(0.0, |square| square.sqrt())
    }
}

/// The larger of two magnitudes; a value that overflowed is larger than any.
fn larger(most: f64, x: f64) -> f64 {
    if x.is_nan() {
        f64::INFINITY
    } else {
        most.max(x)
    }
}
