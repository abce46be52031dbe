//! The validation accuracy of all trials over epochs, as far as it was measured; else the training accuracy.

use hemet_reports::{CurveBundle, Strand, number};
use hemet_search::Trial;
use hemet_search::train::EpochReport;

use super::Plot;
use crate::common;
use crate::report::Run;

/// More curves than these hide each other.
const MOST: usize = 120;

/// The curve of a trial, as far as it was measured.
type Curve<'a> = (&'a Trial, Vec<EpochReport>);

/// The plot and what it shows; none of fewer than two curves.
pub fn plot(run: &Run<'_>) -> Option<(String, Plot)> {
    let curves = curves(run)?;
    // Between one measurement and none there is no curve.
    let measured = |(_, epochs): &&Curve<'_>| {
        let known = epochs.iter().filter(|e| e.validation_accuracy.is_some());
        known.count() > 1
    };
    let validated = curves.iter().filter(measured).count() * 2 > curves.len();
    let mut strands: Vec<Strand> = (curves.iter())
        .map(|curve| strand(run, curve, validated))
        .filter(|strand| !strand.places.is_empty())
        .collect();
    let all = strands.len();
    // Members of the front first, then the earliest.
    strands.sort_by_key(|strand| (!strand.marked, strand.trial));
    strands.truncate(MOST);
    let searched = run.experiment.searched();
    let (which, quality) = match validated {
        true => ("validation", searched.name()),
        false if searched.measures_training() => ("training", searched.name()),
        false => ("training", "accuracy"),
    };
    let plot = CurveBundle {
        title: format!("{}: {which} {quality} of all trials", run.name()),
        subtitle: match validated {
            true => String::new(),
            false => format!(
                "validation {} was measured at the end alone",
                searched.name()
            ),
        },
        x_title: "epoch".into(),
        y_title: format!("{which} {quality} (%)"),
        marked: "on the front".into(),
        strands,
    };
    let of = match all > MOST {
        true => format!(" ({MOST} of {all})"),
        false => String::new(),
    };
    let shows = format!("The curves of all trials{of}, those of the front thick");
    (all > 1).then_some((shows, Plot::Bundle(plot)))
}

/// The curves that were kept; none of fewer than two.
fn curves<'a>(run: &Run<'a>) -> Option<Vec<Curve<'a>>> {
    let folder = run.folder.study().ok()?;
    let read = |trial: usize| {
        let epochs = folder.read_curve(trial).ok().flatten();
        epochs.filter(|epochs| !epochs.is_empty())
    };
    let curves: Vec<Curve<'a>> = (run.trials.iter())
        .filter_map(|trial| Some((trial, read(trial.number)?)))
        .collect();
    (curves.len() > 1).then_some(curves)
}

fn strand(run: &Run<'_>, (trial, epochs): &Curve<'_>, validated: bool) -> Strand {
    let value = |e: &EpochReport| match validated {
        true => e.validation_accuracy,
        false => Some(e.training_accuracy),
    };
    let places = epochs
        .iter()
        .filter_map(|e| Some((e.epoch as f64, 100.0 * value(e)?)));
    let accuracy = trial.outcome.accuracy();
    let accuracy = accuracy.map_or("no accuracy".into(), common::percent);
    let latency = trial.cost.as_ref().map_or(String::new(), |cost| {
        format!(" at {} ms", number::milliseconds(cost.latency_ms))
    });
    Strand {
        trial: trial.number as u64,
        places: places.collect(),
        marked: run.front.iter().any(|member| member.trial == trial.number),
        stopped: trial.is_stopped(),
        hint: format!("#{}: {accuracy}{latency}, {}", trial.number, trial.state()),
    }
}
