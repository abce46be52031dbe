//! What is lowered computes what the graph means, in every packing the compiler chooses.

mod common;

use common::{Net, input, lenet, lola, preset, run, weights, with_fewest_keys, zoo};
use hemet_compiler::{Activation, Options, compile, synthetic_table};
use hemet_spaces::evaluate::evaluate;
use hemet_spaces::layer::{Conv, Seen, Structure, Taps};
use hemet_spaces::{Layer, LayerGraph};

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
        // Constants of 32 bits, 2^-25 in root mean square, through a few dozen layers, each square doubling the error
        // and completing the square losing up to (|x|+4)² / |x|².
        assert!(
            (f - w).abs() < 1e-5 * size,
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
fn grouped_networks_compute_their_meaning() {
    let options = Options::default();
    for (seed, (channels, groups)) in [(8, 2), (12, 3), (16, 4), (10, 5)].into_iter().enumerate() {
        let net = Net::new(2, 8).block(channels, 3, 1);
        let net = net
            .grouped(channels, 3, groups)
            .affine()
            .quadratic()
            .pool(2);
        let net = net.grouped(2 * channels, 3, groups).affine().quadratic();
        let graph = net.grouped(channels, 1, 2).affine().quadratic().dense(5);
        let name = format!("{channels} channels, {groups} groups");
        check(&name, &graph.graph, &options, 20 + seed as u64);
    }
}

#[test]
fn convolutions_without_all_entries_compute_their_meaning() {
    for (seed, (groups, taps, parts)) in [
        (1, Taps::Cross, 1),
        (1, Taps::Square, 2),
        (1, Taps::Cross, 4),
        (3, Taps::Square, 4),
    ]
    .into_iter()
    .enumerate()
    {
        let seen = Seen::one_of(parts).unwrap();
        let partial = |channels| {
            Layer::Conv(Conv {
                groups,
                structure: Structure {
                    taps,
                    seen,
                    ..Structure::FULL
                },
                ..Conv::same(channels, 3)
            })
        };
        let net = Net::new(2, 8)
            .block(12, 3, 1)
            .then(partial(12))
            .affine()
            .quadratic();
        let net = net.pool(2).then(partial(24)).affine().quadratic().dense(5);
        let name = format!("{groups} groups, {taps}, 1/{parts} seen");
        check(&name, &net.graph, &Options::default(), 30 + seed as u64);
    }
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

#[test]
fn networks_may_begin_and_end_with_anything() {
    let options = Options::default();
    check(
        "ends in a quadratic",
        &Net::new(2, 4).block(3, 3, 1).graph,
        &options,
        20,
    );
    check(
        "ends in a pool",
        &Net::new(2, 4).block(3, 3, 1).pool(2).graph,
        &options,
        21,
    );
    check(
        "begins with a quadratic",
        &Net::new(2, 4).quadratic().dense(3).graph,
        &options,
        22,
    );
    check(
        "a quadratic alone",
        &Net::new(2, 4).quadratic().graph,
        &options,
        23,
    );
    check(
        "quadratics in a row",
        &Net::new(2, 4).quadratic().quadratic().graph,
        &options,
        24,
    );
    check("the input alone", &Net::new(2, 4).graph, &options, 25);
    check(
        "a single element",
        &Net::new(1, 1).block(1, 1, 1).dense(1).graph,
        &options,
        26,
    );
}

#[test]
fn sums_of_anything_compute_their_meaning() {
    use hemet_spaces::Layer;
    let options = Options::default();
    // Both operands of each sum are squares, of different depth, and are read elsewhere too.
    let mut net = Net::new(2, 4).block(3, 3, 1);
    let first = net.last;
    net = net.block(3, 3, 1);
    let second = net.last;
    net.last = net.graph.add("sum", Layer::Add, &[first, second]).unwrap();
    let sum = net.last;
    net = net.block(3, 1, 1);
    let inputs = [net.last, sum, first];
    net.last = net.graph.add("sum2", Layer::Add, &inputs).unwrap();
    check("squares", &net.dense(4).graph, &options, 27);
    // A tensor twice, and joined with itself.
    let mut net = Net::new(2, 4).block(3, 3, 1);
    net.last = net
        .graph
        .add("twice", Layer::Add, &[net.last, net.last])
        .unwrap();
    net.last = net
        .graph
        .add("joined", Layer::Concat, &[net.last, net.last])
        .unwrap();
    check("twice", &net.quadratic().dense(4).graph, &options, 28);
    // An affine map of the input beside the input.
    let mut net = Net::new(2, 4).conv(2, 3, 1);
    let input = net.graph.input();
    net.last = net
        .graph
        .add("sum", Layer::Add, &[input, net.last])
        .unwrap();
    check("input", &net.quadratic().dense(4).graph, &options, 29);
}

#[test]
fn with_few_keys_networks_compute_their_meaning() {
    let usual = Options::default();
    let check = |name: &str, graph: &LayerGraph, options: &Options, seed| {
        check(name, graph, &with_fewest_keys(graph, options), seed);
    };
    check("lola", &lola(), &usual, 7);
    check("lenet", &lenet(), &usual, 8);
    let space = zoo();
    for seed in 0..20 {
        let architecture = space.sample(&mut common::rng(seed));
        let graph = space.graph(&architecture).unwrap();
        check(&architecture.text(), &graph, &usual, seed);
    }
    // Several ciphertexts, with chains for each.
    let options = Options {
        max_log_n: 12,
        precision_bits: 2,
        ..usual
    };
    let graph = Net::new(4, 32).conv(8, 3, 1).pool(2).dense(3).graph;
    check("several ciphertexts", &graph, &options, 9);
}
