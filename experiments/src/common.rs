//! What several commands share: exit statuses, reading artifacts, threads, notices, JSON on standard output.

use std::path::Path;
use std::process::ExitCode;

use hemet_schedule::artifact::Artifact;
use hemet_spaces::{LayerGraph, Weights};
use serde::Serialize;

use crate::error::Error;
use crate::print;

/// The exit status of a program that ends so; an error is told on standard error.
pub fn exit(result: Result<(), Error>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let status = error.exit_status();
            print::err_colored(&format!("{}\n", error.render()));
            ExitCode::from(status)
        }
    }
}

/// Reads the artifact at `path`.
pub fn read_artifact(path: &Path) -> Result<Artifact, Error> {
    Ok(Artifact::read(path)?)
}

/// Reads a network's weights from a safetensors file and checks that they fit.
pub fn read_weights(path: &Path, graph: &LayerGraph) -> Result<Weights, Error> {
    let bytes = std::fs::read(path).map_err(|e| Error::file(path, e))?;
    let weights = Weights::from_safetensors(&bytes).map_err(|e| Error::file(path, e))?;
    weights.check(graph).map_err(|e| Error::file(path, e))?;
    Ok(weights)
}

/// Prints what a user must be told although nothing failed.
pub fn tell(notices: &[hemet_runtime::Notice]) {
    for notice in notices {
        eprintln!("warning: {notice}");
    }
}

/// Refuses an artifact whose parameters promise no security, unless the user allows it; says so in any case.
pub fn check_security(facts: &hemet_runtime::Facts, is_allowed: bool) -> Result<(), Error> {
    tell(&facts.notices());
    match facts.security_bits {
        0 if !is_allowed => Err(Error::user(format!(
            "{} promises no security; compile the network again, or give --allow-insecure for a test without real data",
            facts.parameters
        ))),
        _ => Ok(()),
    }
}

/// Refuses an artifact behind layers that run on the client where these are not here: its keys could encrypt nothing.
pub fn check_device(facts: &hemet_runtime::Facts) -> Result<(), hemet_runtime::RuntimeError> {
    match &facts.device {
        Some(device) if !device.is_here => Err(hemet_runtime::RuntimeError::NoDevicePart {
            layers: device.note.layers,
        }),
        Some(_) | None => Ok(()),
    }
}

/// Prints `value` as one line of JSON.
pub fn print_json(value: &impl Serialize) -> Result<(), Error> {
    println!("{}", serde_json::to_string(value)?);
    Ok(())
}

/// A pool of `threads` threads; 0 means one a core.
pub fn pool(threads: usize) -> Result<rayon::ThreadPool, Error> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|e| Error::user(format!("cannot start {threads} threads: {e}")))
}

/// Number of cores, at least 1.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Position and value of the largest element; the first of equals.
pub fn argmax(values: &[f64]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}

/// The middle of the values (the mean of the two middle ones), or 0 for none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2],
        n => (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0,
    }
}

/// A share as text, in percent.
pub fn percent(share: f64) -> String {
    format!("{} %", hemet_reports::number::percent(share))
}

/// What standard output is for: people, or one line of JSON for scripts.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct Output {
    /// Print one line of JSON for scripts instead of a table
    #[arg(long)]
    pub json: bool,
}
