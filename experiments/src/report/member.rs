//! What the report says of one member of the front: its architecture, its curves, its layers and what they cost.

use hemet_reports::{Bar, BarPlot, Cell, GraphDiagram, Table, bars, number};
use hemet_search::train::EpochReport;

use super::plots::{Drawn, Plot};
use super::{Run, architecture};
use crate::error::Error;
use crate::run::curves;
use crate::run::summary;

/// A member of the front with its pictures and tables.
pub struct Member<'a> {
    /// What the summary says of it.
    pub found: &'a summary::Member,
    /// Its parameters in a line, as the search predicted them.
    pub parameters: String,
    /// Architecture first, then accuracy and loss over epochs, where they were kept.
    pub pictures: Vec<Drawn>,
    /// Tables with the names of their files: layers, and what each epoch gave.
    pub tables: Vec<(String, Table)>,
}

impl<'a> Member<'a> {
    /// Gathers and draws.
    ///
    /// # Errors
    /// A curve that is damaged, a network that this version cannot compile.
    pub fn of(run: &Run<'a>, found: &'a summary::Member) -> Result<Self, Error> {
        let trial = run.trials.get(found.trial).ok_or_else(|| {
            Error::file(
                &run.folder.summary_path(),
                format!(
                    "its front names trial {}, journal.jsonl has {} trials",
                    found.trial,
                    run.trials.len()
                ),
            )
        })?;
        let space = run.experiment.space()?;
        let graph = space.graph(&trial.architecture)?;
        let placement = space.placement(&trial.architecture);
        let costs = run.costs.scheme(placement.scheme)?;
        let (parameters, layers) =
            costs.told(&graph, placement.device_layers, trial.cost.as_ref())?;
        let costs = layers.as_ref().map(|table| layer_plots(run, found, table));
        let costs = costs.transpose()?.unwrap_or_default();
        let layers = layers.map(|table| (file(found, "layers"), table));
        let title = format!("{}: architecture of trial #{}", run.name(), found.trial);
        let mut member = Self {
            found,
            pictures: vec![member_graph(found, architecture::diagram(title, &graph))?],
            tables: layers.into_iter().collect(),
            parameters,
        };
        let folder = run.folder.study()?;
        member.pictures.extend(costs);
        if let Some(epochs) = folder.read_curve(found.trial)? {
            member.add_curves(run, &epochs)?;
        }
        Ok(member)
    }

    fn add_curves(&mut self, run: &Run<'_>, epochs: &[EpochReport]) -> hemet_reports::Result<()> {
        let mut epochs = epochs.to_vec();
        if let Some(last) = epochs.last_mut() {
            // What the search measured at the end, where it did not within the training.
            last.validation_accuracy
                .get_or_insert(self.found.validation_accuracy);
        }
        let title = format!("{}: trial #{}", run.name(), self.found.trial);
        let quality = run.experiment.searched();
        for (name, plot) in curves::plots(&title, quality, &epochs) {
            let shown = match name {
                "accuracy" => quality.name(),
                other => other,
            };
            let shows = format!("Trial #{}: {shown} over epochs", self.found.trial);
            let drawn = Drawn::of(file(self.found, name), shows, Plot::Lines(plot))?;
            self.pictures.push(drawn);
        }
        let table = curves::table(&epochs, quality)?;
        self.tables.push((file(self.found, "epochs"), table));
        Ok(())
    }
}

/// Name of a file about a member, without its extension.
fn file(found: &summary::Member, name: &str) -> String {
    format!("trial-{:04}-{name}", found.trial)
}

/// The numbers of a column of a table of layers, but not of its last row, the total; those that are missing are 0.
fn numbers(table: &Table, key: &str) -> Vec<f64> {
    let place = table.columns().iter().position(|column| column.key == key);
    let value = |row: &Vec<Cell>| match place.and_then(|place| row.get(place)) {
        Some(Cell::Milliseconds(value) | Cell::Fraction(value) | Cell::Number(value, _)) => *value,
        Some(Cell::Whole(value)) => *value as f64,
        Some(Cell::Text(_) | Cell::Flag(_) | Cell::Missing) | None => 0.0,
    };
    let rows = table.rows();
    rows[..rows.len().saturating_sub(1)]
        .iter()
        .map(value)
        .collect()
}

/// Time, memory and levels layer by layer, and what is left of the modulus after each.
fn layer_plots(
    run: &Run<'_>,
    found: &summary::Member,
    table: &Table,
) -> hemet_reports::Result<Vec<Drawn>> {
    let names = table.rows().iter().map(|row| match row.first() {
        Some(Cell::Text(name)) => name.clone(),
        Some(_) | None => String::new(),
    });
    let names: Vec<String> = names.take(table.rows().len().saturating_sub(1)).collect();
    if names.is_empty() || names.len() > bars::MAX_ROWS {
        return Ok(Vec::new());
    }
    let [ms, mb, left] = ["predicted_ms", "result_mb", "left_bits"].map(|key| numbers(table, key));
    let [from, to] = ["from_level", "to_level"].map(|key| numbers(table, key));
    let rows = |values: &[f64], word: &dyn Fn(usize) -> String| -> Vec<Bar> {
        let bar = |(index, name): (usize, &String)| Bar {
            name: name.clone(),
            values: vec![values[index]],
            word: word(index),
        };
        names.iter().enumerate().map(bar).collect()
    };
    let plot = |title: &str, subtitle: &str, x_title: &str, bars: Vec<Bar>| BarPlot {
        title: format!("{}: trial #{}, {title}", run.name(), found.trial),
        subtitle: subtitle.into(),
        x_title: x_title.into(),
        kinds: vec![String::new()],
        bars,
    };
    let time = plot(
        "latency layer by layer",
        "predicted, one thread; behind each bar the time, the memory of the result and the levels",
        "predicted time (ms)",
        rows(&ms, &|i| {
            format!(
                "{} ms, {:.2} MB, {}→{}",
                number::milliseconds(ms[i]),
                mb[i],
                from[i],
                to[i]
            )
        }),
    );
    let budget = plot(
        "noise budget layer by layer",
        "bits of the modulus that are left above the scale of the layer's result, for later layers and the numbers themselves",
        "modulus left (bits)",
        rows(&left, &|i| format!("{:.0} bits, level {}", left[i], to[i])),
    );
    let drawn = |name, shows: &str, plot| {
        let shows = format!("Trial #{}: {shows}", found.trial);
        Drawn::of(file(found, name), shows, Plot::Bars(plot))
    };
    Ok(vec![
        drawn("latency", "where the time goes", time)?,
        drawn("budget", "how the noise budget is spent", budget)?,
    ])
}

fn member_graph(found: &summary::Member, diagram: GraphDiagram) -> hemet_reports::Result<Drawn> {
    let shows = format!(
        "Trial #{}: its layers and the shapes of their results",
        found.trial
    );
    Drawn::graph(file(found, "architecture"), shows, diagram)
}
