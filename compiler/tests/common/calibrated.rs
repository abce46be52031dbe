//! Random weights under which a deep network keeps its values of unit size, as a trained one with batch norm does: without that,
//! squares of squares overflow.

use hemet_spaces::layer::Poly;
use hemet_spaces::{Layer, LayerGraph, Meaning, NodeId, Weights};
use rand::RngExt;

/// As [`super::weights`], then, layer by layer on `input`, batch norms scale each channel to unit root mean square, and the
/// quadratics are as steep as the root mean square of what they receive allows.
pub fn calibrated(graph: &LayerGraph, input: &[f64], seed: u64) -> Weights {
    let mut weights = super::weights(graph, seed);
    let mut rng = super::rng(seed + 1);
    let mut values: Vec<Vec<f64>> = Vec::new();
    for (id, node) in graph.nodes() {
        let channel_len = node.shape.height * node.shape.width;
        let operand = graph.inputs(id).first().map(|x| &values[x.index()]);
        let channels = operand.map(|x| x.chunks(channel_len));
        match (&node.layer, channels) {
            (Layer::Affine(_), Some(channels)) => {
                let (mut scale, mut shift) = (Vec::new(), Vec::new());
                for channel in channels {
                    // The mean stays: over few places a deviation from it may be small by chance.
                    let square = channel.iter().map(|v| v * v).sum::<f64>() / channel_len as f64;
                    scale.push((1.0 / square.sqrt().max(1e-2)) as f32);
                    shift.push(0.0);
                }
                set(&mut weights, &node.name, "scale", scale);
                set(&mut weights, &node.name, "shift", shift);
            }
            (Layer::Poly(Poly { degree: 2, .. }), Some(channels)) => {
                let mut coefficients = Vec::new();
                for channel in channels {
                    let square = channel.iter().map(|v| v * v).sum::<f64>() / channel_len as f64;
                    let steep: f32 = rng.random_range(0.2..0.4);
                    let a = steep / square.sqrt().max(1.0) as f32;
                    coefficients.extend([0.0, rng.random_range(1.0f32..2.0) * a, a]);
                }
                set(&mut weights, &node.name, "coefficients", coefficients);
            }
            _ => {}
        }
        let next = forward(graph, id, &weights, &values, input);
        values.push(next);
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
        Meaning::Add => (0..inputs[0].len())
            .map(|e| inputs.iter().map(|x| x[e]).sum())
            .collect(),
        Meaning::Concat => inputs.into_iter().flatten().copied().collect(),
    }
}
