//! Integer networks: what they compute, where they come from, ranges, refusals.

use hemet_spaces::evaluate::evaluate;
use hemet_spaces::layer::{Affine, AveragePool, Conv, Dense, Poly};
use hemet_spaces::quantized::{
    IntegerMap, IntegerParameters, Limits, Operation, QuantizedNode, QuantizedParts, TableLayer,
    ValueRange, label,
};
use hemet_spaces::{Error, Layer, LayerGraph, QuantizedNetwork, Shape, Weights};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;

fn node(name: &str, len: usize, inputs: &[usize], operation: Operation) -> QuantizedNode {
    QuantizedNode {
        name: name.into(),
        shape: [len, 1, 1],
        inputs: inputs.to_vec(),
        operation,
    }
}

fn linear(rows: &[(&[i32], i64)]) -> Operation {
    let inputs = rows[0].0.len();
    let entries = |row: &[i32]| {
        row.iter()
            .enumerate()
            .map(|(c, w)| (c as u32, *w))
            .collect()
    };
    let map = IntegerMap::from_rows(inputs, rows.iter().map(|(row, bias)| (entries(row), *bias)));
    let limits = Limits::tight(&map);
    Operation::Linear { map, limits }
}

/// Two inputs from −3 to 3, their sum and difference, a table of eight, and the sum of what it gives.
fn small(table: TableLayer) -> QuantizedNetwork {
    let nodes = vec![
        node("input", 2, &[], Operation::Input(ValueRange::new(-3, 3))),
        node("map", 2, &[0], linear(&[(&[1, 1], 1), (&[1, -1], 0)])),
        node("table", 2, &[1], Operation::Table(table)),
        node("sum", 1, &[2], linear(&[(&[1, 10], 0)])),
    ];
    QuantizedNetwork::new(nodes, 0.5).unwrap()
}

#[test]
fn a_small_network_gives_what_a_hand_computes() {
    // Table u ↦ u for 0..8, and half a turn further 7 − u.
    let network = small(TableLayer::uniform(8, 1, 2, 7, |u| u as i32));
    // (3, 2): accumulators 6 and 1.
    assert_eq!(network.evaluate(&[3, 2]).unwrap(), [16]);
    // (3, 3): accumulators 7 and 0. (−3, 3): 1, and −6 = 10 mod 16, which is 2 half a turn further: 7 − 2 = 5.
    assert_eq!(network.evaluate(&[3, 3]).unwrap(), [7]);
    assert_eq!(network.evaluate(&[-3, 3]).unwrap(), [51]);
}

#[test]
fn a_shift_rounds_accumulators_down_before_the_table() {
    let mut table = TableLayer::uniform(4, 1, 2, 0, |u| u as i32);
    table.shift = 2;
    for (accumulator, expected) in [
        (0, 0),
        (3, 0),
        (4, 1),
        (15, 3),
        (16, 0),
        (20, -1),
        (-1, -3),
        (32, 0),
    ] {
        assert_eq!(
            table.value(0, accumulator),
            expected,
            "accumulator {accumulator}"
        );
    }
    assert_eq!(table.modulus(), 32);
}

#[test]
fn the_label_is_the_first_of_equal_greatest_logits() {
    assert_eq!(label(&[1, 5, 5, -2]), 1);
    assert_eq!(label(&[0, 0]), 0);
}

/// A graph with convolution, batch norm, pool and dense layer; with an activation or without.
fn graph(with_activation: bool) -> LayerGraph {
    let mut graph = LayerGraph::new(Shape::new(1, 6, 6)).unwrap();
    let conv = Conv {
        bias: true,
        ..Conv::same(3, 3)
    };
    let mut at = graph
        .add("conv", Layer::Conv(conv), &[graph.input()])
        .unwrap();
    if with_activation {
        at = graph.add("norm", Layer::Affine(Affine), &[at]).unwrap();
        at = graph
            .add(
                "act",
                Layer::Poly(Poly {
                    degree: 2,
                    per_channel: true,
                }),
                &[at],
            )
            .unwrap();
    }
    let pool = AveragePool::square(2, 2);
    let at = graph.add("pool", Layer::AveragePool(pool), &[at]).unwrap();
    graph
        .add(
            "head",
            Layer::Dense(Dense {
                out_features: 4,
                bias: true,
                circulant: 1,
            }),
            &[at],
        )
        .unwrap();
    graph
}

fn parts(rng: &mut ChaCha20Rng) -> QuantizedParts {
    let mut integers = |len: usize, bias: usize, limit: i32| IntegerParameters {
        weights: (0..len).map(|_| rng.random_range(-limit..=limit)).collect(),
        bias: (0..bias).map(|_| rng.random_range(-3..=3)).collect(),
        weight_limit: limit,
        norm_squared_limit: None,
    };
    QuantizedParts {
        input: ValueRange::new(0, 3),
        linear: [
            ("conv".to_owned(), integers(27, 3, 1)),
            ("head".to_owned(), integers(4 * 27, 4, 7)),
        ]
        .into(),
        tables: [(
            "act".to_owned(),
            TableLayer::uniform(8, 3, 36, 3, |u| (u / 2) as i32),
        )]
        .into(),
        logit_scale: 1.0,
    }
}

#[test]
fn without_tables_an_integer_network_is_the_float_reference_with_pools_as_sums() {
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let (graph, parts) = (graph(false), parts(&mut rng));
    let network = QuantizedNetwork::from_graph(&graph, &parts).unwrap();
    let mut weights = Weights::random(&graph, &mut rng);
    for (name, part) in &parts.linear {
        let weight = weights.tensors.get_mut(&format!("{name}.weight")).unwrap();
        weight.data = part.weights.iter().map(|w| *w as f32).collect();
        let scale = if name == "head" { 0.25 } else { 1.0 };
        let bias = weights.tensors.get_mut(&format!("{name}.bias")).unwrap();
        bias.data = part.bias.iter().map(|b| *b as f32 * scale).collect();
    }
    let input: Vec<i64> = (0..36).map(|_| rng.random_range(0..=3)).collect();
    let float: Vec<f64> = input.iter().map(|v| *v as f64).collect();
    let expected: Vec<i64> = evaluate(&graph, &weights, &float)
        .unwrap()
        .iter()
        .map(|v| (v * 4.0).round() as i64)
        .collect();
    assert_eq!(network.evaluate(&input).unwrap(), expected);
}

#[test]
fn batch_norm_vanishes_and_activations_become_tables() {
    let network =
        QuantizedNetwork::from_graph(&graph(true), &parts(&mut ChaCha20Rng::seed_from_u64(4)))
            .unwrap();
    let names: Vec<&str> = network.nodes().iter().map(|n| n.name.as_str()).collect();
    assert_eq!(names, ["input", "conv", "act", "pool", "head"]);
    assert_eq!(network.nodes()[1].shape, [3, 6, 6]);
}

#[test]
fn missing_or_wrong_parts_are_refused_by_layer() {
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let whole = parts(&mut rng);
    let refusal = |change: &dyn Fn(&mut QuantizedParts)| {
        let mut parts = whole.clone();
        change(&mut parts);
        QuantizedNetwork::from_graph(&graph(true), &parts)
            .unwrap_err()
            .to_string()
    };
    assert!(refusal(&|p| p.tables.clear()).contains("`act`: the integer parts have no table"));
    assert!(
        refusal(&|p| drop(p.linear.remove("head")))
            .contains("`head`: the integer parts have no weights")
    );
    assert!(refusal(&|p| p.linear.get_mut("conv").unwrap().weights.truncate(5)).contains("`conv`"));
    assert!(
        refusal(&|p| p.linear.get_mut("head").unwrap().weight_limit = 2)
            .contains("exceeds its limit 2")
    );
    let promise =
        |p: &mut QuantizedParts| p.linear.get_mut("head").unwrap().norm_squared_limit = Some(3);
    assert!(refusal(&promise).contains("squared norm"));
}

#[test]
fn values_stay_within_their_ranges() {
    let mut rng = ChaCha20Rng::seed_from_u64(6);
    let network = QuantizedNetwork::from_graph(&graph(true), &parts(&mut rng)).unwrap();
    let ranges = network.value_ranges();
    for _ in 0..50 {
        let input: Vec<i64> = (0..36).map(|_| rng.random_range(0..=3)).collect();
        for (values, ranges) in network.evaluate_all(&input).unwrap().iter().zip(&ranges) {
            assert!(values.iter().zip(ranges).all(|(v, r)| r.contains(*v)));
        }
    }
}

#[test]
fn composed_maps_equal_one_after_the_other() {
    let first = IntegerMap::from_rows(2, [(vec![(0, 2), (1, -1)], 3), (vec![(1, 5)], -1)]);
    let second = IntegerMap::from_rows(2, [(vec![(0, -3), (1, 1)], 7)]);
    let both = second.after(&first).unwrap();
    for input in [[0, 0], [1, 2], [-4, 9]] {
        assert_eq!(both.apply(&input), second.apply(&first.apply(&input)));
    }
    let huge = IntegerMap::from_rows(1, [(vec![(0, i32::MAX)], 0)]);
    assert_eq!(huge.after(&huge), None);
}

#[test]
fn inputs_of_wrong_length_or_range_are_refused() {
    let network = small(TableLayer::uniform(8, 1, 2, 7, |u| u as i32));
    assert_eq!(
        network.evaluate(&[1]),
        Err(Error::InputLength {
            expected: 2,
            found: 1
        })
    );
    let outside = network.evaluate(&[1, 4]).unwrap_err().to_string();
    assert!(
        outside.contains("input value 1 is 4, the network takes -3 to 3"),
        "{outside}"
    );
}

#[test]
fn wrong_nodes_are_refused_with_both_numbers() {
    let input = || node("input", 2, &[], Operation::Input(ValueRange::new(0, 3)));
    let map = || node("map", 1, &[0], linear(&[(&[1, 1], 0)]));
    let table = |table| node("table", 1, &[1], Operation::Table(table));
    let short = TableLayer {
        tables: vec![vec![0; 3]],
        ..TableLayer::uniform(4, 1, 1, 0, |_| 0)
    };
    let cases: Vec<(Vec<QuantizedNode>, &str)> = vec![
        (vec![], "the first node must be the input"),
        (vec![map()], "the first node must be the input"),
        (
            vec![input(), node("map", 1, &[1], linear(&[(&[1, 1], 0)]))],
            "reads node 1, which is not before it",
        ),
        (
            vec![input(), node("map", 2, &[0], linear(&[(&[1, 1], 0)]))],
            "gives 1, the nodes have 2 and 2",
        ),
        (
            vec![input(), node("map", 1, &[0], linear(&[(&[1, 200], 0)]))],
            "weight 200; at most ±127",
        ),
        (vec![input(), map(), table(short)], "has 3 entries, not 4"),
        (
            vec![
                input(),
                map(),
                node("map", 1, &[0], linear(&[(&[1, 1], 0)])),
            ],
            "its name is taken",
        ),
        (
            vec![
                input(),
                map(),
                node("other", 1, &[0], linear(&[(&[1, 1], 0)])),
            ],
            "no node reads it",
        ),
        (
            vec![input(), node("sum", 2, &[0], Operation::Add)],
            "it reads 1 nodes",
        ),
    ];
    for (nodes, expected) in cases {
        let found = QuantizedNetwork::new(nodes, 1.0).unwrap_err().to_string();
        assert!(found.contains(expected), "{found}");
    }
    assert!(QuantizedNetwork::new(vec![input()], f64::NAN).is_err());
}
