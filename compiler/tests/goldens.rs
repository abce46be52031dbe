//! Goldens: nets before and after each pass, and op counts of real networks. Bless with `INSTA_UPDATE=always`.

mod common;

use std::fmt::Write;

use common::{Net, preset, zoo};
use hemet_compiler::{Options, estimate, passes, synthetic_table};
use hemet_spaces::LayerGraph;

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
