//! `hemet inspect` of a CKKS artifact: parameters, layer by layer, and its level diagram.

use std::path::Path;

use hemet_reports::LevelDiagram;
use hemet_runtime::ckks::{CkksSpec, Sizes};
use hemet_schedule::Provenance;
use hemet_schedule::artifact::{Artifact, Manifest};
use hemet_schedule::container::format_version;
use hemet_schedule::summary::OpCounts;
use serde::Serialize;

use super::cores::Cores;
use super::{costs, layers};
use crate::common;
use crate::error::Error;
use crate::print::one_line;
use crate::schemes::args::Inspect as Args;

#[derive(Serialize)]
struct Figures {
    id: String,
    /// Artifacts that have it in common take the same keys.
    key_binding: String,
    /// Version of the form of its file.
    format_version: u32,
    /// Where it comes from, where it says so.
    provenance: Option<Provenance>,
    manifest: Manifest,
    /// What the outputs stand for, in order.
    classes: Vec<String>,
    log_n: u32,
    log_qp: f64,
    security_bits: u32,
    /// Bits of security against quantum attacks, by the guidelines' stricter rows; 0 where no row allows the modulus.
    quantum_security_bits: u32,
    depth: u32,
    precision_bits: u32,
    /// Deviation of the noise that decryption adds to every output, where results may be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    shown_noise: Option<f64>,
    images_per_request: usize,
    instructions: usize,
    op_counts: OpCounts,
    sizes: Sizes,
    /// Times on more cores, by the cost table that was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    cores: Option<Cores>,
    /// Of the first answer under a client's keys, on one thread, all constants encoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    predicted_first_ms: Option<f64>,
    /// Predicted time of steady answers against memory for encoded constants.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    memory: Vec<MemoryPoint>,
    layers: Vec<layers::Layer>,
}

/// A memory for encoded constants and what it costs.
#[derive(Serialize)]
struct MemoryPoint {
    bytes: u64,
    predicted_ms: f64,
}

/// Predicted times of steady answers, from all constants encoded down to a sixteenth of them; nothing where the
/// artifact does not tell them.
fn memory_points(manifest: &Manifest, all: u64) -> Vec<MemoryPoint> {
    let (Some(ms), Some(serving)) = (manifest.predicted_latency_ms, manifest.serving) else {
        return Vec::new();
    };
    let point = |bytes| MemoryPoint {
        bytes,
        predicted_ms: ms + serving.added_ms(bytes, all),
    };
    (0..=4).map(|halvings| point(all >> halvings)).collect()
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let artifact = Artifact::read(&args.artifact).map_err(|e| Error::file(&args.artifact, e))?;
    let schedule = artifact.schedule.schedule();
    let parameters = &schedule.header.parameters;
    common::tell(&CkksSpec::new(&artifact)?.facts().notices());
    let table = args.costs.as_deref().map(costs::read).transpose()?;
    if let Some(path) = &args.svg {
        draw(path, &layers::level_diagram(&artifact, table.as_ref())?)?;
    }
    let facts = CkksSpec::new(&artifact).map_err(Error::user)?.facts();
    let sizes = Sizes::of(schedule);
    let figures = Figures {
        id: artifact.id(),
        key_binding: facts.binding.to_string(),
        format_version: format_version(&args.artifact)?,
        provenance: artifact.manifest.provenance.clone(),
        log_n: parameters.log_n(),
        log_qp: parameters.log_qp_bits(),
        security_bits: parameters.security().bits(),
        quantum_security_bits: parameters.quantum_level().map_or(0, |level| level.bits()),
        depth: schedule.header.depth,
        precision_bits: schedule.header.precision_bits,
        shown_noise: facts.shown.map(|shown| shown.noise),
        images_per_request: schedule.header.images(),
        instructions: schedule.instructions.len(),
        op_counts: OpCounts::of(schedule),
        cores: table
            .as_ref()
            .map(|table| Cores::of(schedule, table))
            .transpose()?,
        sizes,
        predicted_first_ms: artifact.manifest.predicted_first_ms(),
        memory: memory_points(&artifact.manifest, sizes.constant_memory_bytes),
        layers: layers::layers(&artifact, table.as_ref())?,
        classes: artifact.manifest.classes.clone(),
        manifest: artifact.manifest,
    };
    if args.output.json {
        return common::print_json(&figures);
    }
    match (args.keys, args.memory) {
        (true, _) => show_keys(&figures),
        (false, true) => show_memory(&figures),
        (false, false) => show(&figures),
    }
    Ok(())
}

/// Time against bytes of evaluation keys.
fn show_keys(figures: &Figures) {
    let has = figures.sizes.evaluation_key_bytes;
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    println!("evaluation keys of this artifact: {:.1} MB", megabytes(has));
    if figures.manifest.keys.is_empty() {
        println!("what other budgets would cost is not known; compile the network again to see it");
        return;
    }
    println!(
        "other budgets (`hemet compile --key-memory MIB`), from the quickest schedule to the fewest keys:"
    );
    println!("{:>12} {:>10} {:>14}", "keys", "budget", "predicted");
    for point in &figures.manifest.keys {
        let ms = hemet_reports::number::milliseconds(point.predicted_ms);
        let mib = point.bytes.div_ceil(1 << 20);
        println!(
            "{:>9.1} MB {mib:>6} MiB {ms:>11} ms",
            megabytes(point.bytes)
        );
    }
}

/// Time against memory for encoded constants.
fn show_memory(figures: &Figures) {
    let all = figures.sizes.constant_memory_bytes;
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    println!("encoded weights of this artifact: {:.1} MB", megabytes(all));
    if figures.memory.is_empty() {
        println!("what less memory would cost is not known; compile the network again to see it");
        return;
    }
    println!("steady answers on one thread of a server with less (`hemet serve --memory MIB`):");
    println!("{:>12} {:>10} {:>14}", "weights", "memory", "predicted");
    for point in &figures.memory {
        let ms = hemet_reports::number::milliseconds(point.predicted_ms);
        let mib = point.bytes.div_ceil(1 << 20);
        println!(
            "{:>9.1} MB {mib:>6} MiB {ms:>11} ms",
            megabytes(point.bytes)
        );
    }
}

fn draw(path: &Path, diagram: &LevelDiagram) -> Result<(), Error> {
    let bytes = match path.extension().is_some_and(|e| e == "png") {
        true => diagram.png(1280, 960),
        false => diagram.svg().map(String::into_bytes),
    };
    Ok(hemet_files::write_atomically(path, &bytes?)?)
}

/// What the outputs' errors may be, and what hides them.
fn show_precision(figures: &Figures) {
    let manifest = &figures.manifest;
    println!(
        "precision      2^-{} of the logits' magnitude",
        figures.precision_bits
    );
    if let Some(promise) = &manifest.promise {
        println!("promise        {promise}");
    }
    if let Some(agreement) = &manifest.agreement {
        println!("agreement      {agreement}");
    }
    if let (Some(sharing), Some(noise)) = (manifest.sharing, figures.shown_noise) {
        println!(
            "shown          up to {} results, with noise within ±{:.1e} (three deviations)",
            sharing.results,
            3.0 * noise
        );
    }
}

fn show(figures: &Figures) {
    let manifest = &figures.manifest;
    println!(
        "network        {} (id {})",
        one_line(&manifest.network),
        figures.id
    );
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
    println!(
        "parameters     ring degree 2^{}, log2(QP) {:.0} bits, security {} bits, depth {}",
        figures.log_n, figures.log_qp, figures.security_bits, figures.depth
    );
    match figures.quantum_security_bits {
        0 => println!(
            "quantum        below 128 bits against quantum attacks (--security 128-quantum)"
        ),
        bits => println!("quantum        {bits} bits against quantum attacks too"),
    }
    show_precision(figures);
    if let Some(device) = &manifest.device {
        println!("client         {}", one_line(&device.to_string()));
    }
    println!(
        "memory         {:.1} MB of evaluation keys on the server (key binding {:.16})",
        figures.sizes.evaluation_key_bytes as f64 / 1e6,
        figures.key_binding
    );
    println!(
        "               {:.1} MB of encoded weights there, if all are kept",
        figures.sizes.constant_memory_bytes as f64 / 1e6
    );
    if let (Some(predicted), Some(machine)) =
        (manifest.predicted_latency_ms, &manifest.cost_machine)
    {
        let ms = hemet_reports::number::milliseconds(predicted);
        println!("predicted      {ms} ms on one thread of {machine}");
        if let Some(first) = figures.predicted_first_ms {
            let first = hemet_reports::number::milliseconds(first);
            println!(
                "first answer   about {first} ms: a guess, by how fast memory usually is; `hemet bench` measures it"
            );
        }
    }
    if let Some(cores) = &figures.cores {
        cores.show();
    }
    if figures.images_per_request > 1 {
        println!("images         {} in a request", figures.images_per_request);
    }
    println!("instructions   {}", figures.instructions);
    for line in figures.op_counts.to_string().lines() {
        println!("  {line}");
    }
    println!();
    layers::print(&figures.layers);
}
