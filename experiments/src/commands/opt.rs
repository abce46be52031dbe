//! `hemet opt`: runs named passes on a graph file and prints the result; for developers of the compiler.

use std::path::PathBuf;

use hemet_compiler::passes::{self, Context, PASSES, Pass};
use hemet_schedule::text;
use hemet_spaces::LayerGraph;

use super::verify;
use crate::common;
use crate::error::Error;
use crate::schemes::ckks::costs;

/// For developers: run named passes on a graph file and print the net, or the schedule that it becomes
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet opt graph.txt                              # all passes, in order\n  hemet opt graph.txt --pass compose               # only this one\n  hemet opt graph.txt --pass none                  # the net as imported\n  hemet opt graph.txt --schedule --weights w.safetensors"
)]
pub struct Args {
    /// A graph file (the text form of a network, one layer a line), or a schedule's text
    pub file: PathBuf,
    /// Names of passes, in order; `none` for none; without it, all
    #[arg(long = "pass", value_name = "NAME")]
    pub passes: Vec<String>,
    /// Weights, a safetensors file; without it only the patterns of maps are worked on
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// Compile to the end and print the schedule; needs --weights
    #[arg(long, requires = "weights")]
    pub schedule: bool,
    /// For a schedule: the artifact with the constants that it names
    #[arg(long, value_name = "ARTIFACT")]
    pub constants: Option<PathBuf>,
    /// Cost table for --schedule; without it, that of this machine
    #[arg(long, value_name = "FILE")]
    pub costs: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    let source = std::fs::read_to_string(&args.file).map_err(|e| Error::file(&args.file, e))?;
    if source.starts_with("hemet-schedule") {
        return reprint(args, &source);
    }
    let graph: LayerGraph = source.parse().map_err(|e| Error::file(&args.file, e))?;
    let weights = match &args.weights {
        None => None,
        Some(path) => Some(common::read_weights(path, &graph)?),
    };
    let options = hemet_compiler::Options::default();
    if let (true, Some(weights)) = (args.schedule, &weights) {
        let table = match &args.costs {
            Some(path) => costs::read(path)?,
            None => costs::of_this_machine(true)?,
        };
        let compiled = hemet_compiler::compile(&graph, weights, &options, &table);
        print!("{}", text::print(compiled?.schedule()));
        return Ok(());
    }
    let mut net = passes::import(
        &graph,
        weights.as_ref(),
        &options,
        passes::WindowSums::Merged,
    )?;
    let context = Context {
        options: &options,
        samples: &[],
        transform: None,
    };
    for pass in chosen(&args.passes)? {
        (pass.run)(&mut net, &context);
    }
    print!("{net}");
    Ok(())
}

/// A schedule is the end of all passes: it is read, verified and printed in its one form.
fn reprint(args: &Args, source: &str) -> Result<(), Error> {
    if let Some(name) = args.passes.iter().find(|name| *name != "none") {
        return Err(Error::file(
            &args.file,
            format!(
                "it is a schedule, pass `{name}` works on graphs; give the graph, or --pass none"
            ),
        ));
    }
    let verified = verify::read_schedule(&args.file, source, args.constants.as_deref())?;
    print!("{}", text::print(verified.schedule()));
    Ok(())
}

fn chosen(names: &[String]) -> Result<Vec<&'static Pass>, Error> {
    if names.is_empty() {
        return Ok(PASSES.iter().collect());
    }
    let by_name = |name: &String| {
        PASSES.iter().find(|pass| pass.name == name).ok_or_else(|| {
            let known: Vec<String> = PASSES
                .iter()
                .map(|pass| format!("{} ({})", pass.name, pass.about))
                .collect();
            Error::user(format!(
                "no pass is named `{name}`; known: none, {}",
                known.join(", ")
            ))
        })
    };
    names
        .iter()
        .filter(|name| *name != "none")
        .map(by_name)
        .collect()
}
