//! Integer networks of every shape that a compiler must handle, with random integers.

use hemet_spaces::layer::{Affine, AveragePool, Conv, Dense, Poly, Window};
use hemet_spaces::quantized::{IntegerParameters, QuantizedParts, TableLayer, ValueRange};
use hemet_spaces::{Layer, LayerGraph, NodeId, QuantizedNetwork, Shape};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;

/// How the tables of a network are made.
#[derive(Clone, Copy)]
pub struct Tables {
    pub half: u32,
    pub shift: u32,
}

/// The networks by name.
pub fn networks() -> Vec<(&'static str, QuantizedNetwork)> {
    let narrow = Tables { half: 12, shift: 0 };
    let shifted = Tables { half: 8, shift: 2 };
    vec![
        (
            "linear",
            network(Tables { half: 4, shift: 0 }, Shape::new(1, 1, 6), |g| {
                let at = g.input();
                dense(g, "head", at, 3);
            }),
        ),
        (
            "one hidden layer",
            network(narrow, Shape::new(1, 2, 4), |g| {
                let at = g.input();
                let at = dense(g, "first", at, 6);
                let at = act(g, "act", at);
                dense(g, "head", at, 3);
            }),
        ),
        (
            "two hidden layers with shifts",
            network(shifted, Shape::new(1, 2, 4), |g| {
                let at = g.input();
                let at = dense(g, "first", at, 5);
                let at = act(g, "act1", at);
                let at = dense(g, "second", at, 4);
                let at = act(g, "act2", at);
                dense(g, "head", at, 3);
            }),
        ),
        (
            "convolutions with a pool",
            network(narrow, Shape::new(1, 4, 4), |g| {
                let at = g.input();
                let at = conv(g, "conv1", at, 2, 1);
                let at = act(g, "act1", at);
                let at = pool(g, "pool", at);
                let at = conv(g, "conv2", at, 2, 2);
                let at = act(g, "act2", at);
                dense(g, "head", at, 3);
            }),
        ),
        (
            "residual and concatenation",
            network(narrow, Shape::new(2, 3, 3), |g| {
                let at = g.input();
                let skip = act(g, "act0", at);
                let at = conv(g, "conv1", skip, 2, 1);
                let at = act(g, "act1", at);
                let sum = g.add("sum", Layer::Add, &[at, skip]).unwrap();
                let both = g.add("both", Layer::Concat, &[sum, skip]).unwrap();
                let at = conv(g, "conv2", both, 1, 1);
                let at = act(g, "act2", at);
                dense(g, "head", at, 3);
            }),
        ),
    ]
}

/// Weights −1 to 1 in the body and −3 to 3 in the head; inputs 0 to 3; activations 0 to 3 of random, non-monotone
/// tables.
fn network(tables: Tables, input: Shape, build: impl FnOnce(&mut LayerGraph)) -> QuantizedNetwork {
    let mut graph = LayerGraph::new(input).unwrap();
    build(&mut graph);
    let mut rng = ChaCha20Rng::seed_from_u64(11);
    let mut parts = QuantizedParts {
        input: ValueRange::new(0, 3),
        linear: Default::default(),
        tables: Default::default(),
        logit_scale: 1.0,
    };
    for (id, node) in graph.nodes() {
        let limit = if node.name == "head" { 3 } else { 1 };
        match &node.layer {
            Layer::Conv(_) | Layer::Dense(_) => {
                let len = graph.parameters(id)[0].len();
                let channels = node.shape.channels;
                let integers = IntegerParameters {
                    weights: (0..len).map(|_| rng.random_range(-limit..=limit)).collect(),
                    bias: (0..channels).map(|_| rng.random_range(-4..=4)).collect(),
                    weight_limit: limit,
                    norm_squared_limit: None,
                };
                parts.linear.insert(node.name.clone(), integers);
            }
            Layer::Poly(_) => {
                let channels = node.shape.channels;
                let table = TableLayer {
                    half: tables.half,
                    shift: tables.shift,
                    channel_len: node.shape.height * node.shape.width,
                    tables: (0..channels)
                        .map(|_| (0..tables.half).map(|_| rng.random_range(0..=3)).collect())
                        .collect(),
                    flip: vec![3; channels],
                };
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
    QuantizedNetwork::from_graph(&graph, &parts).unwrap()
}

fn dense(graph: &mut LayerGraph, name: &str, at: NodeId, out_features: usize) -> NodeId {
    graph
        .add(
            name,
            Layer::Dense(Dense {
                out_features,
                bias: true,
                circulant: 1,
            }),
            &[at],
        )
        .unwrap()
}

fn conv(graph: &mut LayerGraph, name: &str, at: NodeId, channels: usize, stride: usize) -> NodeId {
    let conv = Conv {
        bias: true,
        window: Window::square(3, stride, 1),
        ..Conv::same(channels, 3)
    };
    graph.add(name, Layer::Conv(conv), &[at]).unwrap()
}

fn act(graph: &mut LayerGraph, name: &str, at: NodeId) -> NodeId {
    let at = graph
        .add(format!("{name}.norm"), Layer::Affine(Affine), &[at])
        .unwrap();
    graph
        .add(
            name,
            Layer::Poly(Poly {
                degree: 2,
                per_channel: true,
            }),
            &[at],
        )
        .unwrap()
}

fn pool(graph: &mut LayerGraph, name: &str, at: NodeId) -> NodeId {
    graph
        .add(name, Layer::AveragePool(AveragePool::square(2, 2)), &[at])
        .unwrap()
}

/// Random inputs of a network.
#[allow(dead_code)]
pub fn inputs(network: &QuantizedNetwork, count: usize) -> Vec<Vec<i64>> {
    let mut rng = ChaCha20Rng::seed_from_u64(12);
    let range = network.input_range();
    let input = |_| {
        (0..network.input_len())
            .map(|_| rng.random_range(range.low..=range.high))
            .collect()
    };
    (0..count).map(input).collect()
}
