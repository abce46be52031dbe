//! HEMET's ladder replayed at secure parameters, beside the same networks compiled here; see
//! experiments/hemet_replay.yaml.
//!
//! `cargo run --release -p hemet --example hemet_replay -- experiments/hemet_replay.yaml OUT [--costs FILE]` writes
//! OUT/hemet_replay.{svg,png,csv,md} and prints the table and the factor that dense packing gives. Every figure is
//! predicted. The cost table must have ring degrees 2^15 and 2^16: `hemet calibrate --full --out FILE`.

use std::path::{Path, PathBuf};

use clap::Parser;
use hemet::error::Error;
use hemet_reports::{Cell, Column, Curve, LinePlot, Table};
use hemet_schedule::CostTable;
use replay::{Outcome, Predicted, Replay};

mod replay;

#[derive(Parser)]
struct Args {
    /// The replay's YAML file
    replay: PathBuf,
    /// Folder for plot and tables
    out: PathBuf,
    /// Cost table; without it, that of this machine
    #[arg(long)]
    costs: Option<PathBuf>,
}

fn main() -> std::process::ExitCode {
    hemet::common::exit(run(&Args::parse()))
}

fn run(args: &Args) -> Result<(), Error> {
    let table = match &args.costs {
        Some(path) => hemet::schemes::ckks::costs::read(path)?,
        None => hemet::schemes::ckks::costs::of_this_machine(false)?,
    };
    let (replay, counts) = Replay::read(&args.replay)?;
    let outcomes = replay.run(&counts, &table)?;
    let figures = rows(&replay, &outcomes)?;
    std::fs::create_dir_all(&args.out).map_err(|e| Error::file(&args.out, e))?;
    let plot = plot(&replay, &outcomes, &table);
    save(&args.out, "csv", figures.csv().as_bytes())?;
    save(&args.out, "md", figures.markdown().as_bytes())?;
    save(
        &args.out,
        "svg",
        plot.svg().map_err(Error::user)?.as_bytes(),
    )?;
    let png = plot.png(1120, 840).map_err(Error::user)?;
    save(&args.out, "png", &png)?;
    print!("{}", figures.markdown());
    println!();
    summary(&replay, &outcomes);
    Ok(())
}

fn save(out: &Path, extension: &str, bytes: &[u8]) -> Result<(), Error> {
    let path = out.join("hemet_replay").with_extension(extension);
    hemet_files::write_atomically(path, bytes).map_err(Error::user)
}

/// One row a variant and way of packing.
fn rows(replay: &Replay, outcomes: &[Outcome]) -> Result<Table, Error> {
    let mut table = Table::new([
        Column::words("variant", "variant"),
        Column::words("packing", "packing"),
        Column::numbers("log_n", "log2 of ring degree", ""),
        Column::numbers("log_qp_bits", "log2(QP)", "bits"),
        Column::numbers("rotations", "rotations", ""),
        Column::numbers("plain_products", "plaintext products", ""),
        Column::numbers("predicted_latency_s", "predicted latency", "s"),
        Column::numbers("predicted_additions_s", "additions, not in it", "s"),
    ]);
    for outcome in outcomes {
        let names = replay.chains.iter().map(|chain| replay_name(&chain.name()));
        let ways = names.zip(&outcome.replayed);
        for (name, predicted) in ways.chain([("this compiler".to_owned(), &outcome.compiled)]) {
            let cells = [
                Cell::from(outcome.variant.as_str()),
                Cell::from(name),
                Cell::Whole(i64::from(predicted.log_n)),
                Cell::Number(predicted.log_qp_bits, 3),
                Cell::Whole(predicted.rotations as i64),
                Cell::Whole(predicted.plain_products as i64),
                Cell::Number(predicted.latency_s, 3),
                Cell::Number(predicted.additions_s, 3),
            ];
            table.push(cells).map_err(Error::user)?;
        }
    }
    Ok(table)
}

fn replay_name(chain: &str) -> String {
    format!("one channel, {chain} primes")
}

fn plot(replay: &Replay, outcomes: &[Outcome], table: &CostTable) -> LinePlot {
    let mut plot = LinePlot::new(
        "HEMET's ladder: one channel a ciphertext, and dense packing",
        "regular convolutions for Fire modules",
        "predicted latency (s)",
    );
    plot.subtitle = format!(
        "predicted, one thread, {} bits of security, costs of {}; published, 40-bit: primes of the replayed chain; merged: with HEMET's coefficient merging",
        replay.security_bits, table.machine
    );
    let curve = |name: String, merged: bool, of: &dyn Fn(&Outcome) -> Predicted| Curve {
        name,
        places: outcomes
            .iter()
            .filter(|outcome| is_merged(outcome) == merged)
            .map(|outcome| (outcome.regular as f64, of(outcome).latency_s))
            .collect(),
    };
    for (index, chain) in replay.chains.iter().enumerate() {
        let of = |outcome: &Outcome| outcome.replayed[index];
        plot.curves.push(curve(chain.name(), false, &of));
        plot.curves
            .push(curve(format!("{}, merged", chain.name()), true, &of));
    }
    plot.curves
        .push(curve("this compiler".into(), false, &|outcome| {
            outcome.compiled
        }));
    plot.curves.retain(|curve| !curve.places.is_empty());
    plot
}

/// Whether these are the counts with merged coefficients.
fn is_merged(outcome: &Outcome) -> bool {
    outcome.variant.ends_with("_merged")
}

/// The optimum of each way and the factor between the best of them.
fn summary(replay: &Replay, outcomes: &[Outcome]) {
    let best = |of: &dyn Fn(&Outcome) -> Predicted| {
        let all = outcomes
            .iter()
            .map(|outcome| (outcome.variant.as_str(), of(outcome)));
        all.min_by(|a, b| a.1.latency_s.total_cmp(&b.1.latency_s))
    };
    let mut replays = Vec::new();
    for (index, chain) in replay.chains.iter().enumerate() {
        if let Some((variant, found)) = best(&|outcome| outcome.replayed[index]) {
            println!(
                "best secure replay, {} primes: {variant}, {:.3} s predicted, {:.3} s with additions",
                chain.name(),
                found.latency_s,
                found.latency_s + found.additions_s
            );
            replays.push(found);
        }
    }
    let least = |of: fn(&Predicted) -> f64| replays.iter().map(of).fold(f64::INFINITY, f64::min);
    if let Some((variant, found)) = best(&|outcome| outcome.compiled) {
        println!(
            "best of this compiler: {variant}, {:.3} s predicted, additions included",
            found.latency_s
        );
        println!(
            "dense packing gives a factor of {:.1}, against a replay with additions {:.1} (both predicted)",
            least(|p| p.latency_s) / found.latency_s,
            least(|p| p.latency_s + p.additions_s) / found.latency_s
        );
    }
}
