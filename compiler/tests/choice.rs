//! The choice of parameters, layouts, splits and keys: whoever allows more or asks for less never gets a slower
//! schedule.

mod common;

use common::{preset, run_noisy};
use hemet_ckks_params::SecurityLevel;
use hemet_compiler::{Error, KeyBudget, Options, Primes, compile_for, estimate, synthetic_table};
use hemet_spaces::LayerGraph;
use hemet_spaces::evaluate::evaluate;

/// Networks of several kinds, with their names.
fn networks() -> Vec<(String, LayerGraph)> {
    let mut networks = vec![
        ("lola".to_owned(), common::lola()),
        ("lenet5".to_owned(), common::lenet()),
        ("inception".to_owned(), common::networks::inception()),
        ("mobilenet".to_owned(), common::networks::mobilenet()),
    ];
    let space = preset("digits");
    for seed in 0..4 {
        let architecture = space.sample(&mut common::rng(seed));
        networks.push((architecture.text(), space.graph(&architecture).unwrap()));
    }
    networks
}

/// Predicted milliseconds of a network under options in the order in which they allow more, or ask for less: each is to
/// be as quick as the one before. Options under which nothing is possible may only come first.
fn never_slower(name: &str, graph: &LayerGraph, options: impl IntoIterator<Item = Options>) {
    let mut last: Option<f64> = None;
    for options in options {
        match estimate(graph, &options, &synthetic_table()) {
            Ok(found) => {
                let slower = last.is_some_and(|last| found.latency_ms > last * (1.0 + 1e-9));
                let (found, before) = (found.latency_ms, last.unwrap_or(0.0));
                assert!(
                    !slower,
                    "{name}: {found} ms after {before} ms with {options:?}"
                );
                last = Some(found);
            }
            Err(error) => assert!(last.is_none(), "{name}: {error} with {options:?}"),
        }
    }
}

fn unbounded() -> Options {
    Options {
        key_budget: KeyBudget::Unbounded,
        ..Options::default()
    }
}

#[test]
fn a_lower_precision_never_makes_a_slower_schedule() {
    for (name, graph) in networks() {
        let at = |precision_bits| Options {
            precision_bits,
            ..unbounded()
        };
        never_slower(&name, &graph, (2..=14).rev().map(at));
    }
}

#[test]
fn a_larger_key_budget_never_makes_a_slower_schedule() {
    for (name, graph) in networks() {
        let budgets = (0..9).map(|power| KeyBudget::AtMost(1 << power));
        let all = budgets.chain([KeyBudget::Unbounded]);
        let with = |key_budget| Options {
            key_budget,
            ..Options::default()
        };
        never_slower(&name, &graph, all.map(with));
    }
}

#[test]
fn more_candidates_never_make_a_slower_schedule() {
    for (name, graph) in networks() {
        let to = |max_log_n| Options {
            max_log_n,
            ..unbounded()
        };
        never_slower(&name, &graph, (12..=16).map(to));
        // Less security leaves more room for special primes.
        let levels = [
            SecurityLevel::Bits256,
            SecurityLevel::Bits192,
            SecurityLevel::Bits128,
        ];
        let with = |security| Options {
            security,
            ..unbounded()
        };
        never_slower(&name, &graph, levels.map(with));
    }
}

#[test]
fn keys_are_saved_at_the_knee_only_where_that_is_worth_its_time() {
    for (name, graph) in networks() {
        let usual = estimate(&graph, &Options::default(), &synthetic_table()).unwrap();
        let quickest = estimate(&graph, &unbounded(), &synthetic_table()).unwrap();
        let slower = usual.latency_ms / quickest.latency_ms;
        let bytes = |bytes: u64| bytes.max(95 << 20) as f64;
        let fewer = bytes(quickest.evaluation_key_bytes) / bytes(usual.evaluation_key_bytes);
        // A percent of time for at least four of bytes; the prediction and the choice differ a little.
        assert!(
            slower.powi(4) <= fewer * 1.05,
            "{name}: {slower} times the time, 1/{fewer} of the keys"
        );
    }
}

#[test]
fn a_budget_that_is_too_small_is_refused_and_the_least_that_it_names_is_enough() {
    let graph = common::networks::inception();
    let with = |mib| Options {
        key_budget: KeyBudget::AtMost(mib),
        ..Options::default()
    };
    let refused = estimate(&graph, &with(1), &synthetic_table()).unwrap_err();
    let Error::Keys { least, .. } = refused else {
        panic!("{refused}");
    };
    let enough = least.div_ceil(1 << 20) as u32;
    let found = estimate(&graph, &with(enough), &synthetic_table()).unwrap();
    assert!(found.evaluation_key_bytes <= u64::from(enough) << 20);
    let slowest = found.latency_ms;
    let quickest = estimate(&graph, &unbounded(), &synthetic_table()).unwrap();
    assert!(quickest.latency_ms < slowest);
}

#[test]
fn uniform_parameters_have_a_prime_of_50_bits_a_product_and_take_half_as_long_again_and_more() {
    let uniform = Options {
        primes: Primes::Uniform,
        ..Options::default()
    };
    for (name, graph) in [("lola", common::lola()), ("lenet5", common::lenet())] {
        let weights = common::weights(&graph, 7);
        let samples: Vec<Vec<f64>> = (0..8).map(|seed| common::input(&graph, seed)).collect();
        let compile = |options| {
            let found = compile_for(&samples, &graph, &weights, options, &synthetic_table());
            found.unwrap()
        };
        let (found, chosen) = (compile(&uniform), compile(&Options::default()));
        let parameters = &found.schedule.header.parameters;
        let all = parameters.moduli().iter().chain(parameters.special());
        let bits: Vec<f64> = all.map(|q| (*q as f64).log2()).collect();
        assert!(
            bits.iter().all(|bits| (49.9..50.0).contains(bits)),
            "{name}: {bits:?}"
        );
        // Each rescales by a prime of its own: maps and squares take turns, and the base prime stays.
        let squares = graph
            .nodes()
            .filter(|(_, node)| node.layer.kind() == "poly")
            .count();
        let levels = parameters.moduli().len();
        assert_eq!(levels, 2 * squares + 2, "{name}");
        assert_eq!(found.schedule.header.depth as usize, levels - 1, "{name}");
        let (slow, quick) = (found.estimate.latency_ms, chosen.estimate.latency_ms);
        assert!(slow > 1.5 * quick, "{name}: {slow} ms and {quick} ms");
        // The promise is kept, by far.
        for (seed, x) in samples.iter().enumerate() {
            let wanted = evaluate(&graph, &weights, x).unwrap();
            let got = run_noisy(&found.schedule, x, seed as u64);
            for (got, wanted) in got.iter().zip(&wanted) {
                let error = (got - wanted).abs();
                assert!(error <= found.promise.error, "{name}: {error}");
            }
        }
    }
}
