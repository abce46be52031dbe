//! The hypervolume of the front over trials: how fast the search found what it found.

use hemet_reports::{Curve, LinePlot, number};
use hemet_search::hypervolume::HypervolumeCurve;
use hemet_search::objective::Objective;

use super::Plot;
use crate::report::Run;

/// The plot and what it shows; none without a trained network.
pub fn plot(run: &Run<'_>) -> Option<(String, Plot)> {
    let objectives = run.experiment.objectives().ok()?;
    let curve = HypervolumeCurve::of(run.trials, &objectives)?;
    let bounds = objectives.list().iter().zip(&curve.reference);
    let bounds: Vec<String> = bounds
        .map(|(objective, end)| bound(objective, *end))
        .collect();
    let mut plot = LinePlot::new(
        format!("{}: hypervolume over trials", run.name()),
        "trials",
        "hypervolume (%)",
    );
    plot.subtitle = format!(
        "share of the space of {} that the front dominates",
        bounds.join(" and ")
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
    let shows = "What share of the space of the objectives the front dominated after each trial";
    Some((shows.to_owned(), Plot::Lines(plot)))
}

/// From which value of an objective to which the space goes.
fn bound(objective: &Objective, end: f64) -> String {
    let (name, unit) = (super::words(objective), objective.unit);
    if objective.maximized {
        return format!("{name} from 0 to 1");
    }
    let end = match unit {
        "ms" => number::milliseconds(end),
        _ if end < 1.0 => format!("{end:.6}"),
        _ => format!("{end:.1}"),
    };
    format!("{name} from 0 to {end} {unit}")
        .trim_end()
        .to_owned()
}
