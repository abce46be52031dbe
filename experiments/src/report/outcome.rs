//! What a search prints at its end, and what is printed of one that is not over.

use std::path::PathBuf;

use hemet_reports::number;

use super::Run;
use crate::common::{self, Output};
use crate::error::Error;
use crate::experiment::Experiment;
use crate::run::baseline;
use crate::run::folder::RunFolder;
use crate::run::summary::{Best, Summary};

/// Prints the outcome for people, or the summary as one line of JSON.
pub fn show(
    run: &RunFolder,
    experiment: &Experiment,
    summary: &Summary,
    output: Output,
) -> Result<(), Error> {
    if output.json {
        return common::print_json(summary);
    }
    println!("{}", outcome(run, experiment, summary));
    Ok(())
}

/// Prints where a search stands that is not over, for people or as one line of JSON.
pub fn show_unfinished(run: &Run<'_>, output: Output) -> Result<(), Error> {
    let counts = run.counts();
    let report = run.folder.root.join("report/index.html");
    if output.json {
        return common::print_json(&serde_json::json!({
            "name": run.experiment.name,
            "finished": false,
            "trials": run.trials.len(),
            "complete": counts.complete,
            "stopped": counts.stopped,
            "infeasible": counts.infeasible,
            "failed": counts.failed,
            "front": run.front,
        }));
    }
    println!(
        "unfinished: {} of {} trials done: {counts}; `hemet search … --resume` goes on",
        counts.trained(),
        run.experiment.search.trials
    );
    println!("report    {}", report.display());
    Ok(())
}

/// What the search prints at its end.
fn outcome(run: &RunFolder, experiment: &Experiment, summary: &Summary) -> String {
    let best = &summary.best;
    let line = |(name, text): (&str, String)| format!("{name:<9} {text}");
    let compared = baseline::compared(experiment.search.baseline, summary);
    let seconds = number::duration(summary.seconds);
    let trials = format!("{} trials in {seconds}", summary.trials);
    let lines: Vec<String> = std::iter::once(line(("search", trials)))
        .chain(figures(best).map(line))
        .chain(compared)
        .chain(summary.notes.iter().cloned())
        .chain(files(run).map(line))
        .collect();
    lines.join("\n")
}

/// What is known of the chosen network, encrypted and in the clear of the same images first.
fn figures(best: &Best) -> [(&'static str, String); 6] {
    let ms = number::milliseconds;
    let percent = common::percent;
    [
        (
            "chosen",
            format!("trial #{}: {}", best.trial, best.description),
        ),
        ("encrypted", best.encrypted().to_string()),
        (
            "clear",
            format!(
                "{}{} of the same images; {} for {}",
                best.quality.prefix(),
                percent(best.plaintext_accuracy),
                best.quality.same(),
                percent(best.agreement)
            ),
        ),
        ("test set", format!("{}, in the clear", best.test())),
        (
            "latency",
            format!(
                "{} ms measured{}, {} ms predicted (one thread)",
                ms(best.measured_latency_ms),
                best.measured_range_ms
                    .map_or(String::new(), |[least, greatest]| format!(
                        " ({} to {})",
                        ms(least),
                        ms(greatest)
                    )),
                ms(best.predicted_latency_ms)
            ),
        ),
        (
            "security",
            format!(
                "{} bits: ring degree 2^{}, log2(QP) {:.0} bits, depth {}",
                best.security_bits, best.log_n, best.log_qp, best.depth
            ),
        ),
    ]
}

/// Where to look.
fn files(run: &RunFolder) -> [(&'static str, String); 3] {
    let shown = |path: PathBuf| path.display().to_string();
    [
        ("plot", shown(run.root.join("report/pareto.png"))),
        ("report", shown(run.root.join("report/index.html"))),
        ("artifact", shown(run.artifact_path())),
    ]
}
