//! What is promised of outputs holds for new inputs: large and small outputs, features of different size, deep
//! networks with samples and without; what cannot be promised is refused.

mod common;

use common::calibrated::normalized;
use common::{Net, rng, run_noisy};
use hemet_compiler::{
    Activation, Compiled, Error, Known, Options, compile_for, compile_known, synthetic_table,
};
use hemet_runtime::ckks::CkksSpec;
use hemet_runtime::door::Model;
use hemet_runtime::{Client, Notice, Server, unobserved};
use hemet_schedule::{Artifact, Basis, Manifest, Schedule};
use hemet_spaces::evaluate::evaluate;
use hemet_spaces::{Layer, LayerGraph, LayerMoments, Moments, Weights};
use rand::RngExt;

/// Inputs from 0 to 1.
fn inputs(graph: &LayerGraph, seed: u64, count: usize) -> Vec<Vec<f64>> {
    let mut rng = rng(seed);
    let len = graph.node(graph.input()).shape.len();
    let mut input = || (0..len).map(|_| rng.random_range(0.0..1.0)).collect();
    (0..count).map(|_| input()).collect()
}

fn compiled(
    samples: &[Vec<f64>],
    graph: &LayerGraph,
    weights: &Weights,
    options: &Options,
) -> Compiled {
    compile_for(samples, graph, weights, options, &synthetic_table()).unwrap()
}

/// Largest error of the outputs under drawn errors.
fn error(compiled: &Compiled, graph: &LayerGraph, weights: &Weights, inputs: &[Vec<f64>]) -> f64 {
    let of = |(seed, x): (u64, &Vec<f64>)| {
        let wanted = evaluate(graph, weights, x).unwrap();
        let prepared = match &compiled.input_transform {
            Some(transform) => transform.apply(x),
            None => x.clone(),
        };
        let found = run_noisy(&compiled.schedule, &prepared, seed);
        let errors = found.iter().zip(&wanted).map(|(f, w)| (f - w).abs());
        errors.fold(0.0, f64::max)
    };
    (1..).zip(inputs).map(of).fold(0.0, f64::max)
}

/// Magnitude from which on an output wraps round.
fn edge(schedule: &Schedule) -> f64 {
    let ty = &schedule.types[schedule.outputs[0].0 as usize];
    let moduli = schedule.header.parameters.moduli();
    let held: f64 = moduli[..ty.level.limbs()]
        .iter()
        .map(|q| *q as f64)
        .product();
    held / 2.0 / ty.scale.to_f64(moduli).unwrap()
}

/// A network of two quadratics whose outputs have this root mean square.
fn of_size(size: f64) -> (LayerGraph, Weights) {
    let graph = Net::new(1, 8)
        .block(4, 3, 1)
        .pool(2)
        .dense(12)
        .affine()
        .quadratic()
        .dense(3)
        .graph;
    let weights = normalized(&graph, &inputs(&graph, 1, 64), size, 3);
    (graph, weights)
}

#[test]
fn headroom_follows_the_outputs_of_the_samples() {
    for size in [1.0, 40.0, 3e3, 2e5] {
        let (graph, weights) = of_size(size);
        let compiled = compiled(
            &inputs(&graph, 2, 64),
            &graph,
            &weights,
            &Options::default(),
        );
        let promise = &compiled.promise;
        let new = inputs(&graph, 3, 20);
        let seen = new
            .iter()
            .flat_map(|x| evaluate(&graph, &weights, x).unwrap());
        let largest = seen.fold(0.0, |most: f64, v| most.max(v.abs()));
        assert!(edge(&compiled.schedule) >= promise.output_bound, "{size}");
        assert!(promise.output_bound >= 2.0 * largest, "{size}: {promise}");
        let found = error(&compiled, &graph, &weights, &new);
        assert!(found <= promise.error, "{size}: {found:e}, {promise}");
        // Errors are relative to the outputs' size.
        assert!(
            promise.error <= 1.5 * size.max(1.0) / 1024.0,
            "{size}: {promise}"
        );
    }
}

#[test]
fn outputs_of_a_hundred_thousand_decrypt_rightly_and_the_client_tells_what_comes_near_the_edge() {
    let (graph, weights) = of_size(1e5);
    let options = Options::default();
    let compiled = compiled(&inputs(&graph, 2, 64), &graph, &weights, &options);
    let artifact = Artifact::new(Manifest::new("large"), compiled.schedule.clone());
    let (client, keys) = Client::generate(artifact.spec().unwrap()).unwrap();
    let server = Server::new(Box::new(artifact)).unwrap();
    let keys = server.keys(&keys).unwrap();
    let x = &inputs(&graph, 4, 1)[0];
    let wanted = evaluate(&graph, &weights, x).unwrap();
    let request = client.encrypt(x).unwrap();
    let response = server.answer(&keys, &request, &mut unobserved).unwrap();
    let found = client.decrypt(&response).unwrap().logits();
    for (f, w) in found.iter().zip(&wanted) {
        assert!((f - w).abs() <= compiled.promise.error, "{f} and {w}");
    }
    let facts = client.facts();
    assert!(facts.output_notices(&found).is_empty());
    let near = facts.output_notices(&[0.0, -0.6 * facts.output_edge.unwrap()]);
    assert!(
        matches!(near[..], [Notice::OutputNearEdge { index: 1, .. }]),
        "{near:?}"
    );
}

#[test]
fn small_outputs_keep_relative_precision_where_that_is_asked_for() {
    let (graph, weights) = of_size(1e-4);
    let options = Options {
        relative_precision: true,
        ..Options::default()
    };
    let compiled = compiled(&inputs(&graph, 2, 64), &graph, &weights, &options);
    let found = error(&compiled, &graph, &weights, &inputs(&graph, 5, 20));
    assert!(found <= compiled.promise.error, "{found:e}");
    assert!(
        compiled.promise.error <= 1.5e-4 / 1024.0,
        "{}",
        compiled.promise
    );
    assert!(edge(&compiled.schedule) > 1e-3);
}

#[test]
fn a_range_of_outputs_that_is_asked_for_holds_and_one_that_is_too_small_is_refused() {
    let (graph, weights) = of_size(10.0);
    let asked = |range| Options {
        output_range: Some(range),
        ..Options::default()
    };
    let samples = inputs(&graph, 2, 64);
    let wide = compiled(&samples, &graph, &weights, &asked(5e4));
    assert!(edge(&wide.schedule) >= 5e4);
    let narrow = compile_for(&samples, &graph, &weights, &asked(2.0), &synthetic_table());
    assert!(matches!(
        narrow.err(),
        Some(Error::OutputRange { range: 2.0, .. })
    ));
}

#[test]
fn features_of_different_size_are_scaled_by_the_client() {
    let mut graph = LayerGraph::new(hemet_spaces::Shape::new(6, 1, 1)).unwrap();
    let dense = |out_features| {
        hemet_spaces::Layer::Dense(hemet_spaces::layer::Dense {
            out_features,
            bias: true,
            circulant: 1,
        })
    };
    let first = graph.add("first", dense(4), &[graph.input()]).unwrap();
    let poly = hemet_spaces::Layer::Poly(hemet_spaces::layer::Poly::QUADRATIC);
    let square = graph.add("square", poly, &[first]).unwrap();
    graph.add("last", dense(2), &[square]).unwrap();
    // Size and center of each feature; the last varies by little about a large number.
    let features = [
        (1e-3, 0.0),
        (4e3, 500.0),
        (1.0, 0.0),
        (20.0, -30.0),
        (0.1, 0.2),
        (2.0, 1990.0),
    ];
    let mut weights = Weights::ones(&graph);
    let mut rng = rng(9);
    let first = weights.tensors.get_mut("first.weight").unwrap();
    for (index, value) in first.data.iter_mut().enumerate() {
        *value = rng.random_range(-1.0f32..1.0) / features[index % 6].0 as f32;
    }
    let rows: Vec<Vec<f32>> = first.data.chunks(6).map(<[f32]>::to_vec).collect();
    let bias = weights.tensors.get_mut("first.bias").unwrap();
    for (value, row) in bias.data.iter_mut().zip(rows) {
        let centers = row
            .iter()
            .zip(features)
            .map(|(w, (_, center))| w * center as f32);
        *value = -centers.sum::<f32>();
    }
    weights.tensors.get_mut("square.coefficients").unwrap().data = [0.0, 0.3, 0.5].repeat(4);
    let mut sample = |_| -> Vec<f64> {
        let one = |(size, center): &(f64, f64)| center + size * rng.random_range(-1.7..1.7);
        features.iter().map(one).collect()
    };
    let samples: Vec<Vec<f64>> = (0..80).map(&mut sample).collect();
    let new: Vec<Vec<f64>> = (0..20).map(&mut sample).collect();
    let options = Options {
        input_range: 8e3,
        ..Options::default()
    };
    let compiled = compiled(&samples, &graph, &weights, &options);
    assert!(compiled.input_transform.is_some());
    let found = error(&compiled, &graph, &weights, &new);
    assert!(
        found <= compiled.promise.error,
        "{found:e}: {}",
        compiled.promise
    );
}

#[test]
fn pixels_stay_as_they_are() {
    let (graph, weights) = of_size(5.0);
    let compiled = compiled(
        &inputs(&graph, 2, 64),
        &graph,
        &weights,
        &Options::default(),
    );
    assert_eq!(compiled.input_transform, None);
}

/// Five quadratics with batch norm, scaled on inputs from 0 to 1.
fn five_squares() -> (LayerGraph, Weights) {
    let blocks = (0..5).fold(Net::new(1, 8), |net, _| net.block(4, 3, 1));
    let graph = blocks.pool(4).dense(10).graph;
    let weights = normalized(&graph, &inputs(&graph, 1, 64), 5.0, 7);
    (graph, weights)
}

#[test]
fn without_samples_the_promise_holds_on_the_data_that_a_deep_network_was_made_for() {
    let (graph, weights) = five_squares();
    let compiled = compiled(&[], &graph, &weights, &Options::default());
    assert_eq!(compiled.promise.basis, Basis::Assumed);
    let found = error(&compiled, &graph, &weights, &inputs(&graph, 8, 30));
    assert!(
        found <= compiled.promise.error,
        "{found:e}: {}",
        compiled.promise
    );
    assert!(
        compiled.promise.error <= 10.0 / 1024.0,
        "{}",
        compiled.promise
    );
}

/// Networks answer what they look for with larger outputs than anything made up.
#[test]
fn without_samples_errors_grow_no_faster_than_outputs_beyond_those_of_made_up_inputs() {
    let net = Net::new(1, 8).dense(12).quadratic().dense(8).quadratic();
    let graph = net.dense(8).quadratic().dense(3).graph;
    let mut weights = normalized(&graph, &inputs(&graph, 1, 64), 1.0, 3);
    let pattern = |i: usize| match (i / 8 + i % 8).is_multiple_of(3) {
        true => 1.0,
        false => -1.0,
    };
    let name = &graph.nodes().nth(1).unwrap().1.name;
    let first = weights.tensors.get_mut(&format!("{name}.weight")).unwrap();
    for (i, w) in first.data.iter_mut().enumerate() {
        *w = (0.05 * pattern(i % 64)) as f32;
    }
    let compiled = compiled(&[], &graph, &weights, &Options::default());
    let promise = &compiled.promise;
    let looked_for: Vec<f64> = (0..64).map(pattern).collect();
    let outputs = evaluate(&graph, &weights, &looked_for).unwrap();
    let largest = outputs.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
    assert!(largest > 2.0 * promise.output_seen, "{largest}: {promise}");
    let found = error(&compiled, &graph, &weights, &vec![looked_for; 100]);
    let allowed = promise.error_at(largest);
    assert!(found <= allowed, "{found:e}, {allowed:e}: {promise}");
    assert!(found > promise.error, "{found:e}: {promise}");
    assert!(promise.largest_error() >= promise.error);
}

#[test]
fn without_samples_a_network_that_explodes_on_everything_is_refused_with_what_to_do() {
    let (graph, mut weights) = five_squares();
    let first = graph.nodes().nth(2).unwrap().1.name.clone();
    let scale = weights.tensors.get_mut(&format!("{first}.scale")).unwrap();
    scale.data.iter_mut().for_each(|v| *v *= 40.0);
    let refused = compile_for(
        &[],
        &graph,
        &weights,
        &Options::default(),
        &synthetic_table(),
    );
    let message = refused.err().unwrap().to_string();
    assert!(message.contains("--calibrate"), "{message}");
}

#[test]
fn with_samples_the_promise_holds_on_many_new_inputs_and_says_what_it_was_tested_on() {
    let (graph, weights) = five_squares();
    let compiled = compiled(
        &inputs(&graph, 2, 100),
        &graph,
        &weights,
        &Options::default(),
    );
    let promise = &compiled.promise;
    assert_eq!((promise.fitted, promise.tested), (75, 25));
    let found = error(&compiled, &graph, &weights, &inputs(&graph, 9, 60));
    assert!(found <= promise.error, "{found:e}: {promise}");
    assert!(
        promise
            .to_string()
            .contains("99.9 % of inputs like the 75 samples"),
        "{promise}"
    );
}

#[test]
fn answers_beyond_the_outputs_of_samples_are_marked_and_do_not_widen_the_promise() {
    let (graph, weights) = five_squares();
    let options = Options::default();
    let mut samples = inputs(&graph, 2, 200);
    let clean = compiled(&samples, &graph, &weights, &options);
    // Out of the range that the network was made for: its squares explode.
    let far = |x: &Vec<f64>| x.iter().map(|x| 6.0 * x - 2.5).collect::<Vec<f64>>();
    samples[17] = far(&samples[17]);
    let compiled = compiled(&samples, &graph, &weights, &options);
    let promise = &compiled.promise;
    assert_eq!(promise.beyond_trust, 1, "{promise}");
    assert!(promise.to_string().contains("1 more sample"), "{promise}");
    assert!(promise.error <= 1.1 * clean.promise.error, "{promise}");

    let manifest = Manifest {
        promise: Some(promise.clone()),
        ..Manifest::new("squares")
    };
    let artifact = Artifact::new(manifest, compiled.schedule.clone());
    let spec = CkksSpec::new(&artifact).unwrap();
    let kept = CkksSpec::from_json(&spec.to_json().unwrap()).unwrap();
    assert_eq!(kept, spec);
    let facts = spec.facts();
    let outputs = |x: &Vec<f64>| evaluate(&graph, &weights, x).unwrap();
    let new = inputs(&graph, 9, 200);
    let trusted = new.iter().filter(|x| facts.is_trusted(&outputs(x)));
    assert!(trusted.count() >= 198);
    for x in &new[..20] {
        let exploded = outputs(&far(x));
        let found = facts.output_notices(&exploded);
        assert!(
            matches!(
                found[..],
                [Notice::BeyondTrust { .. } | Notice::OutputNearEdge { .. }]
            ),
            "{exploded:?}: {found:?}"
        );
    }
    let least = facts.trusted_output.unwrap() * 1.01;
    let near = facts.output_notices(&[0.0, -least]);
    assert!(
        matches!(near[..], [Notice::BeyondTrust { index: 1, .. }]),
        "{near:?}"
    );
    assert!(!facts.is_trusted(&[f64::NAN]));
}

#[test]
fn nearly_linear_quadratics_take_the_power_basis_by_themselves() {
    let graph = Net::new(1, 4).conv(2, 3, 1).quadratic().dense(3).graph;
    let mut weights = common::weights(&graph, 3);
    let poly = graph.nodes().nth(2).unwrap().1.name.clone();
    for coefficients in [[0.1, 0.5, 0.001], [0.0, 1.0, 0.0]] {
        let tensor = weights
            .tensors
            .get_mut(&format!("{poly}.coefficients"))
            .unwrap();
        tensor.data = coefficients.repeat(2);
        let mut options = Options::default();
        options.fit_activation(&graph, &weights).unwrap();
        assert_eq!(options.activation, Activation::PowerBasis);
        let compiled = compiled(&inputs(&graph, 2, 16), &graph, &weights, &options);
        let found = error(&compiled, &graph, &weights, &inputs(&graph, 5, 10));
        assert!(found <= compiled.promise.error, "{found:e}");
    }
    let tensor = weights
        .tensors
        .get_mut(&format!("{poly}.coefficients"))
        .unwrap();
    tensor.data = [0.0, 1.0, 1.0].repeat(2);
    let mut options = Options::default();
    options.fit_activation(&graph, &weights).unwrap();
    assert_eq!(
        (options.activation, options.max_shift),
        (Activation::CompletedSquare, 0.5)
    );
}

/// Mean 0 and deviation 1 behind every batch norm, as [`normalized`] leaves them.
fn unit_moments(graph: &LayerGraph) -> LayerMoments {
    let norms = graph
        .nodes()
        .filter(|(_, node)| matches!(node.layer, Layer::Affine(_)));
    let unit = |channels| Moments {
        mean: vec![0.0; channels],
        deviation: vec![1.0; channels],
    };
    norms
        .map(|(_, node)| (node.name.clone(), unit(node.shape.channels)))
        .collect()
}

#[test]
fn without_samples_batch_norms_say_which_inputs_a_network_was_trained_on() {
    let graph = (0..4)
        .fold(Net::new(1, 8), |net, _| net.block(4, 3, 1))
        .pool(4)
        .dense(10)
        .graph;
    let moments = unit_moments(&graph);
    // From where to where pixels go: dark, bright, of little contrast, and a share of them that is black.
    for (low, high, black) in [
        (0.0, 0.3, 0.0),
        (0.6, 1.0, 0.0),
        (0.3, 0.6, 0.0),
        (0.0, 1.0, 0.6),
    ] {
        let some = |seed: u64, count: usize| -> Vec<Vec<f64>> {
            let mut rng = rng(seed);
            let mut pixel = |_| match rng.random_bool(black) {
                true => 0.0,
                false => rng.random_range(low..high),
            };
            (0..count)
                .map(|_| (0..64).map(&mut pixel).collect())
                .collect()
        };
        let weights = normalized(&graph, &some(1, 64), 5.0, 7);
        let known = Known {
            graph: &graph,
            weights: &weights,
            moments: &moments,
        };
        let compiled = compile_known(&[], &known, &Options::default(), &synthetic_table());
        let compiled = compiled.unwrap_or_else(|e| panic!("{low} to {high}: {e}"));
        let found = error(&compiled, &graph, &weights, &some(2, 30));
        let promise = &compiled.promise;
        assert!(
            found <= promise.error,
            "{low} to {high}: {found:e}, {promise}"
        );
    }
}

#[test]
fn without_samples_a_network_whose_batch_norms_saw_something_else_is_refused() {
    let graph = Net::new(1, 8).block(4, 3, 1).block(4, 3, 1).dense(3).graph;
    let moments = unit_moments(&graph);
    let far: Vec<Vec<f64>> = inputs(&graph, 1, 64)
        .into_iter()
        .map(|x| x.iter().map(|v| 200.0 * v - 900.0).collect())
        .collect();
    let weights = normalized(&graph, &far, 5.0, 7);
    let known = Known {
        graph: &graph,
        weights: &weights,
        moments: &moments,
    };
    let refused = compile_known(&[], &known, &Options::default(), &synthetic_table());
    let message = refused.err().unwrap().to_string();
    assert!(
        message.contains("--calibrate") && message.contains("batch norms"),
        "{message}"
    );
}
