//! Schedules for batches: every slot computes what the graph means, nothing rotates, and it holds encrypted.

mod common;

use common::{Net, input, lola, run_batch, weights};
use hemet_compiler::{Error, Options, Target, compile, estimate, synthetic_table};
use hemet_runtime::door::Model;
use hemet_runtime::{Client, Server, unobserved};
use hemet_schedule::{Artifact, Manifest, OpCounts, Verified};
use hemet_spaces::evaluate::evaluate;
use hemet_spaces::{LayerGraph, Weights};

fn options() -> Options {
    Options {
        target: Target::Throughput,
        ..Options::default()
    }
}

/// A pool between a quadratic and a convolution: sums of ciphertexts, without a level.
fn pooled() -> LayerGraph {
    let net = Net::new(1, 8).conv(3, 3, 1).quadratic().pool(2);
    net.conv(4, 3, 1).quadratic().dense(5).graph
}

/// Strides, a pool and two quadratics in few elements.
fn small() -> LayerGraph {
    let net = Net::new(2, 8).conv(4, 3, 2).quadratic();
    net.conv(4, 3, 1).pool(2).quadratic().dense(5).graph
}

fn compiled(graph: &LayerGraph, weights: &Weights) -> Verified {
    compile(graph, weights, &options(), &synthetic_table()).unwrap()
}

fn images(graph: &LayerGraph, count: u64) -> Vec<Vec<f64>> {
    (0..count).map(|seed| input(graph, 100 + seed)).collect()
}

#[test]
fn every_image_of_a_batch_gets_what_the_graph_means_without_a_rotation() {
    for (name, graph) in [("small", small()), ("pooled", pooled()), ("lola", lola())] {
        let weights = weights(&graph, 7);
        let schedule = compiled(&graph, &weights);
        let counts = OpCounts::of(&schedule);
        assert_eq!(counts.total().rotations, 0, "{name}");
        assert_eq!(counts.rotation_keys, 0, "{name}");
        assert_eq!(schedule.header.images(), schedule.header.parameters.slots());
        let images = images(&graph, 3);
        for (image, found) in images.iter().zip(run_batch(&schedule, &images)) {
            let wanted = evaluate(&graph, &weights, image).unwrap();
            let size = wanted.iter().fold(1.0, |m: f64, v| m.max(v.abs()));
            for (f, w) in found.iter().zip(&wanted) {
                assert!((f - w).abs() < 1e-5 * size, "{name}: {found:?} {wanted:?}");
            }
        }
    }
}

#[test]
fn op_counts_of_known_networks() {
    let text = |(name, graph): (&str, LayerGraph)| {
        let estimate = estimate(&graph, &options(), &synthetic_table()).unwrap();
        format!("## {name}\n{}", estimate.op_counts)
    };
    let nets = [("small", small()), ("pooled", pooled()), ("lola", lola())];
    insta::assert_snapshot!("op_counts", nets.map(text).join("\n"));
}

#[test]
fn the_estimate_is_that_of_the_compiled_schedule() {
    let graph = small();
    let schedule = compiled(&graph, &weights(&graph, 1));
    let estimate = estimate(&graph, &options(), &synthetic_table()).unwrap();
    assert_eq!(estimate.op_counts, OpCounts::of(&schedule));
}

#[test]
fn a_batch_keeps_the_promised_precision_encrypted() {
    let graph = small();
    let images = images(&graph, 40);
    let weights = common::calibrated::calibrated(&graph, &images, 2.9, 5);
    let schedule = compiled(&graph, &weights);
    let precision = schedule.header.precision_bits;
    let artifact = Artifact::new(Manifest::new("small"), schedule);
    let slots = artifact.schedule.header.parameters.slots();
    let (client, keys) = Client::generate(artifact.spec().unwrap()).unwrap();
    assert_eq!(client.facts().images, slots);
    let server = Server::new(Box::new(artifact)).unwrap();
    let keys = server.keys(&keys).unwrap();
    let borrowed: Vec<&[f64]> = images.iter().map(Vec::as_slice).collect();
    let request = client.encrypt_batch(&borrowed).unwrap();
    let response = server.answer(&keys, &request, &mut unobserved).unwrap();
    let found = client.decrypt_batch(&response, images.len()).unwrap();
    for (image, found) in images.iter().zip(found) {
        let found = found.logits();
        let wanted = evaluate(&graph, &weights, image).unwrap();
        let power: f64 = wanted.iter().map(|w| w * w).sum();
        let size = (power / wanted.len() as f64).sqrt().max(1.0);
        for (f, w) in found.iter().zip(&wanted) {
            let bound = (-f64::from(precision)).exp2() * size;
            assert!((f - w).abs() <= bound, "{found:?} {wanted:?}");
        }
    }
}

#[test]
fn a_network_with_too_many_elements_is_refused_with_its_size() {
    let graph = Net::new(3, 64).conv(32, 3, 1).quadratic().dense(10).graph;
    let refused = estimate(&graph, &options(), &synthetic_table()).unwrap_err();
    assert!(matches!(refused, Error::Batch { .. }), "{refused}");
    let text = refused.to_string();
    assert!(
        text.contains("12288 elements") && text.contains("GiB"),
        "{text}"
    );
}
