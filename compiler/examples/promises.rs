//! Whether promises are kept: compiles networks that are scaled as batch norm leaves them, with samples and without,
//! and holds new inputs against what each artifact promises.
//!
//! `cargo run --release -p hemet-compiler --example promises -- [INPUTS] [ENCRYPTED]`
//!
//! Ten architectures (2 to 7 quadratics; perceptrons, plain, residual and depthwise convolutions) are scaled on each
//! of four kinds of data. Every network is compiled plainly and with 256 samples; INPUTS new inputs of its kind (100
//! unless given) run through the schedule with the errors of CKKS drawn in floats, and ENCRYPTED ones (none unless
//! given) under real encryption. An error may be at most what the artifact promises, and at most the share of the new
//! inputs' own logits.

#[path = "../tests/common/mod.rs"]
mod common;

use common::calibrated::normalized;
use common::{Net, run_noisy};
use hemet_compiler::{Compiled, Options, compile_for, synthetic_table};
use hemet_runtime::door::Model;
use hemet_runtime::{Client, Server, unobserved};
use hemet_schedule::{Artifact, Manifest};
use hemet_spaces::evaluate::evaluate;
use hemet_spaces::layer::Conv;
use hemet_spaces::{Layer, LayerGraph, Weights};
use rand::RngExt;
use rayon::prelude::*;

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const KINDS: [&str; 4] = ["noise", "waves", "strokes", "centered"];

/// An input of a kind, `side × side` in each channel, from 0 to 1 (`centered`: −1 to 1).
fn input(kind: &str, channels: usize, side: usize, seed: u64) -> Vec<f64> {
    let mut rng = common::rng(seed);
    let mut values = Vec::with_capacity(channels * side * side);
    let strokes: Vec<[f64; 4]> = (0..3)
        .map(|_| std::array::from_fn(|_| rng.random_range(0.0..1.0)))
        .collect();
    for channel in 0..channels {
        let waves: Vec<[f64; 4]> = (0..4)
            .map(|_| std::array::from_fn(|_| rng.random_range(-1.0..1.0)))
            .collect();
        for place in 0..side * side {
            let y = (place / side) as f64 / side as f64;
            let x = (place % side) as f64 / side as f64;
            let wave = |[a, fy, fx, phase]: &[f64; 4]| {
                a * (4.0 * (fy * y + fx * x + phase) * std::f64::consts::PI).sin()
            };
            let smooth: f64 = waves.iter().map(wave).sum::<f64>() / 2.0;
            let near = |[ay, ax, by, bx]: &[f64; 4]| {
                let (dy, dx) = (by - ay, bx - ax);
                let t = ((y - ay) * dy + (x - ax) * dx) / (dy * dy + dx * dx + 1e-6);
                let t = t.clamp(0.0, 1.0);
                ((y - ay - t * dy).powi(2) + (x - ax - t * dx).powi(2)).sqrt()
            };
            let distance = strokes.iter().map(near).fold(f64::INFINITY, f64::min);
            values.push(match kind {
                "noise" => rng.random_range(0.0..1.0),
                "waves" => (0.5 + 0.5 * smooth).clamp(0.0, 1.0),
                "strokes" => (1.3 - 9.0 * distance + 0.1 * channel as f64).clamp(0.0, 1.0),
                _ => smooth.clamp(-1.0, 1.0),
            });
        }
    }
    values
}

fn residual(mut net: Net, width: usize) -> Net {
    let input = net.last;
    net = net.block(width, 3, 1).conv(width, 3, 1).affine();
    let sides = [input, net.last];
    let name = format!("sum{}", net.graph.nodes().len());
    net.last = net
        .graph
        .add(name, Layer::Add, &sides)
        .expect("equal shapes");
    net.quadratic()
}

fn separable(mut net: Net, width: usize) -> Net {
    let channels = net.graph.node(net.last).shape.channels;
    let depthwise = Conv {
        groups: channels,
        ..Conv::same(channels, 3)
    };
    net = net.then(Layer::Conv(depthwise)).affine();
    net.conv(width, 1, 1).affine().quadratic()
}

/// Name, channels and side of the input, graph.
fn networks() -> Vec<(&'static str, usize, usize, LayerGraph)> {
    let blocks = |channels, side, count: usize| {
        let net = (0..count).fold(Net::new(channels, side), |net, _| net.block(4, 3, 1));
        net.pool(2).dense(10).graph
    };
    let perceptron = |layers: usize| {
        let layer = |net: Net, _| net.dense(32).affine().quadratic();
        (0..layers).fold(Net::new(1, 8), layer).dense(10).graph
    };
    let resnet = |count: usize| {
        let net = (0..count).fold(Net::new(1, 8).block(4, 3, 1), |net, _| residual(net, 4));
        net.pool(4).dense(10).graph
    };
    let mobilenet = |count: usize| {
        let net = (0..count).fold(Net::new(3, 8).block(6, 3, 1), |net, _| separable(net, 6));
        net.pool(4).dense(10).graph
    };
    vec![
        ("mlp 2", 1, 8, perceptron(2)),
        ("mlp 3", 1, 8, perceptron(3)),
        ("cnn 2", 1, 8, blocks(1, 8, 2)),
        ("cnn 4", 1, 8, blocks(1, 8, 4)),
        ("cnn 5", 1, 8, blocks(1, 8, 5)),
        ("cnn 6 of 3", 3, 8, blocks(3, 8, 6)),
        ("cnn 7", 1, 8, blocks(1, 8, 7)),
        ("resnet 3", 1, 8, resnet(1)),
        ("resnet 5", 1, 8, resnet(2)),
        ("mobilenet 4", 3, 8, mobilenet(3)),
    ]
}

/// The largest errors on new inputs over what is promised for them, by drawn errors and by encryption.
fn shares(
    compiled: &Compiled,
    graph: &LayerGraph,
    weights: &Weights,
    inputs: &[Vec<f64>],
    encrypted: usize,
) -> Outcome<(f64, f64)> {
    let prepare = |x: &Vec<f64>| match &compiled.input_transform {
        Some(transform) => transform.apply(x),
        None => x.clone(),
    };
    let wanted = inputs.par_iter().map(|x| evaluate(graph, weights, x));
    let wanted: Vec<Vec<f64>> = wanted.collect::<Result<_, _>>()?;
    let squares: f64 = wanted.iter().flatten().map(|v| v * v).sum();
    let size = (squares / (wanted.len() * wanted[0].len()) as f64).sqrt();
    let bits = f64::from(compiled.schedule.header.precision_bits);
    let promise = compiled.promise.error.min((-bits).exp2() * size.max(1.0));
    let error = |found: &[f64], wanted: &[f64]| {
        let errors = found.iter().zip(wanted).map(|(f, w)| (f - w).abs());
        errors.fold(0.0, f64::max) / promise
    };
    let noisy = |(i, (x, wanted)): (usize, (&Vec<f64>, &Vec<f64>))| {
        error(
            &run_noisy(&compiled.schedule, &prepare(x), i as u64),
            wanted,
        )
    };
    let pairs = inputs.par_iter().zip(&wanted).enumerate();
    let simulated = pairs.map(noisy).reduce(|| 0.0, f64::max);
    let mut real: f64 = 0.0;
    if encrypted > 0 {
        let manifest = Manifest {
            input_transform: compiled.input_transform.clone(),
            ..Manifest::new("promises")
        };
        let artifact = Artifact::new(manifest, compiled.schedule.clone());
        let (client, keys) = Client::generate(artifact.spec()?)?;
        let server = Server::new(Box::new(artifact))?;
        let keys = server.keys(&keys)?;
        for (x, wanted) in inputs.iter().zip(&wanted).take(encrypted) {
            let response = server.answer(&keys, &client.encrypt(x)?, &mut unobserved)?;
            real = real.max(error(&client.decrypt(&response)?.logits(), wanted));
        }
    }
    Ok((simulated, real))
}

fn main() -> Outcome<()> {
    let mut numbers = std::env::args().skip(1).map(|a| a.parse::<usize>());
    let inputs = numbers.next().transpose()?.unwrap_or(100);
    let encrypted = numbers.next().transpose()?.unwrap_or(0);
    let (costs, options) = (synthetic_table(), Options::default());
    println!(
        "network      data      compiled    outputs     log QP  promise    simulated  encrypted"
    );
    let (mut broken, mut refused, mut all) = (0, 0, 0);
    for (name, channels, side, graph) in networks() {
        for (kind, seed) in KINDS.iter().zip(1u64..) {
            let some = |first: u64, count: u64| -> Vec<Vec<f64>> {
                let seeds = first..first + count;
                seeds
                    .map(|s| input(kind, channels, side, seed << 32 | s))
                    .collect()
            };
            let weights = normalized(&graph, &some(0, 256), 4.0, seed);
            let (samples, new) = (some(1000, 256), some(10_000, inputs as u64));
            for (how, samples) in [("plainly", &[][..]), ("for samples", &samples)] {
                all += 1;
                let compiled = match compile_for(samples, &graph, &weights, &options, &costs) {
                    Ok(compiled) => compiled,
                    Err(error) => {
                        refused += 1;
                        println!("{name:<12} {kind:<9} {how:<11} refused: {error}");
                        continue;
                    }
                };
                let found = shares(&compiled, &graph, &weights, &new, encrypted)?;
                let kept = found.0 <= 1.0 && found.1 <= 1.0;
                broken += usize::from(!kept);
                println!(
                    "{name:<12} {kind:<9} {how:<11} {:<10}  {:>6.0}  ±{:.2e}  {:>9.3}  {:>9.3}{}",
                    compiled.promise.output_seen.round(),
                    compiled.schedule.header.parameters.log_qp_bits(),
                    compiled.promise.error,
                    found.0,
                    found.1,
                    if kept { "" } else { "  BROKEN" }
                );
            }
        }
    }
    println!("{broken} of {all} promises broken, {refused} refused");
    Ok(())
}
