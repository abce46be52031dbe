//! The report of a run: `report/` in its folder, made from the journal, the curves and the summary.
//!
//! The page is described once ([`page`]) and written twice: `index.html`, which holds its pictures and needs nothing
//! else, and `report.md`. Every picture also lies there as SVG and PNG, every table as CSV.

mod architecture;
mod choices;
pub mod compared;
pub mod follow;
mod member;
pub mod opened;
mod outcome;
mod page;
pub mod plots;
mod tables;

use hemet_reports::Table;
use hemet_search::Trial;
use hemet_search::study::Baseline;

use crate::error::Error;
use crate::experiment::Experiment;
use crate::run::counts::Counts;
use crate::run::folder::RunFolder;
use crate::run::summary::{self, Best, Summary};
use crate::schemes::SchemeCosts;
use member::Member;
pub use outcome::{show, show_unfinished};
use plots::Drawn;

/// A search, as the parts of the report see it.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// Where its files lie.
    pub folder: &'a RunFolder,
    /// What was searched, and how.
    pub experiment: &'a Experiment,
    /// The Pareto front, fastest first.
    pub front: &'a [summary::Member],
    /// What came out; none while the search runs, or where it was broken off.
    pub summary: Option<&'a Summary>,
    /// All trials.
    pub trials: &'a [Trial],
    /// The costs that the search predicted with.
    pub costs: &'a SchemeCosts,
}

impl Run<'_> {
    /// The network that was chosen, with what was measured on it.
    fn best(&self) -> Option<&Best> {
        self.summary.map(|summary| &summary.best)
    }

    /// The baseline, with what was measured on it.
    fn baseline(&self) -> Option<&Best> {
        self.summary?.baseline.as_ref()
    }

    /// Whether this trial is the network that the others are compared with, measured or not.
    fn is_baseline(&self, trial: usize) -> bool {
        self.experiment.search.baseline.is_some() && trial == Baseline::TRIAL
    }

    fn is_chosen(&self, trial: usize) -> bool {
        self.best().is_some_and(|best| best.trial == trial)
    }

    /// The name of the experiment, with the word that a search is not over.
    fn name(&self) -> String {
        match self.summary {
            Some(_) => self.experiment.name.clone(),
            None => format!("{} (unfinished)", self.experiment.name),
        }
    }

    /// The processor whose times are shown, where it is known.
    fn machine(&self) -> Option<&str> {
        let measured = self.summary.map(|summary| summary.machine.as_str());
        measured.or(self.costs.machine())
    }

    /// How many trials ended in which way.
    fn counts(&self) -> Counts {
        Counts::of(self.trials)
    }
}

/// Writes `front.csv` and `report/`.
///
/// # Errors
/// Files that cannot be read or written.
pub fn write(run: &Run<'_>) -> Result<(), Error> {
    let parts = Parts::of(run)?;
    let tables = &parts.tables;
    let front = run.folder.root.join("front.csv");
    run.folder.write(&front, tables.front.csv().as_bytes())?;
    for (name, table) in [
        ("trials", Some(&tables.trials)),
        ("baseline", tables.baseline.as_ref()),
        ("classes", tables.classes.as_ref()),
        ("confusion", tables.confusion.as_ref()),
    ] {
        table.map_or(Ok(()), |table| write_table(run, name, table))?;
    }
    let pictures = parts.members.iter().flat_map(|m| &m.pictures);
    for drawn in parts.plots.iter().chain(pictures) {
        write_picture(run, drawn)?;
    }
    for (name, table) in parts.members.iter().flat_map(|m| &m.tables) {
        write_table(run, name, table)?;
    }
    let page = page::page(run, &parts.plots, &parts.members, parts.tables);
    write_text(run, "report.md", &page.markdown())?;
    write_text(run, "index.html", &page.html()?)
}

/// The page alone, without writing anything.
///
/// # Errors
/// As [`write`].
pub fn page_html(run: &Run<'_>) -> Result<String, Error> {
    let parts = Parts::of(run)?;
    let page = page::page(run, &parts.plots, &parts.members, parts.tables);
    Ok(page.html()?)
}

/// What a page is made of.
struct Parts<'a> {
    plots: Vec<Drawn>,
    members: Vec<Member<'a>>,
    tables: page::Tables,
}

impl<'a> Parts<'a> {
    fn of(run: &Run<'a>) -> Result<Self, Error> {
        let members = run.front.iter().map(|found| Member::of(run, found));
        Ok(Self {
            plots: plots::draw(run)?,
            members: members.collect::<Result<_, Error>>()?,
            tables: page::Tables {
                front: tables::front(run)?,
                classes: tables::classes(run)?,
                confusion: tables::confusion(run)?,
                baseline: tables::against_baseline(run)?,
                trials: tables::trials(run.trials, run.experiment.searched())?,
            },
        })
    }
}

fn write_picture(run: &Run<'_>, drawn: &Drawn) -> Result<(), Error> {
    let folder = run.folder.root.join("report");
    let file = |extension: &str| folder.join(format!("{}.{extension}", drawn.name));
    run.folder.write(&file("svg"), drawn.svg.as_bytes())?;
    run.folder.write(&file("png"), &drawn.png()?)
}

fn write_table(run: &Run<'_>, name: &str, table: &Table) -> Result<(), Error> {
    write_text(run, &format!("{name}.csv"), &table.csv())
}

fn write_text(run: &Run<'_>, name: &str, text: &str) -> Result<(), Error> {
    let path = run.folder.root.join("report").join(name);
    run.folder.write(&path, text.as_bytes())
}
