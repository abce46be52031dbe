//! Every block: its layers for random shapes, its errors, and the structure that its paper gives.

use std::sync::Arc;

use hemet_spaces::blocks::{
    Activation, Block, Choice, ConvBlock, Fire, Inception, InvertedResidual, KINDS, List, Options,
    Pair, Pool, PoolBlock, Residual, Role, Skip,
};
use hemet_spaces::evaluate::evaluate;
use hemet_spaces::layer::{Structure, Taps};
use hemet_spaces::{Layer, LayerGraph, NodeId, Shape, Weights};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn expand(block: &dyn Block, shape: Shape) -> Result<(LayerGraph, NodeId), hemet_spaces::Error> {
    let mut graph = LayerGraph::new(shape)?;
    let input = graph.input();
    let last = block.expand(&mut graph, input, "b")?;
    Ok((graph, last))
}

fn activation() -> impl Strategy<Value = Activation> {
    let poly = (2usize..5, any::<bool>()).prop_map(|(degree, per_channel)| Activation::Poly {
        degree,
        per_channel,
    });
    prop_oneof![Just(Activation::Linear), Just(Activation::QUADRATIC), poly]
}

/// Any block whose stride divides an even height and width; `channels` are a multiple of 2 for the groups.
fn block() -> impl Strategy<Value = Arc<dyn Block>> {
    let knobs = (1usize..5, 0usize..3, 1usize..3, activation(), activation());
    (0usize..7, knobs).prop_map(
        |(kind, (n, k, stride, activation, inner_activation))| -> Arc<dyn Block> {
            let (width, kernel) = (2 * n, 2 * k + 1);
            match kind {
                0 => Arc::new(ConvBlock {
                    width,
                    kernel: Pair([kernel, 1]),
                    stride: Pair([1, stride]),
                    groups: stride,
                    structure: Structure {
                        taps: if kernel % 2 == 1 {
                            Taps::Cross
                        } else {
                            Taps::Square
                        },
                        ..Structure::FULL
                    },
                    activation,
                }),
                1 => Arc::new(Fire {
                    squeeze: n,
                    expand: width,
                    activation,
                    inner_activation,
                }),
                2 => Arc::new(Inception {
                    conv1: n,
                    conv3: width,
                    conv5: k,
                    pool: if stride == 2 { k } else { 0 },
                    reduce: k,
                    stride,
                    activation,
                    inner_activation,
                }),
                3 => Arc::new(InvertedResidual {
                    width,
                    expansion: n,
                    kernel,
                    stride,
                    activation,
                    inner_activation,
                }),
                4 => Arc::new(Residual {
                    width,
                    kernel,
                    stride,
                    groups: 1,
                    structure: Structure::FULL,
                    activation,
                    inner_activation,
                }),
                5 => Arc::new(PoolBlock {
                    window: Pair::both(2),
                }),
                _ => Arc::new(Skip),
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, rng_seed: proptest::test_runner::RngSeed::Fixed(2), ..ProptestConfig::default() })]

    #[test]
    fn a_block_expands_to_the_shape_it_states_and_runs(
        block in block(),
        (channels, height, width) in (1usize..4, 1usize..5, 1usize..5),
    ) {
        let shape = Shape::new(2 * channels, 2 * height, 2 * width);
        let (graph, last) = expand(block.as_ref(), shape).expect("it fits");
        let out = graph.node(last).shape;
        prop_assert_eq!(out.channels, block.out_channels().unwrap_or(shape.channels));
        prop_assert_eq!(out.height, shape.height / block.stride()[0]);
        prop_assert_eq!(out.width, shape.width / block.stride()[1]);
        prop_assert_eq!(last, graph.output());
        prop_assert_eq!(graph.unread(), None);
        prop_assert!(graph.nodes().skip(1).all(|(_, node)| node.name.starts_with("b.")));

        let weights = Weights::random(&graph, &mut ChaCha8Rng::seed_from_u64(1));
        let output = evaluate(&graph, &weights, &vec![0.5; shape.len()]).expect("its weights");
        prop_assert!(output.iter().all(|x| x.is_finite()));
        prop_assert_eq!(output.len(), out.len());
        prop_assert!(!block.label().contains(' '));
    }
}

fn quadratics(graph: &LayerGraph) -> usize {
    graph.statistics().activations
}

const Q: Activation = Activation::QUADRATIC;
const L: Activation = Activation::Linear;

#[test]
fn activations_inside_and_after_a_block_are_as_documented() {
    let shape = Shape::new(8, 8, 8);
    let fire = |inner_activation| Fire {
        squeeze: 2,
        expand: 4,
        activation: Q,
        inner_activation,
    };
    let inverted = |expansion, inner_activation| InvertedResidual {
        width: 8,
        expansion,
        kernel: 3,
        stride: 1,
        activation: Q,
        inner_activation,
    };
    let residual = Residual {
        width: 8,
        kernel: 3,
        stride: 1,
        groups: 1,
        structure: Structure::FULL,
        activation: Q,
        inner_activation: Q,
    };
    let inception = |reduce| Inception {
        conv1: 2,
        conv3: 2,
        conv5: 2,
        pool: 0,
        reduce,
        stride: 1,
        activation: Q,
        inner_activation: Q,
    };
    let cases: Vec<(Box<dyn Block>, usize)> = vec![
        (Box::new(fire(Q)), 2),
        (Box::new(fire(L)), 1),
        (Box::new(inverted(2, Q)), 2),
        (Box::new(inverted(2, L)), 1),
        (Box::new(inverted(1, Q)), 1),
        (Box::new(residual), 2),
        (Box::new(inception(0)), 1),
        (Box::new(inception(2)), 3),
        (Box::new(Skip), 0),
    ];
    for (block, expected) in cases {
        let (graph, _) = expand(block.as_ref(), shape).unwrap();
        assert_eq!(quadratics(&graph), expected, "{}", block.label());
    }
}

#[test]
fn an_inverted_residual_adds_its_input_exactly_where_shapes_agree() {
    let block = |width, stride| InvertedResidual {
        width,
        expansion: 2,
        kernel: 3,
        stride,
        activation: Q,
        inner_activation: Q,
    };
    for (width, stride, adds) in [(4, 1, true), (6, 1, false), (4, 2, false)] {
        let (graph, last) = expand(&block(width, stride), Shape::new(4, 8, 8)).unwrap();
        assert_eq!(
            graph.node(last).layer == Layer::Add,
            adds,
            "width {width}, stride {stride}"
        );
    }
}

#[test]
fn a_depthwise_convolution_has_one_kernel_a_channel() {
    let block = InvertedResidual {
        width: 4,
        expansion: 3,
        kernel: 5,
        stride: 1,
        activation: Q,
        inner_activation: L,
    };
    let (graph, _) = expand(&block, Shape::new(4, 8, 8)).unwrap();
    let depthwise = graph.find("b.depthwise").expect("a depthwise layer");
    assert_eq!(graph.parameters(depthwise)[0].shape, [12, 1, 5, 5]);
}

#[test]
fn a_block_that_does_not_fit_says_which_layer_and_why() {
    let grouped = ConvBlock {
        width: 4,
        kernel: Pair::both(3),
        stride: Pair::both(1),
        groups: 2,
        structure: Structure::FULL,
        activation: Q,
    };
    let message = expand(&grouped, Shape::new(3, 8, 8))
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("`b.conv`") && message.contains("groups 2 must divide the 3"),
        "{message}"
    );
    let pool = PoolBlock {
        window: Pair::both(4),
    };
    let message = expand(&pool, Shape::new(1, 2, 2)).unwrap_err().to_string();
    assert!(
        message.contains("`b.average`") && message.contains("window of 4 does not fit 2x2"),
        "{message}"
    );
}

#[test]
fn rows_and_columns_are_read_in_every_spelling_and_told_in_labels() {
    for (text, labels) in [
        (
            "conv: {width: 4, kernel: [1x7, [3, 1], 3]}",
            vec![
                "conv(width=4,kernel=1x7)",
                "conv(width=4,kernel=3x1)",
                "conv(width=4,kernel=3)",
            ],
        ),
        (
            "conv: {width: 4, kernel: 1x7, stride: 1x2}",
            vec!["conv(width=4,kernel=1x7,stride=1x2)"],
        ),
        // Two squares, as ever.
        (
            "conv: {width: 4, kernel: [1, 7]}",
            vec!["conv(width=4,kernel=1)", "conv(width=4,kernel=7)"],
        ),
        (
            "pool: {window: [2, 1x4, [4, 1]]}",
            vec!["pool(window=2)", "pool(window=1x4)", "pool(window=4x1)"],
        ),
    ] {
        let choice: Choice = serde_yaml::from_str(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        let blocks = choice.blocks(&List::one(Q)).unwrap();
        let found: Vec<String> = blocks.iter().map(|block| block.label()).collect();
        assert_eq!(found, labels, "{text}");
    }
    for text in [
        "conv: {width: 4, kernel: '0x3'}",
        "conv: {width: 4, kernel: 1x2x3}",
        "conv: {width: 4, kernel: [[1, 2, 3]]}",
        "conv: {width: 4, kernel: wide}",
    ] {
        assert!(serde_yaml::from_str::<Choice>(text).is_err(), "{text}");
    }
}

#[test]
fn on_a_signal_every_block_drops_the_places_beside_it_and_computes_the_same() {
    let signal = Shape::new(2, 1, 9);
    let wide = ConvBlock {
        width: 4,
        kernel: Pair::both(5),
        stride: Pair([1, 2]),
        groups: 1,
        structure: Structure::FULL,
        activation: Q,
    };
    let narrow = ConvBlock {
        kernel: Pair([1, 5]),
        ..wide.clone()
    };
    let [(a, _), (b, _)] = [&wide, &narrow].map(|block| expand(block, signal).unwrap());
    assert_eq!(a.to_string(), b.to_string());
    let conv = a.find("b.conv").unwrap();
    assert_eq!(a.parameters(conv)[0].shape, [4, 2, 1, 5]);
    // A column likewise; a single place keeps its kernel, as it always did.
    let (graph, _) = expand(&wide, Shape::new(2, 9, 1)).unwrap();
    assert_eq!(
        graph.parameters(graph.find("b.conv").unwrap())[0].shape,
        [4, 2, 5, 1]
    );
    let (graph, _) = expand(&wide, Shape::new(2, 1, 1)).unwrap();
    assert_eq!(
        graph.parameters(graph.find("b.conv").unwrap())[0].shape,
        [4, 2, 5, 5]
    );
}

#[test]
fn a_global_pool_takes_the_mean_of_maps_of_any_shape() {
    let mut graph = LayerGraph::new(Shape::new(3, 2, 4)).unwrap();
    let input = graph.input();
    let pool = Pool::Global.expand(&mut graph, input, "pool").unwrap();
    assert_eq!(graph.node(pool).shape, Shape::new(3, 1, 1));
}

#[test]
fn every_kind_in_the_list_reads_multiplies_out_and_has_distinct_labels() {
    let texts = [
        (
            "conv",
            "conv: {width: [4, 8], kernel: [1, 3], stride: [1, 2], groups: [1, 2], activation: [linear, quadratic]}",
            32,
        ),
        (
            "dense",
            "dense: {width: [4, 8], activation: [linear, quadratic]}",
            4,
        ),
        (
            "fire",
            "fire: {squeeze: [1, 2], expand: [4, 8], activation: [quadratic, poly3], inner_activation: [linear, quadratic]}",
            16,
        ),
        (
            "inception",
            "inception: {conv1: [0, 4], conv3: 4, conv5: [0, 4], reduce: [0, 2], stride: [1, 2], inner_activation: [linear, quadratic]}",
            24,
        ),
        (
            "inverted_residual",
            "inverted_residual: {width: [4, 8], expansion: [1, 2], inner_activation: [linear, quadratic]}",
            6,
        ),
        (
            "residual",
            "residual: {width: [4, 8], stride: [1, 2], inner_activation: [linear, quadratic_per_layer]}",
            8,
        ),
        ("pool", "pool: {window: [2, 4]}", 2),
        ("skip", "skip", 1),
    ];
    assert_eq!(texts.map(|(kind, _, _)| kind), KINDS);
    for (kind, text, count) in texts {
        let choice: Choice = serde_yaml::from_str(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(choice.kind(), kind);
        let blocks = choice.blocks(&List::one(Q)).unwrap();
        let mut labels: Vec<String> = blocks.iter().map(|block| block.label()).collect();
        labels.sort();
        labels.dedup();
        assert_eq!(
            (blocks.len(), labels.len()),
            (count, count),
            "{kind}: {labels:?}"
        );
        let json = serde_json::to_string(&choice).unwrap();
        assert_eq!(
            serde_json::from_str::<Choice>(&json).unwrap(),
            choice,
            "{json}"
        );
    }
}

#[test]
fn roles_tell_mobile_blocks_from_regular_convolutions() {
    let roles = |text: &str| -> Role {
        let choice: Choice = serde_yaml::from_str(text).unwrap();
        choice.blocks(&List::one(Q)).unwrap()[0].role()
    };
    assert_eq!(roles("fire: {squeeze: 1, expand: 1}"), Role::Mobile);
    assert_eq!(roles("conv: {width: 1}"), Role::Regular);
    assert_eq!(roles("skip"), Role::Neutral);
}

#[test]
fn activations_are_read_as_they_are_written() {
    for text in [
        "linear",
        "quadratic",
        "quadratic_per_layer",
        "poly3",
        "poly31_per_layer",
    ] {
        assert_eq!(text.parse::<Activation>().unwrap().to_string(), text);
    }
    for text in [
        "relu",
        "poly",
        "poly1",
        "poly32",
        "linear_per_layer",
        "poly-3",
        "",
    ] {
        let message = text.parse::<Activation>().unwrap_err();
        assert!(
            message.contains(&format!("`{text}`")) && message.contains("quadratic"),
            "{message}"
        );
    }
}
