//! The structure of schedules: independent of weights, equal to the estimate, as deep as promised; errors name what
//! they are about.

mod common;

use common::{Net, preset, weights, zoo};
use hemet_ckks_params::{Attacks, SecurityLevel, SecurityRow};
use hemet_compiler::{
    Activation, Error, Estimate, KeyBudget, Options, compile, estimate, synthetic_table,
};
use hemet_schedule::text;
use hemet_spaces::layer::Poly;
use hemet_spaces::{Layer, LayerGraph, Weights};

#[test]
fn the_instruction_sequence_does_not_depend_on_weights() {
    let (options, costs) = (Options::default(), synthetic_table());
    let space = zoo();
    for seed in 0..20 {
        let graph = space.graph(&space.sample(&mut common::rng(seed))).unwrap();
        let first = compile(&graph, &weights(&graph, 2 * seed), &options, &costs).unwrap();
        let second = compile(&graph, &weights(&graph, 2 * seed + 1), &options, &costs).unwrap();
        assert_ne!(first.constants, second.constants);
        assert_eq!(text::print(&first), text::print(&second), "seed {seed}");
    }
}

#[test]
fn zero_weights_change_nothing_either() {
    let (options, costs) = (Options::default(), synthetic_table());
    let graph = common::digits_regular();
    let mut zeros = weights(&graph, 1);
    for tensor in zeros.tensors.values_mut() {
        tensor.data.fill(0.0);
    }
    let first = compile(&graph, &weights(&graph, 1), &options, &costs).unwrap();
    let second = compile(&graph, &zeros, &options, &costs).unwrap();
    assert_eq!(text::print(&first), text::print(&second));
}

#[test]
fn the_estimate_is_the_truth_about_the_compiled_network() {
    let (options, costs) = (Options::default(), synthetic_table());
    for space in [zoo(), preset("digits")] {
        for seed in 0..40 {
            let graph = space.graph(&space.sample(&mut common::rng(seed))).unwrap();
            let schedule = compile(&graph, &weights(&graph, seed), &options, &costs).unwrap();
            let promised = estimate(&graph, &options, &costs).unwrap();
            assert_eq!(
                promised,
                Estimate::of(&schedule, promised.layers.clone(), &costs).unwrap(),
                "seed {seed}"
            );
            let layers: f64 = promised.layers.iter().map(|note| note.predicted_ms).sum();
            assert!((layers - promised.latency_ms).abs() < 1e-6 * promised.latency_ms);
        }
    }
}

#[test]
fn a_block_of_conv_norm_quadratic_and_pool_costs_at_most_two_levels() {
    for blocks in 1..=4 {
        let mut net = Net::new(2, 16);
        for _ in 0..blocks {
            net = net.block(4, 3, 1).pool(2);
        }
        let found = estimate(&net.dense(4).graph, &Options::default(), &synthetic_table()).unwrap();
        assert!(
            found.depth <= 2 * blocks + 1,
            "{blocks} blocks: depth {}",
            found.depth
        );
        assert_eq!(
            found.op_counts.total().ciphertext_products,
            u64::from(blocks)
        );
    }
}

#[test]
fn low_precision_halves_the_primes() {
    let graph = common::digits_regular();
    let at = |precision_bits| {
        let options = Options {
            precision_bits,
            ..Options::default()
        };
        estimate(&graph, &options, &synthetic_table()).unwrap()
    };
    assert_eq!(
        at(10).depth,
        3,
        "two blocks and a head: one prime for each affine map"
    );
    assert_eq!(at(14).depth, 5);
    assert!(at(6).latency_ms < at(10).latency_ms);
    assert!(at(10).latency_ms < at(14).latency_ms);
}

#[test]
fn more_security_never_takes_a_smaller_ring() {
    let graph = common::digits_regular();
    let at = |security| {
        let options = Options {
            security,
            ..Options::default()
        };
        estimate(&graph, &options, &synthetic_table()).unwrap()
    };
    let levels = [
        SecurityLevel::Bits128,
        SecurityLevel::Bits192,
        SecurityLevel::Bits256,
    ]
    .map(at);
    assert!(levels.windows(2).all(|w| w[0].log_n <= w[1].log_n));
    assert_eq!(levels.map(|e| e.security_bits), [128, 192, 256]);
}

#[test]
fn parameters_against_quantum_attacks_keep_to_their_own_rows() {
    let graph = common::digits_regular();
    let at = |security, attacks| {
        let options = Options {
            security,
            attacks,
            ..Options::default()
        };
        estimate(&graph, &options, &synthetic_table()).unwrap()
    };
    for level in SecurityLevel::ALL {
        let found = at(level, Attacks::Quantum);
        let row = SecurityRow {
            level,
            attacks: Attacks::Quantum,
        };
        let limit = row.max_log_qp(found.log_n).unwrap();
        assert!(found.log_qp_bits <= f64::from(limit), "{found:?}");
        assert_eq!(found.security_bits, level.bits());
        assert!(found.log_n >= at(level, Attacks::Classical).log_n);
    }
}

fn refused(graph: &LayerGraph, weights: Option<Weights>, options: &Options) -> Error {
    let costs = synthetic_table();
    match weights {
        Some(weights) => compile(graph, &weights, options, &costs).unwrap_err(),
        None => estimate(graph, options, &costs).unwrap_err(),
    }
}

#[test]
fn quadratics_too_near_a_line_are_refused_by_layer_and_channel() {
    let graph = Net::new(1, 4).block(3, 3, 1).dense(2).graph;
    let mut weights = weights(&graph, 3);
    let poly = weights.tensors.get_mut("poly3.coefficients").unwrap();
    poly.data[7] = 1.0;
    poly.data[8] = 1e-3;
    let text = refused(&graph, Some(weights.clone()), &Options::default()).to_string();
    assert!(
        text.contains("`poly3`") && text.contains("channel 2: 0.001"),
        "{text}"
    );
    // The remedy that the message names.
    let options = Options {
        activation: Activation::PowerBasis,
        ..Options::default()
    };
    assert!(compile(&graph, &weights, &options, &synthetic_table()).is_ok());
}

#[test]
fn what_does_not_fit_is_refused_with_both_numbers() {
    let mut deep = Net::new(1, 4);
    for _ in 0..60 {
        deep = deep.block(2, 3, 1);
    }
    let text = refused(&deep.graph, None, &Options::default()).to_string();
    assert!(
        text.contains("10 bits of precision need scales of 58 bits"),
        "{text}"
    );
    let options = Options {
        precision_bits: 2,
        ..Options::default()
    };
    let mut deep = Net::new(1, 4);
    for _ in 0..40 {
        deep = deep.block(2, 3, 1);
    }
    let text = refused(&deep.graph, None, &options).to_string();
    assert!(
        text.contains("levels") && text.contains("1747") && text.contains("2^16"),
        "{text}"
    );

    let options = Options {
        max_ciphertexts: 1,
        max_log_n: 12,
        ..Options::default()
    };
    let wide = Net::new(3, 32).conv(4, 3, 1).graph;
    let text = refused(&wide, None, &options).to_string();
    assert!(
        text.contains("`input` has 3072 elements") && text.contains("2048"),
        "{text}"
    );

    let options = Options {
        precision_bits: 1,
        ..Options::default()
    };
    let text = refused(&wide, None, &options).to_string();
    assert!(
        text.contains("precision_bits") && text.contains("2 to 30"),
        "{text}"
    );

    let options = Options {
        input_range: f64::NAN,
        ..Options::default()
    };
    assert!(matches!(
        refused(&wide, None, &options),
        Error::Option { .. }
    ));
    let text = refused(&wide, Some(Weights::default()), &Options::default()).to_string();
    assert!(text.contains("conv1.weight"), "{text}");
}

#[test]
fn a_cost_table_without_the_parameters_is_refused() {
    let mut costs = synthetic_table();
    costs.degrees.retain(|degree| degree.log_n > 14);
    let graph = Net::new(1, 4).conv(2, 3, 1).dense(2).graph;
    let error = estimate(&graph, &Options::default(), &costs);
    // No degree that the table lacks is taken.
    assert_eq!(error.unwrap().log_n, 15);
    costs.degrees.clear();
    let error = estimate(&graph, &Options::default(), &costs).unwrap_err();
    assert!(matches!(error, Error::MissingCost(_)), "{error}");
}

#[test]
fn degrees_one_to_five_compile_in_both_schemes() {
    for degree in 1..=5 {
        let layer = Layer::Poly(Poly {
            degree,
            per_channel: true,
        });
        let graph = Net::new(1, 4).conv(2, 3, 1).then(layer).dense(2).graph;
        for activation in [Activation::CompletedSquare, Activation::PowerBasis] {
            let options = Options {
                activation,
                // Constants of 64 bits.
                precision_bits: 13,
                ..Options::default()
            };
            let weights = weights(&graph, 9);
            let schedule = compile(&graph, &weights, &options, &synthetic_table()).unwrap();
            let x = common::input(&graph, 1);
            let wanted = hemet_spaces::evaluate::evaluate(&graph, &weights, &x).unwrap();
            for (f, w) in common::run(&schedule, &x).iter().zip(wanted) {
                assert!((f - w).abs() < 1e-8, "degree {degree}: {f} {w}");
            }
        }
    }
}

/// Milliseconds that this thread has run on a processor (Linux); elsewhere that have passed.
fn processor_ms(begin: std::time::Instant) -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|ns| ns.parse::<f64>().ok());
    nanoseconds.map_or(begin.elapsed().as_secs_f64() * 1e3, |ns| ns / 1e6)
}

#[test]
fn an_estimate_of_a_digits_network_is_quick() {
    let (space, costs) = (preset("digits"), synthetic_table());
    let start = std::time::Instant::now();
    let begin = processor_ms(start);
    for seed in 0..20 {
        let graph = space.graph(&space.sample(&mut common::rng(seed))).unwrap();
        estimate(&graph, &Options::default(), &costs).unwrap();
    }
    let each = (processor_ms(start) - begin) / 20.0;
    println!("{each:.1} ms for each");
    // What a search can bear.
    assert!(each < 50.0, "{each:.1} ms for each");
}

#[test]
fn a_key_budget_is_kept_or_refused_with_both_numbers() {
    let costs = synthetic_table();
    let graph = common::lenet();
    let mut last = u64::MAX;
    let few = common::with_fewest_keys(&graph, &Options::default()).key_budget;
    let budgets = [KeyBudget::Unbounded, KeyBudget::AtMost(95), few];
    for key_budget in budgets {
        let options = Options {
            key_budget,
            ..Options::default()
        };
        let found = estimate(&graph, &options, &costs).unwrap();
        assert!(found.evaluation_key_bytes <= last, "{key_budget}");
        last = found.evaluation_key_bytes;
        if let KeyBudget::AtMost(mib) = key_budget {
            assert!(
                last <= u64::from(mib) << 20,
                "{last} bytes within {mib} MiB"
            );
        }
        let schedule = compile(&graph, &weights(&graph, 1), &options, &costs).unwrap();
        assert_eq!(
            found,
            Estimate::of(&schedule, found.layers.clone(), &costs).unwrap()
        );
        assert_eq!(schedule.key_bytes().sent, last);
        assert_eq!(
            schedule.rotation_levels().len(),
            schedule.rotation_steps().len()
        );
    }
    // Few are saved by default, where that costs little time.
    let usual = estimate(&graph, &Options::default(), &costs).unwrap();
    assert!(usual.evaluation_key_bytes <= 128 << 20);
    let options = Options {
        key_budget: KeyBudget::AtMost(1),
        ..Options::default()
    };
    let text = refused(&graph, None, &options).to_string();
    let least = format!("{:.1} MiB at least", last as f64 / f64::from(1 << 20));
    assert!(
        text.contains("budget is 1 MiB") && text.contains(&least),
        "{text}"
    );
}
