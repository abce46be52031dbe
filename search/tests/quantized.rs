//! Training with quantization: the exported integers are what was trained, and they classify.

use std::ops::ControlFlow;

use hemet_search::data;
use hemet_search::train::{End, Recipe, TrainData, TrainOptions, TrainOutcome, Trained, Training};
use hemet_search::{Seed, data::Dataset};
use hemet_spaces::quantized::{Operation, Quantization, TableFunction, label};
use hemet_spaces::{LayerGraph, QuantizedNetwork, Space};

fn graph(blocks: &str) -> LayerGraph {
    let text = format!(r#"{{"input": [1, 8, 8], "classes": 10, "blocks": [{blocks}]}}"#);
    let space: Space = serde_json::from_str(&text).expect("a space");
    space.graph(&space.mobile()).expect("a network")
}

fn digits() -> (Dataset, Dataset) {
    let train = data::load("optdigits", None).expect("embedded").train;
    let (training, validation) = train.split(0.15, Seed::new(3)).expect("a share");
    (training, validation)
}

fn train(graph: &LayerGraph, quantization: &Quantization, epochs: usize) -> (Trained, Dataset) {
    let (training, validation) = digits();
    let options = TrainOptions {
        epochs,
        batch: 32,
        ..TrainOptions::default()
    };
    let data = TrainData {
        training: &training,
        validation: &validation,
    };
    let mut training = Training::new(graph, data, &options, Seed::new(1));
    training.recipe = Recipe::Quantized(quantization);
    let outcome = training.run(&mut |_| ControlFlow::Continue(()));
    match outcome.expect("it trains") {
        TrainOutcome::Complete(trained) => (trained, validation),
        other @ (TrainOutcome::Diverged { .. } | TrainOutcome::Cancelled) => panic!("{other:?}"),
    }
}

/// The integer network gives exactly the logits of the forward pass, and keeps the bits that were asked for.
fn check_equal(
    graph: &LayerGraph,
    quantization: &Quantization,
    trained: &Trained,
    images: &Dataset,
) -> f64 {
    let recipe = Recipe::Quantized(quantization);
    let own = recipe.check_weights(graph, &trained.weights);
    own.expect("what a training leaves are weights of its recipe");
    let mut fewer = trained.weights.clone();
    fewer.tensors.pop_first();
    assert!(recipe.check_weights(graph, &fewer).is_err());
    let network =
        QuantizedNetwork::quantize(graph, &trained.weights, quantization).expect("integers");
    let logits = Recipe::Quantized(quantization)
        .logits(graph, &trained.weights, images)
        .expect("logits");
    let mut right = 0;
    for (index, expected) in logits.iter().enumerate() {
        let image: Vec<f64> = images.image(index).iter().map(|x| f64::from(*x)).collect();
        let found = network
            .evaluate(&quantization.inputs(&image))
            .expect("in range");
        let expected: Vec<i64> = expected.iter().map(|x| *x as i64).collect();
        assert_eq!(found, expected, "image {index}");
        right += usize::from(label(&found) == usize::from(images.labels[index]));
    }
    let (low, high) = quantization.levels().range();
    for node in network.nodes() {
        match &node.operation {
            Operation::Linear { map, .. } => {
                assert!(
                    map.max_weight() <= quantization.weight_limit().max(1),
                    "{}",
                    node.name
                );
            }
            Operation::Table(table) => {
                let all = table.tables.iter().flatten();
                assert!(
                    all.clone().all(|v| (low..=high).contains(v)),
                    "{}",
                    node.name
                );
            }
            Operation::Input(_) | Operation::Add | Operation::Concat => {}
        }
    }
    right as f64 / images.len() as f64
}

#[test]
fn a_dense_network_of_two_bits_learns_digits_and_equals_its_integers() {
    let graph = graph(r#"{"name": "b1", "options": [{"dense": {"width": 32}}]}"#);
    let quantization = Quantization::default();
    let (trained, validation) = train(&graph, &quantization, 6);
    let accuracy = check_equal(&graph, &quantization, &trained, &validation);
    assert_eq!(accuracy, trained.accuracy);
    assert!(accuracy > 0.85, "{accuracy}");
}

#[test]
fn convolutions_pools_and_other_tables_equal_their_integers() {
    let graph = graph(
        r#"{"name": "b1", "options": [{"conv": {"width": 4, "kernel": 3}}], "pool": 2},
           {"name": "b2", "options": [{"dense": {"width": 12}}]}"#,
    );
    for (activation, weight_bits, activation_bits, rounding) in [
        (TableFunction::Sign, 1, 1, 0),
        (TableFunction::Silu, 3, 4, 1),
        (TableFunction::Gelu, 4, 3, 2),
    ] {
        let quantization = Quantization {
            activation,
            weight_bits,
            activation_bits,
            rounding,
            boxes: 24,
            ..Quantization::default()
        };
        let (trained, validation) = train(&graph, &quantization, 1);
        check_equal(&graph, &quantization, &trained, &validation);
    }
}

#[test]
fn a_training_stopped_after_any_epoch_goes_on_bit_for_bit_and_refuses_other_quantizations() {
    let graph = graph(r#"{"name": "b1", "options": [{"dense": {"width": 8}}]}"#);
    let (training, validation) = digits();
    let options = TrainOptions {
        epochs: 3,
        batch: 32,
        shift: 1,
        ..TrainOptions::default()
    };
    let data = TrainData {
        training: &training,
        validation: &validation,
    };
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("checkpoint");
    let run = |checkpoint: bool, quantization: &Quantization, last: usize| {
        let mut training = Training::new(&graph, data, &options, Seed::new(1));
        training.recipe = Recipe::Quantized(quantization);
        training.checkpoint = checkpoint.then_some(path.as_path());
        let mut heard = 0;
        training.run(&mut |report| {
            heard += 1;
            assert_eq!(report.epoch, heard);
            match heard == last {
                true => ControlFlow::Break(End::Cancelled),
                false => ControlFlow::Continue(()),
            }
        })
    };
    let quantization = Quantization::default();
    let whole = run(false, &quantization, 9).expect("it trains");
    assert!(matches!(whole, TrainOutcome::Complete(_)));
    for last in [1, 2] {
        let stopped = run(true, &quantization, last).expect("it trains");
        assert_eq!(stopped, TrainOutcome::Cancelled);
    }
    let other = Quantization {
        boxes: 15,
        ..Quantization::default()
    };
    let refused = run(true, &other, 9).expect_err("of another training");
    assert!(
        refused.to_string().contains("another training"),
        "{refused}"
    );
    // Epochs that are done are told of and not trained again: the file of the second stays untouched.
    let written = || std::fs::metadata(&path).and_then(|m| m.modified());
    let before = written().expect("kept after the second epoch");
    let stopped = run(true, &quantization, 2).expect("it trains");
    assert_eq!(stopped, TrainOutcome::Cancelled);
    assert_eq!(written().expect("still there"), before);
    assert_eq!(run(true, &quantization, 9).expect("it trains"), whole);
    assert_ne!(written().expect("kept after the third"), before);
}

#[test]
fn networks_without_an_integer_form_are_refused_with_the_layer() {
    let graph =
        graph(r#"{"name": "b1", "options": [{"conv": {"width": 4, "activation": "linear"}}]}"#);
    let (training, validation) = digits();
    let options = TrainOptions::default();
    let data = TrainData {
        training: &training,
        validation: &validation,
    };
    let mut training = Training::new(&graph, data, &options, Seed::new(1));
    let quantization = Quantization::default();
    training.recipe = Recipe::Quantized(&quantization);
    let refused = training.run(&mut |_| ControlFlow::Continue(()));
    let message = refused.expect_err("no activation").to_string();
    assert!(message.contains("b1.conv.norm"), "{message}");
}
