//! The compiler's test set, encrypted: compiles each network with random weights of a fixed seed (batch norms and
//! quadratics fitted, so that values keep their size), runs it once under encryption, and compares the logits with
//! the reference evaluation in 64-bit floats.
//!
//! `cargo run --release -p hemet-compiler --example test_set -- OUT [NAME...] [--costs FILE] [--memory-mib N]
//! [--key-memory-mib N] [--threads N]`
//!
//! Writes OUT/NAME.json for each network and leaves out those that are there already, so that a long run can be
//! continued. A network is compiled and judged in a process of its own, and the server is another one, whose memory
//! and times are its own; it uses the evaluation keys where they lie in a mapped file. Without names all networks
//! run; without a cost table schedules are chosen by the synthetic one.

#[path = "../tests/common/mod.rs"]
mod common;

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use common::networks;
use hemet_compiler::{KeyBudget, Options, compile_for, synthetic_table};
use hemet_runtime::ckks::Sizes;
use hemet_runtime::door::Model;
use hemet_runtime::{Client, alone, peak_memory_bytes};
use hemet_schedule::{Artifact, CostTable, Manifest, OpCounts};
use hemet_spaces::LayerGraph;
use hemet_spaces::evaluate::evaluate;
use serde::{Deserialize, Serialize};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Seed of all weights and inputs.
const SEED: u64 = 2026;

/// What is said of one network.
#[derive(Serialize, Deserialize)]
struct Figures {
    name: String,
    log_n: u32,
    log_qp_bits: f64,
    depth: u32,
    compile_s: f64,
    compile_peak_gb: f64,
    artifact_mb: f64,
    keys_mb: f64,
    server: alone::Figures,
    max_abs_error: f64,
    promised_error: f64,
    rotations: u64,
    plain_products: u64,
    ciphertext_products: u64,
}

struct Args {
    out: PathBuf,
    names: Vec<String>,
    costs: Option<PathBuf>,
    memory_mib: usize,
    key_memory_mib: Option<u32>,
    threads: usize,
}

fn main() -> Outcome<()> {
    let args = arguments()?;
    fs::create_dir_all(&args.out)?;
    match args.names.split_first() {
        Some((first, _)) if first == "--server" => return serve(&args),
        Some((first, rest)) if first == "--one" => return one(&args, &rest[0]),
        Some(_) | None => {}
    }
    println!(
        "{:<28} {:>5} {:>6} {:>5} {:>9} {:>11} {:>7} {:>6} {:>9} {:>8} {:>9} {:>8} {:>9}",
        "network",
        "log_n",
        "log QP",
        "depth",
        "compile s",
        "artifact MB",
        "keys MB",
        "load s",
        "latency s",
        "peak GB",
        "error",
        "promised",
        "rotations"
    );
    for (name, _) in networks::test_set() {
        let wanted = args.names.is_empty() || args.names.iter().any(|n| n == name);
        let record = args.out.join(format!("{}.json", file_name(name)));
        if wanted && !record.exists() {
            let own = std::env::args_os().skip(1);
            let program = std::env::current_exe()?;
            let status = Command::new(program)
                .args(own)
                .args(["--one", name])
                .status()?;
            if !status.success() {
                println!("{name:<28} failed: {status}");
                continue;
            }
        }
        if let Ok(text) = fs::read_to_string(&record) {
            show(&serde_json::from_str(&text)?);
        }
    }
    Ok(())
}

fn show(f: &Figures) {
    println!(
        "{:<28} {:>5} {:>6.0} {:>5} {:>9.2} {:>11.2} {:>7.0} {:>6.2} {:>9.2} {:>8.2} {:>9.1e} {:>8.1e} {:>9}",
        f.name,
        f.log_n,
        f.log_qp_bits,
        f.depth,
        f.compile_s,
        f.artifact_mb,
        f.keys_mb,
        f.server.load_s,
        f.server.latency_s,
        gigabytes(f.server.peak_bytes.unwrap_or(0)),
        f.max_abs_error,
        f.promised_error,
        f.rotations,
    );
}

/// The words of the command line; `--one NAME` and `--server` are for the processes that this one starts.
fn arguments() -> Outcome<Args> {
    let mut words = std::env::args().skip(1);
    let mut args = Args {
        out: words.next().ok_or("give a folder for the records")?.into(),
        names: Vec::new(),
        costs: None,
        memory_mib: 2048,
        key_memory_mib: None,
        threads: 1,
    };
    let mut process = Vec::new();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        match word.as_str() {
            "--costs" => args.costs = Some(value()?.into()),
            "--memory-mib" => args.memory_mib = value()?.parse()?,
            "--key-memory-mib" => args.key_memory_mib = Some(value()?.parse()?),
            "--threads" => args.threads = value()?.parse()?,
            "--one" | "--server" => process = vec![word.clone(), value()?],
            name => args.names.push(name.to_owned()),
        }
    }
    if !process.is_empty() {
        args.names = process;
    }
    Ok(args)
}

fn file_name(name: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() { c } else { '_' };
    name.chars().map(plain).collect()
}

fn gigabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e9
}

fn network(name: &str) -> Outcome<LayerGraph> {
    let found = networks::test_set().into_iter().find(|(n, _)| *n == name);
    let (_, graph) = found.ok_or(format!("there is no network `{name}`"))?;
    Ok(graph)
}

/// [`Options::max_shift`]: nineteen quadratics, ten of them on sums without batch norm, only stay bounded where they
/// are nearly straight.
fn max_shift(name: &str) -> f64 {
    match name {
        "resnet20" => 8.0,
        _ => Options::default().max_shift,
    }
}

/// Compiles a network, has it run and writes its record.
fn one(args: &Args, name: &str) -> Outcome<()> {
    let graph = network(name)?;
    let inputs: Vec<Vec<f64>> = (1..=8).map(|i| common::input(&graph, SEED + i)).collect();
    let x = &inputs[0];
    let max_shift = max_shift(name);
    let weights = common::calibrated::calibrated(&graph, &inputs, max_shift - 0.1, SEED);
    let costs = match &args.costs {
        Some(path) => CostTable::from_json(&fs::read_to_string(path)?)?,
        None => synthetic_table(),
    };
    let default = Options::default();
    let options = Options {
        key_budget: args
            .key_memory_mib
            .map_or(default.key_budget, KeyBudget::AtMost),
        max_shift,
        ..default
    };
    let begin = Instant::now();
    let schedule = compile_for(&inputs, &graph, &weights, &options, &costs)?.schedule;
    let compile_s = begin.elapsed().as_secs_f64();
    let compile_peak_gb = gigabytes(peak_memory_bytes().unwrap_or(0));
    let artifact = Artifact::new(Manifest::new(name), schedule);
    let folder = args.out.join(file_name(name));
    fs::create_dir_all(&folder)?;
    let bytes = artifact.to_bytes()?;
    let client = {
        let spec = artifact.spec()?;
        let (client, keys) = Client::generate(spec.clone())?;
        alone::prepare(&folder, &bytes, spec.as_ref(), &keys, &client.encrypt(x)?)?;
        client
    };
    let keys_mb = Sizes::of(&artifact.schedule).evaluation_key_bytes as f64 / 1e6;
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg(&folder)
        .args(["--memory-mib", &args.memory_mib.to_string()])
        .args(["--threads", &args.threads.to_string()])
        .args(["--server", "-"]);
    let (server, response) = alone::run(&mut command, &folder)?;
    let found = client.decrypt(&response)?.logits();
    let wanted = evaluate(&graph, &weights, x)?;
    let squares: f64 = wanted.iter().map(|v| v * v).sum();
    let size = (squares / wanted.len() as f64).sqrt();
    let errors = found.iter().zip(&wanted).map(|(f, w)| (f - w).abs());
    let header = &artifact.schedule.header;
    let counts = OpCounts::of(&artifact.schedule).total();
    let figures = Figures {
        name: name.to_owned(),
        log_n: header.parameters.log_n(),
        log_qp_bits: header.parameters.log_qp_bits(),
        depth: header.depth,
        compile_s,
        compile_peak_gb,
        artifact_mb: bytes.len() as f64 / 1e6,
        keys_mb,
        server,
        max_abs_error: errors.fold(0.0, f64::max),
        promised_error: (-f64::from(header.precision_bits)).exp2() * size.max(1.0),
        rotations: counts.rotations,
        plain_products: counts.plain_products,
        ciphertext_products: counts.ciphertext_products,
    };
    fs::remove_dir_all(&folder)?;
    let record = args.out.join(format!("{}.json", file_name(name)));
    fs::write(record, serde_json::to_string_pretty(&figures)?)?;
    if figures.max_abs_error > figures.promised_error {
        return Err("the promised precision is not kept".into());
    }
    Ok(())
}

/// The server's process: what it loads and answers lies in the folder.
fn serve(args: &Args) -> Outcome<()> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(args.threads);
    let begin = Instant::now();
    let clock_s = || begin.elapsed().as_secs_f64();
    let serve = || alone::serve(&args.out, args.memory_mib << 20, &clock_s);
    Ok(pool.build()?.install(serve)?)
}
