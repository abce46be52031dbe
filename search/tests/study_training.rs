//! A study with real trainings: the same journal and weights on one thread and two.

use std::sync::Mutex;

use hemet_search::constraint::{Constraints, CostEstimate, CostModel};
use hemet_search::strategy::strategy;
use hemet_search::study::{Event, OnEpoch, Resume, RunFolder, Study, StudyOptions};
use hemet_search::train::{TrainData, TrainOptions, train};
use hemet_search::{Seed, data};
use hemet_spaces::{LayerGraph, Space};

/// 6 · 6 · 2 = 72 architectures.
fn space() -> Space {
    let options = r#"[{"fire": {"squeeze": 4, "expand": [4, 8]}}, {"conv": {"width": [8, 16], "kernel": [3, 1]}}]"#;
    serde_json::from_str(&format!(
        r#"{{"input": [1, 8, 8], "classes": 10, "blocks": [
            {{"name": "b1", "options": {options}, "pool": 2}},
            {{"name": "b2", "options": {options}, "pool": ["none", 2]}}]}}"#
    ))
    .expect("sound")
}

/// A level and ten milliseconds a layer.
struct Layers;

impl CostModel for Layers {
    fn estimate(&self, graph: &LayerGraph) -> Result<CostEstimate, String> {
        let layers = graph.nodes().len();
        let parameters: usize = graph
            .nodes()
            .flat_map(|(id, _)| graph.parameters(id))
            .map(|p| p.len())
            .sum();
        Ok(CostEstimate {
            depth: layers,
            latency_ms: 10.0 * layers as f64 + parameters as f64 / 3000.0,
            log_n: 13,
            log_qp_bits: 218.0,
            key_bytes: 1 << 20,
        })
    }
}

#[test]
fn real_trainings_give_the_same_journal_and_weights_on_one_thread_and_two() {
    let digits = data::load("optdigits", None).expect("embedded").train;
    let (training, validation) = digits.split(0.3, Seed::new(1)).expect("sound");
    let train_options = TrainOptions {
        epochs: 1,
        ..TrainOptions::default()
    };
    let finished = Mutex::new(Vec::new());
    let run = |workers: usize| {
        let space = space();
        let folder = tempfile::tempdir().expect("temporary folder");
        let study = Study {
            space: &space,
            strategy: strategy("greedy").expect("listed"),
            cost: &Layers,
            constraints: &Constraints::default(),
            train: &|graph, seed, on_epoch: &mut OnEpoch<'_>| {
                let data = TrainData {
                    training: &training,
                    validation: &validation,
                };
                train(graph, data, &train_options, seed, on_epoch)
            },
            on_event: &|event| {
                if let Event::Finished(trial) = event {
                    finished.lock().expect("no panic").push(trial.number);
                }
            },
            should_stop: &|| false,
        };
        let run_folder = RunFolder::create(folder.path()).expect("created");
        let options = StudyOptions {
            trials: 6,
            lag: 2,
            workers,
            seed: Seed::new(1),
        };
        let report = study.run(&run_folder, &options, Resume::No).expect("runs");
        let weights = run_folder.read_weights(0).expect("written");
        (
            report,
            weights,
            std::fs::read(run_folder.journal()).expect("written"),
        )
    };
    let (one, two) = (run(1), run(2));
    assert_eq!(one, two);
    let accuracies: Vec<f64> = one
        .0
        .trials
        .iter()
        .filter_map(|t| t.outcome.accuracy())
        .collect();
    assert_eq!(accuracies.len(), one.0.trials.len());
    assert!(accuracies.iter().all(|a| *a > 0.5), "{accuracies:?}");
    let count = one.0.trials.len();
    let expected: Vec<usize> = (0..count).chain(0..count).collect();
    assert_eq!(*finished.lock().expect("no panic"), expected);
}
