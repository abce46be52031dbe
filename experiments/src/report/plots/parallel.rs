//! Choices beside what came of them: an axis a choice, then latency and accuracy, a line a trained network.

use std::collections::BTreeSet;

use hemet_reports::{ParallelAxis, ParallelLine, ParallelPlot, Scale, number};
use hemet_search::trial::Point;
use hemet_search::{Seed, Trial};

use super::Plot;
use crate::common;
use crate::report::Run;
use crate::report::choices::Trained;

/// Axes of choices; latency and accuracy come after them.
const MOST_CHOICES: usize = 6;
/// More lines than these say nothing.
const MOST_LINES: usize = 150;

/// The plot and what it shows; none of fewer than two trained networks.
pub fn plot(run: &Run<'_>) -> Option<(String, Plot)> {
    let trained = Trained::of(run).filter(|trained| trained.trials.len() > 1)?;
    let genes = important(&trained, run);
    let words: Vec<Vec<String>> = genes.iter().map(|gene| seen(&trained, *gene)).collect();
    let quality = run.experiment.searched().name();
    let choices = genes.iter().zip(&words).map(|(gene, words)| ParallelAxis {
        name: trained.genes[*gene].name.clone(),
        scale: Scale::Words(words.clone()),
    });
    let figures = [
        "predicted latency (ms)".to_owned(),
        format!("{quality} (%)"),
    ];
    let figures = figures.map(|name| ParallelAxis {
        name,
        scale: Scale::Numbers,
    });
    // The best, where there are too many.
    let mut shown: Vec<_> = trained.trials.iter().collect();
    shown.sort_by(|a, b| b.1.accuracy.total_cmp(&a.1.accuracy));
    shown.truncate(MOST_LINES);
    let (best, worst) = (shown.first()?.1.accuracy, shown.last()?.1.accuracy);
    let span = if best > worst { best - worst } else { 1.0 };
    let line = |(trial, point): &(&Trial, Point)| {
        let place = |(axis, gene): (usize, &usize)| {
            let word = trained.word(*gene, trial);
            let place = words[axis].iter().position(|known| known == word);
            place.unwrap_or(0) as f64
        };
        let mut values: Vec<f64> = genes.iter().enumerate().map(place).collect();
        values.extend([point.latency_ms, 100.0 * point.accuracy]);
        ParallelLine {
            trial: trial.number as u64,
            values,
            share: (point.accuracy - worst) / span,
            marked: run.is_chosen(trial.number),
            hint: format!(
                "#{}: {} at {} ms",
                trial.number,
                common::percent(point.accuracy),
                number::milliseconds(point.latency_ms)
            ),
        }
    };
    let plot = ParallelPlot {
        title: format!("{}: choices and what came of them", run.name()),
        subtitle: subtitle(run, quality),
        axes: choices.chain(figures).collect(),
        lines: shown.into_iter().map(line).collect(),
    };
    let of = match trained.trials.len() {
        all if all > MOST_LINES => format!(" (the best {MOST_LINES} of {all})"),
        _all => String::new(),
    };
    let shows = format!("The choices of each trained network with its latency and {quality}{of}");
    Some((shows, Plot::Parallel(plot)))
}

fn subtitle(run: &Run<'_>, quality: &str) -> String {
    let chosen = run.best().map_or(String::new(), |best| {
        format!("; #{}, the chosen one, thick", best.trial)
    });
    format!("a line a trained network, dark ones with a high {quality}{chosen}")
}

/// The words of a gene that trials have, in order.
fn seen(trained: &Trained<'_>, gene: usize) -> Vec<String> {
    let words = trained
        .trials
        .iter()
        .map(|(trial, _)| trained.word(gene, trial).to_owned());
    words.collect::<BTreeSet<String>>().into_iter().collect()
}

/// The genes to show, in the order of the space: the most important for accuracy and latency where there are many.
fn important(trained: &Trained<'_>, run: &Run<'_>) -> Vec<usize> {
    let seed = Seed::new(run.experiment.seed);
    let mut weight = vec![0.0; trained.genes.len()];
    for figure in [|p: &Point| p.accuracy, |p: &Point| p.latency_ms] {
        if let Some(importances) = trained.importances(figure, seed) {
            for (weight, share) in weight.iter_mut().zip(importances.shares) {
                *weight += share;
            }
        }
    }
    let mut order: Vec<usize> = (0..weight.len()).collect();
    order.sort_by(|a, b| weight[*b].total_cmp(&weight[*a]).then(a.cmp(b)));
    order.truncate(MOST_CHOICES);
    order.sort_unstable();
    order
}
