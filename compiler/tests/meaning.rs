//! What is lowered computes what the graph means, in every packing the compiler chooses.

mod common;

use common::{Net, input, lenet, lola, preset, run, weights, zoo};
use hemet_compiler::{Activation, Options, compile, synthetic_table};
use hemet_spaces::LayerGraph;
use hemet_spaces::evaluate::evaluate;

fn check(name: &str, graph: &LayerGraph, options: &Options, seed: u64) {
    let weights = weights(graph, seed);
    let schedule = match compile(graph, &weights, options, &synthetic_table()) {
        Ok(schedule) => schedule,
        Err(error) => panic!("{name}, seed {seed}: {error}"),
    };
    let x = input(graph, seed + 1);
    let wanted = evaluate(graph, &weights, &x).unwrap();
    let found = run(&schedule, &x);
    let size = wanted.iter().fold(1.0, |m: f64, v| m.max(v.abs()));
    for (f, w) in found.iter().zip(&wanted) {
        // Double precision through a few dozen layers, with completing the square losing up to (|x|+4)² / |x|².
        assert!(
            (f - w).abs() < 1e-7 * size,
            "{name}, seed {seed}: {found:?} {wanted:?}"
        );
    }
}

#[test]
fn reference_networks_compute_their_meaning() {
    let options = Options {
        input_range: 1.0,
        ..Options::default()
    };
    check("lola", &lola(), &options, 1);
    check("lenet", &lenet(), &options, 2);
    check("digits", &common::digits_regular(), &options, 3);
}

#[test]
fn linear_networks_need_no_level() {
    let graph = Net::new(3, 6).conv(4, 3, 1).affine().pool(2).dense(5).graph;
    check("linear", &graph, &Options::default(), 4);
}

#[test]
fn random_networks_of_every_block_compute_their_meaning() {
    let space = zoo();
    for seed in 0..60 {
        let architecture = space.sample(&mut common::rng(seed));
        let graph = space.graph(&architecture).unwrap();
        let name = architecture.text();
        check(&name, &graph, &Options::default(), seed);
        let activation = Activation::PowerBasis;
        check(
            &name,
            &graph,
            &Options {
                activation,
                ..Options::default()
            },
            seed,
        );
    }
}

#[test]
fn random_networks_for_digits_compute_their_meaning() {
    let space = preset("digits");
    for seed in 0..12 {
        let architecture = space.sample(&mut common::rng(seed));
        let graph = space.graph(&architecture).unwrap();
        check(&architecture.text(), &graph, &Options::default(), seed);
    }
}

#[test]
fn tensors_over_several_ciphertexts_compute_their_meaning() {
    // 4096 and 8192 elements, and 2048 slots at most.
    let options = Options {
        max_log_n: 12,
        precision_bits: 4,
        ..Options::default()
    };
    check("raster", &Net::new(4, 32).conv(8, 3, 1).graph, &options, 6);
    check("stride", &Net::new(5, 30).conv(4, 3, 2).graph, &options, 7);
    check(
        "head",
        &Net::new(3, 40).conv(3, 3, 1).pool(40).dense(4).graph,
        &options,
        9,
    );
    let options = Options {
        max_log_n: 13,
        ..options
    };
    check("square", &Net::new(8, 32).block(2, 3, 1).graph, &options, 8);
    check(
        "wide",
        &Net::new(2, 32).block(8, 3, 1).pool(2).graph,
        &options,
        8,
    );
}

#[test]
fn the_power_basis_computes_the_same() {
    let options = Options {
        activation: Activation::PowerBasis,
        ..Options::default()
    };
    check("digits", &common::digits_regular(), &options, 5);
}
