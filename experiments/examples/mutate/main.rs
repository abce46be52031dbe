//! Mutation run: reads changed files by every reader of the project, on stable Rust and without instruments, and says
//! how many each took, how fast the slowest was, and what went wrong. `experiments/fuzz` has the same readers for
//! cargo-fuzz.
//!
//! ```sh
//! (ulimit -v 4194304; cargo run --release -p hemet --example mutate -- --inputs 10000000 --seconds 3600)
//! cargo run --release -p hemet --example mutate -- --reader onnx --first 1234567 --inputs 1
//! ```
//!
//! Input number `i` of a reader is made from `i` alone, so that a number in the output is enough to make it again. A
//! panic, or more than a second for each megabyte (an input counts as 64 KiB at least), is a failure: exit status 1.

mod mutation;
mod readers;
mod seeds;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;

use mutation::Random;
use readers::Reader;

/// An input counts as this long at least: what any call takes is not told from what its bytes take.
const LEAST_BYTES: usize = 64 << 10;

/// Most seconds for a megabyte.
const MOST_SECONDS: f64 = 1.0;
/// How often an input that takes longer is read again; the least time counts.
const RETRIES: usize = 5;

/// Reads mutated files by every reader and fails where one panics or is slow.
#[derive(Parser)]
struct Args {
    /// Inputs of all readers together.
    #[arg(long, default_value_t = 100_000)]
    inputs: u64,
    /// Ends after so many seconds even if inputs are left.
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// Only the readers whose names contain this.
    #[arg(long, default_value = "")]
    reader: String,
    /// Number of the first input.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Threads; 0 for one a core.
    #[arg(long, default_value_t = 0)]
    threads: usize,
}

/// What is known of a reader so far.
#[derive(Default)]
struct Tally {
    inputs: AtomicU64,
    accepted: AtomicU64,
    worst: Mutex<Worst>,
    failures: Mutex<Vec<String>>,
}

/// The slowest input.
#[derive(Default, Clone, Copy)]
struct Worst {
    seconds_per_mb: f64,
    input: u64,
    bytes: usize,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let readers: Vec<Reader> = readers::all();
    let readers: Vec<Reader> = (readers.into_iter())
        .filter(|reader| reader.name.contains(&args.reader))
        .collect();
    if readers.is_empty() {
        eprintln!("no reader's name contains `{}`", args.reader);
        return ExitCode::from(2);
    }
    // A panic is counted and told with its input; its own message would only tear the table.
    std::panic::set_hook(Box::new(|_| ()));
    let tallies: Vec<Tally> = readers.iter().map(|_| Tally::default()).collect();
    let begin = Instant::now();
    run(&args, &readers, &tallies);
    report(&readers, &tallies, begin.elapsed())
}

fn run(args: &Args, readers: &[Reader], tallies: &[Tally]) {
    let threads = match args.threads {
        0 => hemet::common::cores(),
        threads => threads,
    };
    let (next, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let end = Instant::now() + Duration::from_secs(args.seconds);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= args.inputs || Instant::now() >= end {
                        over.store(true, Ordering::Relaxed);
                        return;
                    }
                    let which = (number % readers.len() as u64) as usize;
                    let input = args.first + number / readers.len() as u64;
                    one(&readers[which], &tallies[which], input);
                }
            });
        }
    });
}

fn one(reader: &Reader, tally: &Tally, input: u64) {
    let mut random = Random::new(input);
    let seed = &reader.seeds[random.below(reader.seeds.len())];
    let bytes = mutation::mutated(seed, &reader.seeds, &mut random);
    let megabytes = bytes.len().max(LEAST_BYTES) as f64 / 1e6;
    let read = || {
        let begin = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| (reader.read)(&bytes)));
        (outcome, begin.elapsed().as_secs_f64())
    };
    let (outcome, mut seconds) = read();
    // Other programs make a reading slow once, its input makes it slow every time.
    for _ in 0..RETRIES {
        if outcome.is_ok() && seconds / megabytes > MOST_SECONDS {
            seconds = seconds.min(read().1);
        }
    }
    let per_mb = seconds / megabytes;
    tally.inputs.fetch_add(1, Ordering::Relaxed);
    let fail = |what: String| {
        if let Ok(mut failures) = tally.failures.lock() {
            failures.push(format!(
                "{}: input {input} ({} bytes) {what}",
                reader.name,
                bytes.len()
            ));
        }
    };
    match outcome {
        Ok(accepted) => drop(
            tally
                .accepted
                .fetch_add(u64::from(accepted), Ordering::Relaxed),
        ),
        Err(_) => fail("panicked".into()),
    }
    if per_mb > MOST_SECONDS {
        fail(format!(
            "took {seconds:.3} s, {per_mb:.1} s for each megabyte"
        ));
    }
    if let Ok(mut worst) = tally.worst.lock()
        && per_mb > worst.seconds_per_mb
    {
        *worst = Worst {
            seconds_per_mb: per_mb,
            input,
            bytes: bytes.len(),
        };
    }
}

fn report(readers: &[Reader], tallies: &[Tally], took: Duration) -> ExitCode {
    println!("reader                inputs  accepted  slowest s/MB  (input, bytes)");
    let (mut inputs, mut failures) = (0, Vec::new());
    for (reader, tally) in readers.iter().zip(tallies) {
        let (count, accepted) = (
            tally.inputs.load(Ordering::Relaxed),
            tally.accepted.load(Ordering::Relaxed),
        );
        let worst = tally.worst.lock().map(|worst| *worst).unwrap_or_default();
        println!(
            "{:<20}{count:>8}{accepted:>10}{:>14.3}  ({}, {})",
            reader.name, worst.seconds_per_mb, worst.input, worst.bytes
        );
        inputs += count;
        failures.extend(tally.failures.lock().map(|f| f.clone()).unwrap_or_default());
    }
    println!(
        "{inputs} inputs in {:.0} s, {} failures",
        took.as_secs_f64(),
        failures.len()
    );
    for failure in failures.iter().take(100) {
        println!("{failure}");
    }
    match failures.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
