//! `hemet bench` of a TFHE artifact.

use std::time::Instant;

use hemet_runtime::tfhe::TfheArtifact;
use hemet_schedule::tfhe::Summary;
use serde::Serialize;

use super::bound::LibraryTimes;
use crate::common::{self, median};
use crate::error::Error;
use crate::schemes::args::Bench as Args;
use crate::schemes::session::Session;

#[derive(Serialize)]
struct Benched {
    scheme: &'static str,
    measured_latency_ms: Vec<f64>,
    predicted_latency_ms: Option<f64>,
    /// Bootstraps × the time of one in a loop of the crate `tfhe` / threads.
    bound_ms: f64,
    threads: usize,
    bootstraps: u64,
    failure_log2: f64,
    evaluation_key_bytes: usize,
    input_ciphertext_bytes: usize,
    output_ciphertext_bytes: usize,
    peak_rss_bytes: u64,
    load_s: f64,
    max_abs_error: f64,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    if args.cases.is_some() || args.profile || args.costs.is_some() || args.memory.is_some() {
        return Err(Error::user(
            "--cases, --profile, --costs and --memory are for CKKS artifacts",
        ));
    }
    let artifact =
        TfheArtifact::read(&args.artifact).map_err(|e| Error::file(&args.artifact, e))?;
    // Beside the predictions and not in their pool: one bootstrap at a time on a thread.
    let threads = match args.threads {
        0 => common::cores(),
        threads => threads,
    };
    let bound_ms = LibraryTimes::default().bound_ms(&Summary::new(&artifact.schedule), threads)?;
    let measured = || measure(artifact, args, bound_ms);
    let figures = common::pool(args.threads)?.install(measured)?;
    if figures.max_abs_error > 0.0 {
        return Err(Error::Check(format!(
            "a decrypted logit differs from the integer network's by {}; at a failure of 2^{:.0} a prediction that is a fault",
            figures.max_abs_error, figures.failure_log2
        )));
    }
    match args.output.json {
        true => common::print_json(&figures),
        false => {
            show(&figures);
            Ok(())
        }
    }
}

/// Predicts as often as asked, in the caller's pool.
fn measure(artifact: TfheArtifact, args: &Args, bound_ms: f64) -> Result<Benched, Error> {
    let summary = Summary::new(&artifact.schedule);
    let encoding = &artifact.encoding;
    let (low, high) = (encoding.low, encoding.high);
    // An image without meaning that has every level.
    let image: Vec<f64> = (0..encoding.len())
        .map(|i| low + (high - low) * ((i * 7919 % 101) as f64 / 100.0))
        .collect();
    let predicted_latency_ms = artifact.manifest.predicted_latency_ms;
    let start = Instant::now();
    let session = Session::new(Box::new(artifact))?;
    let load_s = start.elapsed().as_secs_f64();
    let first = session.predict(&image)?;
    let mut worst = first.error();
    let mut times = Vec::with_capacity(args.runs);
    for _ in 0..args.runs {
        let prediction = session.predict(&image)?;
        worst = worst.max(prediction.error());
        times.push(prediction.latency_ms);
    }
    Ok(Benched {
        scheme: "tfhe",
        measured_latency_ms: times,
        predicted_latency_ms,
        bound_ms,
        threads: args.threads,
        bootstraps: summary.total_bootstraps(),
        failure_log2: summary.failure_log2,
        evaluation_key_bytes: session.evaluation_key_bytes(),
        input_ciphertext_bytes: first.request_bytes,
        output_ciphertext_bytes: first.answer_bytes,
        peak_rss_bytes: hemet_runtime::peak_memory_bytes().unwrap_or(0),
        load_s,
        max_abs_error: worst,
    })
}

fn show(figures: &Benched) {
    let ms = hemet_reports::number::milliseconds;
    let median_ms = median(&figures.measured_latency_ms);
    println!(
        "latency         {} ms (median of {}, {} thread(s))",
        ms(median_ms),
        figures.measured_latency_ms.len(),
        figures.threads
    );
    if let Some(predicted) = figures.predicted_latency_ms {
        println!("predicted       {} ms (1 thread)", ms(predicted));
    }
    println!(
        "bound           {} ms: the bootstraps alone, one by one in a loop of the crate tfhe; the latency is {:.2} times that",
        ms(figures.bound_ms),
        median_ms / figures.bound_ms
    );
    println!(
        "bootstraps      {}, failure of a prediction 2^{:.1}",
        figures.bootstraps, figures.failure_log2
    );
    let mb = figures.evaluation_key_bytes as f64 / 1e6;
    println!("evaluation keys {mb:.1} MB");
    println!(
        "ciphertexts     {} bytes in, {} bytes out",
        figures.input_ciphertext_bytes, figures.output_ciphertext_bytes
    );
    println!("keys and load   {:.2} s", figures.load_s);
    println!("results         equal to the integer network");
}
