//! Block-circulant layers: they compute their meaning, stay circulant when norms are folded and channels scaled, and
//! make artifacts smaller.

mod common;

use common::{Net, input, run, weights};
use hemet_compiler::{Options, compile, net, passes, synthetic_table};
use hemet_schedule::Artifact;
use hemet_schedule::artifact::Manifest;
use hemet_spaces::evaluate::evaluate;
use hemet_spaces::layer::{Conv, Dense, Structure};
use hemet_spaces::{Layer, LayerGraph, Weights};

fn network(circulant: usize) -> LayerGraph {
    let conv = Layer::Conv(Conv {
        structure: Structure {
            circulant,
            ..Structure::FULL
        },
        ..Conv::same(32, 3)
    });
    let dense = Layer::Dense(Dense {
        out_features: 64,
        bias: false,
        circulant,
    });
    let net = Net::new(1, 8)
        .block(32, 3, 1)
        .then(conv)
        .affine()
        .quadratic();
    net.pool(2).then(dense).affine().quadratic().dense(10).graph
}

/// Random weights under which corresponding channels of blocks have one norm and one polynomial.
fn tied(graph: &LayerGraph, blocks: usize) -> Weights {
    let mut weights = weights(graph, 5);
    for (_, node) in graph.nodes() {
        let names = match node.layer {
            Layer::Affine(_) => vec!["scale", "shift"],
            Layer::Poly(_) => vec!["coefficients"],
            Layer::Input(_)
            | Layer::Conv(_)
            | Layer::Dense(_)
            | Layer::AveragePool(_)
            | Layer::Sparse(_)
            | Layer::Clear(_)
            | Layer::Add
            | Layer::Concat => vec![],
        };
        for name in names {
            let tensor = weights
                .tensors
                .get_mut(&format!("{}.{name}", node.name))
                .unwrap();
            let block = tensor.data.len() / blocks;
            tensor.data = tensor.data[..block].repeat(blocks);
        }
    }
    weights
}

#[test]
fn circulant_networks_compute_their_meaning() {
    for circulant in [2, 4, 8] {
        let graph = network(circulant);
        // Whether norms are tied or not.
        for weights in [tied(&graph, circulant), weights(&graph, 6)] {
            let schedule =
                compile(&graph, &weights, &Options::default(), &synthetic_table()).unwrap();
            let x = input(&graph, 7);
            let wanted = evaluate(&graph, &weights, &x).unwrap();
            let size = wanted.iter().fold(1.0, |m: f64, v| m.max(v.abs()));
            for (found, wanted) in run(&schedule, &x).iter().zip(&wanted) {
                // As of other networks: tests/meaning.rs.
                assert!(
                    (found - wanted).abs() < 1e-5 * size,
                    "{circulant}: {found} {wanted}"
                );
            }
        }
    }
}

#[test]
fn blocks_stay_circulant_when_norms_are_folded_and_channels_scaled() {
    let options = Options::default();
    let graph = network(4);
    let context = passes::Context {
        options: &options,
        samples: &[],
        transform: None,
    };
    let weights = tied(&graph, 4);
    let net = passes::net(&graph, Some(&weights), &context, passes::WindowSums::Merged).unwrap();
    let circulant: Vec<usize> = net
        .ids()
        .filter_map(|id| match &net.node(id).kind {
            net::NodeKind::Linear { terms, bias: _ } => {
                let from = net.node(terms[0].input).shape.channels;
                Some(terms[0].map.circulant(from, net.node(id).shape.channels))
            }
            net::NodeKind::Input | net::NodeKind::Product(..) | net::NodeKind::WindowSum { .. } => {
                None
            }
        })
        .filter(|side| *side > 1)
        .collect();
    assert_eq!(circulant, [4, 4], "{net}");
}

#[test]
fn an_artifact_of_circulant_layers_is_smaller() {
    let bytes = |circulant: usize| {
        let graph = network(circulant);
        let weights = tied(&graph, circulant.max(1));
        let schedule = compile(&graph, &weights, &Options::default(), &synthetic_table()).unwrap();
        Artifact::new(Manifest::new("n"), schedule)
            .to_bytes()
            .unwrap()
            .len()
    };
    let (full, blocks) = (bytes(1), bytes(4));
    println!("{full} bytes, circulant {blocks}");
    assert!(5 * blocks < 2 * full, "{blocks} of {full} bytes");
}
