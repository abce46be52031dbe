//! Random weights under which a deep network keeps its values of unit size, as a trained one with batch norm does:
//! without that, squares of squares overflow.

use hemet_spaces::layer::Poly;
use hemet_spaces::{Layer, LayerGraph, Meaning, NodeId, Weights};
use rand::RngExt;

/// As [`super::weights`], then, layer by layer on `inputs`, batch norms scale each channel to unit root mean square,
/// and the quadratics have their vertices at half to four fifths of the largest magnitude that they receive, at most
/// at `-vertex`, and results of unit root mean square.
pub fn calibrated(graph: &LayerGraph, inputs: &[Vec<f64>], vertex: f64, seed: u64) -> Weights {
    let mut weights = super::weights(graph, seed);
    let mut rng = super::rng(seed + 1);
    // For each input the values of each layer so far.
    let mut values: Vec<Vec<Vec<f64>>> = vec![Vec::new(); inputs.len()];
    for (id, node) in graph.nodes() {
        let channel_len = node.shape.height * node.shape.width;
        // Root mean square, and largest magnitude, of a channel.
        let size = |operand: NodeId, channel: usize| {
            let range = channel * channel_len..(channel + 1) * channel_len;
            let values = values
                .iter()
                .flat_map(|v| &v[operand.index()][range.clone()]);
            let (sum, largest) = values.fold((0.0, 0.0), |(sum, most): (f64, f64), v| {
                (sum + v * v, most.max(v.abs()))
            });
            ((sum / (channel_len * inputs.len()) as f64).sqrt(), largest)
        };
        let operand = graph.inputs(id).first().copied();
        match (&node.layer, operand) {
            (Layer::Affine(_), Some(operand)) => {
                let factor = |channel| (1.0 / size(operand, channel).0.max(1e-2)) as f32;
                // The mean stays: over few places a deviation from it may be small by chance.
                let scale: Vec<f32> = (0..node.shape.channels).map(factor).collect();
                let shift = vec![0.0; scale.len()];
                set(&mut weights, &node.name, "scale", scale);
                set(&mut weights, &node.name, "shift", shift);
            }
            (Layer::Poly(Poly { degree: 2, .. }), Some(operand)) => {
                let mut coefficients = Vec::new();
                for channel in 0..node.shape.channels {
                    let largest = size(operand, channel).1;
                    let vertex = (rng.random_range(0.5..0.8) * largest).min(vertex);
                    let range = channel * channel_len..(channel + 1) * channel_len;
                    let values = values
                        .iter()
                        .flat_map(|v| &v[operand.index()][range.clone()]);
                    let squares = values.map(|v| (v * (v + 2.0 * vertex)).powi(2));
                    let mean = squares.sum::<f64>() / (channel_len * inputs.len()) as f64;
                    let a = mean.sqrt().max(1e-2).recip() as f32;
                    coefficients.extend([0.0, 2.0 * vertex as f32 * a, a]);
                }
                set(&mut weights, &node.name, "coefficients", coefficients);
            }
            _ => {}
        }
        for (values, input) in values.iter_mut().zip(inputs) {
            let next = forward(graph, id, &weights, values, input);
            values.push(next);
        }
    }
    weights
}

/// As [`super::weights`], then, layer by layer on `inputs`, batch norms bring each channel to mean 0 and variance 1,
/// quadratics are `0.8·x + 0.15·x²`, and the last layer gives logits of some size: what training with batch norm ends
/// in.
pub fn normalized(graph: &LayerGraph, inputs: &[Vec<f64>], logits: f64, seed: u64) -> Weights {
    let mut weights = super::weights(graph, seed);
    let mut values: Vec<Vec<Vec<f64>>> = vec![Vec::new(); inputs.len()];
    let last = graph.nodes().len() - 1;
    for (id, node) in graph.nodes() {
        let len = node.shape.height * node.shape.width;
        let operand = graph.inputs(id).first().copied();
        match (&node.layer, operand) {
            (Layer::Affine(_), Some(operand)) => {
                let (mut scale, mut shift) = (Vec::new(), Vec::new());
                for channel in 0..node.shape.channels {
                    let range = channel * len..(channel + 1) * len;
                    let all = values
                        .iter()
                        .flat_map(|v| &v[operand.index()][range.clone()]);
                    let (sum, squares) = all.fold((0.0, 0.0), |(s, q), v| (s + v, q + v * v));
                    let count = (len * inputs.len()) as f64;
                    let mean = sum / count;
                    let factor = (squares / count - mean * mean).max(1e-6).sqrt().recip();
                    scale.push(factor as f32);
                    shift.push((-mean * factor) as f32);
                }
                set(&mut weights, &node.name, "scale", scale);
                set(&mut weights, &node.name, "shift", shift);
            }
            (Layer::Poly(Poly { degree: 2, .. }), Some(_)) => {
                let coefficients = [0.0, 0.8, 0.15].repeat(node.shape.channels);
                set(&mut weights, &node.name, "coefficients", coefficients);
            }
            _ => {}
        }
        let made: Vec<Vec<f64>> = values
            .iter()
            .zip(inputs)
            .map(|(values, input)| forward(graph, id, &weights, values, input))
            .collect();
        let squares: f64 = made.iter().flatten().map(|v| v * v).sum();
        let size = (squares / (made.len() * made[0].len()) as f64).sqrt();
        if id.index() == last {
            let factor = (logits / size) as f32;
            for parameter in ["weight", "bias"] {
                let tensor = weights
                    .tensors
                    .get_mut(&format!("{}.{parameter}", node.name));
                let tensor = tensor.expect("the last layer is dense");
                tensor.data.iter_mut().for_each(|w| *w *= factor);
            }
        }
        values
            .iter_mut()
            .zip(made)
            .for_each(|(values, made)| values.push(made));
    }
    weights
}

fn set(weights: &mut Weights, layer: &str, parameter: &str, data: Vec<f32>) {
    let name = format!("{layer}.{parameter}");
    let tensor = weights.tensors.get_mut(&name).expect("the layer has it");
    assert_eq!(tensor.data.len(), data.len());
    tensor.data = data;
}

/// The values of one layer.
fn forward(
    graph: &LayerGraph,
    id: NodeId,
    weights: &Weights,
    values: &[Vec<f64>],
    input: &[f64],
) -> Vec<f64> {
    let own = weights.of_layer(graph, id).expect("all weights are there");
    let inputs: Vec<&Vec<f64>> = graph
        .inputs(id)
        .iter()
        .map(|x| &values[x.index()])
        .collect();
    match graph.meaning(id) {
        Meaning::Input => input.to_vec(),
        Meaning::Linear(map) => (0..map.outputs)
            .map(|row| {
                let entries = map.row_starts[row] as usize..map.row_starts[row + 1] as usize;
                let products = entries
                    .map(|e| own.value(map.coefficients[e]) * inputs[0][map.columns[e] as usize]);
                products.sum::<f64>() + own.value(map.bias[row])
            })
            .collect(),
        Meaning::Poly(_) => {
            let name = format!("{}.coefficients", graph.node(id).name);
            let shape = graph.node(id).shape;
            let channel_len = shape.height * shape.width;
            let coefficients = weights.tensors[&name].data.chunks(3);
            let channels = inputs[0].chunks(channel_len).zip(coefficients.cycle());
            channels
                .flat_map(|(channel, c)| {
                    let [c0, c1, c2] = [c[0], c[1], c[2]].map(f64::from);
                    channel.iter().map(move |x| c0 + x * (c1 + x * c2))
                })
                .collect()
        }
        Meaning::Clear(clear) => clear.run(inputs[0]),
        Meaning::Add => (0..inputs[0].len())
            .map(|e| inputs.iter().map(|x| x[e]).sum())
            .collect(),
        Meaning::Concat => inputs.into_iter().flatten().copied().collect(),
    }
}
