//! What the report says of one member of the front: its architecture, its curves, its layers and what they cost.

use hemet_reports::{GraphDiagram, Table};
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
        let costs = run.costs.scheme(space.scheme(&trial.architecture))?;
        let (parameters, layers) = costs.told(&graph, trial.cost.as_ref())?;
        let layers = layers.map(|table| (file(found, "layers"), table));
        let title = format!("{}: architecture of trial #{}", run.name(), found.trial);
        let mut member = Self {
            found,
            pictures: vec![member_graph(found, &architecture::diagram(title, &graph))?],
            tables: layers.into_iter().collect(),
            parameters,
        };
        let folder = run.folder.study()?;
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
        let quality = run.experiment.quality();
        for (name, plot) in curves::plots(&title, quality, &epochs) {
            let shown = match name {
                "accuracy" => quality.name(),
                other => other,
            };
            let shows = format!("Trial #{}: {shown} over epochs", self.found.trial);
            let drawn = Drawn::of(file(self.found, name), shows, &Plot::Lines(plot))?;
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

fn member_graph(found: &summary::Member, diagram: &GraphDiagram) -> hemet_reports::Result<Drawn> {
    Ok(Drawn {
        name: file(found, "architecture"),
        shows: format!(
            "Trial #{}: its layers and the shapes of their results",
            found.trial
        ),
        svg: diagram.svg()?,
        png: diagram.png()?,
    })
}
