//! Cutting networks in two: both parts together are the whole, and no cut goes through a branch.

use hemet_spaces::evaluate::Evaluator;
use hemet_spaces::layer::{Conv, Dense, Poly, Structure, Window};
use hemet_spaces::{Error, Layer, LayerGraph, NodeId, Shape, Space, Weights, presets};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn conv(channels: usize) -> Layer {
    Layer::Conv(Conv {
        out_channels: channels,
        window: Window {
            kernel: [3; 2],
            stride: [1; 2],
            dilation: [1; 2],
            padding: [1; 4],
        },
        groups: 1,
        bias: false,
        structure: Structure::FULL,
    })
}

fn poly() -> Layer {
    Layer::Poly(Poly {
        degree: 2,
        per_channel: false,
    })
}

/// stem, act, then a residual block of two convolutions, then a dense layer.
fn residual() -> LayerGraph {
    let mut graph = LayerGraph::new(Shape::new(1, 4, 4)).expect("a shape");
    let source = graph.input();
    let mut add = |name: &str, layer: Layer, inputs: &[NodeId]| {
        graph.add(name, layer, inputs).expect("a layer")
    };
    let input = add("stem", conv(2), &[source]);
    let stem = add("act", poly(), &[input]);
    let first = add("left.first", conv(2), &[stem]);
    let middle = add("left.act", poly(), &[first]);
    let left = add("left.second", conv(2), &[middle]);
    let sum = add("sum", Layer::Add, &[left, stem]);
    let out = add("out", poly(), &[sum]);
    let head = Dense {
        out_features: 3,
        bias: true,
        circulant: 1,
    };
    add("head", Layer::Dense(head), &[out]);
    graph
}

#[test]
fn both_parts_of_every_cut_of_every_preset_compute_what_the_whole_computes() {
    for (name, text) in presets::PRESETS {
        let space: Space = serde_yaml::from_str(text).expect("a preset");
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let graph = space.graph(&space.sample(&mut rng)).expect("a network");
        if graph.statistics().macs > 3_000_000 {
            continue;
        }
        let weights = Weights::random(&graph, &mut rng);
        let pixels = graph.node(graph.input()).shape.len();
        let image: Vec<f64> = (0..pixels).map(|_| rng.random_range(-1.0..1.0)).collect();
        let whole = Evaluator::new(&graph, &weights).expect("its weights");
        let values = whole.run_all(&image).expect("an image");
        let cuts = graph.cuts();
        assert!(!cuts.is_empty(), "{name}");
        for cut in cuts {
            let halves = graph.halves(cut).expect("a cut of this network");
            let (front, back) = halves.weights(&weights).expect("its weights");
            assert_eq!(
                front.tensors.len() + back.tensors.len(),
                weights.tensors.len()
            );
            let front = Evaluator::new(&halves.prefix, &front).expect("the prefix's weights");
            let features = front.run(&image).expect("an image");
            assert_eq!(features, values[cut.after().index()], "{name}");
            let back = Evaluator::new(&halves.tail, &back).expect("the tail's weights");
            let outputs = back.run(&features).expect("features");
            assert_eq!(Some(&outputs), values.last(), "{name}");
        }
    }
}

#[test]
fn a_cut_takes_norms_activations_and_pools_along_and_stands_outside_of_branches() {
    let graph = residual();
    let names: Vec<&str> = graph
        .cuts()
        .iter()
        .map(|cut| graph.node(cut.after()).name.as_str())
        .collect();
    assert_eq!(names, ["stem", "act", "sum", "out"]);
    let name = |products: usize| {
        let cut = graph.cut_of(products).expect("possible");
        assert_eq!(cut.products(), products);
        graph.node(cut.after()).name.clone()
    };
    assert_eq!([name(1), name(3)], ["act", "out"]);
    assert_eq!(graph.cut_behind("sum").expect("possible").products(), 3);
}

#[test]
fn a_cut_in_a_branch_or_that_leaves_nothing_is_refused_with_the_possible_ones() {
    let graph = residual();
    for (products, parts) in [
        (0, ["behind 0 of its 4", "possible: 1, 3"]),
        (2, ["behind 2 of its 4", "possible: 1, 3"]),
        (4, ["behind 4 of its 4", "possible: 1, 3"]),
    ] {
        let text = graph.cut_of(products).expect_err("refused").to_string();
        for part in parts {
            assert!(text.contains(part), "{text}");
        }
    }
    for name in ["left.act", "head", "input", "nobody"] {
        let error = graph.cut_behind(name).expect_err("refused");
        assert!(
            matches!(&error, Error::NoCut { possible, .. } if possible == "stem, act, sum, out")
        );
    }
    let mut other = LayerGraph::new(Shape::new(1, 4, 4)).expect("a shape");
    let stem = other
        .add("stem", conv(2), &[other.input()])
        .expect("a layer");
    other.add("more", conv(2), &[stem]).expect("a layer");
    let foreign = graph.cut_behind("out").expect("possible");
    assert!(other.halves(foreign).is_err());
}
