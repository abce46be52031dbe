//! `hemet inspect` of a TFHE artifact.

use hemet_runtime::door::Model;
use hemet_runtime::tfhe::TfheArtifact;
use hemet_schedule::Provenance;
use hemet_schedule::artifact::Manifest;
use hemet_schedule::container::format_version;
use hemet_schedule::tfhe::{SECURITY_BITS, Summary};
use serde::Serialize;

use crate::common;
use crate::error::Error;
use crate::print::one_line;
use crate::schemes::args::Inspect as Args;

#[derive(Serialize)]
struct Inspected {
    id: String,
    /// Artifacts that have it in common take the same keys.
    key_binding: String,
    /// Version of the form of its file.
    format_version: u32,
    /// Where it comes from, where it says so.
    provenance: Option<Provenance>,
    scheme: &'static str,
    manifest: Manifest,
    /// What the outputs stand for, in order.
    classes: Vec<String>,
    bootstraps: std::collections::BTreeMap<String, u64>,
    bootstrap_depth: u32,
    security_bits: u32,
    failure_log2: f64,
    evaluation_key_bytes: u64,
    input_ciphertext_bytes: u64,
    output_ciphertext_bytes: u64,
    instructions: usize,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    check(args)?;
    let artifact =
        TfheArtifact::read(&args.artifact).map_err(|e| Error::file(&args.artifact, e))?;
    let summary = Summary::new(&artifact.schedule);
    let facts = artifact.spec()?.facts();
    let figures = Inspected {
        id: facts.artifact.to_string(),
        key_binding: facts.binding.to_string(),
        format_version: format_version(&args.artifact)?,
        provenance: artifact.manifest.provenance.clone(),
        scheme: "tfhe",
        manifest: artifact.manifest.clone(),
        classes: artifact.manifest.classes.clone(),
        bootstraps: summary.bootstraps.clone(),
        bootstrap_depth: summary.depth,
        security_bits: SECURITY_BITS,
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
    println!(
        "network        {} (id {})",
        one_line(&manifest.network),
        figures.id
    );
    println!("scheme         tfhe, parameter sets of {SECURITY_BITS} bits of security");
    if let Some(architecture) = &manifest.architecture {
        println!("architecture   {}", one_line(architecture));
    }
    if let Some(dataset) = &manifest.dataset {
        let (set, normalization) = (one_line(dataset), one_line(&manifest.normalization));
        println!("data set       {set}: {normalization}");
    }
    if let Some(pictures) = &manifest.pictures {
        println!("pictures       {}", one_line(&pictures.describe()));
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

/// Refuses what only artifacts of CKKS can be asked for.
fn check(args: &Args) -> Result<(), Error> {
    match args.svg.is_some() || args.costs.is_some() || args.keys {
        true => Err(Error::user(
            "--svg, --costs and --keys are about levels and rotation keys of CKKS; a TFHE artifact has none",
        )),
        false => Ok(()),
    }
}
