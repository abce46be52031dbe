//! When each trial ran, those that ran side by side below each other.

use hemet_reports::{Ended, Span, Timeline, number};

use super::Plot;
use crate::common;
use crate::report::Run;
use crate::run::times;

/// The plot and what it shows; none of a run from before times were kept.
pub fn plot(run: &Run<'_>) -> Option<(String, Plot)> {
    let times = times::read(run.folder);
    let spans: Vec<Span> = (run.trials.iter())
        .filter_map(|trial| Some((trial, times.get(&trial.number)?)))
        .map(|(trial, time)| {
            let accuracy = trial
                .outcome
                .accuracy()
                .map_or("no accuracy".into(), common::percent);
            let took = number::duration(time.end_s - time.begin_s);
            Span {
                trial: trial.number as u64,
                begin_s: time.begin_s,
                end_s: time.end_s,
                ended: match trial.outcome.accuracy() {
                    None => Ended::Failed,
                    Some(_) if trial.is_stopped() => Ended::Stopped,
                    Some(_) => Ended::Whole,
                },
                hint: format!(
                    "#{}: {accuracy} after {took}, {}",
                    trial.number,
                    trial.state()
                ),
            }
        })
        .take(hemet_reports::timeline::MAX_SPANS)
        .collect();
    let busy: f64 = spans.iter().map(|span| span.end_s - span.begin_s).sum();
    let plot = Timeline {
        title: format!("{}: trials over time", run.name()),
        subtitle: format!(
            "{} of training in all; a row a place that trains one trial after the other",
            number::duration(busy)
        ),
        spans,
    };
    let shows = "When each trial was trained, and which ran side by side".to_owned();
    (!plot.spans.is_empty()).then_some((shows, Plot::Timeline(plot)))
}
