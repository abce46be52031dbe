//! Under real encryption the promised precision holds: the noise estimate against reality.

mod common;

use common::{Net, input, weights, with_fewest_keys};
use hemet_compiler::{Options, compile, synthetic_table};
use hemet_runtime::door::Model;
use hemet_runtime::{Client, Server, unobserved};
use hemet_schedule::{Artifact, artifact::Manifest};
use hemet_spaces::evaluate::evaluate;
use hemet_spaces::layer::{Conv, Seen, Structure, Taps};
use hemet_spaces::{Layer, LayerGraph};

/// How many evaluation keys there are.
#[derive(Clone, Copy)]
enum Keys {
    Usual,
    Fewest,
}

/// Largest error over two inputs, as a share of what is promised.
fn share(name: &str, graph: &LayerGraph, precision_bits: u32, keys: Keys, seed: u64) -> f64 {
    let options = Options {
        precision_bits,
        ..Options::default()
    };
    let options = match keys {
        Keys::Usual => options,
        Keys::Fewest => with_fewest_keys(graph, &options),
    };
    let weights = weights(graph, seed);
    let schedule = compile(graph, &weights, &options, &synthetic_table()).unwrap();
    let artifact = Artifact::new(Manifest::new(name), schedule);
    let (client, keys) = Client::generate(artifact.spec().unwrap()).unwrap();
    let server = Server::new(Box::new(artifact)).unwrap();
    let keys = server.keys(&keys).unwrap();
    let mut worst: f64 = 0.0;
    for sample in 0..2 {
        let x = input(graph, seed + sample);
        let wanted = evaluate(graph, &weights, &x).unwrap();
        let request = client.encrypt(&x).unwrap();
        let begin = std::time::Instant::now();
        let response = server.answer(&keys, &request, &mut unobserved).unwrap();
        println!("{name}: {:.1} ms", begin.elapsed().as_secs_f64() * 1e3);
        let found = client.decrypt(&response).unwrap().logits();
        let size = wanted.iter().map(|v| v * v).sum::<f64>() / wanted.len() as f64;
        let promise = (-f64::from(precision_bits)).exp2() * size.sqrt().max(1.0);
        for (f, w) in found.iter().zip(&wanted) {
            worst = worst.max((f - w).abs() / promise);
        }
    }
    worst
}

#[test]
fn encrypted_logits_keep_the_promised_precision() {
    let residual = {
        let mut net = Net::new(2, 8).block(3, 3, 1);
        let shortcut = net.last;
        net = net.conv(3, 3, 1).affine();
        let inputs = [shortcut, net.last];
        net.last = net.graph.add("sum", Layer::Add, &inputs).unwrap();
        net.quadratic().dense(4).graph
    };
    let partial = {
        let seen = Seen::one_of(2).unwrap();
        let banded = Layer::Conv(Conv {
            structure: Structure {
                taps: Taps::Cross,
                seen,
                ..Structure::FULL
            },
            ..Conv::same(12, 3)
        });
        let net = Net::new(2, 8)
            .block(12, 3, 1)
            .grouped(12, 3, 3)
            .affine()
            .quadratic();
        net.pool(2).then(banded).affine().quadratic().dense(4).graph
    };
    // With the fewest keys giant steps are chained.
    for (name, graph, precision_bits, keys) in [
        (
            "one block",
            Net::new(2, 8).block(8, 3, 1).pool(2).dense(5).graph,
            10,
            Keys::Fewest,
        ),
        ("digits", common::digits_regular(), 6, Keys::Usual),
        ("digits", common::digits_regular(), 10, Keys::Usual),
        ("digits", common::digits_regular(), 10, Keys::Fewest),
        ("lola", common::lola(), 8, Keys::Usual),
        ("residual", residual, 12, Keys::Fewest),
        ("groups and bands", partial, 10, Keys::Usual),
    ] {
        let share = share(name, &graph, precision_bits, keys, 40);
        println!("{name} at {precision_bits} bits: {share:.4} of the promise");
        assert!(share <= 1.0, "{name} at {precision_bits} bits: {share}");
    }
}
