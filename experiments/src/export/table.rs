//! All that a journal holds, as a table: a row a trial, a column for each gene of the space.

use hemet_reports::{Cell, Column, Table};

use super::Exported;
use crate::error::Error;

/// The table.
///
/// # Errors
/// An experiment without a space; a number that is not finite.
pub fn table(study: &Exported<'_>) -> Result<Table, Error> {
    let genes = study.experiment.space()?.genes();
    let number = |key: &str| Column::numbers(key, key, "");
    let word = |key: &str| Column::words(key, key);
    let mut columns = vec![
        number("trial"),
        word("outcome"),
        word("reason"),
        number("accuracy"),
        number("predicted_latency_ms"),
        number("depth"),
        number("log_n"),
        number("log_qp_bits"),
        number("evaluation_key_bytes"),
        word("state"),
        number("stopped_at_epoch"),
        word("architecture"),
    ];
    columns.extend(
        genes
            .iter()
            .map(|gene| word(&format!("gene.{}", gene.name))),
    );
    let mut table = Table::new(columns);
    for trial in study.trials {
        let cost = trial.cost.as_ref();
        let whole = |value: Option<u64>| value.map_or(Cell::Missing, |v| Cell::Whole(v as i64));
        let full = |value: Option<f64>| value.map_or(Cell::Missing, |v| Cell::Number(v, 6));
        let mut cells = vec![
            Cell::Whole(trial.number as i64),
            Cell::from(trial.outcome.name()),
            trial.outcome.reason().map_or(Cell::Missing, Cell::from),
            full(trial.outcome.accuracy()),
            full(cost.map(|c| c.latency_ms)),
            whole(cost.map(|c| c.depth as u64)),
            whole(cost.map(|c| c.log_n.into())),
            full(cost.map(|c| c.log_qp_bits)),
            whole(cost.map(|c| c.key_bytes)),
            Cell::from(trial.state()),
            whole(trial.stopped_at.map(|epoch| epoch as u64)),
            Cell::from(trial.architecture.text()),
        ];
        let chosen = genes.iter().zip(&trial.architecture.genes);
        cells.extend(chosen.map(|(gene, option)| {
            let label = gene.options.get(usize::from(*option));
            label.map_or(Cell::Missing, |label| Cell::from(label.as_str()))
        }));
        table.push(cells)?;
    }
    Ok(table)
}
