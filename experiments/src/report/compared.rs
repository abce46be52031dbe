//! Several runs side by side: their fronts in one plot, how fast each found its front, the figures of their chosen
//! networks with the differences to those of the first, and the spread over all.

use std::path::{Path, PathBuf};

use hemet_reports::{
    Cell, Column, Curve, LinePlot, ParetoPlot, ParetoPoint, Report, Table, number,
};
use hemet_search::Trial;
use hemet_search::hypervolume::HypervolumeCurve;
use hemet_search::objective::Objectives;
use hemet_search::pareto::ParetoFront;
use serde::Serialize;

use super::plots::{Drawn, Plot};
use crate::common;
use crate::error::Error;
use crate::experiment::Experiment;
use crate::run::accuracy::Gain;
use crate::run::folder::RunFolder;
use crate::run::summary::{Best, Summary};

/// One of the runs.
pub struct Compared {
    name: String,
    folder: RunFolder,
    experiment: Experiment,
    summary: Option<Summary>,
    trials: Vec<Trial>,
}

/// Mean and spread of a figure over runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Runs that have it.
    pub runs: usize,
    /// Mean.
    pub mean: f64,
    /// Standard deviation of a run, with one less than the runs below the line; 0 of a single one.
    pub deviation: f64,
    /// Least.
    pub least: f64,
    /// Greatest.
    pub greatest: f64,
}

impl Spread {
    /// Of these figures; none of nothing.
    pub fn of(figures: &[f64]) -> Option<Self> {
        let runs = figures.len();
        let mean = figures.iter().sum::<f64>() / runs.max(1) as f64;
        let square: f64 = figures.iter().map(|figure| (figure - mean).powi(2)).sum();
        (runs > 0).then(|| Self {
            runs,
            mean,
            deviation: (square / runs.saturating_sub(1).max(1) as f64).sqrt(),
            least: figures.iter().copied().fold(f64::INFINITY, f64::min),
            greatest: figures.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        })
    }
}

impl Compared {
    /// Reads a run folder.
    ///
    /// # Errors
    /// Files that cannot be read; a run in which no trial has ended.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let folder = RunFolder::open(path)?;
        let experiment = folder.experiment()?;
        let summary = folder.summary()?;
        let trials = folder.trials(&experiment, summary.as_ref())?;
        if trials.is_empty() {
            return Err(Error::file(path, "no trial has ended yet; wait for one"));
        }
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        Ok(Self {
            name: name.unwrap_or_else(|| experiment.name.clone()),
            folder,
            experiment,
            summary,
            trials,
        })
    }

    fn best(&self) -> Option<&Best> {
        self.summary.as_ref().map(|summary| &summary.best)
    }
}

/// The files that a comparison writes, in `folder`.
const PAGE: &str = "compared.html";

/// Compares runs: writes `compared.html`, `compared.md`, its table and pictures into `folder`, and gives the path of
/// the page.
///
/// # Errors
/// Fewer than two runs; runs of other data sets or objectives; files that cannot be written.
pub fn write(runs: &[Compared], folder: &Path) -> Result<PathBuf, Error> {
    let objectives = check(runs)?;
    let table = figures(runs, &objectives)?;
    let mut pictures = vec![Drawn::of(
        "compared-fronts",
        "The front of each run",
        fronts(runs, &objectives),
    )?];
    if let Some(plot) = volumes(runs, &objectives) {
        let shows = "What share of the space of the objectives each front dominated after each trial, up to the same values";
        pictures.push(Drawn::of("compared-hypervolume", shows, plot)?);
    }
    let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).collect();
    let mut page = Report::new(format!("{} compared", names.join(", ")))
        .paragraph(format!(
            "{} runs on {}. Trials, accuracies and latencies are those of each run; a measured latency depends on the machine and \
             on what else it did.",
            runs.len(),
            runs[0].experiment.data.set
        ))
        .pictures(pictures.iter().map(Drawn::picture).collect::<Vec<_>>())
        .heading("The chosen networks")
        .table("", table.clone());
    let differences = differences(runs);
    if !differences.is_empty() {
        page = page
            .heading(format!("Against {}", runs[0].name))
            .facts(differences);
    }
    let spread = spread(runs);
    if !spread.is_empty() {
        page = page.heading("Spread over the runs").facts(spread);
    }
    let root = &runs[0].folder;
    let write = |name: &str, bytes: &[u8]| root.write(&folder.join(name), bytes);
    for drawn in &pictures {
        write(&format!("{}.svg", drawn.name), drawn.svg.as_bytes())?;
        write(&format!("{}.png", drawn.name), &drawn.png()?)?;
    }
    write("compared.csv", table.csv().as_bytes())?;
    write("compared.md", page.markdown().as_bytes())?;
    write(PAGE, page.html()?.as_bytes())?;
    Ok(folder.join(PAGE))
}

/// What all runs optimize.
fn check(runs: &[Compared]) -> Result<Objectives, Error> {
    let [first, others @ ..] = runs else {
        return Err(Error::user("name two runs to compare, or more"));
    };
    for other in others {
        for (what, own, theirs) in [
            (
                "data set",
                &first.experiment.data.set,
                &other.experiment.data.set,
            ),
            (
                "objectives",
                &first.experiment.objectives.join(", "),
                &other.experiment.objectives.join(", "),
            ),
        ] {
            if own != theirs {
                return Err(Error::file(
                    &other.folder.root,
                    format!(
                        "its {what} is {theirs}, that of {} is {own}; only runs of the same can be compared",
                        first.name
                    ),
                ));
            }
        }
    }
    first.experiment.objectives()
}

/// A row a run.
fn figures(runs: &[Compared], objectives: &Objectives) -> Result<Table, Error> {
    let quality = runs[0].experiment.quality().name();
    let mut table = Table::new([
        Column::words("run", "run"),
        Column::numbers("seed", "seed", ""),
        Column::words("strategy", "strategy"),
        Column::numbers("trials", "trials", ""),
        Column::numbers("hypervolume", "hypervolume", "%"),
        Column::numbers("chosen", "chosen trial", ""),
        Column::numbers("encrypted_accuracy", format!("{quality}, encrypted"), "%"),
        Column::numbers("interval_low", "from", "%"),
        Column::numbers("interval_high", "to", "%"),
        Column::numbers("encrypted_images", "images", ""),
        Column::numbers(
            "test_accuracy",
            format!("{quality}, whole test set in the clear"),
            "%",
        ),
        Column::numbers("measured_latency_ms", "measured latency", "ms"),
        Column::numbers("depth", "depth", "levels"),
        Column::numbers("evaluation_key_mb", "keys", "MB"),
        Column::numbers("minutes", "search", "min"),
    ]);
    let curves = curves(runs, objectives);
    for (index, run) in runs.iter().enumerate() {
        let share = curves
            .as_ref()
            .and_then(|curves| curves[index].shares.last());
        let best = run.best();
        let of = |cell: &dyn Fn(&Best) -> Cell| best.map_or(Cell::Missing, cell);
        table.push([
            Cell::from(run.name.as_str()),
            Cell::Whole(run.experiment.seed as i64),
            Cell::from(run.experiment.search.strategy.as_str()),
            Cell::Whole(run.trials.len() as i64),
            share.map_or(Cell::Missing, |share| Cell::Fraction(*share)),
            of(&|best| Cell::Whole(best.trial as i64)),
            of(&|best| Cell::Fraction(best.encrypted_accuracy)),
            of(&|best| Cell::Fraction(best.encrypted().interval().low)),
            of(&|best| Cell::Fraction(best.encrypted().interval().high)),
            of(&|best| Cell::Whole(best.encrypted_images as i64)),
            of(&|best| Cell::Fraction(best.test_accuracy)),
            of(&|best| Cell::Milliseconds(best.measured_latency_ms)),
            of(&|best| Cell::Whole(best.depth as i64)),
            of(&|best| Cell::Number(best.evaluation_key_bytes as f64 / 1e6, 3)),
            match &run.summary {
                Some(summary) => Cell::Number(summary.seconds / 60.0, 3),
                None => Cell::Missing,
            },
        ])?;
    }
    Ok(table)
}

fn curves(runs: &[Compared], objectives: &Objectives) -> Option<Vec<HypervolumeCurve>> {
    let trials: Vec<&[Trial]> = runs.iter().map(|run| run.trials.as_slice()).collect();
    HypervolumeCurve::of_all(&trials, objectives)
}

/// The members of the fronts over latency, a marker a run.
fn fronts(runs: &[Compared], objectives: &Objectives) -> Plot {
    let quality = runs[0].experiment.searched().name();
    let mut plot = ParetoPlot::new(format!("The fronts of {} runs", runs.len()));
    plot.subtitle =
        format!("validation {quality} and predicted latency; the line joins the best of all runs");
    plot.quality = quality.to_owned();
    plot.series_title = "Run".into();
    for run in runs {
        let chosen = run.best().map(|best| best.trial);
        let members = ParetoFront::of(&run.trials, objectives);
        plot.points.extend(members.members().iter().map(|point| {
            ParetoPoint {
                trial: point.trial as u64,
                x: point.latency_ms,
                accuracy: point.accuracy,
                depth: point.depth as u32,
                stopped: false,
                on_front: true,
                // One ring says nothing among several chosen ones.
                chosen: false,
                baseline: false,
                measured_x: run
                    .best()
                    .filter(|_| chosen == Some(point.trial))
                    .map(|best| best.measured_latency_ms),
                series: run.name.clone(),
            }
        }));
    }
    Plot::Pareto(plot)
}

fn volumes(runs: &[Compared], objectives: &Objectives) -> Option<Plot> {
    let curves = curves(runs, objectives)?;
    let mut plot = LinePlot::new("Hypervolume over trials", "trials", "hypervolume (%)");
    plot.linear = true;
    for (run, curve) in runs.iter().zip(curves) {
        let places = curve.shares.iter().enumerate();
        plot.curves.push(Curve {
            name: run.name.clone(),
            places: places
                .map(|(trial, share)| (trial as f64 + 1.0, 100.0 * share))
                .collect(),
        });
    }
    Some(Plot::Lines(plot))
}

/// What each chosen network gains on the first, with intervals where they are known.
fn differences(runs: &[Compared]) -> Vec<(String, String)> {
    let Some(first) = runs[0].best() else {
        return Vec::new();
    };
    let told = |run: &Compared| {
        let best = run.best()?;
        let gain = Gain::of(best.encrypted(), first.encrypted());
        let ratio = best.measured_latency_ms / first.measured_latency_ms;
        let told = format!(
            "{} {gain}, encrypted; latency {} times ({} against {} ms)",
            best.quality.name(),
            number::significant(ratio, 3),
            number::milliseconds(best.measured_latency_ms),
            number::milliseconds(first.measured_latency_ms),
        );
        Some((run.name.clone(), told))
    };
    runs[1..].iter().filter_map(told).collect()
}

/// Mean, deviation and range of what the chosen networks have.
fn spread(runs: &[Compared]) -> Vec<(String, String)> {
    let quality = runs[0].experiment.quality().name();
    let figures = |figure: fn(&Best) -> f64| -> Vec<f64> {
        let best = runs.iter().filter_map(Compared::best);
        best.map(figure).collect()
    };
    let percent = |spread: Spread| {
        let [mean, least, greatest] =
            [spread.mean, spread.least, spread.greatest].map(common::percent);
        let points = 100.0 * spread.deviation;
        format!("{mean} ± {points:.2} points ({least} to {greatest})")
    };
    let ms = |spread: Spread| {
        let shown = [spread.mean, spread.deviation, spread.least, spread.greatest];
        let [mean, deviation, least, greatest] = shown.map(number::milliseconds);
        format!("{mean} ± {deviation} ms ({least} to {greatest} ms)")
    };
    let row = |name: String, figures: Vec<f64>, said: &dyn Fn(Spread) -> String| {
        let spread = Spread::of(&figures).filter(|spread| spread.runs > 1)?;
        Some((name, said(spread)))
    };
    let encrypted = figures(|best| best.encrypted_accuracy);
    let clear = figures(|best| best.test_accuracy);
    let latency = figures(|best| best.measured_latency_ms);
    let whole = format!("{quality}, whole test set in the clear");
    let rows = [
        row(format!("{quality}, encrypted"), encrypted, &percent),
        row(whole, clear, &percent),
        row("measured latency".into(), latency, &ms),
    ];
    rows.into_iter().flatten().collect()
}

/// What a comparison prints: the spread, and where to look.
pub fn told(runs: &[Compared], page: &Path) -> String {
    let lines = spread(runs)
        .into_iter()
        .map(|(name, value)| format!("{name}: {value}"));
    let lines: Vec<String> = lines
        .chain([format!("compared  {}", page.display())])
        .collect();
    lines.join("\n")
}

/// The figures of the runs for scripts.
pub fn json(runs: &[Compared], page: &Path) -> serde_json::Value {
    let figures = |figure: fn(&Best) -> f64| {
        let best = runs.iter().filter_map(Compared::best);
        Spread::of(&best.map(figure).collect::<Vec<f64>>())
    };
    let run = |run: &Compared| {
        serde_json::json!({
            "run": run.folder.root,
            "seed": run.experiment.seed,
            "trials": run.trials.len(),
            "best": run.best(),
        })
    };
    serde_json::json!({
        "page": page,
        "runs": runs.iter().map(run).collect::<Vec<_>>(),
        "encrypted_accuracy": figures(|best| best.encrypted_accuracy),
        "test_accuracy": figures(|best| best.test_accuracy),
        "measured_latency_ms": figures(|best| best.measured_latency_ms),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_is_that_of_single_runs() {
        let spread = Spread::of(&[1.0, 2.0, 3.0]).expect("three");
        assert_eq!(
            (spread.mean, spread.deviation, spread.least, spread.greatest),
            (2.0, 1.0, 1.0, 3.0)
        );
        assert_eq!(Spread::of(&[5.0]).map(|spread| spread.deviation), Some(0.0));
        assert_eq!(Spread::of(&[]), None);
    }
}
