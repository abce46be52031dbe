//! A run folder read for its report, finished or not.

use std::time::SystemTime;

use hemet_search::Trial;

use super::{Run, page_html};
use crate::error::Error;
use crate::experiment::Experiment;
use crate::run::folder::RunFolder;
use crate::run::summary::{self, Member, Summary};
use crate::schemes::{CostSource, SchemeCosts};

/// A run folder with all that its report is made of.
pub struct Opened<'a> {
    folder: &'a RunFolder,
    /// What was searched, and how.
    pub experiment: Experiment,
    /// What came out; none where the search is not over.
    pub summary: Option<Summary>,
    trials: Vec<Trial>,
    front: Vec<Member>,
    costs: SchemeCosts,
}

impl<'a> Opened<'a> {
    /// Reads it.
    ///
    /// # Errors
    /// Files that cannot be read; a search in which no trial has ended.
    pub fn of(folder: &'a RunFolder) -> Result<Self, Error> {
        let experiment = folder.experiment()?;
        let summary = folder.summary()?;
        let trials = folder.trials(&experiment, summary.as_ref())?;
        if trials.is_empty() {
            return Err(Error::file(
                &folder.root,
                "no trial has ended yet; wait for one",
            ));
        }
        let source = CostSource {
            run: Some(folder),
            kept_only: true,
            ..CostSource::default()
        };
        let costs = SchemeCosts::of(experiment.space()?.schemes(), Some(&experiment), &source)?;
        let front = match &summary {
            Some(summary) => summary.front.clone(),
            None => summary::front(&experiment, &trials, &|_| None)?,
        };
        Ok(Self {
            folder,
            experiment,
            summary,
            trials,
            front,
            costs,
        })
    }

    /// As the parts of the report see it.
    pub fn run(&self) -> Run<'_> {
        Run {
            folder: self.folder,
            experiment: &self.experiment,
            front: &self.front,
            summary: self.summary.as_ref(),
            trials: &self.trials,
            costs: &self.costs,
        }
    }

    /// The page alone; nothing is written.
    ///
    /// # Errors
    /// Curves that are damaged, networks that this version cannot compile.
    pub fn html(&self) -> Result<String, Error> {
        page_html(&self.run())
    }
}

/// Length and date of the files that a report changes with.
pub fn stamp(folder: &RunFolder) -> [(u64, Option<SystemTime>); 2] {
    let journal = folder.root.join("journal.jsonl");
    [journal, folder.summary_path()].map(|path| {
        let known = std::fs::metadata(path);
        known.map_or((0, None), |known| (known.len(), known.modified().ok()))
    })
}
