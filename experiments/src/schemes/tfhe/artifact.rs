//! What the commands do with TFHE artifacts and keys.

use std::path::Path;
use std::time::Instant;

use hemet_runtime::tfhe::{Answer, TfheArtifact, TfheClient, TfheServer};
use hemet_schedule::artifact::Manifest;
use hemet_schedule::tfhe::{Summary, print};
use serde::Serialize;

use super::bound::LibraryTimes;
use super::session::TfheSession;
use crate::cli::progress::Progress;
use crate::commands::{bench, decrypt, encrypt, inspect, predict};
use crate::common::{self, median};
use crate::error::Error;
use crate::schemes::ckks::session::Predict;

/// `hemet keygen`: writes the two key files.
pub fn keygen(artifact: &TfheArtifact, secret: &Path, keys: &Path) -> Result<(), Error> {
    let (client, bytes) = TfheClient::generate(artifact).map_err(Error::user)?;
    hemet_files::write_atomically(keys, &bytes).map_err(Error::user)?;
    client.save(secret).map_err(Error::user)
}

/// `hemet encrypt`.
pub fn encrypt(args: &encrypt::Args) -> Result<(), Error> {
    if args.count != 1 {
        return Err(Error::user(
            "a TFHE artifact takes one image a request; leave --count away",
        ));
    }
    let client = TfheClient::load(&args.key).map_err(|e| Error::file(&args.key, e))?;
    let images = args.image.read(client.encoding().shape, 1)?;
    let image = images
        .first()
        .ok_or_else(|| Error::user("no image was read"))?;
    let request = client.encrypt(&image.values).map_err(Error::user)?;
    hemet_files::write_atomically(&args.out, &request).map_err(Error::user)?;
    let label = image
        .label
        .map_or(String::new(), |l| format!(" (true class {l})"));
    println!("{} bytes to {}{label}", request.len(), args.out.display());
    Ok(())
}

/// `hemet predict`; gives the answer and the time of the server's work in milliseconds.
pub fn predict(artifact: TfheArtifact, args: &predict::Args) -> Result<(Vec<u8>, f64), Error> {
    let request = std::fs::read(&args.request).map_err(|e| Error::file(&args.request, e))?;
    let instructions = artifact.schedule.instructions.len();
    common::pool(args.threads)?.install(|| {
        let server =
            TfheServer::load(artifact, &args.keys).map_err(|e| Error::file(&args.keys, e))?;
        let mut bar = Progress::new("predict", instructions as u64, args.output.json);
        let start = Instant::now();
        let answer = server
            .answer(&request, &mut |index, _, layer| {
                bar.set(index as u64, layer)
            })
            .map_err(|e| Error::file(&args.request, e))?;
        let latency_ms = start.elapsed().as_secs_f64() * 1e3;
        bar.finish();
        Ok((answer, latency_ms))
    })
}

/// `hemet decrypt`.
pub fn decrypt(args: &decrypt::Args) -> Result<(), Error> {
    let client = TfheClient::load(&args.key).map_err(|e| Error::file(&args.key, e))?;
    let response = std::fs::read(&args.response).map_err(|e| Error::file(&args.response, e))?;
    let answer = client
        .decrypt(&response)
        .map_err(|e| Error::file(&args.response, e))?;
    let class = answer.class();
    let logits = match answer {
        Answer::Logits(logits) => logits,
        Answer::Label(_) => Vec::new(),
    };
    decrypt::tell(class, logits, args.output)
}

#[derive(Serialize)]
struct Inspected {
    id: String,
    scheme: &'static str,
    manifest: Manifest,
    bootstraps: std::collections::BTreeMap<String, u64>,
    bootstrap_depth: u32,
    failure_log2: f64,
    evaluation_key_bytes: u64,
    input_ciphertext_bytes: u64,
    output_ciphertext_bytes: u64,
    instructions: usize,
}

/// `hemet inspect`.
pub fn inspect(artifact: &TfheArtifact, args: &inspect::Args) -> Result<(), Error> {
    if args.schedule {
        print!("{}", print(&artifact.schedule));
        return Ok(());
    }
    if args.svg.is_some() || args.costs.is_some() {
        return Err(Error::user(
            "--svg and --costs are about levels of CKKS; a TFHE artifact has none",
        ));
    }
    let summary = Summary::new(&artifact.schedule);
    let figures = Inspected {
        id: artifact.id().map_err(Error::user)?.to_string(),
        scheme: "tfhe",
        manifest: artifact.manifest.clone(),
        bootstraps: summary.bootstraps.clone(),
        bootstrap_depth: summary.depth,
        failure_log2: summary.failure_log2,
        evaluation_key_bytes: summary.key_bytes,
        input_ciphertext_bytes: summary.input_bytes,
        output_ciphertext_bytes: summary.output_bytes,
        instructions: artifact.schedule.instructions.len(),
    };
    if args.output.json {
        return common::print_json(&figures);
    }
    let manifest = &figures.manifest;
    println!("network        {} (id {})", manifest.network, figures.id);
    println!("scheme         tfhe, parameter sets of 132 bits of security");
    if let Some(architecture) = &manifest.architecture {
        println!("architecture   {architecture}");
    }
    if let Some(dataset) = &manifest.dataset {
        println!("data set       {dataset}: {}", manifest.normalization);
    }
    let encoding = &artifact.encoding;
    println!(
        "input          {} levels from {} to {}",
        encoding.levels, encoding.low, encoding.high
    );
    if let (Some(predicted), Some(machine)) =
        (manifest.predicted_latency_ms, &manifest.cost_machine)
    {
        let ms = hemet_reports::number::milliseconds(predicted);
        println!("predicted      {ms} ms on one thread of {machine}");
    }
    println!("instructions   {}", figures.instructions);
    for line in summary.to_string().lines() {
        println!("  {line}");
    }
    Ok(())
}

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

/// `hemet bench`.
pub fn bench(artifact: TfheArtifact, args: &bench::Args) -> Result<(), Error> {
    if args.cases.is_some() || args.profile || args.costs.is_some() || args.memory.is_some() {
        return Err(Error::user(
            "--cases, --profile, --costs and --memory are for CKKS artifacts",
        ));
    }
    let summary = Summary::new(&artifact.schedule);
    let (encoding, manifest) = (artifact.encoding.clone(), artifact.manifest.clone());
    let (low, high) = (encoding.low, encoding.high);
    // An image without meaning that has every level.
    let image: Vec<f64> = (0..encoding.len())
        .map(|i| low + (high - low) * ((i * 7919 % 101) as f64 / 100.0))
        .collect();
    // Beside the predictions and not in their pool: one bootstrap at a time on a thread.
    let threads = match args.threads {
        0 => common::cores(),
        threads => threads,
    };
    let bound_ms = LibraryTimes::default().bound_ms(&summary, threads)?;
    let figures = common::pool(args.threads)?.install(|| -> Result<_, Error> {
        let start = Instant::now();
        let session = TfheSession::new(artifact)?;
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
            predicted_latency_ms: manifest.predicted_latency_ms,
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
    })?;
    if figures.max_abs_error > 0.0 {
        return Err(Error::Check(format!(
            "a decrypted logit differs from the integer network's by {}; at a failure of 2^{:.0} a prediction that is a fault",
            figures.max_abs_error, figures.failure_log2
        )));
    }
    if args.output.json {
        return common::print_json(&figures);
    }
    let ms = hemet_reports::number::milliseconds;
    println!(
        "latency         {} ms (median of {}, {} thread(s))",
        ms(median(&figures.measured_latency_ms)),
        figures.measured_latency_ms.len(),
        args.threads
    );
    if let Some(predicted) = figures.predicted_latency_ms {
        println!("predicted       {} ms (1 thread)", ms(predicted));
    }
    let times = median(&figures.measured_latency_ms) / figures.bound_ms;
    println!(
        "bound           {} ms: the bootstraps alone, one by one in a loop of the crate tfhe; the latency is {times:.2} times that",
        ms(figures.bound_ms)
    );
    println!(
        "bootstraps      {}, failure of a prediction 2^{:.1}",
        figures.bootstraps, figures.failure_log2
    );
    let mb = |bytes: usize| bytes as f64 / 1e6;
    println!("evaluation keys {:.1} MB", mb(figures.evaluation_key_bytes));
    println!(
        "ciphertexts     {} bytes in, {} bytes out",
        figures.input_ciphertext_bytes, figures.output_ciphertext_bytes
    );
    println!("keys and load   {:.2} s", figures.load_s);
    println!("results         equal to the integer network");
    Ok(())
}
