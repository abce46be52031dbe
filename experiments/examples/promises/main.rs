//! Whether promises are kept: trains networks, compiles each plainly and for samples, and holds new inputs against what
//! the artifacts promise.
//!
//! `cargo run --release -p hemet --example promises -- OUT [--data mnist=FOLDER,…] [--inputs 100] [--encrypted 0]`
//!
//! Ten architectures (`networks.rs`; 2 to 7 quadratics, perceptrons, plain, residual and depthwise convolutions, with
//! and without biases and batch norms) learn each data set: the embedded digits, and those that `--data` names, made
//! smaller. Trained weights are kept in OUT. A network is compiled for images that it learned from, or without any;
//! test images run through the schedule with the errors of CKKS drawn in floats, and some of them under encryption.
//! Among them are those that small changes of the pixels change most (of 1,000). An error may be at most what the
//! artifact promises, and at most the asked share of the test images' own logits; an answer that is marked as not to be
//! trusted breaks no promise, and is counted.

#[path = "../../../compiler/tests/common/mod.rs"]
mod common;
mod images;
mod measured;
mod networks;
mod trained;

use std::path::PathBuf;

use clap::Parser;
use hemet::error::Error;
use hemet_compiler::{Options, compile_for, synthetic_table};

use images::Images;
use measured::{Measured, Trial};
use trained::{Network, Schedule};

#[derive(Parser)]
struct Args {
    /// Folder in which trained weights are kept
    out: PathBuf,
    /// Further data sets, by commas: `mnist=FOLDER`
    #[arg(long, value_delimiter = ',')]
    data: Vec<String>,
    /// Test images that errors are drawn for, half of them the most sensitive of 1,000
    #[arg(long, default_value_t = 100)]
    inputs: usize,
    /// Test images that are encrypted, the most sensitive ones
    #[arg(long, default_value_t = 0)]
    encrypted: usize,
    /// Training images that scales are fitted to
    #[arg(long, default_value_t = 512)]
    samples: usize,
    /// Passes over the training images
    #[arg(long, default_value_t = 8)]
    epochs: usize,
    /// Where training begins: another seed, other networks, which need another folder
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only networks or data sets whose name holds this
    #[arg(long, default_value = "")]
    only: String,
    /// Compiles nothing
    #[arg(long)]
    train_only: bool,
}

fn main() -> std::process::ExitCode {
    hemet::common::exit(run(&Args::parse()))
}

/// How promises ended.
#[derive(Default)]
struct Tally {
    all: usize,
    broken: usize,
    refused: usize,
    marked: usize,
    inputs: usize,
}

fn run(args: &Args) -> Result<(), Error> {
    std::fs::create_dir_all(&args.out).map_err(|e| Error::file(&args.out, e))?;
    let schedule = Schedule {
        epochs: args.epochs,
        seed: args.seed,
    };
    println!(
        "network                      accuracy  compiled  outputs    log QP  promise     drawn     encrypted  marked"
    );
    let mut tally = Tally::default();
    for images in images::all(&args.data)? {
        for (name, graph) in networks::all(images.train.shape, images.train.classes) {
            let name = format!("{name} {}", images.name);
            if name.contains(&args.only) {
                let network = trained::network(&args.out, &name, graph, &images, schedule)?;
                study(args, &name, &network, &images, &mut tally)?;
            }
        }
    }
    let Tally {
        all,
        broken,
        refused,
        marked,
        inputs,
    } = tally;
    println!(
        "{broken} of {all} promises broken, {refused} refused; {marked} of {inputs} answers marked"
    );
    Ok(())
}

fn study(
    args: &Args,
    name: &str,
    network: &Network,
    images: &Images,
    tally: &mut Tally,
) -> Result<(), Error> {
    if args.train_only {
        println!("{name:<28} {:>6.1} %", 100.0 * network.accuracy);
        return Ok(());
    }
    let samples = images::some(&images.train, args.samples);
    let new = measured::most_telling(network, &images.test, args.inputs)?;
    for (how, samples) in [("plainly", &[][..]), ("for samples", &samples)] {
        tally.all += 1;
        let begin = format!("{name:<28} {:>6.1} %  {how:<11}", 100.0 * network.accuracy);
        let mut options = Options {
            input_range: images.range,
            ..Options::default()
        };
        options.fit_activation(&network.graph, &network.weights)?;
        let (graph, weights) = (&network.graph, &network.weights);
        let compiled = match compile_for(samples, graph, weights, &options, &synthetic_table()) {
            Ok(compiled) => compiled,
            Err(error) => {
                tally.refused += 1;
                println!("{begin} refused: {error}");
                continue;
            }
        };
        let trial = Trial {
            network,
            compiled: &compiled,
            inputs: &new,
        };
        let Measured {
            drawn,
            encrypted,
            marked,
        } = trial.measure(args.encrypted)?;
        let is_broken = drawn > 1.0 || encrypted > 1.0;
        tally.broken += usize::from(is_broken);
        tally.marked += marked;
        tally.inputs += new.len();
        println!(
            "{begin} {:<8.1}  {:>5.0}  ±{:.2e}  {drawn:>8.3}  {encrypted:>8.3}  {marked:>6}{}",
            compiled.promise.output_seen,
            compiled.schedule.header.parameters.log_qp_bits(),
            compiled.promise.error,
            if is_broken { "  BROKEN" } else { "" }
        );
    }
    Ok(())
}
