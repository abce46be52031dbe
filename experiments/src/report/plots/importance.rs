//! How much each choice matters for accuracy and for latency.

use hemet_reports::{Bar, BarPlot};
use hemet_search::Seed;

use super::Plot;
use crate::report::Run;
use crate::report::choices::Trained;

/// Choices that are shown; more say little.
const MOST: usize = 16;
/// Below this share of the variance a forest says nothing.
const LEAST_EXPLAINED: f64 = 0.05;

/// The plot and what it shows; none of too few trials, or where nothing is explained.
pub fn plot(run: &Run<'_>) -> Option<(String, Plot)> {
    let trained = Trained::of(run)?;
    let seed = Seed::new(run.experiment.seed);
    let quality = run.experiment.searched().name();
    let accuracy = trained.importances(|point| point.accuracy, seed);
    let latency = trained.importances(|point| point.latency_ms, seed);
    let found = [(quality, accuracy), ("predicted latency", latency)];
    let found: Vec<_> = found
        .into_iter()
        .filter_map(|(name, found)| Some((name, found?)))
        .filter(|(_, found)| found.explained >= LEAST_EXPLAINED)
        .collect();
    if found.is_empty() {
        return None;
    }
    let mut bars: Vec<Bar> = (trained.genes.iter().enumerate())
        .map(|(index, gene)| {
            let values: Vec<f64> = found
                .iter()
                .map(|(_, found)| 100.0 * found.shares[index])
                .collect();
            let words: Vec<String> = values.iter().map(|value| format!("{value:.0}")).collect();
            Bar {
                name: gene.name.clone(),
                values,
                word: format!("{} %", words.join(", ")),
            }
        })
        .collect();
    let sum = |bar: &Bar| bar.values.iter().sum::<f64>();
    bars.sort_by(|a, b| sum(b).total_cmp(&sum(a)));
    bars.truncate(MOST);
    let explained: Vec<String> = found
        .iter()
        .map(|(name, found)| {
            format!(
                "{:.0} % of the differences in {name}",
                100.0 * found.explained
            )
        })
        .collect();
    let plot = BarPlot {
        title: format!("{}: what matters", run.name()),
        subtitle: format!(
            "by how much worse a forest predicts trials that it did not see with this choice shuffled; it explains {}",
            explained.join(", ")
        ),
        x_title: "importance (% of all choices)".into(),
        kinds: found.iter().map(|(name, _)| (*name).to_owned()).collect(),
        bars,
    };
    let shows = format!(
        "How important each choice was, over {} trained networks",
        trained.trials.len()
    );
    Some((shows, Plot::Bars(plot)))
}
