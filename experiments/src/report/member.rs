//! What the report says of one member of the front: its architecture, its curves, its layers and what they cost.

use hemet_compiler::Estimate;
use hemet_reports::{GraphDiagram, Table};
use hemet_search::constraint::CostEstimate;
use hemet_search::study;
use hemet_search::train::EpochReport;
use hemet_spaces::Scheme;

use super::plots::{Drawn, Plot};
use super::{Run, architecture, tables};
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
        let graph = space.graph(&trial.architecture).map_err(Error::user)?;
        let estimate = match (space.scheme(&trial.architecture), run.costs) {
            (Scheme::Ckks, Some(costs)) => {
                let options = run.experiment.compile_options()?;
                Some(hemet_compiler::estimate(&graph, &options, costs).map_err(Error::user)?)
            }
            (Scheme::Ckks | Scheme::Tfhe, _) => None,
        };
        let layers = match &estimate {
            Some(estimate) => Some((
                file(found, "layers"),
                tables::layers(estimate).map_err(Error::user)?,
            )),
            None => None,
        };
        let title = format!("{}: architecture of trial #{}", run.name(), found.trial);
        let mut member = Self {
            found,
            pictures: vec![
                member_graph(found, &architecture::diagram(title, &graph)).map_err(Error::user)?,
            ],
            tables: layers.into_iter().collect(),
            parameters: parameters(estimate.as_ref(), trial.cost.as_ref()),
        };
        let folder = study::RunFolder::create(&run.folder.root).map_err(Error::user)?;
        if let Some(epochs) = folder.read_curve(found.trial).map_err(Error::user)? {
            member.add_curves(run, &epochs).map_err(Error::user)?;
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
        for (name, plot) in curves::plots(&title, &epochs) {
            let shows = format!("Trial #{}: {name} over epochs", self.found.trial);
            let drawn = Drawn::of(file(self.found, name), shows, &Plot::Lines(plot))?;
            self.pictures.push(drawn);
        }
        let table = curves::table(&epochs)?;
        self.tables.push((file(self.found, "epochs"), table));
        Ok(())
    }
}

/// The parameters of a member in a line: of CKKS by the compiler's estimate, of TFHE by what the search predicted.
fn parameters(estimate: Option<&Estimate>, cost: Option<&CostEstimate>) -> String {
    match (estimate, cost) {
        (Some(estimate), _) => format!(
            "Ring degree 2^{}, log2(QP) {:.0} bits, {} bits of security, depth {}, {:.1} MB of evaluation keys.",
            estimate.log_n,
            estimate.log_qp_bits,
            estimate.security_bits,
            estimate.depth,
            estimate.evaluation_key_bytes as f64 / 1e6
        ),
        (None, Some(cost)) => format!(
            "Scheme tfhe: ring degree 2^{}, {} bootstraps one after the other, {:.1} MB of evaluation keys.",
            cost.log_n,
            cost.depth,
            cost.key_bytes as f64 / 1e6
        ),
        (None, None) => String::new(),
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
