//! Studies: the journal is the same however the study ran, resumes after every kill, and refuses what is foreign.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hemet_search::constraint::{Constraints, CostEstimate, CostModel};
use hemet_search::objective::Objectives;
use hemet_search::pareto::ParetoFront;
use hemet_search::strategy::{strategies, strategy};
use hemet_search::study::{Baseline, Job, Resume, Study, StudyFolder, StudyOptions, StudyReport};
use hemet_search::train::{EpochReport, OnEpoch, TrainOutcome, Trained};
use hemet_search::{Error, Outcome, Seed, Trial};
use hemet_spaces::{LayerGraph, Space, Weights};
use rand::RngExt;

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

/// Trains nothing: accuracy follows from the seed, some trials diverge, some take longer than others.
fn pretend(job: &Job<'_>, on_epoch: &mut OnEpoch<'_>) -> Result<TrainOutcome, Error> {
    let mut rng = Seed::new(1).training(job.order.number).rng();
    std::thread::sleep(Duration::from_micros(rng.random_range(0..2000)));
    let report = EpochReport {
        epoch: 1,
        epochs: 1,
        loss: 1.0,
        training_accuracy: 0.5,
        validation_accuracy: None,
    };
    if on_epoch(&report).is_break() {
        return Ok(TrainOutcome::Cancelled);
    }
    let accuracy = rng.random_range(0.5..1.0);
    Ok(match accuracy < 0.55 {
        true => TrainOutcome::Diverged {
            reason: "loss inf in batch 3".into(),
        },
        false => TrainOutcome::Complete(Trained {
            weights: Weights::random(job.graph, &mut rng),
            accuracy,
            epochs: vec![report],
        }),
    })
}

fn options(workers: usize, seed: u64) -> StudyOptions {
    StudyOptions {
        trials: 12,
        lag: 4,
        workers,
        threads: 1,
        seed: Seed::new(seed),
        baseline: None,
        halving: None,
        inherit: false,
    }
}

/// More than 14 layers are too deep.
fn limits() -> Constraints {
    Constraints {
        max_depth: Some(14),
        ..Constraints::default()
    }
}

fn run(
    folder: &Path,
    options: &StudyOptions,
    resume: Resume,
    name: &str,
) -> Result<StudyReport, Error> {
    run_until(folder, options, resume, name, &|| false)
}

fn run_until(
    folder: &Path,
    options: &StudyOptions,
    resume: Resume,
    name: &str,
    should_stop: &(dyn Fn() -> bool + Sync),
) -> Result<StudyReport, Error> {
    let space = space();
    let study = Study {
        leak: None,
        space: &space,
        strategy: strategy(name)?,
        cost: &Layers,
        objectives: &Objectives::default(),
        constraints: &limits(),
        train: &pretend,
        on_event: &|_| {},
        should_stop,
        out_of_time: &|| false,
    };
    study.run(&StudyFolder::create(folder)?, options, resume)
}

fn journal(folder: &Path) -> Vec<u8> {
    fs::read(folder.join("journal.jsonl")).expect("written")
}

fn temporary() -> tempfile::TempDir {
    tempfile::tempdir().expect("temporary folder")
}

#[test]
fn a_study_records_every_kind_of_outcome_in_order() {
    let folder = temporary();
    let report = run(folder.path(), &options(2, 1), Resume::No, "random").expect("runs");
    assert!(!report.stopped);
    let trained = report
        .trials
        .iter()
        .filter(|t| t.outcome.was_trained())
        .count();
    assert_eq!(trained, 12);
    for (index, trial) in report.trials.iter().enumerate() {
        assert_eq!(trial.number, index);
        let weights = folder
            .path()
            .join(format!("weights/trial-{index:04}.safetensors"));
        assert_eq!(
            weights.exists(),
            matches!(trial.outcome, Outcome::Complete { .. })
        );
    }
    let any = |wanted: fn(&Outcome) -> bool| report.trials.iter().any(|t| wanted(&t.outcome));
    assert!(any(
        |o| matches!(o, Outcome::Infeasible { reason } if reason.contains("exceeds 14"))
    ));
    assert!(any(
        |o| matches!(o, Outcome::Failed { reason } if reason.contains("loss inf"))
    ));
    let lines: Vec<serde_json::Value> = journal(folder.path())
        .split(|b| *b == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), report.trials.len());
    for key in [
        "number",
        "architecture",
        "outcome",
        "accuracy",
        "depth",
        "predicted_latency_ms",
    ] {
        assert!(lines.iter().all(|line| line.get(key).is_some()), "{key}");
    }
}

#[test]
fn the_journal_does_not_depend_on_the_number_of_workers() {
    for name in ["random", "greedy"] {
        let journals: Vec<Vec<u8>> = [1, 2, 4, 9]
            .into_iter()
            .map(|workers| {
                let folder = temporary();
                run(folder.path(), &options(workers, 2), Resume::No, name).expect("runs");
                journal(folder.path())
            })
            .collect();
        assert!(journals.iter().all(|j| *j == journals[0]), "{name}");
    }
    let other = temporary();
    run(other.path(), &options(2, 3), Resume::No, "random").expect("runs");
    let first = temporary();
    run(first.path(), &options(2, 2), Resume::No, "random").expect("runs");
    assert_ne!(journal(other.path()), journal(first.path()));
}

#[test]
fn a_study_killed_at_any_byte_of_its_journal_resumes_to_the_same_end() {
    let folder = temporary();
    let whole = run(folder.path(), &options(2, 4), Resume::No, "random").expect("runs");
    let expected = journal(folder.path());
    let weights = |root: &Path, trial: usize| {
        fs::read(root.join(format!("weights/trial-{trial:04}.safetensors"))).ok()
    };
    for cut in (0..=expected.len()).step_by(97).chain([expected.len() - 1]) {
        let killed = temporary();
        fs::write(killed.path().join("journal.jsonl"), &expected[..cut]).expect("written");
        let report = run(
            killed.path(),
            &options(1 + cut % 3, 4),
            Resume::Yes,
            "random",
        )
        .expect("resumes");
        assert_eq!(report, whole, "cut at {cut}");
        let objectives = Objectives::default();
        assert_eq!(journal(killed.path()), expected, "cut at {cut}");
        assert_eq!(
            ParetoFront::of(&report.trials, &objectives).members(),
            ParetoFront::of(&whole.trials, &objectives).members()
        );
        let last = whole.trials.len() - 1;
        if cut == 0 {
            assert_eq!(weights(killed.path(), last), weights(folder.path(), last));
        }
    }
}

#[test]
fn a_stopped_study_keeps_what_is_finished_and_resumes_to_the_same_end() {
    let folder = temporary();
    let whole = run(folder.path(), &options(2, 5), Resume::No, "random").expect("runs");
    let stopped_folder = temporary();
    let asked = AtomicUsize::new(0);
    let stop = || asked.fetch_add(1, Ordering::Relaxed) > 9;
    let stopped = run_until(
        stopped_folder.path(),
        &options(2, 5),
        Resume::No,
        "random",
        &stop,
    );
    let stopped = stopped.expect("stops without an error");
    assert!(stopped.stopped && stopped.trials.len() < whole.trials.len());
    assert_eq!(stopped.trials, whole.trials[..stopped.trials.len()]);
    let resumed =
        run(stopped_folder.path(), &options(2, 5), Resume::Yes, "random").expect("resumes");
    assert_eq!(resumed, whole);
    assert_eq!(journal(stopped_folder.path()), journal(folder.path()));
}

#[test]
fn a_full_journal_is_refused_unless_resumed_and_a_finished_study_resumes_to_itself() {
    let folder = temporary();
    let whole = run(folder.path(), &options(2, 6), Resume::No, "greedy").expect("runs");
    let error = run(folder.path(), &options(2, 6), Resume::No, "greedy").expect_err("refused");
    assert!(
        matches!(error, Error::NotEmpty { trials, .. } if trials == whole.trials.len()),
        "{error}"
    );
    let again = run(folder.path(), &options(2, 6), Resume::Yes, "greedy").expect("resumes");
    assert_eq!(again, whole);
}

/// The lines of a journal with one in the place of line `index`.
fn with_line(lines: &[&str], index: usize, line: &str) -> String {
    let mut damaged = lines.to_vec();
    damaged[index] = line;
    damaged.join("\n") + "\n"
}

#[test]
fn a_line_that_cannot_be_read_costs_its_trial_and_not_the_study() {
    for name in ["random", "nsga2"] {
        let folder = temporary();
        let whole = run(folder.path(), &options(2, 7), Resume::No, name).expect("runs");
        let sound = String::from_utf8(journal(folder.path())).expect("text");
        let lines: Vec<&str> = sound.lines().collect();
        let genes = lines[4].replace("\"architecture\":\"", "\"architecture\":\"9-9-");
        for (index, line) in [
            (2, lines[2].replace("number", "nummer")),
            (3, String::new()),
            (4, genes),
            (5, "\0".repeat(40)),
            (0, lines[0].replace("\"outcome\":\"", "\"outcome\":\"In")),
            (
                1,
                lines[1].replace("\"accuracy\":", "\"accuracy\":null,\"other\":"),
            ),
        ] {
            let damaged = with_line(&lines, index, &line);
            fs::write(folder.path().join("journal.jsonl"), &damaged).expect("written");
            let mended = run(folder.path(), &options(2, 7), Resume::Yes, name).expect("resumes");
            let kept = fs::read(folder.path().join("journal.damaged.jsonl")).expect("kept");
            assert_eq!(kept, damaged.as_bytes());
            let reason = mended.trials[index].outcome.reason().expect("lost");
            let place = format!("line {} of the journal", index + 1);
            assert!(reason.contains(&place), "{reason}");
            assert_eq!(
                mended.trials[index].architecture,
                whole.trials[index].architecture
            );
            for (trial, old) in mended.trials.iter().zip(&whole.trials) {
                assert!(trial == old || trial.number == index, "{trial:?}");
            }
            assert!(mended.trials.len() >= whole.trials.len());
            let after = journal(folder.path());
            let again = run(folder.path(), &options(2, 7), Resume::Yes, name).expect("resumes");
            assert_eq!(
                (again, journal(folder.path())),
                (mended, after),
                "it is mended once"
            );
        }
    }
}

#[test]
fn last_lines_that_cannot_be_read_are_done_again_and_lines_out_of_order_are_refused() {
    let folder = temporary();
    run(folder.path(), &options(2, 7), Resume::No, "random").expect("runs");
    let sound = String::from_utf8(journal(folder.path())).expect("text");
    let lines: Vec<&str> = sound.lines().collect();
    for line in ["{}", "", "\u{fffd}"] {
        let damaged = with_line(&lines, lines.len() - 1, line);
        fs::write(folder.path().join("journal.jsonl"), &damaged).expect("written");
        run(folder.path(), &options(2, 7), Resume::Yes, "random").expect("resumes");
        assert_eq!(journal(folder.path()), sound.as_bytes(), "{line}");
    }
    let swapped = with_line(&lines, 1, lines[0]);
    fs::write(folder.path().join("journal.jsonl"), &swapped).expect("written");
    let error = run(folder.path(), &options(2, 7), Resume::Yes, "random").expect_err("refused");
    assert!(error.to_string().contains("line 2:"), "{error}");
    assert_eq!(
        journal(folder.path()),
        swapped.as_bytes(),
        "nothing is changed"
    );
}

#[test]
fn a_journal_of_another_experiment_is_refused() {
    let folder = temporary();
    run(folder.path(), &options(2, 8), Resume::No, "random").expect("runs");
    for (seed, name) in [(9, "random"), (8, "greedy")] {
        let error = run(folder.path(), &options(2, seed), Resume::Yes, name).expect_err("refused");
        assert!(
            error.to_string().contains("this experiment tries"),
            "{error}"
        );
    }
}

#[test]
fn a_folder_in_use_is_refused() {
    let folder = temporary();
    let second = Mutex::new(None);
    let stop = || {
        let mut second = second.lock().expect("no panic");
        if second.is_none() {
            *second = Some(run(folder.path(), &options(1, 1), Resume::Yes, "random").map(|_| ()));
        }
        false
    };
    run_until(folder.path(), &options(1, 1), Resume::No, "random", &stop).expect("runs");
    let second = second.into_inner().expect("no panic").expect("asked");
    assert!(matches!(second, Err(Error::InUse { .. })), "{second:?}");
}

#[test]
fn a_panic_in_training_fails_its_trial_alone() {
    let space = space();
    let calls = AtomicUsize::new(0);
    let folder = temporary();
    let study = Study {
        leak: None,
        space: &space,
        strategy: strategy("random").expect("listed"),
        cost: &Layers,
        objectives: &Objectives::default(),
        constraints: &Constraints::default(),
        train: &|job, on_epoch: &mut OnEpoch<'_>| {
            assert!(calls.fetch_add(1, Ordering::Relaxed) != 1, "second call");
            pretend(job, on_epoch)
        },
        on_event: &|_| {},
        should_stop: &|| false,
        out_of_time: &|| false,
    };
    let folder = StudyFolder::create(folder.path()).expect("created");
    let report = study
        .run(&folder, &options(1, 1), Resume::No)
        .expect("runs");
    let panicked = |t: &&Trial| matches!(&t.outcome, Outcome::Failed { reason } if reason.contains("second call"));
    assert_eq!(report.trials.iter().filter(panicked).count(), 1);
}

#[test]
fn an_error_in_training_ends_the_study_and_keeps_the_journal() {
    let space = space();
    let calls = AtomicUsize::new(0);
    let folder = temporary();
    let study = Study {
        leak: None,
        space: &space,
        strategy: strategy("random").expect("listed"),
        cost: &Layers,
        objectives: &Objectives::default(),
        constraints: &Constraints::default(),
        train: &|job, on_epoch: &mut OnEpoch<'_>| match calls.fetch_add(1, Ordering::Relaxed) {
            5 => Err(Error::Option {
                option: "device",
                found: "gone".into(),
                allowed: "there".into(),
            }),
            _ => pretend(job, on_epoch),
        },
        on_event: &|_| {},
        should_stop: &|| false,
        out_of_time: &|| false,
    };
    let run_folder = StudyFolder::create(folder.path()).expect("created");
    let error = study
        .run(&run_folder, &options(1, 1), Resume::No)
        .expect_err("ends");
    assert!(error.to_string().contains("`device`"), "{error}");
    let lines = journal(folder.path())
        .iter()
        .filter(|b| **b == b'\n')
        .count();
    assert_eq!(lines, 5);
}

#[test]
fn the_baseline_is_trial_0_of_every_strategy_and_comes_once_on_any_threads_and_after_any_stop() {
    let mobile = space().mobile();
    for strategy in strategies() {
        let name = strategy.name();
        let with = |workers, seed| StudyOptions {
            baseline: Some(Baseline::Mobile),
            ..options(workers, seed)
        };
        let folder = temporary();
        let whole = run(folder.path(), &with(1, 4), Resume::No, name).expect("runs");
        assert_eq!(whole.trials[0].architecture, mobile, "{name}");
        let times = whole.trials.iter().filter(|t| t.architecture == mobile);
        assert_eq!(times.count(), 1, "{name}");
        let expected = journal(folder.path());
        let line = expected.iter().position(|b| *b == b'\n').expect("a line");
        // Killed in the first line, after it, and in the middle.
        for (workers, cut) in [(2, 3), (4, line + 1), (3, expected.len() / 2)] {
            let killed = temporary();
            fs::write(killed.path().join("journal.jsonl"), &expected[..cut]).expect("written");
            let again = run(killed.path(), &with(workers, 4), Resume::Yes, name).expect("resumes");
            assert_eq!(again, whole, "{name}, cut at {cut}");
        }
        // These start there by themselves.
        let foreign = run(folder.path(), &options(1, 4), Resume::Yes, name);
        let starts_there = ["greedy", "exhaustive"].contains(&name);
        assert_eq!(foreign.is_ok(), starts_there, "{name}");
    }
}

#[test]
fn an_infeasible_baseline_is_recorded_and_the_study_goes_on() {
    let folder = temporary();
    let with = StudyOptions {
        baseline: Some(Baseline::Mobile),
        ..options(2, 4)
    };
    let space = space();
    let study = Study {
        leak: None,
        space: &space,
        strategy: strategy("random").expect("listed"),
        cost: &Layers,
        objectives: &Objectives::default(),
        constraints: &Constraints {
            max_depth: Some(10),
            ..Constraints::default()
        },
        train: &pretend,
        on_event: &|_| {},
        should_stop: &|| false,
        out_of_time: &|| false,
    };
    let run_folder = StudyFolder::create(folder.path()).expect("created");
    let report = study.run(&run_folder, &with, Resume::No).expect("runs");
    let reason = report.trials[0].outcome.reason().unwrap_or_default();
    assert!(reason.contains("exceeds 10"), "{reason}");
    assert!(
        report
            .trials
            .iter()
            .filter(|t| t.outcome.was_trained())
            .count()
            > 1
    );
}
