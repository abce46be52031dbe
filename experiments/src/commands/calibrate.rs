//! `hemet calibrate`: measures the cost table of this machine.

use std::path::PathBuf;

use hemet_runtime::calibrate::Options;

use crate::cli::interrupt::Told;
use crate::common::{self, Output};
use crate::error::Error;
use crate::schemes::ckks::costs;
use crate::schemes::ckks::known::{KNOWN, Known};

/// Measure the cost table of this machine
///
/// Latencies are predicted from it. The search measures it on its first run and keeps it; measure again when the
/// machine was busy then.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  hemet calibrate                  # half a minute\n  hemet calibrate --list\n  hemet calibrate --full --out costs.json"
)]
pub struct Args {
    /// Print the named machines whose tables are part of the program, for --costs NAME; nothing is measured
    #[arg(long, conflicts_with_all = ["full", "resume", "out"])]
    pub list: bool,
    /// More chains and more repetitions: some minutes
    #[arg(long)]
    pub full: bool,
    /// Keep the ring degrees that the table has already, as after an interrupted measurement
    #[arg(long)]
    pub resume: bool,
    /// Where the table goes; without it, where the other commands find it
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// What standard output is for
    #[command(flatten)]
    pub output: Output,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Error> {
    if args.list {
        return list(args.output);
    }
    let options = if args.full {
        Options::full()
    } else {
        Options::quick()
    };
    let path = args.out.clone().or_else(costs::kept_path).ok_or_else(|| {
        Error::user("neither XDG_CACHE_HOME nor HOME is set; say where the table goes with --out")
    })?;
    let known = match args.resume && path.exists() {
        true => Some(costs::read(&path)?),
        false => None,
    };
    let options = options?;
    let again = path.clone();
    let _told = Told::on_interrupt(move || {
        format!(
            "interrupted: ring degrees that were measured are kept in {}; go on with --resume",
            again.display()
        )
    });
    let table = costs::measure(&options, known, Some(&path), args.output.json)?;
    costs::keep(&path, &table)?;
    if args.output.json {
        println!("{}", table.to_json());
    } else {
        println!(
            "cost table of {} written to {}",
            table.machine,
            path.display()
        );
    }
    Ok(())
}

/// Prints the named machines.
fn list(output: Output) -> Result<(), Error> {
    if output.json {
        let machine = |known: &Known| serde_json::json!({"name": known.name, "about": known.about});
        let known: Vec<_> = KNOWN.iter().map(machine).collect();
        return common::print_json(&known);
    }
    for known in KNOWN {
        println!("{:<14} {}", known.name, known.about);
    }
    Ok(())
}
