//! Plaintexts are rounded when they are encoded, by the same amount on every input: what that adds stays within the
//! promise under encryption.

mod common;

use common::calibrated::normalized;
use common::{Net, rng};
use hemet_compiler::{Options, compile_for, synthetic_table};
use hemet_runtime::door::Model;
use hemet_runtime::{Client, Server, unobserved};
use hemet_schedule::{Artifact, Manifest};
use hemet_spaces::LayerGraph;
use hemet_spaces::evaluate::evaluate;
use rand::RngExt;

/// Inputs from 0 to 1.
fn inputs(graph: &LayerGraph, seed: u64, count: usize) -> Vec<Vec<f64>> {
    let mut rng = rng(seed);
    let len = graph.node(graph.input()).shape.len();
    let mut input = || (0..len).map(|_| rng.random_range(0.0..1.0)).collect();
    (0..count).map(|_| input()).collect()
}

/// Diagonals of a pooled convolution are alike, so that the errors of their plaintexts add up; behind squares they
/// shift every logit by the same amount. Errors that are drawn do not show it, keys have no part in it.
#[test]
fn plaintexts_that_are_alike_shift_logits_within_the_promise_under_encryption() {
    // Maps of 7x7 are pooled by 49 diagonals.
    let blocks = (0..5).fold(Net::new(1, 14), |net, block| {
        net.block(6, 3, 1 + usize::from(block == 0))
    });
    let graph = blocks.pool(7).dense(10).graph;
    let samples = inputs(&graph, 1, 100);
    let weights = normalized(&graph, &samples[..64], 5.0, 7);
    let (options, costs) = (Options::default(), synthetic_table());
    let compiled = compile_for(&samples, &graph, &weights, &options, &costs).unwrap();
    let promise = &compiled.promise;
    let artifact = Artifact::new(Manifest::new("pooled"), compiled.schedule.clone());
    let (client, keys) = Client::generate(artifact.spec().unwrap()).unwrap();
    let server = Server::new(Box::new(artifact)).unwrap();
    let keys = server.keys(&keys).unwrap();
    let mut mean = [0.0; 10];
    let new = inputs(&graph, 9, 6);
    for x in &new {
        let request = client.encrypt(x).unwrap();
        let answer = server.answer(&keys, &request, &mut unobserved).unwrap();
        let found = client.decrypt(&answer).unwrap().logits();
        let wanted = evaluate(&graph, &weights, x).unwrap();
        for (mean, (f, w)) in mean.iter_mut().zip(found.iter().zip(&wanted)) {
            assert!((f - w).abs() <= promise.error, "{f} {w}: {promise}");
            *mean += (f - w) / new.len() as f64;
        }
    }
    let shift = mean.iter().fold(0.0f64, |most, m| most.max(m.abs()));
    // A third is left to errors that are the same on all inputs; the mean of six has a rest of those that are not.
    assert!(shift <= 0.45 * promise.error, "{shift}: {promise}");
}
