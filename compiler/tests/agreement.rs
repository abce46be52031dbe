//! Precision by agreement: as coarse as classes allow, and refused with what is missing.

mod common;

use common::{Net, input, run_noisy, weights};
use hemet_compiler::{Compiled, Error, Options, compile_for, synthetic_table};
use hemet_spaces::evaluate::evaluate;
use hemet_spaces::{LayerGraph, Weights};

fn asking(agreement: f64) -> Options {
    Options {
        agreement: Some(agreement),
        ..Options::default()
    }
}

fn samples(graph: &LayerGraph, count: u64) -> Vec<Vec<f64>> {
    (0..count).map(|seed| input(graph, 500 + seed)).collect()
}

fn compiled(graph: &LayerGraph, weights: &Weights, options: &Options) -> Result<Compiled, Error> {
    compile_for(
        &samples(graph, 64),
        graph,
        weights,
        options,
        &synthetic_table(),
    )
}

fn class(logits: &[f64]) -> usize {
    let best = logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    best.unwrap().0
}

#[test]
fn classes_agree_as_predicted_at_a_precision_that_is_no_finer_than_needed() {
    for (name, graph) in [
        ("digits", common::digits_regular()),
        (
            "block",
            Net::new(1, 8).block(6, 3, 1).pool(2).dense(4).graph,
        ),
    ] {
        let weights = weights(&graph, 40);
        let found = compiled(&graph, &weights, &asking(99.0)).unwrap();
        let agreement = found.agreement.unwrap();
        assert!(
            agreement.predicted >= 99.0 && agreement.images == 64,
            "{agreement}"
        );
        let bits = found.schedule.header.precision_bits;
        assert!(bits < 10, "{name}: {bits} bits");
        // Inputs that were not looked at: 200, of which two may change, and chance may double that.
        let changed = (0..200u64).filter(|seed| {
            let x = input(&graph, 9000 + seed);
            let clean = evaluate(&graph, &weights, &x).unwrap();
            class(&clean) != class(&run_noisy(&found.schedule, &x, *seed))
        });
        let changed = changed.count();
        println!("{name}: {bits} bits, {agreement}; {changed} of 200 others changed");
        assert!(changed <= 4 + 2, "{name}: {changed} of 200 at {bits} bits");
        // The promise is that of the precision.
        let promise = found.promise.error * f64::from(bits).exp2();
        let fixed = Options {
            precision_bits: bits,
            ..Options::default()
        };
        let same = compiled(&graph, &weights, &fixed).unwrap();
        assert!((promise - same.promise.error * f64::from(bits).exp2()).abs() < 1e-9);
        assert!(same.agreement.is_none());
        assert_eq!(same.schedule.header, found.schedule.header);
    }
}

#[test]
fn more_agreement_takes_no_coarser_precision_and_no_less_time() {
    let graph = common::digits_regular();
    let weights = weights(&graph, 41);
    let at = |percent| {
        let found = compiled(&graph, &weights, &asking(percent)).unwrap();
        (
            found.schedule.header.precision_bits,
            found.estimate.latency_ms,
        )
    };
    let found = [60.0, 95.0, 99.5, 99.99].map(at);
    assert!(
        found.is_sorted_by(|a, b| a.0 <= b.0 && a.1 <= b.1 * (1.0 + 1e-9)),
        "{found:?}"
    );
    assert!(found[0].0 < found[3].0, "{found:?}");
}

#[test]
fn what_cannot_be_measured_or_kept_is_refused_with_the_numbers() {
    let graph = common::digits_regular();
    let weights = weights(&graph, 42);
    for percent in [49.9, 100.1, f64::NAN] {
        let text = compiled(&graph, &weights, &asking(percent))
            .err()
            .unwrap()
            .to_string();
        let wanted = format!("`agreement` is {percent}, it must be a number from 50 to 100");
        assert!(text.contains(&wanted), "{text}");
    }
    let none = compile_for(&[], &graph, &weights, &asking(99.5), &synthetic_table());
    let text = none.err().unwrap().to_string();
    assert!(
        text.contains("no images") && text.contains("precision in bits"),
        "{text}"
    );
    let single = Net::new(1, 4).block(2, 3, 1).dense(1).graph;
    let weights_of_one = common::weights(&single, 1);
    let text = compiled(&single, &weights_of_one, &asking(99.5))
        .err()
        .unwrap()
        .to_string();
    assert!(text.contains("1 output"), "{text}");
    // All classes alike: no margin at all.
    let mut alike = weights.clone();
    let (_, head) = graph.nodes().last().unwrap();
    for name in ["weight", "bias"] {
        let tensor = alike
            .tensors
            .get_mut(&format!("{}.{name}", head.name))
            .unwrap();
        let rows = tensor.shape[0];
        let row = tensor.data.len() / rows;
        for k in row..tensor.data.len() {
            tensor.data[k] = tensor.data[k % row];
        }
    }
    let text = compiled(&graph, &alike, &asking(99.5))
        .err()
        .unwrap()
        .to_string();
    assert!(
        text.contains("99.5 % is asked for") && text.contains("64 images"),
        "{text}"
    );
}
