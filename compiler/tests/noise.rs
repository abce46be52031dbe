//! The promised precision holds when every operation errs as the noise estimate says.

mod common;

use common::{input, run_noisy, weights};
use hemet_compiler::{Options, compile, synthetic_table};
use hemet_spaces::LayerGraph;
use hemet_spaces::evaluate::evaluate;

/// Largest error over some inputs, as a share of what is promised.
fn share(graph: &LayerGraph, precision_bits: u32, seed: u64) -> f64 {
    let options = Options {
        precision_bits,
        ..Options::default()
    };
    let weights = weights(graph, seed);
    let schedule = compile(graph, &weights, &options, &synthetic_table()).unwrap();
    let mut worst: f64 = 0.0;
    for sample in 0..4 {
        let x = input(graph, seed + sample);
        let wanted = evaluate(graph, &weights, &x).unwrap();
        let found = run_noisy(&schedule, &x, seed + sample);
        let size = wanted.iter().map(|v| v * v).sum::<f64>() / wanted.len() as f64;
        let promise = (-f64::from(precision_bits)).exp2() * size.sqrt().max(1.0);
        for (f, w) in found.iter().zip(&wanted) {
            worst = worst.max((f - w).abs() / promise);
        }
    }
    worst
}

#[test]
fn errors_stay_within_the_promise_and_are_not_needlessly_small() {
    for (name, graph) in [
        ("digits", common::digits_regular()),
        ("lola", common::lola()),
        (
            "one block",
            common::Net::new(2, 8).block(8, 3, 1).pool(2).dense(5).graph,
        ),
    ] {
        for precision_bits in [6, 10, 14] {
            let share = share(&graph, precision_bits, 40);
            println!("{name} at {precision_bits} bits: {share:.4} of the promise");
            assert!(share <= 1.0, "{name} at {precision_bits} bits: {share}");
            // Above this, bits are wasted: five bits for tails, rounding up and shifts smaller than budgeted.
            assert!(
                share >= 1.0 / 256.0,
                "{name} at {precision_bits} bits: {share}"
            );
        }
    }
}
