//! Accuracy against latency: predicted of all trained networks, measured where it was.

use hemet_reports::{ParetoPlot, ParetoPoint};
use hemet_search::pareto::Point;

use super::Plot;
use crate::report::Run;

/// What was measured of a trial: with the front, as the chosen network or as the baseline.
fn measured_ms(run: &Run<'_>, trial: usize) -> Option<f64> {
    let member = run.front.iter().find(|m| m.trial == trial);
    let mut compiled = run.best().into_iter().chain(run.baseline());
    let compiled = compiled.find(|network| network.trial == trial);
    member
        .and_then(|m| m.measured_latency_ms)
        .or(compiled.map(|network| network.measured_latency_ms))
}

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
            ParetoPoint {
                trial: point.trial as u64,
                latency_ms: point.latency_ms,
                accuracy: point.accuracy,
                depth: point.depth as u32,
                on_front: member.is_some(),
                chosen: run.is_chosen(point.trial),
                baseline: run.is_baseline(point.trial),
                measured_latency_ms: measured_ms(run, point.trial),
                series: series(point.trial),
            }
        })
        .collect();
    (!plot.points.is_empty()).then_some(Plot::Pareto(plot))
}
