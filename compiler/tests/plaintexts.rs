//! Plaintexts are rounded when they are encoded, by the same amount on every input: what that adds stays within the
//! promise under encryption.

mod common;

use common::calibrated::normalized;
use common::{Net, rng};
use hemet_compiler::{Compiled, Options, compile_for, synthetic_table};
use hemet_runtime::door::Model;
use hemet_runtime::{Client, Server, unobserved};
use hemet_schedule::{Artifact, Manifest};
use hemet_spaces::evaluate::evaluate;
use hemet_spaces::layer::Poly;
use hemet_spaces::{Layer, LayerGraph, Weights};
use rand::RngExt;

/// Inputs from 0 to 1.
fn inputs(graph: &LayerGraph, seed: u64, count: usize) -> Vec<Vec<f64>> {
    let mut rng = rng(seed);
    let len = graph.node(graph.input()).shape.len();
    let mut input = || (0..len).map(|_| rng.random_range(0.0..1.0)).collect();
    (0..count).map(|_| input()).collect()
}

/// What the logits of encrypted inputs are off by.
fn encrypted(
    compiled: &Compiled,
    graph: &LayerGraph,
    weights: &Weights,
    inputs: &[Vec<f64>],
) -> Vec<Vec<f64>> {
    let artifact = Artifact::new(Manifest::new("network"), compiled.schedule.clone());
    let (client, keys) = Client::generate(artifact.spec().unwrap()).unwrap();
    let server = Server::new(Box::new(artifact)).unwrap();
    let keys = server.keys(&keys).unwrap();
    let errors = inputs.iter().map(|x| {
        let request = client.encrypt(x).unwrap();
        let answer = server.answer(&keys, &request, &mut unobserved).unwrap();
        let found = client.decrypt(&answer).unwrap().logits();
        let wanted = evaluate(graph, weights, x).unwrap();
        found.iter().zip(&wanted).map(|(f, w)| f - w).collect()
    });
    errors.collect()
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
    let mut mean = [0.0; 10];
    let new = inputs(&graph, 9, 6);
    for errors in encrypted(&compiled, &graph, &weights, &new) {
        for (mean, error) in mean.iter_mut().zip(&errors) {
            assert!(error.abs() <= promise.error, "{error}: {promise}");
            *mean += error / new.len() as f64;
        }
    }
    let shift = mean.iter().fold(0.0f64, |most, m| most.max(m.abs()));
    // A third is left to errors that are the same on all inputs; the mean of six has a rest of those that are not.
    assert!(shift <= 0.45 * promise.error, "{shift}: {promise}");
}

/// `Σ T_k(x/4) / (k + 1)` in powers of `x`.
fn chebyshev_sum(degree: usize) -> Vec<f32> {
    let (mut before, mut now) = (vec![1.0], vec![0.0, 0.25]);
    let mut sum = vec![0.0f64; degree + 1];
    sum[0] = 1.0;
    for k in 1..=degree {
        let at = now.iter().zip(&mut sum);
        at.for_each(|(c, sum)| *sum += c / (k + 1) as f64);
        let doubled = now.iter().map(|c| 0.5 * c);
        let mut next: Vec<f64> = [0.0].into_iter().chain(doubled).collect();
        next.iter_mut().zip(&before).for_each(|(n, b)| *n -= b);
        (before, now) = (now, next);
    }
    sum.iter().map(|c| *c as f32).collect()
}

/// Where tensors have unit size, the highest of 15 powers reaches 10^9, and the rounding of what multiplies it with it.
#[test]
fn a_polynomial_of_high_degree_keeps_its_promise_under_encryption() {
    let poly = Poly {
        degree: 15,
        ..Poly::QUADRATIC
    };
    let net = Net::new(10, 1).dense(16).then(Layer::Poly(poly));
    let graph = net.dense(3).graph;
    let mut weights = Weights::random(&graph, &mut rng(3));
    for (name, tensor) in &mut weights.tensors {
        if name.ends_with("coefficients") {
            let rows = tensor.data.chunks_mut(16);
            rows.for_each(|row| row.copy_from_slice(&chebyshev_sum(15)));
        }
    }
    let samples = inputs(&graph, 1, 200);
    let (options, costs) = (Options::default(), synthetic_table());
    let compiled = compile_for(&samples, &graph, &weights, &options, &costs).unwrap();
    let promise = compiled.promise.error;
    for errors in encrypted(&compiled, &graph, &weights, &inputs(&graph, 9, 4)) {
        assert!(errors.iter().all(|e| e.abs() <= promise), "{errors:?}");
    }
}
