//! Goldens: nets before and after each pass, and op counts of real networks. Bless with `INSTA_UPDATE=always`.

mod common;

use std::fmt::Write;

use common::{Net, preset, zoo};
use hemet_compiler::{KeyBudget, Options, estimate, passes, synthetic_table};
use hemet_spaces::LayerGraph;
use hemet_spaces::layer::{Seen, Structure, Taps};

/// The net after import and after each pass that changed its text.
fn passes_text(graph: &LayerGraph) -> String {
    let options = Options::default();
    let mut net = passes::import(graph, None, &options, passes::WindowSums::Merged).unwrap();
    let mut text = format!("import\n{net}");
    let context = passes::Context {
        options: &options,
        samples: &[],
        transform: None,
    };
    for pass in &passes::PASSES {
        let before = net.to_string();
        (pass.run)(&mut net, &context);
        match net.to_string() == before {
            true => writeln!(text, "\n{}: unchanged", pass.name).unwrap(),
            false => write!(text, "\n{}\n{net}", pass.name).unwrap(),
        }
    }
    text
}

#[test]
fn conv_norm_quadratic_and_pool_become_one_map_and_one_square() {
    let graph = Net::new(1, 8).block(4, 3, 1).pool(2).dense(10).graph;
    insta::assert_snapshot!("passes_block", passes_text(&graph));
}

#[test]
fn blocks_merge_as_their_goldens_say() {
    let space = zoo();
    for (name, genes) in [
        ("fire", "0"),
        ("inception", "reduce"),
        ("residual", "residual"),
    ] {
        let found = (0..2000).find_map(|seed| {
            let architecture = space.sample(&mut common::rng(seed));
            let text = space.describe(&architecture).unwrap();
            let wanted = match name {
                "fire" => "fire",
                "inception" => "reduce",
                _ => "residual",
            };
            let quiet = !text.contains("linear") && !text.contains("poly");
            (text.contains(wanted) && quiet).then_some(architecture)
        });
        let graph = space.graph(&found.expect(genes)).unwrap();
        insta::assert_snapshot!(
            format!("passes_{name}"),
            format!("{graph}\n{}", passes_text(&graph))
        );
    }
}

#[test]
fn parallel_activations_are_stacked() {
    use hemet_spaces::Layer;
    use hemet_spaces::layer::{Conv, Poly};
    let mut graph = Net::new(2, 4).graph;
    let input = graph.input();
    let mut branches = Vec::new();
    for (name, kernel) in [("small", 1), ("large", 3)] {
        let conv = graph
            .add(name, Layer::Conv(Conv::same(3, kernel)), &[input])
            .unwrap();
        let act = Layer::Poly(Poly::QUADRATIC);
        branches.push(graph.add(format!("{name}.act"), act, &[conv]).unwrap());
    }
    let concat = graph.add("concat", Layer::Concat, &branches).unwrap();
    graph
        .add("next", Layer::Conv(Conv::same(2, 3)), &[concat])
        .unwrap();
    insta::assert_snapshot!("passes_stack", passes_text(&graph));
}

#[test]
fn op_counts_of_known_networks() {
    let mut nets = vec![
        ("lola".to_owned(), common::lola()),
        ("lenet5".to_owned(), common::lenet()),
        ("digits regular".to_owned(), common::digits_regular()),
    ];
    for name in ["digits", "squeezenet", "mobilenet", "resnet"] {
        let space = preset(name);
        nets.push((
            format!("{name} mobile"),
            space.graph(&space.mobile()).unwrap(),
        ));
    }
    let space = preset("digits");
    for seed in 0..3 {
        let architecture = space.sample(&mut common::rng(seed));
        let name = format!("digits {}", architecture.text());
        nets.push((name, space.graph(&architecture).unwrap()));
    }
    insta::assert_snapshot!("op_counts", op_counts(nets));
}

#[test]
fn op_counts_of_the_test_set() {
    let nets = common::networks::test_set().into_iter();
    let nets = nets.map(|(name, graph)| (name.to_owned(), graph)).collect();
    insta::assert_snapshot!("op_counts_test_set", op_counts(nets));
}

/// Of each map in the middle of five grouped convolutions with quadratics, under as many keys as it likes.
#[test]
fn grouped_convolutions_take_as_few_diagonals_as_their_channels_allow() {
    let options = Options {
        key_budget: KeyBudget::Unbounded,
        ..Options::default()
    };
    let mut text = String::new();
    for (channels, side, groups) in [
        (64, 8, &[1, 2, 4, 8][..]),
        (96, 8, &[1, 2, 3, 4, 8]),
        (40, 6, &[1, 2, 5]),
    ] {
        for &groups in groups {
            let block = |net: Net, _| net.grouped(channels, 3, groups).affine().quadratic();
            let graph = (0..5).fold(Net::new(channels, side), block).dense(10).graph;
            let found = estimate(&graph, &options, &synthetic_table()).unwrap();
            let mut convs = found
                .layer_counts
                .iter()
                .filter(|c| c.layer.starts_with("conv"));
            let counts = convs.nth(2).unwrap();
            let note = found
                .layers
                .iter()
                .find(|n| n.layer == counts.layer)
                .unwrap();
            let (diagonals, rotations) = (counts.counts.plain_products, counts.counts.rotations);
            writeln!(
                text,
                "{channels} channels {side}x{side}, {groups} groups: {diagonals} diagonals, {rotations} rotations\n    \
                 ring 2^{}, {}, all {:.0} ms",
                found.log_n, note.packing, found.latency_ms
            )
            .unwrap();
        }
    }
    insta::assert_snapshot!("grouped", text);
}

/// What leaving out whole diagonals gains in whole networks.
#[test]
fn structure_gains_in_whole_networks() {
    let share = |parts| Seen::one_of(parts).unwrap();
    let all = [
        ("full", 1, Taps::Square, 1),
        ("2 groups", 2, Taps::Square, 1),
        ("4 groups", 4, Taps::Square, 1),
        ("8 groups", 8, Taps::Square, 1),
        ("cross", 1, Taps::Cross, 1),
        ("half seen", 1, Taps::Square, 2),
        ("quarter seen", 1, Taps::Square, 4),
        ("4 groups, cross", 4, Taps::Cross, 1),
    ];
    let mut text = String::new();
    for (name, network) in [
        (
            "lenet",
            common::networks::lenet_with as fn(usize, Structure) -> LayerGraph,
        ),
        ("vgg11", common::networks::vgg11_with),
    ] {
        let mut full = None;
        for (structure, groups, taps, parts) in all {
            let seen = share(parts);
            let graph = network(
                groups,
                Structure {
                    taps,
                    seen,
                    ..Structure::FULL
                },
            );
            let found = estimate(&graph, &Options::default(), &synthetic_table()).unwrap();
            let ratio = found.latency_ms / *full.get_or_insert(found.latency_ms);
            let total = found.op_counts.total();
            writeln!(
                text,
                "{name}, {structure}: {:.1} ms, {ratio:.2} of full; {} diagonals, {} rotations, ring 2^{}, keys {:.1} MB",
                found.latency_ms,
                total.plain_products,
                total.rotations,
                found.log_n,
                found.evaluation_key_bytes as f64 / 1e6,
            )
            .unwrap();
        }
    }
    insta::assert_snapshot!("structured", text);
}

fn op_counts(nets: Vec<(String, LayerGraph)>) -> String {
    let mut text = String::new();
    for (name, graph) in nets {
        let found = estimate(&graph, &Options::default(), &synthetic_table()).unwrap();
        writeln!(
            text,
            "## {name}\nsynthetic {:.1} ms, log Q {:.0}, evaluation keys {:.1} MB, input {:.2} MB\n{}",
            found.latency_ms,
            found.log_q_bits,
            found.evaluation_key_bytes as f64 / 1e6,
            found.input_ciphertext_bytes as f64 / 1e6,
            found.op_counts
        )
        .unwrap();
    }
    text
}
