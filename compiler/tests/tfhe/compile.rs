//! Compiled schedules compute what integer networks define, with parameter sets that keep the goal.

use crate::common::{inputs, networks};
use hemet_compiler::tfhe::{Error, Options, compile, with_label};
use hemet_schedule::tfhe::{FailureGoal, KeyKind, OutputForm, SetId, analyze, interpret, print};
use hemet_spaces::QuantizedNetwork;
use hemet_spaces::quantized::{Operation, QuantizedNode, label};

#[test]
fn every_schedule_computes_its_network_exactly() {
    for (name, network) in networks() {
        let compiled =
            compile(&network, &Options::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
        for input in inputs(&network, 30) {
            let found = interpret(&compiled.verified, &input).unwrap();
            assert_eq!(found, network.evaluate(&input).unwrap(), "{name}");
        }
    }
}

#[test]
fn the_label_is_the_argmax_of_the_logits() {
    let options = Options {
        output: OutputForm::Label,
        ..Options::default()
    };
    for (name, network) in networks() {
        let compiled = compile(&network, &options).unwrap_or_else(|e| panic!("{name}: {e}"));
        for input in inputs(&network, 30) {
            let logits = network.evaluate(&input).unwrap();
            assert_eq!(
                interpret(&compiled.verified, &input).unwrap(),
                [label(&logits) as i64],
                "{name}: {logits:?}"
            );
        }
    }
}

#[test]
fn every_shift_of_the_argmax_gives_the_same_label() {
    let (_, network) = networks().swap_remove(1);
    for shift in 0..=4 {
        let labelled = with_label(&network, shift).unwrap();
        for input in inputs(&network, 30) {
            let expected = label(&network.evaluate(&input).unwrap()) as i64;
            assert_eq!(
                labelled.evaluate(&input).unwrap(),
                [expected],
                "shift {shift}"
            );
        }
    }
}

#[test]
fn goals_are_kept_and_the_sterner_one_costs_no_less() {
    for (name, network) in networks() {
        let easy = compile(&network, &Options::default()).unwrap();
        assert!(easy.summary.failure_log2 <= -40.0, "{name}");
        let stern = Options {
            failure: FailureGoal::Bootstrap(128),
            ..Options::default()
        };
        let stern = compile(&network, &stern).unwrap();
        assert!(analyze(&stern.verified).worst_log2 <= -128.0, "{name}");
        assert!(stern.estimate.total_ms >= easy.estimate.total_ms, "{name}");
    }
}

#[test]
fn instructions_do_not_depend_on_weight_values_but_for_the_range_of_the_output() {
    let (_, network) = networks().swap_remove(1);
    let nodes: Vec<QuantizedNode> = (network.nodes().iter().cloned())
        .map(|mut node| {
            if let (Operation::Linear { map, .. }, "first") = (&mut node.operation, &*node.name) {
                map.weights.iter_mut().for_each(|w| *w = -*w);
            }
            node
        })
        .collect();
    let other = QuantizedNetwork::new(nodes, network.logit_scale()).unwrap();
    assert_ne!(other, network);
    let text = |n: &QuantizedNetwork| print(&compile(n, &Options::default()).unwrap().verified);
    assert_eq!(text(&other), text(&network));
}

#[test]
fn the_client_encrypts_under_the_small_key_where_the_first_layer_bootstraps_at_once() {
    let key = |index: usize| {
        let compiled = compile(&networks()[index].1, &Options::default()).unwrap();
        compiled.verified.input_type().unwrap().key
    };
    assert_eq!(key(1), KeyKind::Small);
    // A halving needs the big key, as an output without any bootstrap does.
    assert_eq!(key(2), KeyKind::Big);
    assert_eq!(key(0), KeyKind::Big);
}

#[test]
fn without_a_set_that_is_large_enough_the_layer_is_named() {
    let (_, network) = networks().swap_remove(3);
    let sets = vec![SetId::find("1_0").unwrap()];
    let error = compile(
        &network,
        &Options {
            sets,
            ..Options::default()
        },
    )
    .unwrap_err();
    assert!(
        matches!(&error, Error::NoSet { set, .. } if set == "1_0"),
        "{error}"
    );
    assert!(error.to_string().contains("layer `"), "{error}");
}

#[test]
fn schedules_and_op_counts_are_as_reviewed() {
    let mut golden = String::new();
    for (name, network) in networks() {
        for output in [OutputForm::Logits, OutputForm::Label] {
            let compiled = compile(
                &network,
                &Options {
                    output,
                    ..Options::default()
                },
            )
            .unwrap();
            let form = if output == OutputForm::Label {
                "label"
            } else {
                "logits"
            };
            golden += &format!(
                "== {name}, {form}\n{}\n{}\n",
                print(&compiled.verified),
                compiled.summary
            );
        }
    }
    insta::assert_snapshot!("schedules", golden);
}
