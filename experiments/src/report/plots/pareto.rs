//! Accuracy against latency: predicted of all trained networks, measured where it was.

use hemet_reports::{ParetoPlot, ParetoPoint};
use hemet_search::pareto::Point;

use super::Plot;
use crate::report::Run;

/// The plot; none without a trained network.
pub fn plot(run: &Run<'_>) -> Option<Plot> {
    let summary = run.summary;
    let mut plot = ParetoPlot::new(format!("{}: accuracy and encrypted latency", summary.name));
    plot.subtitle = format!(
        "validation accuracy; latency for one thread of {}, predicted (filled) and measured (hollow)",
        summary.machine
    );
    // A marker a scheme, where the search had several.
    let space = run.experiment.space().ok()?;
    let series = |trial: usize| match space.schemes().len() {
        0 | 1 => String::new(),
        _ => space.scheme(&run.trials[trial].architecture).to_string(),
    };
    let points = run.trials.iter().filter_map(Point::of);
    plot.points = points
        .map(|point| {
            let member = summary.front.iter().find(|m| m.trial == point.trial);
            let chosen = point.trial == summary.best.trial;
            ParetoPoint {
                trial: point.trial as u64,
                latency_ms: point.latency_ms,
                accuracy: point.accuracy,
                depth: point.depth as u32,
                on_front: member.is_some(),
                chosen,
                measured_latency_ms: member
                    .and_then(|m| m.measured_latency_ms)
                    .or(chosen.then_some(summary.best.measured_latency_ms)),
                series: series(point.trial),
            }
        })
        .collect();
    (!plot.points.is_empty()).then_some(Plot::Pareto(plot))
}
