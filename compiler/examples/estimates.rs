//! What the compiler predicts of each network of its test set, and how long an estimate takes: the least of some runs,
//! in milliseconds of the processor (Linux: other processes do not count).
//!
//! `cargo run --release -p hemet-compiler --example estimates -- [--runs N] [--costs FILE] [PRECISION...]`
//!
//! Without a cost table by the synthetic one; without precisions at 10 bits.

#[path = "../tests/common/mod.rs"]
mod common;

use hemet_compiler::{Options, estimate, synthetic_table};
use hemet_schedule::CostTable;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut runs, mut costs, mut precisions) = (3, synthetic_table(), Vec::new());
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--runs" => runs = value()?.parse()?,
            "--costs" => costs = CostTable::from_json(&std::fs::read_to_string(value()?)?)?,
            precision => precisions.push(precision.parse()?),
        }
    }
    if precisions.is_empty() {
        precisions.push(Options::default().precision_bits);
    }
    println!(
        "{:<28} {:>9} {:>10} {:>8} {:>6} {:>8} {:>8} {:>11}",
        "network", "precision", "predicted", "keys MB", "log N", "log Q", "log QP", "estimate ms"
    );
    for (name, graph) in common::networks::test_set() {
        for &precision_bits in &precisions {
            let options = Options {
                precision_bits,
                ..Options::default()
            };
            let mut least = f64::INFINITY;
            let mut found = None;
            for _ in 0..runs.max(1) {
                let begin = processor_ms()?;
                found = Some(estimate(&graph, &options, &costs)?);
                least = least.min(processor_ms()? - begin);
            }
            let Some(found) = found else { continue };
            println!(
                "{name:<28} {precision_bits:>9} {:>8.2} s {:>8.1} {:>6} {:>8.1} {:>8.1} {least:>11.1}",
                found.latency_ms / 1e3,
                found.evaluation_key_bytes as f64 / 1e6,
                found.log_n,
                found.log_q_bits,
                found.log_qp_bits,
            );
        }
    }
    Ok(())
}

/// Time that this thread has run on a processor.
fn processor_ms() -> Result<f64, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds = text.split(' ').next().unwrap_or_default();
    Ok(nanoseconds.parse::<f64>()? / 1e6)
}
