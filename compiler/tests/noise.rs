//! The promised precision holds when every operation errs as the noise estimate says.

mod common;

use common::{input, run_noisy, weights};
use hemet_compiler::{Error, Options, compile, compile_for, synthetic_table};
use hemet_schedule::{Artifact, Manifest, Verified, text};
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

/// A net whose first filter takes the difference of neighbours: on smooth images its results are small, their errors
/// are not.
fn of_differences() -> (LayerGraph, hemet_spaces::Weights) {
    let graph = common::Net::new(1, 16)
        .block(4, 3, 1)
        .block(4, 3, 1)
        .dense(5)
        .graph;
    let weights = differences(&graph);
    (graph, weights)
}

/// Inputs like one input, a little stronger or weaker each.
fn slopes(input: &[f64]) -> Vec<Vec<f64>> {
    let strength = |k: i32| {
        input
            .iter()
            .map(|x| x * (1.0 + f64::from(k) / 40.0))
            .collect()
    };
    (-6..6).map(strength).collect()
}

fn differences(graph: &LayerGraph) -> hemet_spaces::Weights {
    let mut weights = weights(graph, 3);
    let first = graph.nodes().nth(1).unwrap().1.name.clone();
    let filter = weights.tensors.get_mut(&format!("{first}.weight")).unwrap();
    for (tap, value) in filter.data.iter_mut().enumerate() {
        *value = [0.0, 0.0, 0.0, -30.0, 0.0, 30.0, 0.0, 0.0, 0.0][tap % 9];
    }
    weights
}

#[test]
fn channels_are_scaled_by_the_sizes_that_the_samples_give_them() {
    let mut net = common::Net::new(1, 16);
    for _ in 0..4 {
        net = net.block(4, 3, 1);
    }
    let graph = net.dense(5).graph;
    let weights = differences(&graph);
    let (options, costs) = (Options::default(), synthetic_table());
    // Neighbours differ by a hundredth: independent elements would give the fourth square values 10^15 times larger.
    let smooth: Vec<f64> = (0..256).map(|e| f64::from(e % 16) * 0.01 - 0.08).collect();
    let compiled = compile_for(&slopes(&smooth), &graph, &weights, &options, &costs).unwrap();
    let promise = (-f64::from(options.precision_bits)).exp2();
    let found = error(&compiled.schedule, &graph, &weights, &smooth);
    assert!(found <= promise, "{found:e}");
}

fn error(
    schedule: &hemet_schedule::Schedule,
    graph: &LayerGraph,
    weights: &hemet_spaces::Weights,
    x: &[f64],
) -> f64 {
    let wanted = evaluate(graph, weights, x).unwrap();
    let found = run_noisy(schedule, x, 9);
    let size = wanted.iter().map(|v| v * v).sum::<f64>() / wanted.len() as f64;
    let errors = found.iter().zip(&wanted).map(|(f, w)| (f - w).abs());
    errors.fold(0.0, f64::max) / size.sqrt().max(1.0)
}

#[test]
fn scales_have_guard_bits_where_the_inputs_at_hand_need_them() {
    let (graph, weights) = of_differences();
    let (options, costs) = (Options::default(), synthetic_table());
    // A gentle slope: neighbours differ by a hundredth.
    let smooth: Vec<f64> = (0..256).map(|e| f64::from(e % 16) * 0.01 - 0.08).collect();
    let plain = compile(&graph, &weights, &options, &costs).unwrap();
    let compiled = compile_for(&slopes(&smooth), &graph, &weights, &options, &costs).unwrap();
    let (guarded, estimate) = (compiled.schedule, compiled.estimate);
    let bits = |s: &hemet_schedule::Schedule| s.header.parameters.log_qp_bits();
    assert!(
        bits(&guarded) > bits(&plain) + 1.0,
        "{} and {}",
        bits(&guarded),
        bits(&plain)
    );
    assert_eq!(estimate.log_qp_bits, bits(&guarded));
    assert_eq!(guarded.header.precision_bits, plain.header.precision_bits);
    let promise = (-f64::from(options.precision_bits)).exp2();
    let (without, with) = (
        error(&plain, &graph, &weights, &smooth),
        error(&guarded, &graph, &weights, &smooth),
    );
    assert!(without > promise, "{without:e}: no guard bits were needed");
    assert!(with <= promise, "{with:e}");
}

#[test]
fn networks_whose_values_keep_their_size_need_bits_for_the_rounding_of_plaintexts_at_most() {
    let (options, costs) = (Options::default(), synthetic_table());
    for graph in [common::lola(), common::digits_regular()] {
        let weights = weights(&graph, 5);
        let plain = compile(&graph, &weights, &options, &costs).unwrap();
        // Few samples say little of the rare inputs, for which scales then keep a bit more.
        let samples: Vec<Vec<f64>> = (0..160).map(|s| input(&graph, 80 + s)).collect();
        let looked_at = compile_for(&samples, &graph, &weights, &options, &costs).unwrap();
        assert_eq!(looked_at.fitted.guard_bits, 0);
        assert!(looked_at.fitted.plain_guard_bits <= 3);
        let bits = |s: &hemet_schedule::Schedule| s.header.parameters.log_qp_bits();
        assert!(bits(&looked_at.schedule) <= bits(&plain) + 6.0);
    }
}

#[test]
fn errors_beyond_all_parameters_and_misfitting_samples_are_told() {
    let (graph, mut weights) = of_differences();
    let (options, costs) = (Options::default(), synthetic_table());
    let short = compile_for(&[vec![0.0; 255]], &graph, &weights, &options, &costs)
        .err()
        .unwrap();
    assert_eq!(
        short.to_string(),
        "sample 0 has 255 elements, the network's input has 256"
    );
    for tensor in weights.tensors.values_mut() {
        tensor.data.iter_mut().for_each(|v| *v *= 1e9);
    }
    let tiny: Vec<f64> = (0..256).map(|e| f64::from(e) * 1e-12).collect();
    let error = compile_for(&slopes(&tiny), &graph, &weights, &options, &costs)
        .err()
        .unwrap();
    let told = matches!(
        error,
        Error::Guard { .. } | Error::Headroom { .. } | Error::UnlikeSamples { .. }
    );
    assert!(told, "{error}");
}

#[test]
fn rounded_weights_keep_the_promise_and_take_less_space() {
    let (options, costs) = (Options::default(), synthetic_table());
    for (name, graph) in [
        ("lola", common::lola()),
        ("digits", common::digits_regular()),
    ] {
        let weights = weights(&graph, 6);
        let samples: Vec<Vec<f64>> = (0..32).map(|s| input(&graph, 160 + s)).collect();
        let rounded = compile_for(&samples, &graph, &weights, &options, &costs).unwrap();
        let options = Options {
            guard_bits: rounded.fitted.guard_bits,
            plain_guard_bits: rounded.fitted.plain_guard_bits,
            ..options.clone()
        };
        let plain = compile(&graph, &weights, &options, &costs).unwrap();
        let rounded = rounded.schedule;
        assert_eq!(
            text::print(&plain),
            text::print(&rounded),
            "{name}: weights only fill constants"
        );
        let bytes = |schedule: &Verified| {
            let artifact = Artifact::new(Manifest::new(name), schedule.clone());
            artifact.to_bytes().unwrap().len()
        };
        let (few, many) = (bytes(&rounded), bytes(&plain));
        println!("{name}: {few} instead of {many} bytes");
        assert!(few < many * 3 / 4, "{name}: {few} instead of {many} bytes");
        let promise = (-f64::from(options.precision_bits)).exp2();
        // Inputs that were not looked at.
        for seed in 70..76 {
            let x = input(&graph, seed);
            let found = error(&rounded, &graph, &weights, &x);
            assert!(found <= promise, "{name}: {found:e} of {promise:e}");
        }
    }
}
