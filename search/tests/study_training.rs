//! Studies with real trainings: the same journal and weights on one thread and two, with halving and inheritance too.

use std::path::Path;
use std::sync::Mutex;

use hemet_search::constraint::{Constraints, CostEstimate, CostModel};
use hemet_search::strategy::strategy;
use hemet_search::study::{
    Baseline, Event, Halving, Resume, Study, StudyFolder, StudyOptions, StudyReport,
};
use hemet_search::train::{OnEpoch, TrainData, TrainOptions, Training};
use hemet_search::{Seed, data};
use hemet_spaces::{LayerGraph, Space, Weights};

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

struct Ran {
    report: StudyReport,
    journal: String,
    weights: Weights,
    /// Trials whose checkpoints stay.
    checkpoints: Vec<String>,
}

/// Runs a study of real trainings on the digits in `folder`; it is stopped when `stop_after` trials have ended.
fn run(
    (name, epochs): (&str, usize),
    folder: &Path,
    options: &StudyOptions,
    stop_after: usize,
) -> Ran {
    let digits = data::load("optdigits", None).expect("embedded").train;
    let (training, validation) = digits.split(0.3, Seed::new(1)).expect("sound");
    let train_options = TrainOptions {
        epochs,
        ema: 0.9,
        ..TrainOptions::default()
    };
    let space = space();
    let finished = Mutex::new(Vec::new());
    let study = Study {
        leak: None,
        space: &space,
        strategy: strategy(name).expect("listed"),
        cost: &Layers,
        objectives: &Default::default(),
        constraints: &Constraints::default(),
        train: &|job, on_epoch: &mut OnEpoch<'_>| {
            let data = TrainData {
                training: &training,
                validation: &validation,
            };
            let seed = options.seed.training(job.order.number);
            let mut training = Training::new(job.graph, data, &train_options, seed);
            let validate = |epoch| job.order.asks(epoch);
            training.checkpoint = Some(job.checkpoint);
            training.inherited = job.order.inherited.as_ref();
            training.validate = &validate;
            training.run(on_epoch)
        },
        on_event: &|event| {
            if let Event::Finished(trial) = event {
                finished.lock().expect("no panic").push(trial.number);
            }
        },
        should_stop: &|| finished.lock().expect("no panic").len() >= stop_after,
        out_of_time: &|| false,
    };
    let run_folder = StudyFolder::create(folder).expect("created");
    let report = study.run(&run_folder, options, Resume::Yes).expect("runs");
    let ended = finished.lock().expect("no panic").clone();
    assert!(ended.is_sorted(), "{ended:?}");
    let checkpoints = std::fs::read_dir(folder.join("checkpoints")).expect("there");
    let mut checkpoints: Vec<String> = checkpoints
        .map(|entry| {
            entry
                .expect("read")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    checkpoints.sort();
    Ran {
        report,
        journal: std::fs::read_to_string(run_folder.journal()).expect("written"),
        weights: run_folder.read_weights(0).expect("written"),
        checkpoints,
    }
}

fn options(workers: usize, halving: Option<Halving>, inherit: bool) -> StudyOptions {
    StudyOptions {
        trials: 6,
        lag: 2,
        workers,
        threads: 1,
        seed: Seed::new(1),
        baseline: None,
        halving,
        inherit,
    }
}

#[test]
fn real_trainings_give_the_same_journal_and_weights_on_one_thread_and_two() {
    let [one, two] = [1, 2].map(|workers| {
        let folder = tempfile::tempdir().expect("temporary folder");
        run(
            ("greedy", 1),
            folder.path(),
            &options(workers, None, false),
            usize::MAX,
        )
    });
    assert_eq!(one.report, two.report);
    assert_eq!((one.journal, one.weights), (two.journal, two.weights));
    let trials = one.report.trials;
    let accuracies: Vec<f64> = trials.iter().filter_map(|t| t.outcome.accuracy()).collect();
    assert_eq!(accuracies.len(), trials.len());
    assert!(accuracies.iter().all(|a| *a > 0.5), "{accuracies:?}");
    assert_eq!(one.checkpoints, Vec::<String>::new());
}

#[test]
fn halving_and_inheritance_repeat_on_any_threads_and_after_a_stop() {
    let halving = || {
        Some(Halving {
            rungs: vec![1],
            factor: 3,
        })
    };
    let [one, two, stopped] =
        [(1, usize::MAX), (2, usize::MAX), (2, 3)].map(|(workers, stop_after)| {
            let folder = tempfile::tempdir().expect("temporary folder");
            let options = StudyOptions {
                baseline: Some(Baseline::Mobile),
                ..options(workers, halving(), true)
            };
            let first = run(("random", 2), folder.path(), &options, stop_after);
            match first.report.stopped {
                true => run(("random", 2), folder.path(), &options, usize::MAX),
                false => first,
            }
        });
    assert_eq!(one.journal, two.journal);
    assert_eq!(one.journal, stopped.journal);
    let trials = &one.report.trials;
    assert!(trials.iter().all(|t| t.rungs.len() == 1), "{}", one.journal);
    let first = (&trials[0].architecture, trials[0].stopped_at);
    assert_eq!(first, (&space().mobile(), None), "the baseline goes on");
    let cut: Vec<String> = trials
        .iter()
        .filter(|t| t.stopped_at == Some(1))
        .map(|t| format!("trial-{:04}", t.number))
        .collect();
    assert!(
        !cut.is_empty() && cut.len() < trials.len(),
        "{}",
        one.journal
    );
    assert_eq!((&one.checkpoints, &stopped.checkpoints), (&cut, &cut));
}
