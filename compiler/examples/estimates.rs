//! How long an estimate takes: each network of the compiler's test set, the least of some runs, in milliseconds.
//!
//! `cargo run --release -p hemet-compiler --example estimates -- [RUNS]`

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::Instant;

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
            let begin = Instant::now();
            estimate(&graph, &Options::default(), &costs)?;
            least = least.min(begin.elapsed().as_secs_f64() * 1e3);
        }
        println!("{name:<28} {least:8.1} ms");
    }
    Ok(())
}
