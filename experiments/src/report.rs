//! The report of a run: plot, tables and page, from the journal and the summary.

use hemet_reports::{Cell, Column, ParetoPlot, ParetoPoint, Report, Table, number};
use hemet_search::Trial;
use hemet_search::pareto::Point;

use crate::common::{self, Output};
use crate::error::Error;
use crate::run_folder::{RunFolder, Summary};

/// Size of the PNG in pixels.
const PNG_SIZE: (u32, u32) = (1280, 960);

/// Writes `front.csv` and `report/`.
pub fn write(run: &RunFolder, summary: &Summary, trials: &[Trial]) -> Result<(), Error> {
    let plot = pareto(summary, trials);
    let folder = run.root.join("report");
    let svg = plot.svg().map_err(Error::user)?;
    run.write(&folder.join("pareto.svg"), svg.as_bytes())?;
    let png = plot.png(PNG_SIZE.0, PNG_SIZE.1).map_err(Error::user)?;
    run.write(&folder.join("pareto.png"), &png)?;
    let front = front_table(summary).map_err(Error::user)?;
    run.write(&run.root.join("front.csv"), front.csv().as_bytes())?;
    let page = page(summary, trials, front).map_err(Error::user)?;
    run.write(&folder.join("report.md"), page.markdown().as_bytes())
}

fn pareto(summary: &Summary, trials: &[Trial]) -> ParetoPlot {
    let mut plot = ParetoPlot::new(format!("{}: accuracy and encrypted latency", summary.name));
    let measured = number::milliseconds(summary.best.measured_latency_ms);
    plot.subtitle = format!(
        "validation accuracy; latency predicted for one thread of {}; #{} measured: {measured} ms",
        summary.machine, summary.best.trial
    );
    plot.points = trials
        .iter()
        .filter_map(Point::of)
        .map(|point| {
            let chosen = point.trial == summary.best.trial;
            ParetoPoint {
                trial: point.trial as u64,
                latency_ms: point.latency_ms,
                accuracy: point.accuracy,
                depth: point.depth as u32,
                on_front: summary.front.iter().any(|m| m.trial == point.trial),
                chosen,
                measured_latency_ms: chosen.then_some(summary.best.measured_latency_ms),
                series: String::new(),
            }
        })
        .collect();
    plot
}

fn front_table(summary: &Summary) -> hemet_reports::Result<Table> {
    let mut table = Table::new([
        Column::numbers("trial", "trial", ""),
        Column::words("architecture", "architecture"),
        Column::numbers("depth", "depth", "levels"),
        Column::numbers("validation_accuracy", "validation accuracy", ""),
        Column::numbers("predicted_latency_ms", "predicted latency", "ms"),
        Column::words("chosen", "chosen"),
    ]);
    for member in &summary.front {
        table.push([
            Cell::Whole(member.trial as i64),
            Cell::from(member.architecture.as_str()),
            Cell::Whole(member.depth as i64),
            Cell::Fraction(member.validation_accuracy),
            Cell::Milliseconds(member.predicted_latency_ms),
            Cell::Flag(member.trial == summary.best.trial),
        ])?;
    }
    Ok(table)
}

fn page(summary: &Summary, trials: &[Trial], front: Table) -> hemet_reports::Result<Report> {
    let best = &summary.best;
    let ms = number::milliseconds;
    let report = Report::new(format!("Search {}", summary.name))
        .paragraph(format!(
            "{} trials: {} trained, {} infeasible, {} failed, in {:.0} s on {}.",
            summary.trials,
            summary.complete,
            summary.infeasible,
            summary.failed,
            summary.seconds,
            summary.machine
        ))
        .picture(
            "Accuracy against predicted latency of all trained networks",
            "pareto.png",
        )
        .heading("The chosen network")
        .facts([
            ("trial", format!("#{}", best.trial)),
            ("architecture", best.description.clone()),
            (
                "accuracy, encrypted",
                format!(
                    "{} of {} test images",
                    common::percent(best.encrypted_accuracy),
                    best.encrypted_images
                ),
            ),
            (
                "accuracy of the same images in the clear",
                common::percent(best.plaintext_accuracy),
            ),
            (
                "accuracy in the clear, whole test set",
                format!(
                    "{} of {} images",
                    common::percent(best.test_accuracy),
                    best.test_images
                ),
            ),
            (
                "latency, predicted",
                format!("{} ms, one thread", ms(best.predicted_latency_ms)),
            ),
            (
                "latency, measured",
                format!("{} ms, one thread", ms(best.measured_latency_ms)),
            ),
            (
                "greatest error of a logit",
                format!("{:.1e}", best.max_abs_error),
            ),
            (
                "parameters",
                format!(
                    "ring degree 2^{}, log2(QP) {:.0} bits, {} bits of security, depth {}",
                    best.log_n, best.log_qp, best.security_bits, best.depth
                ),
            ),
            (
                "evaluation keys",
                format!("{:.1} MB", best.evaluation_key_bytes as f64 / 1e6),
            ),
            (
                "encrypted image",
                format!("{:.3} MB", best.input_ciphertext_bytes as f64 / 1e6),
            ),
        ])
        .heading("The Pareto front")
        .table(
            "Validation accuracy and predicted latency, fastest first",
            front,
        );
    Ok(report
        .heading("All trials")
        .table("In the order of the search", trial_table(trials)?))
}

fn trial_table(trials: &[Trial]) -> hemet_reports::Result<Table> {
    let mut table = Table::new([
        Column::numbers("trial", "trial", ""),
        Column::words("architecture", "architecture"),
        Column::words("outcome", "outcome"),
        Column::numbers("accuracy", "accuracy", ""),
        Column::numbers("depth", "depth", "levels"),
        Column::numbers("predicted_latency_ms", "predicted latency", "ms"),
    ]);
    for trial in trials {
        let cost = trial.cost.as_ref();
        let missing = || Cell::Missing;
        table.push([
            Cell::Whole(trial.number as i64),
            Cell::from(trial.architecture.text()),
            Cell::from(trial.outcome.name()),
            trial
                .outcome
                .accuracy()
                .map_or_else(missing, Cell::Fraction),
            cost.map_or_else(missing, |c| Cell::Whole(c.depth as i64)),
            cost.map_or_else(missing, |c| Cell::Milliseconds(c.latency_ms)),
        ])?;
    }
    Ok(table)
}

/// Prints the outcome for people, or the summary as one line of JSON.
pub fn show(run: &RunFolder, summary: &Summary, output: Output) -> Result<(), Error> {
    if output.json {
        return common::print_json(summary);
    }
    println!("{}", outcome(run, summary));
    Ok(())
}

/// What the search prints at its end.
fn outcome(run: &RunFolder, summary: &Summary) -> String {
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
        (
            "plot",
            run.root.join("report/pareto.png").display().to_string(),
        ),
        (
            "report",
            run.root.join("report/report.md").display().to_string(),
        ),
        ("artifact", run.artifact_path().display().to_string()),
    ];
    let lines: Vec<String> = rows
        .into_iter()
        .map(|(name, text)| format!("{name:<9} {text}"))
        .collect();
    lines.join("\n")
}
