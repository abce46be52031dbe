//! The hypervolume of the front over trials: how fast the search found what it found.

use hemet_reports::{Curve, LinePlot, number};
use hemet_search::pareto::HypervolumeCurve;

use super::Plot;
use crate::report::Run;

/// The plot; none without a trained network.
pub fn plot(run: &Run<'_>) -> Option<Plot> {
    let limit = run.experiment.constraints.max_latency_ms;
    let curve = HypervolumeCurve::of(run.trials, limit)?;
    let mut plot = LinePlot::new(
        format!("{}: hypervolume over trials", run.summary.name),
        "trials",
        "hypervolume (%)",
    );
    plot.subtitle = format!(
        "share of the plane of accuracy from 0 to 1 and latency from 0 to {} ms that the front dominates",
        number::milliseconds(curve.reference_latency_ms)
    );
    plot.linear = true;
    // Steps: the front changes when a trial ends, not before.
    let mut places: Vec<(f64, f64)> = Vec::new();
    for (trial, share) in curve.shares.iter().enumerate() {
        if let Some((_, last)) = places.last().copied() {
            places.push((trial as f64 + 1.0, last));
        }
        places.push((trial as f64 + 1.0, 100.0 * share));
    }
    plot.curves.push(Curve {
        name: String::new(),
        places,
    });
    Some(Plot::Lines(plot))
}
