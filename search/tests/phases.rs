//! The suite of phases: what every phase that may follow the first must hold. A new phase gets its lines in [`phases`].

use std::ops::ControlFlow;

use hemet_search::data::{self, Dataset};
use hemet_search::train::{
    End, EpochReport, Layers, PhaseOptions, Polynomials, Recipe, TrainData, TrainOptions,
    TrainOutcome, Trained, Training, Tune,
};
use hemet_search::{Error, Seed};
use hemet_spaces::quantized::Quantization;
use hemet_spaces::{LayerGraph, Space, Weights};

/// Examples of every phase, each of 2 epochs.
fn phases() -> Vec<PhaseOptions> {
    let tune = |layers| {
        PhaseOptions::Tune(Tune {
            epochs: 2,
            rate: 0.5,
            layers,
        })
    };
    let all = vec![tune(Layers::All), tune(Layers::Head)];
    for phase in &all {
        match phase {
            // A new phase needs an example above.
            PhaseOptions::Tune(_) => {}
        }
    }
    all
}

fn graph() -> LayerGraph {
    let text = r#"{"input": [1, 8, 8], "classes": 10, "blocks": [
        {"name": "b1", "options": [{"conv": {"width": 4}}], "pool": [2]},
        {"name": "b2", "options": [{"conv": {"width": 4}}]}]}"#;
    let space: Space = serde_json::from_str(text).expect("a space");
    space.graph(&space.mobile()).expect("a network")
}

fn digits() -> (Dataset, Dataset) {
    let all = data::load("optdigits", None).expect("embedded").train;
    let (few, rest) = all.split(0.8, Seed::new(3)).expect("a share");
    let (validation, _) = rest.split(0.8, Seed::new(4)).expect("a share");
    (few, validation)
}

fn options(phases: Vec<PhaseOptions>) -> TrainOptions {
    TrainOptions {
        epochs: 2,
        batch: 32,
        shift: 1,
        ema: 0.5,
        phases,
        ..TrainOptions::default()
    }
}

fn run(
    options: &TrainOptions,
    checkpoint: Option<&std::path::Path>,
    last: usize,
) -> Result<(TrainOutcome, Vec<EpochReport>), Error> {
    let (training, validation) = digits();
    let data = TrainData {
        training: &training,
        validation: &validation,
    };
    let graph = graph();
    let mut training = Training::new(&graph, data, options, Seed::new(1));
    training.checkpoint = checkpoint;
    let mut reports = Vec::new();
    let outcome = training.run(&mut |report| {
        reports.push(*report);
        match report.epoch == last {
            true => ControlFlow::Break(End::Cancelled),
            false => ControlFlow::Continue(()),
        }
    })?;
    Ok((outcome, reports))
}

fn complete(options: &TrainOptions) -> Trained {
    match run(options, None, usize::MAX).expect("it trains").0 {
        TrainOutcome::Complete(trained) => trained,
        other @ (TrainOutcome::Diverged { .. } | TrainOutcome::Cancelled) => panic!("{other:?}"),
    }
}

#[test]
fn a_phase_adds_its_epochs_and_leaves_those_before_it_as_they_are() {
    let before = complete(&options(Vec::new())).epochs;
    for phase in phases() {
        let all = options(vec![phase.clone(), phase.clone()]);
        assert_eq!(all.all_epochs(), 6);
        let trained = complete(&all);
        assert_eq!(trained.epochs.len(), 6, "{phase:?}");
        for (index, report) in trained.epochs.iter().enumerate() {
            assert_eq!((report.epoch, report.epochs), (index + 1, 6));
            assert!(report.loss.is_finite());
        }
        let losses = |reports: &[EpochReport]| reports.iter().map(|r| r.loss).collect::<Vec<_>>();
        assert_eq!(losses(&trained.epochs[..2]), losses(&before), "{phase:?}");
    }
}

#[test]
fn a_phase_moves_its_layers_and_no_others() {
    for polynomials in [Polynomials::Learnable, Polynomials::Herpn] {
        let with = |phases| {
            complete(&TrainOptions {
                polynomials,
                ema: 0.0,
                ..options(phases)
            })
        };
        let before = with(Vec::new()).weights;
        let head = graph();
        let head = format!("{}.", head.node(head.output()).name);
        for phase in phases() {
            let after = with(vec![phase.clone()]).weights;
            let moved =
                |weights: &Weights, name: &str| weights.tensors[name] != before.tensors[name];
            for name in before.tensors.keys() {
                let expected = match phase.layers() {
                    Layers::All => true,
                    Layers::Head => name.starts_with(&head),
                };
                assert_eq!(moved(&after, name), expected, "{name} in {phase:?}");
            }
        }
    }
}

#[test]
fn a_training_that_was_killed_in_any_phase_goes_on_bit_for_bit() {
    for phase in phases() {
        let options = options(vec![phase.clone()]);
        let whole = run(&options, None, usize::MAX).expect("it trains");
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("checkpoint");
        for last in 1..options.all_epochs() {
            let stopped = run(&options, Some(&path), last).expect("it trains").0;
            assert_eq!(stopped, TrainOutcome::Cancelled);
        }
        let resumed = run(&options, Some(&path), usize::MAX).expect("it trains");
        assert_eq!(resumed, whole, "{phase:?}");
    }
}

#[test]
fn phases_out_of_range_are_refused_by_name() {
    let text = |json: &str| serde_json::from_str::<TrainOptions>(json);
    for (json, name) in [
        (r#"{"phases": [{"phase": "tune", "epochs": 0}]}"#, "epochs"),
        (
            r#"{"phases": [{"phase": "tune", "epochs": 1, "rate": 0.0}]}"#,
            "rate",
        ),
        (
            r#"{"phases": [{"phase": "tune", "epochs": 1, "rate": 2.0}]}"#,
            "rate",
        ),
    ] {
        let refused = text(json).expect("well-formed").check().expect_err(json);
        assert!(
            refused.to_string().contains(&format!("phases[0].{name}")),
            "{refused}"
        );
    }
    for json in [
        r#"{"phases": [{"phase": "bake", "epochs": 1}]}"#,
        r#"{"phases": [{"phase": "tune", "epochs": 1, "heat": 2}]}"#,
        r#"{"phases": [{"epochs": 1}]}"#,
    ] {
        assert!(text(json).is_err(), "{json}");
    }
    let head = options(vec![phases().remove(1)]);
    let refused = Recipe::Quantized(&Quantization::default()).check(&head);
    let refused = refused.expect_err("integers").to_string();
    assert!(refused.contains("`phases: layers` is head"), "{refused}");
}
