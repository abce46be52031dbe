//! What chosen parameters save, and what the tolerance of errors adds to it: the claim of AutoPrivacy (Lou, Bian and
//! Jiang, NeurIPS 2020), 53 to 70 % less latency, measured encrypted.
//!
//! `cargo run --release -p hemet --example tolerance -- OUT --data DATA [--networks lola,lenet5,vgg11] [--images N]`
//!
//! Networks like LoLa's and LeNet-5 learn MNIST, one like VGG-11 CIFAR-10, in a few epochs. Each is compiled four
//! times: with uniform parameters (every level a prime of 50 bits, nothing shared), at precisions of 7 and 10 bits, and
//! at the coarsest one that keeps the agreement. Latencies are medians of steady answers on one thread. Under the last
//! parameters test images run encrypted, and their classes are compared with those in the clear. Nothing is predicted.
//!
//! DATA is a folder with the data sets' files, or with a folder for each. What is done is kept in OUT: weights,
//! artifacts, times and answers, so that an interrupted run goes on. OUT/tolerance.json has an object for each network
//! that is done.

#[path = "../../../compiler/tests/common/mod.rs"]
mod common;
mod measured;
mod networks;

use std::path::PathBuf;

use clap::Parser;
use hemet::common::exit;
use hemet::error::Error;
use hemet_search::data;

use measured::{Bench, Row, Wishes};
use networks::Network;

#[derive(Parser)]
struct Args {
    /// Folder for what is kept, and for tolerance.json
    out: PathBuf,
    /// Folder of the data sets
    #[arg(long)]
    data: PathBuf,
    /// Which networks, by commas
    #[arg(long, value_delimiter = ',', default_values_t = networks::NAMES.map(String::from))]
    networks: Vec<String>,
    /// Encrypted test images; 1,000 of MNIST and 300 of CIFAR-10 without it, 0 measures times alone
    #[arg(long)]
    images: Option<usize>,
    /// Percent of images that keep their class
    #[arg(long, default_value_t = 99.5)]
    agreement: f64,
    /// Steady answers that a latency is the median of; fewer where they take longer than a minute
    #[arg(long, default_value_t = 7)]
    runs: usize,
    /// Images side by side, once latencies are measured; 0 for one a core
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// MiB of weights that a server holds ready, as `hemet serve` has it
    #[arg(long, default_value_t = 2048)]
    memory: usize,
    /// Cost table; without it, that of this machine
    #[arg(long)]
    costs: Option<PathBuf>,
}

fn main() -> std::process::ExitCode {
    exit(run(&Args::parse()))
}

fn run(args: &Args) -> Result<(), Error> {
    let networks = args.networks.iter().map(|name| Network::named(name));
    let networks: Vec<Network> = networks.collect::<Result<_, _>>()?;
    std::fs::create_dir_all(&args.out).map_err(|e| Error::file(&args.out, e))?;
    let costs = match &args.costs {
        Some(path) => hemet::schemes::ckks::costs::read(path)?,
        None => hemet::schemes::ckks::costs::of_this_machine(false)?,
    };
    let mut rows: Vec<Row> = Vec::new();
    for network in networks {
        let sets = data::load(network.set, Some(&args.data))?;
        let wishes = Wishes {
            agreement: args.agreement,
            images: args.images.unwrap_or(network.images).min(sets.test.len()),
            runs: args.runs.max(1),
            threads: args.threads,
            constant_bytes: args.memory.saturating_mul(1 << 20),
        };
        let trained = network.trained(&args.out, &sets.train)?;
        let bench = Bench {
            out: &args.out,
            name: network.name,
            trained: &trained,
            costs: &costs,
            wishes,
        };
        let Some(row) = bench.row(&sets.test)? else {
            continue;
        };
        eprintln!("{}: {}", row.name, serde_json::to_string(&row)?);
        rows.push(row);
        let json = serde_json::to_string_pretty(&rows)?;
        hemet_files::write_atomically(args.out.join("tolerance.json"), json.as_bytes())?;
    }
    print!("{}", measured::markdown(&rows)?);
    Ok(())
}
