//! `hemet space`: how large a space is, the extremes of its networks, and a sample.

use std::path::{Path, PathBuf};

use hemet_runtime::calibrate::machine_name;
use hemet_search::Seed;
use hemet_search::constraint::{CostEstimate, CostModel};
use hemet_spaces::{Architecture, Space, Statistics, presets};
use serde::Serialize;

use crate::cli::progress::Progress;
use crate::common::{self, Output};
use crate::error::Error;
use crate::experiment::{self, Experiment, Text};
use crate::run::outlook;
use crate::schemes::{CostSource, SchemeCosts};

/// Show the size of a space, the extremes of its networks and a sample
///
/// The extremes are those of the networks that were looked at: all of a small space, else as many at random as --sample
/// says and the all-mobile network. Nothing is trained.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet space spaces/presets/digits.yaml\n  hemet space squeezenet --sample 50\n  hemet space experiments/mnist.yaml"
)]
pub struct Args {
    /// A space file, an experiment, or the name of a preset
    pub space: String,
    /// Networks to look at, at least 1
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub sample: u32,
    /// Seed of the sample
    #[arg(long, default_value_t = 1, value_name = "SEED")]
    pub seed: u64,
    /// Cost table to predict with, of the space's first scheme; without it, that of this machine (measured on the first
    /// run)
    #[arg(long, value_name = "FILE")]
    pub costs: Option<PathBuf>,
    /// What standard output is for
    #[command(flatten)]
    pub output: Output,
}

/// A network that was looked at.
#[derive(Clone, Debug, Serialize)]
struct Looked {
    architecture: String,
    description: String,
    parameters: u64,
    macs: u64,
    /// None where it cannot be compiled.
    cost: Option<Cost>,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    infeasible: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct Cost {
    depth: usize,
    predicted_latency_ms: f64,
    log_n: u32,
    evaluation_key_bytes: u64,
}

#[derive(Serialize)]
struct Summary {
    /// As text, for it may exceed what JSON's numbers hold.
    size: String,
    genes: Vec<(String, usize)>,
    looked_at: usize,
    all: bool,
    infeasible: usize,
    fastest: Option<Looked>,
    slowest: Option<Looked>,
    shallowest: Option<Looked>,
    deepest: Option<Looked>,
    sample: Vec<Looked>,
}

/// Networks of the sample that are shown.
const SHOWN: usize = 5;

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let Given { space, experiment } = read(&args.space)?;
    let source = CostSource {
        given: args.costs.as_deref(),
        quiet: args.output.json,
        ..CostSource::default()
    };
    let costs = SchemeCosts::of(space.schemes(), experiment.as_ref(), &source)?;
    let seed = Seed::new(args.seed);
    let architectures = outlook::sample(&space, args.sample as usize, seed);
    let mut bar = Progress::new("estimate", architectures.len() as u64, args.output.json);
    let mut looked = Vec::with_capacity(architectures.len());
    for (index, architecture) in architectures.iter().enumerate() {
        looked.push(look(&space, architecture, &costs)?);
        bar.set(index as u64 + 1, "networks looked at");
    }
    bar.finish();
    let summary = summarise(&space, looked);
    match args.output.json {
        true => common::print_json(&summary),
        false => {
            show(&space, &summary, &machine_name());
            Ok(())
        }
    }
}

/// A space, and the experiment that says how its networks are compiled, where it is of one.
struct Given {
    space: Space,
    experiment: Option<Experiment>,
}

/// The space and how it is compiled: of a preset, an experiment or a space file.
fn read(given: &str) -> Result<Given, Error> {
    let path = Path::new(given);
    let alone = |space| Given {
        space,
        experiment: None,
    };
    if !path.exists() {
        let Some(text) = presets::find(given) else {
            let names: Vec<&str> = presets::PRESETS.iter().map(|(name, _)| *name).collect();
            let names = names.join(", ");
            return Err(Error::file(
                path,
                format!("there is no such file, and no preset of this name; presets: {names}"),
            ));
        };
        let text = Text::of(path, text)?;
        return Ok(alone(experiment::space_of(&text)?));
    }
    let text = Text::read(path)?;
    let mut lines = text.as_str().lines();
    if !lines.any(|line| line.starts_with("search:")) {
        return Ok(alone(experiment::space_of(&text)?));
    }
    let experiment = Experiment::read(path)?;
    Ok(Given {
        space: experiment.space()?.clone(),
        experiment: Some(experiment),
    })
}

fn look(space: &Space, architecture: &Architecture, costs: &SchemeCosts) -> Result<Looked, Error> {
    let description = space.describe(architecture)?;
    let (statistics, estimate) = match space.graph(architecture) {
        Ok(graph) => {
            let estimate = costs.estimate_at(space.placement(architecture), &graph);
            (Some(graph.statistics()), estimate)
        }
        Err(error) => (None, Err(error.to_string())),
    };
    let (cost, infeasible) = match estimate {
        Ok(estimate) => (Some(Cost::of(&estimate)), None),
        Err(why) => (None, Some(why)),
    };
    let figure = |which: fn(&Statistics) -> u64| statistics.as_ref().map_or(0, which);
    Ok(Looked {
        architecture: architecture.text(),
        description,
        parameters: figure(|s| s.parameters),
        macs: figure(|s| s.macs),
        cost,
        infeasible,
    })
}

impl Cost {
    fn of(estimate: &CostEstimate) -> Self {
        Self {
            depth: estimate.depth,
            predicted_latency_ms: estimate.latency_ms,
            log_n: estimate.log_n,
            evaluation_key_bytes: estimate.key_bytes,
        }
    }
}

fn summarise(space: &Space, looked: Vec<Looked>) -> Summary {
    let feasible = || looked.iter().filter_map(|l| Some((l, l.cost.as_ref()?)));
    let latency = |a: &(&Looked, &Cost), b: &(&Looked, &Cost)| {
        a.1.predicted_latency_ms
            .total_cmp(&b.1.predicted_latency_ms)
    };
    let depth = |a: &(&Looked, &Cost), b: &(&Looked, &Cost)| a.1.depth.cmp(&b.1.depth);
    let own = |found: Option<(&Looked, &Cost)>| found.map(|(looked, _)| looked.clone());
    Summary {
        size: space.size().to_string(),
        genes: space
            .genes()
            .iter()
            .map(|gene| (gene.name.clone(), gene.options.len()))
            .collect(),
        looked_at: looked.len(),
        all: space.size() == looked.len() as u128,
        infeasible: looked.iter().filter(|l| l.cost.is_none()).count(),
        fastest: own(feasible().min_by(latency)),
        slowest: own(feasible().max_by(latency)),
        shallowest: own(feasible().min_by(depth)),
        deepest: own(feasible().max_by(depth)),
        sample: looked.iter().take(SHOWN).cloned().collect(),
    }
}

fn show(space: &Space, summary: &Summary, machine: &str) {
    let (input, classes) = (space.input(), space.classes());
    println!(
        "size      {} networks, images of {input} in {classes} classes",
        summary.size
    );
    for (name, options) in &summary.genes {
        println!("  {name:<12} {options} options");
    }
    let which = match summary.all {
        true => "all",
        false => "a sample",
    };
    println!(
        "extremes  of {} networks ({which}), {} of them infeasible; latency predicted for one thread of {machine}",
        summary.looked_at, summary.infeasible
    );
    let extremes = [
        ("fastest", &summary.fastest),
        ("slowest", &summary.slowest),
        ("shallowest", &summary.shallowest),
        ("deepest", &summary.deepest),
    ];
    for (word, looked) in extremes {
        if let Some(looked) = looked {
            println!("  {word:<10} {}", line(looked));
        }
    }
    println!("sample");
    for looked in &summary.sample {
        println!("  {}", line(looked));
    }
}

fn line(looked: &Looked) -> String {
    let figures = match (&looked.cost, &looked.infeasible) {
        (Some(cost), _) => format!(
            "depth {}, {} ms, ring degree 2^{}, keys {:.0} MiB",
            cost.depth,
            hemet_reports::number::milliseconds(cost.predicted_latency_ms),
            cost.log_n,
            cost.evaluation_key_bytes as f64 / f64::from(1 << 20)
        ),
        (None, why) => format!("infeasible: {}", why.as_deref().unwrap_or("")),
    };
    format!(
        "{figures}, {:.1} M products, {:.0} k weights\n             {}",
        looked.macs as f64 / 1e6,
        looked.parameters as f64 / 1e3,
        looked.description
    )
}
