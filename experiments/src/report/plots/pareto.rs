//! Accuracy over the first objective beside it, latency as a rule: predicted of all trained networks, measured where it
//! was.

use hemet_reports::{ParetoPlot, ParetoPoint, Quantity};
use hemet_search::objective::{OBJECTIVES, Objective, Objectives};
use hemet_search::trial::Point;

use super::Plot;
use crate::report::Run;

/// What the search minimises first, so what stands on x; latency where it looks at accuracy alone.
fn second(objectives: &Objectives) -> Option<&'static Objective> {
    let latency = || OBJECTIVES.iter().find(|o| o.name == "latency");
    objectives.second().or_else(latency)
}

/// The latency in milliseconds that was measured of a trial: with the front, as the chosen network or as the baseline.
fn measured_ms(run: &Run<'_>, trial: usize) -> Option<f64> {
    let member = run.front.iter().find(|m| m.trial == trial);
    let mut compiled = run.best().into_iter().chain(run.baseline());
    let compiled = compiled.find(|network| network.trial == trial);
    member
        .and_then(|m| m.measured_latency_ms)
        .or(compiled.map(|network| network.measured_latency_ms))
}

/// Says on what the values rest, and in what the front is where that are more than the two of the plot.
fn subtitle(run: &Run<'_>, objectives: &Objectives, x: &Objective) -> String {
    let measured = match run.summary {
        Some(_) => "predicted (filled) and measured (hollow)",
        None => "predicted",
    };
    let name = super::words(x);
    let machine = run.machine();
    let machine = machine.map_or(String::new(), |name| format!(" of {name}"));
    let quality = run.experiment.searched().name();
    let mut subtitle = match x.timed {
        true => format!("validation {quality}; {name} for one thread{machine}, {measured}"),
        false => format!("validation {quality}; {name} by the compiler's estimate"),
    };
    let all: Vec<String> = objectives.list().iter().map(|o| super::words(o)).collect();
    if all.len() > 2 {
        subtitle += &format!("; front in {}", all.join(", "));
    }
    subtitle
}

/// The plot and what it shows; none without a trained network.
pub fn plot(run: &Run<'_>) -> Option<(String, Plot)> {
    let objectives = run.experiment.objectives().ok()?;
    let x = second(&objectives)?;
    let name = super::words(x);
    let quality = run.experiment.searched().name();
    let mut plot = ParetoPlot::new(format!("{}: {quality} and {name}", run.name()));
    plot.quality = quality.to_owned();
    plot.subtitle = subtitle(run, &objectives, x);
    plot.quantity = Quantity {
        title: x.about.to_owned(),
        unit: x.unit.to_owned(),
        whole: x.whole,
    };
    // A marker a scheme, where the search had several.
    let space = run.experiment.space().ok()?;
    let series = |trial: usize| match space.schemes().len() {
        0 | 1 => String::new(),
        _ => space.scheme(&run.trials[trial].architecture).to_string(),
    };
    let measured = |point: &Point| {
        let latency_ms = measured_ms(run, point.trial).filter(|_| x.timed)?;
        let timed = Point {
            latency_ms,
            ..*point
        };
        Some(objectives.value(x, &timed))
    };
    let points = run.trials.iter().filter_map(Point::of);
    plot.points = points
        .map(|point| ParetoPoint {
            trial: point.trial as u64,
            x: objectives.value(x, &point),
            accuracy: point.accuracy,
            depth: point.depth as u32,
            stopped: run.trials[point.trial].is_stopped(),
            on_front: run.front.iter().any(|m| m.trial == point.trial),
            chosen: run.is_chosen(point.trial),
            baseline: run.is_baseline(point.trial),
            measured_x: measured(&point),
            series: series(point.trial),
        })
        .collect();
    let hollow = match plot.points.iter().any(|p| p.measured_x.is_some()) {
        true => "; hollow marks are measured",
        false => "",
    };
    let early = match plot.points.iter().any(|p| p.stopped) {
        true => "; small hollow marks were stopped early",
        false => "",
    };
    let quality = run.experiment.searched().heading();
    let shows = format!("{quality} against {name} of all trained networks{hollow}{early}");
    (!plot.points.is_empty()).then_some((shows, Plot::Pareto(plot)))
}
