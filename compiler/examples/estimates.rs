//! How long an estimate takes: each network of the compiler's test set, the least of some runs, in milliseconds of
//! the processor (Linux: other processes do not count).
//!
//! `cargo run --release -p hemet-compiler --example estimates -- [RUNS]`

#[path = "../tests/common/mod.rs"]
mod common;

use hemet_compiler::{Options, estimate, synthetic_table};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runs: usize = match std::env::args().nth(1) {
        Some(text) => text.parse()?,
        None => 3,
    };
    let costs = synthetic_table();
    for (name, graph) in common::networks::test_set() {
        let mut least = f64::INFINITY;
        for _ in 0..runs {
            let begin = processor_ms()?;
            estimate(&graph, &Options::default(), &costs)?;
            least = least.min(processor_ms()? - begin);
        }
        println!("{name:<28} {least:8.1} ms");
    }
    Ok(())
}

/// Time that this thread has run on a processor.
fn processor_ms() -> Result<f64, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds = text.split(' ').next().unwrap_or_default();
    Ok(nanoseconds.parse::<f64>()? / 1e6)
}
