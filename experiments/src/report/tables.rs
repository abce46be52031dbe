//! The tables of a report.

use hemet_reports::{Cell, Column, Result, Table};
use hemet_search::{Trial, constraint};

use super::Run;
use crate::run::accuracy::Quality;

/// The front, fastest first; with what a thousand predictions cost where there is a price of an hour of one core, and
/// with the size of the keys where it is optimized.
pub fn front(run: &Run<'_>) -> Result<Table> {
    let (experiment, trials) = (run.experiment, run.trials);
    let price = experiment.constraints.price_per_core_hour;
    let quality = experiment.searched().name();
    let with_keys = experiment.objectives.iter().any(|name| name == "key_size");
    let mut columns = vec![
        Column::numbers("trial", "trial", ""),
        Column::words("architecture", "architecture"),
        Column::numbers("depth", "depth", "levels"),
        Column::numbers("validation_accuracy", format!("validation {quality}"), "%"),
        Column::numbers("predicted_latency_ms", "predicted latency", "ms"),
        Column::numbers("measured_latency_ms", "measured latency", "ms"),
        Column::words("chosen", "chosen"),
    ];
    if price.is_some() {
        let heading = "predicted cost of 1000";
        columns.push(Column::numbers("predicted_cost_per_1000", heading, ""));
    }
    if with_keys {
        columns.push(Column::numbers("evaluation_key_mb", "keys", "MB"));
    }
    let mut table = Table::new(columns);
    for member in run.front {
        let mut cells = vec![
            Cell::Whole(member.trial as i64),
            Cell::from(member.architecture.as_str()),
            Cell::Whole(member.depth as i64),
            Cell::Fraction(member.validation_accuracy),
            Cell::Milliseconds(member.predicted_latency_ms),
            member
                .measured_latency_ms
                .map_or(Cell::Missing, Cell::Milliseconds),
            Cell::Flag(run.is_chosen(member.trial)),
        ];
        let cost = |price| constraint::cost_per_1000(member.predicted_latency_ms, price);
        cells.extend(price.map(|price| Cell::Number(cost(price), 3)));
        if with_keys {
            let cost = trials.get(member.trial).and_then(|t| t.cost.as_ref());
            cells.push(cost.map_or(Cell::Missing, |c| Cell::Number(c.key_bytes as f64 / 1e6, 3)));
        }
        table.push(cells)?;
    }
    Ok(table)
}

/// The chosen network and the baseline, one below the other; none where there is no baseline but the chosen network
/// itself.
pub fn against_baseline(run: &Run<'_>) -> Result<Option<Table>> {
    let (Some(chosen), Some(baseline)) = (run.best(), run.baseline()) else {
        return Ok(None);
    };
    if chosen.trial == baseline.trial {
        return Ok(None);
    }
    let (quality, searched) = (
        run.experiment.quality().name(),
        run.experiment.searched().name(),
    );
    let mut table = Table::new([
        Column::words("network", "network"),
        Column::numbers("trial", "trial", ""),
        Column::words("architecture", "architecture"),
        Column::numbers("depth", "depth", "levels"),
        Column::numbers("measured_latency_ms", "measured latency", "ms"),
        Column::numbers("predicted_latency_ms", "predicted latency", "ms"),
        Column::numbers("encrypted_accuracy", format!("{quality}, encrypted"), "%"),
        Column::numbers(
            "test_accuracy",
            format!("{quality}, whole test set in the clear"),
            "%",
        ),
        Column::numbers("validation_accuracy", format!("validation {searched}"), "%"),
        Column::numbers("evaluation_key_mb", "keys", "MB"),
        Column::numbers("input_ciphertext_mb", "encrypted image", "MB"),
    ]);
    for (name, network) in [("chosen", chosen), ("baseline", baseline)] {
        let megabytes = |bytes: usize| Cell::Number(bytes as f64 / 1e6, 3);
        table.push([
            Cell::from(name),
            Cell::Whole(network.trial as i64),
            Cell::from(network.description.as_str()),
            Cell::Whole(network.depth as i64),
            Cell::Milliseconds(network.measured_latency_ms),
            Cell::Milliseconds(network.predicted_latency_ms),
            Cell::Fraction(network.encrypted_accuracy),
            Cell::Fraction(network.test_accuracy),
            Cell::Fraction(network.validation_accuracy),
            megabytes(network.evaluation_key_bytes),
            megabytes(network.input_ciphertext_bytes),
        ])?;
    }
    Ok(Some(table))
}

/// How well the classes are told apart in the encrypted images of the chosen network; none where that was not kept.
pub fn classes(run: &Run<'_>) -> Result<Option<Table>> {
    let Some((best, confusion)) = run
        .best()
        .filter(|best| best.quality.is_accuracy())
        .and_then(|best| Some((best, best.confusion.as_ref()?)))
    else {
        return Ok(None);
    };
    let mut table = Table::new([
        Column::words("class", "class"),
        Column::numbers("images", "images", ""),
        Column::numbers("recall", "recall", "%"),
        Column::numbers("precision", "precision", "%"),
    ]);
    let share = |share: Option<f64>| share.map_or(Cell::Missing, Cell::Fraction);
    for figures in confusion.per_class(&best.classes) {
        table.push([
            Cell::from(figures.class),
            Cell::Whole(figures.images as i64),
            share(figures.recall),
            share(figures.precision),
        ])?;
    }
    Ok(Some(table))
}

/// Classes of which the report shows the whole matrix.
const MATRIX_CLASSES: usize = 20;

/// For which class the encrypted images of each class were taken; none where that was not kept or is too large.
pub fn confusion(run: &Run<'_>) -> Result<Option<Table>> {
    let best = run.best().filter(|best| best.quality.is_accuracy());
    let kept = best.and_then(|best| Some((best, best.confusion.clone()?)));
    let Some((best, confusion)) = kept else {
        return Ok(None);
    };
    let counts: Vec<Vec<usize>> = confusion.into();
    if counts.is_empty() || counts.len() > MATRIX_CLASSES {
        return Ok(None);
    }
    let name = |class: usize| {
        best.classes
            .get(class)
            .cloned()
            .unwrap_or(class.to_string())
    };
    let mut columns = vec![Column::words("class", "true class")];
    columns.extend((0..counts.len()).map(|class| Column::numbers(name(class), name(class), "")));
    let mut table = Table::new(columns);
    for (class, row) in counts.iter().enumerate() {
        let cells = row.iter().map(|count| match count {
            // What is seldom is seen where nothing else stands.
            0 => Cell::Missing,
            count => Cell::Whole(*count as i64),
        });
        let cells = std::iter::once(Cell::from(name(class))).chain(cells);
        table.push(cells.collect::<Vec<Cell>>())?;
    }
    Ok(Some(table))
}

/// All trials, in the order of the search.
pub fn trials(trials: &[Trial], quality: Quality) -> Result<Table> {
    let mut table = Table::new([
        Column::numbers("trial", "trial", ""),
        Column::words("architecture", "architecture"),
        Column::words("outcome", "outcome"),
        Column::words("state", "state"),
        Column::numbers("stopped_at_epoch", "stopped after epoch", ""),
        Column::numbers("accuracy", quality.name(), "%"),
        Column::numbers("depth", "depth", "levels"),
        Column::numbers("predicted_latency_ms", "predicted latency", "ms"),
        Column::numbers("evaluation_key_mb", "keys", "MB"),
        Column::words("reason", "reason"),
    ]);
    for trial in trials {
        let cost = trial.cost.as_ref();
        let missing = || Cell::Missing;
        table.push([
            Cell::Whole(trial.number as i64),
            Cell::from(trial.architecture.text()),
            Cell::from(trial.outcome.name()),
            Cell::from(trial.state()),
            match trial.stopped_at {
                Some(epoch) => Cell::Whole(epoch as i64),
                None => Cell::Missing,
            },
            trial
                .outcome
                .accuracy()
                .map_or_else(missing, Cell::Fraction),
            cost.map_or_else(missing, |c| Cell::Whole(c.depth as i64)),
            cost.map_or_else(missing, |c| Cell::Milliseconds(c.latency_ms)),
            cost.map_or_else(missing, |c| Cell::Number(c.key_bytes as f64 / 1e6, 3)),
            Cell::from(trial.outcome.reason().unwrap_or_default()),
        ])?;
    }
    Ok(table)
}
