//! Accuracy against latency: predicted of all trained networks, measured where it was.

use hemet_reports::{ParetoPlot, ParetoPoint};
use hemet_search::pareto::Point;

use super::Plot;
use crate::report::Run;

/// The plot; none without a trained network.
pub fn plot(run: &Run<'_>) -> Option<Plot> {
    let mut plot = ParetoPlot::new(format!("{}: accuracy and encrypted latency", run.name()));
    let machine = run
        .machine()
        .map_or(String::new(), |name| format!(" of {name}"));
    let measured = match run.summary {
        Some(_) => "predicted (filled) and measured (hollow)",
        None => "predicted",
    };
    plot.subtitle = format!("validation accuracy; latency for one thread{machine}, {measured}");
    // A marker a scheme, where the search had several.
    let space = run.experiment.space().ok()?;
    let series = |trial: usize| match space.schemes().len() {
        0 | 1 => String::new(),
        _ => space.scheme(&run.trials[trial].architecture).to_string(),
    };
    let points = run.trials.iter().filter_map(Point::of);
    plot.points = points
        .map(|point| {
            let member = run.front.iter().find(|m| m.trial == point.trial);
            let chosen = run.is_chosen(point.trial);
            ParetoPoint {
                trial: point.trial as u64,
                latency_ms: point.latency_ms,
                accuracy: point.accuracy,
                depth: point.depth as u32,
                on_front: member.is_some(),
                chosen,
                measured_latency_ms: member
                    .and_then(|m| m.measured_latency_ms)
                    .or(run.best().filter(|_| chosen).map(|b| b.measured_latency_ms)),
                series: series(point.trial),
            }
        })
        .collect();
    (!plot.points.is_empty()).then_some(Plot::Pareto(plot))
}
