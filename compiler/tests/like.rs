//! Networks that are trained again are compiled to the schedule that is there, so that clients keep their keys.

mod common;

use common::calibrated::{calibrated, normalized};
use hemet_compiler::{Compiled, Error, Options, compile_for, synthetic_table};
use hemet_runtime::ckks::CkksSpec;
use hemet_schedule::artifact::{Artifact, Manifest};
use hemet_spaces::evaluate::evaluate;
use hemet_spaces::{LayerGraph, Weights};
use rand::RngExt;

use common::Net;

/// Every weight with an error of this share of its layer's deviation, as another training leaves it.
fn trained_again(weights: &Weights, share: f32, seed: u64) -> Weights {
    let mut rng = common::rng(seed);
    let mut again = weights.clone();
    for tensor in again.tensors.values_mut() {
        let size = tensor.data.iter().map(|x| x * x).sum::<f32>() / tensor.data.len() as f32;
        for x in &mut tensor.data {
            // A uniform number from -√3 to √3 has deviation 1.
            *x += share * size.sqrt() * rng.random_range(-1.732f32..1.732);
        }
    }
    again
}

fn inputs(graph: &LayerGraph, seed: u64, count: u64) -> Vec<Vec<f64>> {
    (0..count)
        .map(|i| common::input(graph, 1000 * seed + i))
        .collect()
}

fn networks() -> Vec<(&'static str, LayerGraph, Weights, Vec<Vec<f64>>)> {
    let two = Net::new(1, 8)
        .conv(4, 3, 2)
        .quadratic()
        .dense(32)
        .quadratic()
        .dense(10)
        .graph;
    let three = (0..3).fold(Net::new(1, 8), |net, _| net.conv(4, 3, 1).quadratic());
    let five = (0..5).fold(Net::new(1, 8), |net, _| net.block(4, 3, 1));
    let five = five.pool(4).dense(10).graph;
    let of = |name, graph: LayerGraph| {
        let samples = inputs(&graph, 1, 128);
        let weights = calibrated(&graph, &samples[..32], 0.5, 3);
        (name, graph, weights, samples)
    };
    let samples = inputs(&five, 1, 128);
    let weights = normalized(&five, &samples[..64], 5.0, 7);
    vec![
        of("two squares", two),
        of("three squares", three.dense(10).graph),
        ("five squares", five, weights, samples),
    ]
}

fn binding(compiled: &Compiled) -> String {
    let artifact = Artifact::new(Manifest::new("network"), compiled.schedule.clone());
    CkksSpec::new(&artifact)
        .unwrap()
        .facts()
        .binding
        .to_string()
}

#[test]
fn keys_serve_networks_that_are_trained_again_and_promises_hold() {
    for (name, graph, weights, samples) in networks() {
        let costs = synthetic_table();
        let mut options = Options::default();
        options.fit_activation(&graph, &weights).unwrap();
        let first = compile_for(&samples, &graph, &weights, &options, &costs).unwrap();
        for seed in 0..4 {
            let again = trained_again(&weights, 0.05, seed);
            let mut options = Options {
                like: Some(first.fitted.clone()),
                ..Options::default()
            };
            options.fit_activation(&graph, &again).unwrap();
            let second = compile_for(&samples, &graph, &again, &options, &costs);
            let second = second.unwrap_or_else(|e| panic!("{name} {seed}: {e}"));
            assert_eq!(second.fitted, first.fitted);
            assert_eq!(binding(&second), binding(&first), "{name} {seed}");
            let promise = &second.promise;
            assert!(
                promise.error <= 2.0 * first.promise.error * 1.2,
                "{name} {seed}: {promise}"
            );
            for x in inputs(&graph, 7, 20) {
                let (clear, noisy) = (
                    evaluate(&graph, &again, &x).unwrap(),
                    common::run_noisy(&second.schedule, &x, seed),
                );
                for (a, b) in clear.iter().zip(&noisy) {
                    assert!(
                        (a - b).abs() <= promise.error,
                        "{name} {seed}: {a} {b} {promise}"
                    );
                }
            }
        }
    }
}

#[test]
fn weights_that_the_schedule_does_not_do_for_are_refused_with_both_numbers() {
    let (_, graph, weights, samples) = networks().remove(1);
    let costs = synthetic_table();
    let first = compile_for(&samples, &graph, &weights, &Options::default(), &costs).unwrap();
    let mut larger = weights.clone();
    for (name, tensor) in &mut larger.tensors {
        if name.ends_with("weight") {
            tensor.data.iter_mut().for_each(|x| *x *= 4.0);
        }
    }
    let options = Options {
        like: Some(first.fitted.clone()),
        ..Options::default()
    };
    let Err(error) = compile_for(&samples, &graph, &larger, &options, &costs) else {
        panic!("outputs are thousands of times as large")
    };
    assert!(matches!(error, Error::Unlike { .. }), "{error}");
    assert!(
        error.to_string().contains("2^") && error.to_string().contains("--like"),
        "{error}"
    );
}
