//! `hemet inspect`: what is in an artifact, layer by layer, and its level diagram.

use std::path::{Path, PathBuf};

use hemet_reports::LevelDiagram;
use hemet_runtime::{Notice, Sizes};
use hemet_schedule::artifact::Manifest;
use hemet_schedule::summary::OpCounts;
use hemet_schedule::text;
use serde::Serialize;

use crate::common::{self, Output};
use crate::error::Error;
use crate::schemes::ckks::costs;
use crate::schemes::ckks::inspect;
use crate::schemes::tfhe;

/// Show what is in an artifact: parameters, layers, costs
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet inspect model.hemet\n  hemet inspect model.hemet --costs runs/digits/costs.json   # predict with this machine's costs\n  hemet inspect model.hemet --svg levels.svg\n  hemet inspect model.hemet --schedule                       # every instruction"
)]
pub struct Args {
    /// The artifact
    pub artifact: PathBuf,
    /// Print the schedule's text
    #[arg(long)]
    pub schedule: bool,
    /// Draw the level diagram of the schedule (SVG; PNG where FILE ends in .png)
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Cost table for predicted times; without it, those that the compiler predicted
    #[arg(long, value_name = "FILE")]
    pub costs: Option<PathBuf>,
    /// What standard output is for
    #[command(flatten)]
    pub output: Output,
}

#[derive(Serialize)]
struct Figures {
    id: String,
    manifest: Manifest,
    log_n: u32,
    log_qp: f64,
    security_bits: u32,
    depth: u32,
    precision_bits: u32,
    images_per_request: usize,
    instructions: usize,
    op_counts: OpCounts,
    sizes: Sizes,
    layers: Vec<inspect::Layer>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    if let Some(artifact) = tfhe::artifact_at(&args.artifact)? {
        return tfhe::artifact::inspect(&artifact, args);
    }
    let artifact = common::read_artifact(&args.artifact)?;
    let schedule = artifact.schedule.schedule();
    let parameters = &schedule.header.parameters;
    common::tell(&Notice::of_parameters(parameters));
    if args.schedule {
        print!("{}", text::print(schedule));
        return Ok(());
    }
    let table = args.costs.as_deref().map(costs::read).transpose()?;
    if let Some(path) = &args.svg {
        draw(path, &inspect::level_diagram(&artifact, table.as_ref())?)?;
    }
    let figures = Figures {
        id: artifact.id(),
        log_n: parameters.log_n(),
        log_qp: parameters.log_qp_bits(),
        security_bits: inspect::security_bits(parameters),
        depth: schedule.header.depth,
        precision_bits: schedule.header.precision_bits,
        images_per_request: schedule.header.images(),
        instructions: schedule.instructions.len(),
        op_counts: OpCounts::of(schedule),
        sizes: Sizes::of(schedule),
        layers: inspect::layers(&artifact, table.as_ref())?,
        manifest: artifact.manifest,
    };
    if args.output.json {
        return common::print_json(&figures);
    }
    show(&figures);
    Ok(())
}

fn draw(path: &Path, diagram: &LevelDiagram) -> Result<(), Error> {
    let bytes = match path.extension().is_some_and(|e| e == "png") {
        true => diagram.png(1280, 960),
        false => diagram.svg().map(String::into_bytes),
    };
    hemet_files::write_atomically(path, &bytes.map_err(Error::user)?).map_err(Error::user)
}

fn show(figures: &Figures) {
    let manifest = &figures.manifest;
    println!("network        {} (id {})", manifest.network, figures.id);
    if let Some(architecture) = &manifest.architecture {
        println!("architecture   {architecture}");
    }
    if let Some(dataset) = &manifest.dataset {
        println!("data set       {dataset}: {}", manifest.normalization);
    }
    println!(
        "parameters     ring degree 2^{}, log2(QP) {:.0} bits, security {} bits, depth {}",
        figures.log_n, figures.log_qp, figures.security_bits, figures.depth
    );
    println!(
        "precision      2^-{} of the logits' magnitude",
        figures.precision_bits
    );
    println!(
        "memory         {:.1} MB of evaluation keys on the server",
        figures.sizes.evaluation_key_bytes as f64 / 1e6
    );
    if let (Some(predicted), Some(machine)) =
        (manifest.predicted_latency_ms, &manifest.cost_machine)
    {
        let ms = hemet_reports::number::milliseconds(predicted);
        println!("predicted      {ms} ms on one thread of {machine}");
    }
    if figures.images_per_request > 1 {
        println!("images         {} in a request", figures.images_per_request);
    }
    println!("instructions   {}", figures.instructions);
    for line in figures.op_counts.to_string().lines() {
        println!("  {line}");
    }
    println!();
    inspect::print(&figures.layers);
}
