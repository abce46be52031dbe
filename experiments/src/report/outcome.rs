//! What a search prints at its end, and what is printed of one that is not over.

use hemet_reports::number;

use super::Run;
use crate::common::{self, Output};
use crate::error::Error;
use crate::experiment::Experiment;
use crate::run::baseline;
use crate::run::folder::RunFolder;
use crate::run::summary::Summary;

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
    let [complete, infeasible, failed] = run.counts();
    let report = run.folder.root.join("report/index.html");
    if output.json {
        return common::print_json(&serde_json::json!({
            "name": run.experiment.name,
            "finished": false,
            "trials": run.trials.len(),
            "complete": complete,
            "infeasible": infeasible,
            "failed": failed,
            "front": run.front,
        }));
    }
    println!(
        "unfinished: {} of {} trials trained ({failed} failed), {infeasible} infeasible; `hemet search … --resume` goes on",
        complete + failed,
        run.experiment.search.trials
    );
    println!("report    {}", report.display());
    Ok(())
}

/// What the search prints at its end.
fn outcome(run: &RunFolder, experiment: &Experiment, summary: &Summary) -> String {
    let best = &summary.best;
    let ms = number::milliseconds;
    let percent = common::percent;
    let rows = [
        (
            "chosen",
            format!(
                "trial #{} of {}: {}",
                best.trial, summary.trials, best.description
            ),
        ),
        (
            "accuracy",
            format!(
                "{} encrypted, {} in the clear ({} test images); {} in the clear on all {}",
                percent(best.encrypted_accuracy),
                percent(best.plaintext_accuracy),
                best.encrypted_images,
                percent(best.test_accuracy),
                best.test_images
            ),
        ),
        (
            "latency",
            format!(
                "{} ms measured, {} ms predicted (one thread)",
                ms(best.measured_latency_ms),
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
    ];
    let compared = baseline::compared(experiment.search.baseline, summary).into_iter();
    let said = compared.chain(summary.notes.iter().cloned());
    let files = [
        (
            "plot",
            run.root.join("report/pareto.png").display().to_string(),
        ),
        (
            "report",
            run.root.join("report/index.html").display().to_string(),
        ),
        ("artifact", run.artifact_path().display().to_string()),
    ];
    let line = |(name, text): (&str, String)| format!("{name:<9} {text}");
    let rows = rows.into_iter().map(line);
    let lines: Vec<String> = rows
        .chain(said)
        .chain(files.into_iter().map(line))
        .collect();
    lines.join("\n")
}
